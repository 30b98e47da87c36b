"""Queries and hits as a re-ranker sees them: what it does not work on is not read."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import AssetState, Catalog
from mmsearch.config import Limits
from mmsearch.errors import FileUnreadable
from mmsearch.protocols import Encoder, Reranker, TokenEncoder
from mmsearch.queries import Hit
from mmsearch.rerank_types import Asked, Document
from mmsearch.search.blame import blamed
from mmsearch.types import ImageInput, Pixels, Tokens
from mmsearch.vectors.store import VectorStore

if TYPE_CHECKING:
    from mmsearch.vectors.tokens import TokenStore


@dataclass(frozen=True, slots=True)
class Material:
    """Where documents come from.

    Attributes:
        tokens: Opens the tokens of the revision that is kept now.
        limits: What the decoding of a picture may cost.
    """

    catalog: Catalog
    store: VectorStore
    tokens: Callable[[], TokenStore]
    limits: Limits


def works_on_tokens(reranker: Reranker) -> bool:
    """Tell whether a re-ranker needs tokens.

    Raises:
        ModelError: It cannot say it.
    """
    with blamed(reranker):
        return bool(reranker.needs_tokens)


def asked(text: str, vector: npt.NDArray[np.float32], encoder: Encoder, reranker: Reranker) -> Asked:
    """Make what a re-ranker is given of a text query.

    Args:
        text: As the user wrote it.
        vector: (d,) its unit vector.
        encoder: A `TokenEncoder` if the re-ranker works on tokens.
        reranker: That is to see it.
    """
    words = cast(TokenEncoder, encoder).query_words(text) if works_on_tokens(reranker) else None
    return Asked(text, vector, words)


class Documents:
    """Makes documents of some hits, in pieces of any size; to be made and used inside `from_one_state`.

    Where they lie is looked up once for all. Tokens are read piece by piece: those of 10,000 hits would take a GB.

    Raises:
        CollectionDamaged: From any method, if vectors or tokens cannot be read.
        ModelError: The re-ranker cannot say what it works on.
    """

    def __init__(self, hits: Sequence[Hit], reranker: Reranker, material: Material) -> None:
        self._limits = material.limits
        self._needs_tokens = works_on_tokens(reranker)
        with blamed(reranker):
            self._image_input = reranker.image_input
        self._vectors: dict[int, npt.NDArray[np.float32]] = {}
        self._files: dict[str, AssetState] = {}
        if self._needs_tokens:
            self._tokens = material.tokens()
            self._places = material.catalog.token_places(np.array([hit.id for hit in hits], dtype=np.int64))
            ids, vectors = stored_vectors(material.catalog, material.store, self._places.ids)
            self._vectors = dict(zip(ids.tolist(), vectors, strict=True))
        if self._image_input is not None:
            self._files = material.catalog.lookup([hit.path for hit in hits if _is_picture(hit)])

    def of(self, hits: Sequence[Hit]) -> dict[int, Document]:
        """Make documents by id; hits without tokens are left out, if the re-ranker works on those."""
        if not self._needs_tokens:
            return {hit.id: self._document(hit, None) for hit in hits}
        tokens = self._tokens_of(hits)
        return {hit.id: self._document(hit, tokens[hit.id]) for hit in hits if hit.id in tokens}

    def _document(self, hit: Hit, tokens: Tokens | None) -> Document:
        file = self._files.get(hit.path) if _is_picture(hit) else None
        return Document(
            hit.id,
            hit.modality,
            cosine=hit.cosine or 0.0,
            vector=self._vectors.get(hit.id),
            tokens=tokens,
            text=hit.text,
            content_hash=(file.content_hash or "") if file else "",
            pixels=partial(_decoded, file, self._limits, self._image_input) if file else None,
        )

    def _tokens_of(self, hits: Sequence[Hit]) -> dict[int, Tokens]:
        places = self._places
        here = np.isin(places.ids, [hit.id for hit in hits])
        found = self._tokens.gather(places.files[here], places.rows[here], places.counts[here])
        return dict(zip(places.ids[here].tolist(), found, strict=True))


def _is_picture(hit: Hit) -> bool:
    """Tell a picture from a moment of a film, which no decoder here reads."""
    return hit.modality == "image" and hit.start_s is None


def _decoded(file: AssetState, limits: Limits, wanted: ImageInput | None) -> Pixels:
    """Decode a picture, if it is still what was indexed: what is made of it is kept under the hash of that.

    Raises:
        MediaError: It has changed, or cannot be read any more.
    """
    from mmsearch.media.sources import image_from  # Pillow, which most searches can do without

    try:
        now = os.stat(file.path)
    except OSError as error:
        raise FileUnreadable(f"{file.path}: {error.strerror}.") from error
    if (now.st_size, now.st_mtime_ns) != (file.size_bytes, file.mtime_ns):
        raise FileUnreadable(f"{file.path} has changed since it was indexed.", remedy="Index it again.")
    return image_from(file.path, limits, wanted)
