"""What an evaluation reports. Plain values."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from mmsearch.gain_reports import Interval

GroupKind = Literal["all", "target", "query"]


@dataclass(frozen=True, slots=True)
class Group:
    """The metrics of a group of queries, each with its 95 % interval.

    Attributes:
        by: "all" queries; those with a relevant file of one modality ("target"), other relevant files being taken
            out of the ranking; those of one kind of "query".
        name: "all", the modality, or the kind of query.
        metrics: By name; the median rank is infinity if it is beyond the depth.
    """

    by: GroupKind
    name: str
    queries: int
    metrics: dict[str, Interval]


@dataclass(frozen=True, slots=True)
class FailedQuery:
    """A query that could not be searched for, and counts as one that found nothing."""

    id: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one way of searching achieves; half of the searches took less than `median_ms`, in milliseconds.

    Attributes:
        notices: What searches had to say of how they were answered -> how many of them.
    """

    name: str
    groups: tuple[Group, ...]
    failed: tuple[FailedQuery, ...] = ()
    median_ms: float | None = None
    notices: dict[str, int] = field(default_factory=dict)

    @property
    def overall(self) -> Group:
        """The metrics over all queries."""
        return self.groups[0]


@dataclass(frozen=True, slots=True)
class Change:
    """A metric after less before, over the same queries, and how many queries it is better and worse for."""

    difference: Interval
    better: int
    worse: int


@dataclass(frozen=True, slots=True)
class ChangedQuery:
    """A query whose ranking changed: its average precision, and the rank of its first relevant file if found."""

    id: str
    title: str
    before: float
    after: float
    rank_before: int | None
    rank_after: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs over the same queries.

    Attributes:
        queries: Those that both have, with the same relevant files.
        left_out: Those that only one has, or whose relevant files are not the same.
        changed: Those whose average precision changed most, the worst losses first.
    """

    before: str
    after: str
    queries: int
    left_out: int
    metrics: dict[str, Change]
    changed: tuple[ChangedQuery, ...]


@dataclass(frozen=True, slots=True)
class IndexRecall:
    """How much of the true nearest vectors the index in use finds.

    Attributes:
        kind: Of the index.
        vectors: In it.
        k: So many nearest were asked for.
        queries: Vectors of so many queries were searched for: those of one part that is a text, picture or sound.
        recall: Share of the true nearest k that were found; one that is just as near counts.
    """

    kind: str
    vectors: int
    k: int
    queries: int
    recall: Interval


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What `evaluate` measured.

    Attributes:
        collection: Its name, with the model and the revision of the catalog that was measured.
        depth: So many files of each ranking were looked at: what lies beyond counts as not found.
        queries: That were searched for.
        dropped: Queries without a relevant file in the collection.
        left_out: Queries that were not drawn, if only some were wanted.
        relevant: Different relevant files that are in the collection.
        unknown: How many are not; `unknown_paths` names the first.
        index: Of the index against exact search, if that was asked for.
        seconds: What it took.
        unreadable: Queries of the log that cannot be asked again, and did not count.
    """

    collection: str
    model: str
    revision: int
    version: str
    depth: int
    queries: int
    dropped: int
    left_out: int
    relevant: int
    unknown: int
    unknown_paths: tuple[str, ...]
    runs: tuple[RunReport, ...]
    comparisons: tuple[Comparison, ...] = ()
    index: IndexRecall | None = None
    seconds: float = 0.0
    unreadable: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON object; a rank beyond the depth, which JSON has no number for, is null."""
        finite: dict[str, Any] = _finite(asdict(self))
        return finite


def _finite(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
