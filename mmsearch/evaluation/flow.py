"""Measuring, a line a stage: known files -> drawn queries -> baseline -> searches -> summaries -> comparisons.

Reading the queries (qrels.py) comes before; gates, saving and export (outcome.py) come after.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from time import perf_counter

import numpy as np

from mmsearch.errors import UsageError
from mmsearch.evaluation.judged import JudgedQuery
from mmsearch.evaluation.metrics import require_library
from mmsearch.evaluation.outcome import Evaluation
from mmsearch.evaluation.paired import compare
from mmsearch.evaluation.ranking import OnProgress, Run, Search, search_all
from mmsearch.evaluation.report import Comparison, EvaluationReport, FailedQuery, RunReport
from mmsearch.evaluation.saved import SavedRuns
from mmsearch.evaluation.settings import Settings
from mmsearch.evaluation.summary import SEED, summarise
from mmsearch.types import Modality

MAX_UNKNOWN = 100  # unknown paths that are named


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured.

    Attributes:
        collection: Its name.
        model: Of its vectors.
        revision: Of its catalog.
        modalities: Absolute path -> modality of the relevant files that can be found in it.
        folder: Of the file of queries.
    """

    collection: str
    model: str
    revision: int
    modalities: Mapping[str, Modality]
    folder: str


def evaluate(
    judged: Sequence[JudgedQuery],
    search: Search,
    subject: Subject,
    settings: Settings,
    *,
    baseline: SavedRuns | None = None,
    unreadable: int = 0,
    on_progress: OnProgress = lambda done, total: None,
) -> Evaluation:
    """Search for all queries in each of the ways, and judge what was found.

    Args:
        unreadable: How many more queries there were, to be reported.

    Raises:
        UsageError: No query has a relevant file in the collection, or the baseline has no query of these.
        DependencyMissing: The library of metrics is not installed.
        MmsearchError: Not one query could be searched for.
    """
    require_library()
    started = perf_counter()
    answerable = _answerable(judged, subject.modalities)
    queries = _drawn(answerable, settings.limit)
    pairings = _pairings(baseline, queries, settings)
    runs = _search(queries, search, settings, on_progress)
    unknown = sorted({path for query in judged for path in query.relevant} - subject.modalities.keys())
    report = EvaluationReport(
        collection=subject.collection,
        model=subject.model,
        revision=subject.revision,
        version=version("mmsearch"),
        depth=settings.depth,
        queries=len(queries),
        dropped=len(judged) - len(answerable),
        left_out=len(answerable) - len(queries),
        relevant=len({path for query in queries for path in query.relevant}),
        unknown=len(unknown),
        unknown_paths=tuple(unknown[:MAX_UNKNOWN]),
        runs=tuple(_report(queries, run, subject.modalities, settings) for run in runs),
        comparisons=tuple(_comparisons(queries, runs, pairings, settings)),
        seconds=perf_counter() - started,
        unreadable=unreadable,
    )
    return Evaluation(report, queries, runs, subject.folder)


def _answerable(judged: Sequence[JudgedQuery], known: Mapping[str, Modality]) -> list[JudgedQuery]:
    """Leave out relevant files that are not in the collection, and then queries that have none."""
    reduced = (
        replace(query, relevant={path: grade for path, grade in query.relevant.items() if path in known})
        for query in judged
    )
    found = [query for query in reduced if query.relevant]
    if not found:
        raise UsageError(
            "No query has a relevant file that is in the collection.",
            remedy="Paths are relative to the folder of the file of queries; `mmsearch status` shows what is indexed.",
        )
    return found


def _drawn(queries: Sequence[JudgedQuery], limit: int | None) -> tuple[JudgedQuery, ...]:
    """Draw some at random, in their order: the first may be all about one thing."""
    if limit is None or limit >= len(queries):
        return tuple(queries)
    return tuple(queries[number] for number in sorted(np.random.default_rng(SEED).permutation(len(queries))[:limit]))


@dataclass(frozen=True, slots=True)
class _Pairing:
    """A run of before, and the queries that it shares with those of now: their numbers now, and then."""

    run: Run
    now: list[int]
    then: list[int]


def _pairings(baseline: SavedRuns | None, queries: Sequence[JudgedQuery], settings: Settings) -> dict[str, _Pairing]:
    """Find for each run to come the one to compare it with, and the queries that both have."""
    if baseline is None:
        return {}
    numbers = {query.id: number for number, query in enumerate(baseline.queries)}
    pairs = [
        (now, then)
        for now, query in enumerate(queries)
        if (then := numbers.get(query.id)) is not None and baseline.queries[then] == query
    ]
    if not pairs:
        raise UsageError("The baseline has none of these queries with the same relevant files.", remedy="Save it anew.")
    by_name = {run.name: run for run in baseline.runs}
    only = baseline.runs[0] if len(baseline.runs) == 1 else None
    pairings = {}
    for name in settings.run_options:
        before = by_name.get(name, only)
        if before is None:
            raise UsageError(
                f"The baseline has no run {name!r}, but {', '.join(by_name)}.", remedy="Choose with --modes."
            )
        pairings[name] = _Pairing(before, [now for now, _ in pairs], [then for _, then in pairs])
    return pairings


def _search(
    queries: Sequence[JudgedQuery], search: Search, settings: Settings, on_progress: OnProgress
) -> tuple[Run, ...]:
    on_searched = _counting(len(queries) * len(settings.run_options), on_progress)
    return tuple(
        search_all(name, queries, search, depth=settings.depth, options=options, on_searched=on_searched)
        for name, options in settings.run_options.items()
    )


def _counting(total: int, on_progress: OnProgress) -> Callable[[], None]:
    done = 0

    def on_searched() -> None:
        nonlocal done
        done += 1
        on_progress(done, total)

    on_progress(0, total)
    return on_searched


def _report(
    queries: Sequence[JudgedQuery], run: Run, modalities: Mapping[str, Modality], settings: Settings
) -> RunReport:
    failed = (FailedQuery(queries[number].id, queries[number].title, why) for number, why in run.failed.items())
    groups = summarise(queries, run, modalities, settings.all_metrics)
    return RunReport(run.name, groups, tuple(failed), run.median_ms, run.notices)


def _comparisons(
    queries: Sequence[JudgedQuery], runs: Sequence[Run], pairings: Mapping[str, _Pairing], settings: Settings
) -> list[Comparison]:
    """Compare each run with its baseline, if there is one; else all with the first."""
    metrics = settings.all_metrics
    if not pairings:
        return [compare(queries, runs[0], run, metrics) for run in runs[1:]]
    found = []
    for run in runs:
        pair = pairings[run.name]
        shared = [queries[number] for number in pair.now]
        before = Run(f"{pair.run.name} (baseline)", tuple(pair.run.rankings[number] for number in pair.then))
        after = Run(run.name, tuple(run.rankings[number] for number in pair.now))
        before = replace(before, rankings=tuple(ranking[: settings.depth] for ranking in before.rankings))
        found.append(compare(shared, before, after, metrics, left_out=len(queries) - len(shared)))
    return found
