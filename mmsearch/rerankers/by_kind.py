"""Several re-rankers as one: each kind of document has its own judge."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from mmsearch.protocols import LookingReranker, Reranker
from mmsearch.rerank_types import Asked, Document
from mmsearch.types import ImageInput, Modality


class ByKind:
    """Lets each document be judged by the judge of its kind.

    Args:
        judges: Kind -> who judges it, and has a weight for it; all work on tokens.
    """

    needs_tokens = True
    image_input: ImageInput | None = None

    def __init__(self, judges: Mapping[Modality, Reranker]) -> None:
        self._judges = dict(judges)
        self.name = ", ".join(dict.fromkeys(judge.name for judge in judges.values()))
        self.weights: dict[Modality, float] = {kind: judge.weights[kind] for kind, judge in judges.items()}

    def load(self) -> None:
        """Load all of them."""
        for judge in set(self._judges.values()):
            judge.load()

    def score(self, asked: Asked, documents: Sequence[Document]) -> npt.NDArray[np.float32]:
        """Score documents (n,), each by the judge of its kind."""
        scores = np.full(len(documents), np.nan, dtype=np.float32)
        for judge in set(self._judges.values()):
            places = [place for place, each in enumerate(documents) if self._judges.get(each.modality) is judge]
            if places:
                scores[places] = judge.score(asked, [documents[place] for place in places])
        return scores

    def relevance(self, asked: Asked, document: Document) -> npt.NDArray[np.float32]:
        """Say where the judge of the document's kind looked: (words, t)."""
        return cast("LookingReranker", self._judges[document.modality]).relevance(asked, document)
