"""Where a query found itself in an item, a line a stage: ask -> look up -> tokens -> relevance -> places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import numpy.typing as npt

from mmsearch.attention.explanation import Explanation
from mmsearch.attention.looking import choose, relevance, score
from mmsearch.attention.maps import whole_map, word_maps
from mmsearch.attention.placing import frame_of, placed
from mmsearch.attention.subject import Subject, look_up, stored_subjects
from mmsearch.attention.tokens import with_tokens
from mmsearch.errors import ModalityUnsupported
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder, LookingReranker, TokenEncoder
from mmsearch.rerank_types import Asked, Document
from mmsearch.search.documents import Material
from mmsearch.search.items import Item
from mmsearch.search.rerankers import RerankerCache
from mmsearch.search.stored import from_one_state
from mmsearch.search.terms import Term, check_term
from mmsearch.types import EncoderSpec, Ids, Modality

_NO_ID = 2**63


@dataclass(frozen=True, slots=True)
class Looker:
    """One query that is looked for in any number of items.

    Attributes:
        reranker: The one that looks, by name; "" for the one that searches would use, if it can say where it looked.
    """

    asked: Asked
    encoder: TokenEncoder
    material: Material
    rerankers: RerankerCache
    reranker: str = ""

    def explain(self, item: Item) -> Explanation:
        """Look at an item; what is not stored of it is made anew.

        Raises:
            MmsearchError: As `Collection.explain`.
        """
        subject, reranker = from_one_state(self.material.catalog, partial(self._look_up, item))
        subject = with_tokens(subject, self.encoder, self.material.limits)
        return _explained(self.asked, subject, reranker, self.encoder.spec)

    def explain_hits(self, ids: Sequence[int]) -> Iterator[Explanation]:
        """Look at pictures and sounds by id, as far as their tokens are stored; others are passed over."""
        wanted = np.array([id_ for id_ in ids if abs(id_) < _NO_ID], dtype=np.int64)
        for subject, reranker in from_one_state(self.material.catalog, partial(self._stored, wanted)):
            yield _explained(self.asked, subject, reranker, self.encoder.spec)

    def _look_up(self, item: Item) -> tuple[Subject, LookingReranker]:
        assert self.asked.vector is not None
        subject = look_up(item, self.asked.vector, self.encoder.spec.tokens, self.material)
        return subject, self._reranker_for(subject.modality)

    def _stored(self, ids: Ids) -> list[tuple[Subject, LookingReranker]]:
        subjects = stored_subjects(ids, self.encoder.spec.tokens, self.material)
        rerankers = {kind: self._reranker_for(kind) for kind in {subject.modality for subject in subjects}}
        return [(subject, rerankers[subject.modality]) for subject in subjects]

    def _reranker_for(self, kind: Modality) -> LookingReranker:
        return choose(self.reranker, kind, self.encoder.spec.space, self.rerankers)


def looker(query: str, *, encoder: Encoder, material: Material, rerankers: RerankerCache, reranker: str = "") -> Looker:
    """Ask: embed a query and each of its words.

    Raises:
        QueryError: It is empty or endless.
        ModalityUnsupported: The model gives no tokens.
    """
    check_term(Term("text", query))
    if not encoder.spec.tokens:
        raise ModalityUnsupported(
            f"The model {encoder.spec.space.model} says nothing of the parts of an item, only of the whole.",
            remedy="Index the files with another model, such as builtin, into a collection of their own.",
        )
    knowing = cast("TokenEncoder", encoder)
    vector = unit_rows(knowing.encode_texts([query], "query"))[0]
    return Looker(Asked(query, vector, knowing.query_words(query)), knowing, material, rerankers, reranker)


def _explained(asked: Asked, subject: Subject, reranker: LookingReranker, spec: EncoderSpec) -> Explanation:
    assert asked.vector is not None
    assert asked.words is not None
    reranker.load()
    cosines = subject.vectors @ asked.vector
    best = int(cosines.argmax())
    frame = frame_of(subject, spec)
    found, place = placed(subject, relevance(reranker, asked, _whole(subject, cosines)), frame, spec)
    return Explanation(
        query=asked.text,
        path=subject.asset.path,
        id=subject.segments[best].id,
        modality=subject.modality,
        model=reranker.name,
        cosine=round(float(cosines[best]), 4),
        score=score(reranker, asked, _whole(subject.only(best), cosines[[best]])),
        words=word_maps(asked.words.words, found, place),
        together=whole_map(asked.text, found, place),
        start_s=subject.segments[0].start_s,
        end_s=subject.segments[-1].end_s,
        text=subject.segments[0].text,
        frame=frame,
        content_hash=subject.asset.content_hash or "",
    )


def _whole(subject: Subject, cosines: npt.NDArray[np.float32]) -> Document:
    """Take all segments for one document, so that what is found in one is comparable with what is found in another."""
    assert subject.tokens is not None
    shown = subject.segments[int(cosines.argmax())]
    vector = unit_rows(subject.vectors.mean(axis=0, keepdims=True))[0]
    return Document(
        shown.id,
        shown.modality,
        cosine=float(cosines.max()),
        vector=vector,
        tokens=np.concatenate(subject.tokens),
        text=shown.text,
    )
