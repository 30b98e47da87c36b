"""Search for every query and keep the order of the files."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from mmsearch.errors import ItemNotFound, MediaError, MmsearchError, ModalityUnsupported, QueryError
from mmsearch.evaluation.judged import JudgedQuery
from mmsearch.queries import Hits

Ranking = tuple[tuple[str, float], ...]  # (absolute path, score) of different files, best first
MAX_NOTICES = 10  # different ones that a run keeps
OnProgress = Callable[[int, int], None]  # (searches done, searches in all)

_OF_THE_QUERY = (QueryError, ItemNotFound, MediaError, ModalityUnsupported)


class Search(Protocol):
    """What is measured: `Collection.search_request`, or anything else that finds."""

    def __call__(self, request: Mapping[str, Any], *, k: int, **options: Any) -> Hits:  # noqa: ANN401
        """Find the best k for a request; options stand in place of what it says itself."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """The answers of one way of searching.

    Attributes:
        name: Of the way, such as "hybrid".
        rankings: One for each query, in their order.
        failed: Number of the query -> why it could not be searched for; its ranking is empty.
        median_ms: Half of the searches took less, in milliseconds; None if nobody took the time.
        notices: What searches had to say of how they were answered -> how many of them.
    """

    name: str
    rankings: tuple[Ranking, ...]
    failed: dict[int, str] = field(default_factory=dict)
    median_ms: float | None = None
    notices: dict[str, int] = field(default_factory=dict)

    def paths(self) -> list[list[str]]:
        """Return the rankings without their scores."""
        return [[path for path, _ in ranking] for ranking in self.rankings]


def search_all(
    name: str,
    queries: Sequence[JudgedQuery],
    search: Search,
    *,
    depth: int,
    options: Mapping[str, Any],
    on_searched: Callable[[], None] = lambda: None,
) -> Run:
    """Search for each query.

    A query that cannot be searched for (its picture is gone, say) finds nothing, so that it counts against the
    search and all runs have the same queries.

    Raises:
        MmsearchError: Not one query could be searched for; the reason of the first.
    """
    rankings: list[Ranking] = []
    failures: dict[int, MmsearchError] = {}
    notices: Counter[str] = Counter()
    times_ms = np.zeros(len(queries))
    for number, query in enumerate(queries):
        started = perf_counter()
        try:
            rankings.append(_ranking(query, search, depth, options, notices))
        except _OF_THE_QUERY as error:
            rankings.append(())
            failures[number] = error
        times_ms[number] = 1_000 * (perf_counter() - started)
        on_searched()
    if failures and len(failures) == len(queries):
        raise failures[0]
    reasons = {number: error.message for number, error in failures.items()}
    return Run(name, tuple(rankings), reasons, float(np.median(times_ms)), dict(notices.most_common(MAX_NOTICES)))


def _ranking(
    query: JudgedQuery, search: Search, depth: int, options: Mapping[str, Any], notices: Counter[str]
) -> Ranking:
    """Search for a query: a hit stands for its file, a caption for the file that it describes.

    The files that a query is made of are no answers, unless they are said to be.
    """
    own = query.own_files - query.relevant.keys()
    found: dict[str, float] = {}
    hits = search(query.request, k=depth + len(own), **options)
    notices.update(hits.notices)
    for hit in hits:
        if hit.subject not in own:
            found.setdefault(hit.subject, hit.score)
    return tuple(found.items())[:depth]
