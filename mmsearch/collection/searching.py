"""The part of the Python API that answers queries."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mmsearch.adapt.stored import heads_in_use
from mmsearch.collection.base import CollectionBase
from mmsearch.errors import QueryError
from mmsearch.search.encode import embed, part_vectors
from mmsearch.search.flow import search
from mmsearch.search.parse import (
    Images,
    Item,
    OneOrMore,
    Sounds,
    like_part,
    listed,
    media_parts,
    parse_modalities,
    text_parts,
)
from mmsearch.types import Filter, Hits, Modality, Query, QueryPart, Vectors


class Searching(CollectionBase):
    """Search and embed."""

    def search(
        self,
        text: OneOrMore = (),
        *,
        image: Images = (),
        audio: Sounds = (),
        like: Item | Sequence[Item] = (),
        negative: OneOrMore = (),
        modality: Modality | str | Sequence[str] = (),
        k: int | None = None,
        offset: int = 0,
    ) -> Hits:
        """Find the segments nearest to what is asked for, best first.

        All parts combine into one: their unit vectors are added up by weight.

        Args:
            text: Words or sentences; '2:cat' counts double.
            image: Pictures: paths ('0.5:a.jpg' counts half), bytes, PIL images, arrays (h, w, 3).
            audio: Sounds: paths, bytes, or (samples, rate in Hz); several as a list. The first minute counts.
            like: Items of the collection, by id or path; they are left out of the results.
            negative: Texts to steer away from.
            modality: Only segments of these kinds, such as "image" or "image,text".
            k: How many; by default `search.k` of the settings, 10.
            offset: How many of the best to leave out, for paging.

        Returns:
            At most k hits with `good_match`, which is False if even the best is probably wrong.

        Raises:
            QueryError: There is nothing to search for.
            ItemNotFound: `like` names something that is not in the collection.
            MediaError: A picture or sound cannot be read.
            ModalityUnsupported: The model takes no pictures, or no sounds.
        """
        k = self._config.search.k if k is None else k
        if k < 1 or offset < 0:
            raise QueryError(f"k must be at least 1 and offset at least 0, not {k} and {offset}.")
        modalities = parse_modalities(listed(modality))
        shelves, encoder = self._storage.reading(), self._storage.encoder()
        parts = text_parts(listed(text)) + text_parts(listed(negative), sign=-1.0)
        parts += media_parts(image, audio, encoder.spec, self._limits())
        excluded: set[int] = set()
        for item in [like] if isinstance(like, str | int | os.PathLike) else like:
            part, assets = like_part(item, shelves.catalog, shelves.store)
            parts.append(part)
            excluded |= assets
        query = Query(tuple(parts), Filter(modalities, frozenset(excluded)), k, offset)
        return search(query, encoder=encoder, indexes=shelves.indexes, catalog=shelves.catalog)

    def embed(self, *, texts: OneOrMore = (), images: Images = (), sounds: Sounds = ()) -> Vectors:
        """Embed texts, then images, then sounds, as the collection's own are: (n, d) float32, unit rows."""
        encoder = self._storage.encoder()
        parts = [QueryPart("text", text=text) for text in listed(texts)]
        parts += media_parts(images, sounds, encoder.spec, self._limits())
        heads = heads_in_use(self._storage.reading().catalog) if self.exists else {}
        return part_vectors(parts, embed(parts, encoder), heads, encoder.spec.space.dim)
