"""What to measure, checked before anything is searched for."""

from dataclasses import dataclass
from typing import Any, get_args

from mmsearch.errors import UsageError
from mmsearch.evaluation.metrics import DEFAULT_METRICS, MEDIAN_RANK, parse_metric
from mmsearch.queries import Mode

DEPTH = 100
MIN_DEPTH = 10  # the usual metrics look at the first 10
MAX_DEPTH = 10_000
DEFAULT_RUN = "default"
RERANK_RUNS = {"first stage": False, "re-ranked": True}


@dataclass(frozen=True, slots=True)
class Settings:
    """What to measure.

    Attributes:
        modes: Ways of searching, each a run; none is one run with the mode of the query or the collection.
        options: Handed to each search, in place of what a query says itself.
        depth: Files of each ranking that are looked at.
        metrics: Besides the usual ones.
        limit: At most so many queries, drawn at random, always the same.
        compare_rerank: Measure searches without and with re-ranking, each a run.
    """

    modes: tuple[str, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    depth: int = DEPTH
    metrics: tuple[str, ...] = ()
    limit: int | None = None
    compare_rerank: bool = False

    def __post_init__(self) -> None:
        if not MIN_DEPTH <= self.depth <= MAX_DEPTH:
            raise UsageError(f"The depth may be from {MIN_DEPTH} to {MAX_DEPTH:,}, not {self.depth:,}.", remedy="")
        if unknown := [mode for mode in self.modes if mode not in get_args(Mode)]:
            raise UsageError(f"There is no mode {unknown[0]!r}; known: {', '.join(get_args(Mode))}.", remedy="")
        if len(set(self.modes)) < len(self.modes):
            raise UsageError(f"A mode is given twice: {', '.join(self.modes)}.", remedy="")
        if self.compare_rerank and len(self.modes) > 1:
            raise UsageError("Either modes are compared, or re-ranking.", remedy="Give one mode.")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"The limit on queries must be at least 1, not {self.limit}.", remedy="")

    @property
    def all_metrics(self) -> list[str]:
        """The means to compute, by their usual names, each once.

        Raises:
            UsageError: There is no such metric.
        """
        named = [parse_metric(name, self.depth) for name in (*DEFAULT_METRICS, f"recall@{self.depth}", *self.metrics)]
        return [name for name in dict.fromkeys(named) if name != MEDIAN_RANK]

    @property
    def run_options(self) -> dict[str, dict[str, Any]]:
        """Name of each run -> what is handed to its searches."""
        options = dict(self.options)
        if self.compare_rerank:
            mode = {"mode": self.modes[0]} if self.modes else {}
            return {name: options | mode | {"rerank": rerank} for name, rerank in RERANK_RUNS.items()}
        return {mode: options | {"mode": mode} for mode in self.modes} or {DEFAULT_RUN: options}
