"""The part of the Python API that answers queries."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from mmsearch.adapt.stored import heads_in_use
from mmsearch.collection.base import StrPath
from mmsearch.collection.feedback import Feedback
from mmsearch.queries import Combine, Hits, Mode
from mmsearch.search.arguments import OneOrMore
from mmsearch.search.encode import embed, part_vectors
from mmsearch.search.flow import search
from mmsearch.search.items import Item
from mmsearch.search.parse import parse
from mmsearch.search.parts import media_parts
from mmsearch.search.request import Request, from_json, make_request
from mmsearch.search.terms import Term, read_terms, sound_terms
from mmsearch.types import Modality, Vectors

if TYPE_CHECKING:
    import numpy.typing as npt

    from mmsearch.media.sound_sources import SoundSource
    from mmsearch.media.sources import ImageSource

Images: TypeAlias = "ImageSource | Sequence[ImageSource]"
Sounds: TypeAlias = "SoundSource | Sequence[SoundSource]"


class Searching(Feedback):
    """Search and embed."""

    def search(
        self,
        text: OneOrMore = (),
        *,
        image: Images = (),
        audio: Sounds = (),
        like: Item | Sequence[Item] = (),
        vector: npt.ArrayLike | None = None,
        negative: OneOrMore = (),
        parts: Sequence[Mapping[str, Any]] = (),
        combine: Combine = "add",
        mode: Mode | None = None,
        modality: Modality | str | Sequence[str] | None = None,
        where: str | None = None,
        sort: str | None = None,
        k: int | None = None,
        offset: int = 0,
        min_score: float = 0.0,
        group: bool = True,
        dedupe: bool = False,
        quotas: str | Iterable[str] | Mapping[str, int] = (),
        explain: bool = False,
        log: bool | None = None,
        rerank: bool | None = None,
        reranker: str = "",
        rerank_depth: int | None = None,
        budget_ms: float | None = None,
    ) -> Hits:
        """Find what is nearest to what is asked for, best first; without a query, list what the filter lets through.

        Texts, and paths and items that are texts, may begin with a weight: '2:cat', '-0.5:crowd' (see `search.terms`).
        A text is never more than that: unlike on the command line, 'image:a.jpg' are words to search for. So a
        program may pass on what its users type; as `parts=[{"text": ...}]` even weights are not looked for.

        Args:
            text: Words or sentences. In mode text and hybrid "quoted phrases" must occur and word* is a beginning.
            image: Pictures: paths ('0.5:a.jpg' counts half), bytes, PIL images, arrays (h, w, 3).
            audio: Sounds: paths, bytes, or (samples, rate in Hz); several as a list. The first minute counts.
            like: Items of the collection, by id or path; they are left out of the results.
            vector: A vector (d,) or several (n, d) of the collection's model, from `embed`.
            negative: Texts to steer away from.
            parts: Parts of any kind and weight, such as {"text": "dog", "weight": 2} or {"image": "crowd.jpg",
                "weight": -0.5}; the one other key is text, image, audio, item or vector, and its value a text, a
                path, or data as above. A weight below 0 steers away.
            combine: "add" searches by one vector, the sum of all parts by weight; "fuse" by each part alone, and
                finds what fits all of them and none of the negative ones (docs/composed-queries.md).
            mode: "vector" goes by meaning, "text" by words in names, captions and transcripts, "hybrid" by both;
                by default as the settings say, "hybrid".
            modality: Only segments of these kinds, such as "image" or "image,text"; None or nothing for all.
            where: Only files for which this holds, such as "year >= 2020 and tag = 'beach'" (docs/where.md).
            sort: Fields to sort by, such as "-taken,name"; of a query, the k best that are returned are sorted.
            k: How many; by default `search.k` of the settings, 10.
            offset: How many of the best to leave out, for paging.
            min_score: Leave out hits below; from 0.5 on a match is likely, but not in mode text (docs/scores.md).
            group: One hit a file, with its next best segments in `more`; else each segment is a hit.
            dedupe: Leave out copies and near-copies of better hits.
            quotas: At most so many hits of a kind, image, audio or text: "image=5,audio=3", or a mapping.
            explain: Give each hit an `explain`. A list without a query has neither this nor `quotas` or `dedupe`.
            log: Note the query for `mmsearch log`; by default as the settings say, no.
            rerank: Let a re-ranker look at the best hits again, if the query is one text; by default as the settings
                say, yes, where one is known to help. If it cannot be done, `notices` of the result say why.
            reranker: Which one: "maxsim", "blip:FOLDER", "cross_encoder:FOLDER" or another of
                `registry.reranker_names`; by default the one trained for the collection, or built in. This and what
                follows imply `rerank`.
            rerank_depth: How many hits it looks at; by default `search.rerank_depth` of the settings, 100.
            budget_ms: It ends after so many milliseconds, not counting the loading of the model, and what it did not
                come to keeps its place.

        Returns:
            At most k hits with `good_match`, which is False if even the best is probably wrong; and with `total`
            if it is a list.

        Raises:
            QueryError: There is nothing to search for, or an argument is not valid.
            FilterError: `where` or `sort` cannot be read; the message points at the place.
            ItemNotFound: `like` names something that is not in the collection.
            MediaError: A picture or sound cannot be read.
            ModalityUnsupported: The model takes no pictures, or no sounds.
            ModelNotFound: There is no such re-ranker.
        """
        asked = {"text": text, "image": image, "audio": audio, "like": like, "vector": vector, "negative": negative}
        limits = {"modality": modality, "where": where, "min_score": min_score, "dedupe": dedupe, "quotas": quotas}
        ranking = {"combine": combine, "mode": mode, "sort": sort, "k": k, "offset": offset, "group": group}
        again = {"rerank": rerank, "reranker": reranker, "rerank_depth": rerank_depth, "budget_ms": budget_ms}
        flags = {"explain": explain, "log": log}
        return self._answer(make_request({"parts": parts, **asked, **limits, **ranking, **again, **flags}))

    def search_request(self, request: Mapping[str, Any], *, base: StrPath | None = None, **overrides: object) -> Hits:
        """Answer a query that is a JSON object.

        Args:
            request: The names of `search`'s arguments, such as {"parts": [{"text": "dog", "weight": 2},
                {"image": "a.jpg"}, {"item": 17, "weight": -0.5}], "k": 5}.
            base: The folder from which relative paths in it count.
            overrides: Options of `search` that win over those of the request.

        Raises:
            MmsearchError: As `search`.
        """
        folder = None if base is None else os.fspath(base)
        return self._answer(from_json({**request, **overrides}, base=folder))

    def embed(self, *, texts: OneOrMore = (), images: Images = (), sounds: Sounds = ()) -> Vectors:
        """Embed texts, then images, then sounds, as the collection's own are: (n, d) float32, unit rows."""
        encoder = self._storage.encoder()
        terms = [Term("text", text) for text in ([texts] if isinstance(texts, str) else texts)]
        terms += [*read_terms(images, "image"), *sound_terms(sounds)]
        parts = media_parts(terms, encoder.spec, self._limits())
        heads = heads_in_use(self._storage.reading().catalog) if self.exists else {}
        return part_vectors(parts, embed(parts, encoder), heads, encoder.spec.space.dim)

    def _answer(self, request: Request) -> Hits:
        shelves, encoder = self._storage.reading(), self._storage.encoder()
        catalog, store = shelves.catalog, shelves.store
        limits, config = self._limits(), self._config.search
        query = parse(request, spec=encoder.spec, limits=limits, config=config, catalog=catalog, store=store)
        hits = search(
            query,
            encoder=encoder,
            indexes=shelves.indexes,
            catalog=catalog,
            store=store,
            tokens=lambda: shelves.tokens,
            limits=limits,
        )
        wanted = self._config.search.log if request.log is None else request.log
        return replace(hits, query_id=self.note_query(request.to_json(), hits)) if wanted and request.terms else hits
