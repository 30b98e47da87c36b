"""What a re-ranker is given. Plain values, like types.py."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmsearch.types import Modality, Pixels, QueryWords, Tokens


@dataclass(frozen=True, slots=True)
class Asked:
    """A text query as re-rankers see it.

    Attributes:
        text: As the user wrote it.
        vector: (d,) its unit vector; None if the query is by words alone.
        words: What its words mean; None if the re-ranker does not work on tokens.
    """

    text: str
    vector: npt.NDArray[np.float32] | None = None
    words: QueryWords | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A candidate as re-rankers see it.

    Attributes:
        id: Of the segment.
        cosine: Between query and segment, in [-1, 1]; 0 if there is no query vector.
        vector: (d,) its unit vector as searches see it; None unless the re-ranker works on tokens.
        tokens: (t, d); None if it has none stored, or the re-ranker does not work on them.
        text: Of a passage.
        content_hash: Of its file: what may be kept of it from query to query goes by this name.
        pixels: Decodes a picture to the re-ranker's `image_input`; raises MediaError. None for all but pictures.
    """

    id: int
    modality: Modality
    cosine: float = 0.0
    vector: npt.NDArray[np.float32] | None = None
    tokens: Tokens | None = None
    text: str | None = None
    content_hash: str = ""
    pixels: Callable[[], Pixels] | None = None
