"""The part of the Python API that measures searches on queries with known answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmsearch.collection.base import StrPath
from mmsearch.collection.searching import Searching
from mmsearch.errors import MediaError, ModalityUnsupported, QueryError
from mmsearch.queries import Mode
from mmsearch.search.arguments import OneOrMore, listed, parse_modalities
from mmsearch.types import Modality, Vectors

if TYPE_CHECKING:
    from mmsearch.evaluation.flow import Subject
    from mmsearch.evaluation.judged import JudgedQuery
    from mmsearch.evaluation.outcome import Evaluation
    from mmsearch.evaluation.report import IndexRecall

_PLAIN = ("text", "image", "audio")
_AT_ONCE = 256  # texts that are embedded together


class Evaluating(Searching):
    """Evaluate."""

    def evaluate(
        self,
        qrels: StrPath | None,
        *,
        modes: Mode | Sequence[Mode] = (),
        depth: int = 100,
        modality: Modality | str | Sequence[str] = (),
        where: str = "",
        metrics: OneOrMore = (),
        limit: int | None = None,
        exact: bool = False,
        baseline: StrPath | None = None,
        rerank: bool | None = None,
        reranker: str = "",
        rerank_depth: int | None = None,
        compare_rerank: bool = False,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Evaluation:
        """Search for queries with known answers, and measure how high the answers come (docs/evaluate.md).

        Args:
            qrels: A file of queries and the files that they should find (.jsonl, .csv, .tsv), or of captions, as
                `adapt` takes it; None for the queries of the log of which it was said what was meant.
            modes: Ways of searching to compare, the first with each of the others; by default one, as usual.
            depth: So many files of each ranking are looked at.
            modality: As of `search`, in place of what the queries say.
            where: The same.
            metrics: Besides the usual ones, such as "recall@20".
            limit: At most so many queries, drawn at random, always the same.
            exact: Also measure how much of the true nearest vectors the index finds.
            baseline: A file that `Evaluation.save` wrote, to compare with.
            rerank: As of `search`, in place of what the queries say; so are `reranker` and `rerank_depth`.
            compare_rerank: Search without and with re-ranking, and compare; with one mode at most.
            on_progress: Called with the searches done and their number, from this thread.

        Raises:
            UsageError: A file or an argument cannot be read, or no query has an answer in the collection.
            DependencyMissing: The extra "evaluate" is not installed.
        """
        from mmsearch.evaluation.flow import evaluate
        from mmsearch.evaluation.saved import load_runs
        from mmsearch.evaluation.settings import Settings

        ways = tuple([modes] if isinstance(modes, str) else modes)
        again = (("rerank", rerank), ("reranker", reranker or None), ("rerank_depth", rerank_depth))
        options = (("modality", sorted(parse_modalities(modality)) or None), ("where", where or None), *again)
        given = tuple((name, value) for name, value in options if value is not None)
        settings = Settings(ways, given, depth, tuple(listed(metrics)), limit, compare_rerank)
        judged, folder, unreadable = self._judged(qrels)
        saved = None if baseline is None else load_runs(os.path.expanduser(baseline), folder)
        subject = self._subject(judged, folder)
        search = partial(self.search_request, log=False)
        measured = evaluate(
            judged, search, subject, settings, baseline=saved, unreadable=unreadable, on_progress=on_progress
        )
        return measured.with_index(self._index_recall(measured.queries)) if exact else measured

    def _judged(self, qrels: StrPath | None) -> tuple[Sequence[JudgedQuery], str, int]:
        """Read the queries; with the folder from which their paths count, and how many could not be read."""
        from mmsearch.evaluation.qrels import from_log, read_qrels

        if qrels is None:
            queries, unreadable = from_log(self._storage.reading().catalog.clicked_queries())
            return queries, os.getcwd(), unreadable
        path = os.path.abspath(os.path.expanduser(qrels))
        return read_qrels(path, self._limits()), os.path.dirname(path), 0

    def _subject(self, judged: Sequence[JudgedQuery], folder: str) -> Subject:
        """Say what is measured, and which of the relevant files are in it."""
        from mmsearch.evaluation.flow import Subject

        shelves = self._storage.reading()
        paths = {path for query in judged for path in query.relevant}
        with shelves.catalog.snapshot():
            states, revision = shelves.catalog.lookup(list(paths)), shelves.catalog.revision()
        known = {path: state.modality for path, state in states.items() if state.status == "ready" and state.modality}
        return Subject(self.name, shelves.space.model, revision, known, folder)

    def _index_recall(self, queries: Sequence[JudgedQuery]) -> IndexRecall | None:
        """Compare the index in use with exact search over the stored vectors of the same state."""
        from mmsearch.adapt.stored import stored_vectors
        from mmsearch.evaluation.exact import index_recall
        from mmsearch.search.stored import from_one_state
        from mmsearch.vectors.flat import FlatIndex

        shelves, vectors = self._storage.reading(), self._query_vectors(queries)

        def measure() -> IndexRecall | None:
            exact = FlatIndex.of(*stored_vectors(shelves.catalog, shelves.store))
            return index_recall(shelves.indexes.current(), exact, vectors)

        return from_one_state(shelves.catalog, measure)

    def _query_vectors(self, queries: Sequence[JudgedQuery]) -> Vectors:
        """Embed the queries of one part that is a text, a picture or a sound, as far as they can be read: (n, d)."""
        values = {kind: [q.request["parts"][0][kind] for q in queries if q.kind == kind] for kind in _PLAIN}
        texts = (values["text"][start : start + _AT_ONCE] for start in range(0, len(values["text"]), _AT_ONCE))
        found = [np.empty((0, self._storage.encoder().spec.space.dim), dtype=np.float32)]
        found += [self.embed(texts=some) for some in texts]
        for kind in ("image", "audio"):
            for path in map(Path, values[kind]):
                with suppress(MediaError, ModalityUnsupported, QueryError):  # told of in the report of the run
                    found.append(self.embed(images=path) if kind == "image" else self.embed(sounds=path))
        return np.concatenate(found)
