"""What the Python API reports: counts, states, what was measured. Plain values, like types.py."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from mmsearch.types import Modality, Plain


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one `index` run did, in files.

    Attributes:
        added: New, including copies of known files and files that came under another name.
        unchanged: Size and time, or else the content, are as they were; failed files that did not change too.
        removed: Paths that are gone, be it that the file was deleted or that it has another name now.
        renamed: Those of `added` (and `removed`) whose content was there under a name that is gone.
        waiting: Recognised, but no model here can embed them yet.
        skipped: Looked at and found to hold nothing to search; sidecars that have only fields are among them.
        encoded: Files that went through the model: `added` and `updated` less copies and renames.
        segments: Segments that were embedded.
        tokens_made: Segments of unchanged files that had no tokens and were given some.
        notices: What the user should know besides, such as why the index could not be brought up to date.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    seconds: float = 0.0
    renamed: int = 0
    waiting: int = 0
    skipped: int = 0
    encoded: int = 0
    segments: int = 0
    tokens_made: int = 0
    notices: tuple[str, ...] = ()

    def noting(self, notice: str) -> "IndexReport":
        """Return it with one more notice, unless that is empty or there already."""
        return replace(self, notices=(*self.notices, notice)) if notice and notice not in self.notices else self


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far an `index` run has come, in files; or, at the end of some, how far the index over their vectors.

    Attributes:
        total: 0 while files are still being counted, and in stages of which nobody knows how long they are.
        stage: "" while files are read; then what is done for the index, in vectors: "fold", "rows", "train", "add" or
            "measure".
    """

    done: int
    total: int
    failed: int = 0
    encoded: int = 0
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that failed, as the catalog remembers it."""

    path: str
    code: str
    reason: str
    failed_at: str


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """The index over one space.

    Attributes:
        kind: "none" if none was published yet.
        size_bytes: Of its files.
        vectors: What searches see: `tail` is in it, `removed` is not.
        fresh: Whether searches use what was published; else they compare each query with all stored vectors.
        tail: Vectors that came since; all of them are compared with each query.
        removed: Vectors that went since it was made, but whose rows are still there.
        factory: FAISS factory string of the structure that proposes where to look; "" for a scan.
        probes: Cells that it looks into for a query, or the breadth of the search of a graph; 0 for a scan.
        candidates: So many rows it proposes at least, whose exact scores then decide; 0 for a scan.
        recall: Share of the true nearest 10 that searches by texts find, as measured; None for a scan, which finds all.
        recall_100: The same of the nearest 100.
        latency_ms: Median of one search, on one core, as measured; None if nothing was.
        flat_latency_ms: The same of a scan.
        bytes_per_vector: Size of the files by vectors.
        trained_on: Vectors in the collection when the structure was trained; 0 for a scan.
        tuned_with: With how many queries of which kind recall and speed were measured, such as "500 queries (log)".
        note: What there is to know about the choice, such as that a wish could not be met.
        asked: The kind that is asked for, or "auto": by `optimize`, else by the settings; so are the three below.
        max_memory_bytes: What the index may take; 0 for a quarter of the machine's memory.
        max_latency_ms: What one search of it may take.
        min_recall: Share of the true nearest 10 that searches by texts are to find.
    """

    kind: str
    size_bytes: int
    vectors: int
    fresh: bool
    tail: int = 0
    removed: int = 0
    factory: str = ""
    probes: int = 0
    candidates: int = 0
    recall: float | None = None
    recall_100: float | None = None
    latency_ms: float | None = None
    flat_latency_ms: float | None = None
    bytes_per_vector: int = 0
    trained_on: int = 0
    tuned_with: str = ""
    note: str = ""
    asked: str = "auto"
    max_memory_bytes: int = 0
    max_latency_ms: float = 10.0
    min_recall: float = 0.98


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """The tokens that are kept for re-rankers.

    Attributes:
        segments: How many have some.
        of: How many there are.
    """

    segments: int
    of: int
    size_bytes: int
    bytes_per_segment: int


@dataclass(frozen=True, slots=True)
class RerankerStatus:
    """What was trained here to re-rank.

    Attributes:
        version: Of the newest that searches use; if they use none, of the newest.
        gains: Modality of files that it is used for -> what it was measured to add to mAP, in [-1, 1].
        used: Whether searches use it.
        unused_because: Why they do not, and the remedy; "" if they do.
    """

    version: int
    gains: dict[str, float]
    used: bool = True
    unused_because: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What a collection holds.

    Attributes:
        tokens: None if none are kept.
        adapted: Modality -> version of the head that `adapt` fitted for it.
        calibrated: Whether a bank of queries is in use, which `calibrate` installed.
        reranker: Of the collection's own; None if none was trained.
    """

    name: str
    path: str
    model: str
    dim: int
    assets: int
    segments: dict[str, int]
    failed: int
    waiting: dict[str, int]
    index: IndexStatus
    bytes_on_disk: int
    tokens: TokenStatus | None = None
    adapted: dict[str, int] = field(default_factory=dict)
    calibrated: bool = False
    reranker: RerankerStatus | None = None
    roots: tuple[str, ...] = ()
    last_indexed_at: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that `verify` found. `items` are the paths whose vectors or tokens are lost, if any."""

    what: str
    where: str
    items: tuple[str, ...] = ()
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class FieldSummary:
    """One of the user's own fields.

    Attributes:
        files: How many have it.
        examples: Some of its values, the most frequent first.
    """

    name: str
    files: int
    examples: tuple[Plain, ...]


@dataclass(frozen=True, slots=True)
class SaidField:
    """A field of one file.

    Attributes:
        value: One value, or a list.
        said_by: Path of the sidecar or table that says so; None for what the user set.
    """

    name: str
    value: Plain | list[Plain]
    said_by: str | None


@dataclass(frozen=True, slots=True)
class FieldsReport:
    """What setting fields did, in files.

    Attributes:
        files: Those that were meant.
        changed: Those of them of which the user now says something else than before; 0 in a dry run.
        unknown: Those of a table that are not in the collection.
    """

    files: int
    changed: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class ClickedQuery:
    """A query that was kept, with what was said of its hits.

    Attributes:
        asked_at: ISO 8601 in UTC.
        query: As it was asked, a JSON object.
        hits: How many it found.
        good: Paths of hits that were called right.
        bad: Paths of hits that were called wrong.
    """

    id: int
    asked_at: str
    query: str
    hits: int
    good: tuple[str, ...]
    bad: tuple[str, ...]

    @property
    def request(self) -> dict[str, Any]:
        """The query, parsed; empty if it is no JSON object."""
        try:
            parsed = json.loads(self.query)
        except (ValueError, RecursionError):
            return {}
        return parsed if isinstance(parsed, dict) else {}

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON object, the query parsed."""
        return asdict(self) | {"query": self.request}


@dataclass(frozen=True, slots=True)
class DupeFile:
    """A file that has copies."""

    path: str
    modality: Modality
    size_bytes: int
    width_px: int | None
    height_px: int | None


@dataclass(frozen=True, slots=True)
class Dupe(DupeFile):
    """A copy that would not be kept.

    Attributes:
        reason: "exact" if its content is that of the kept file, else "near".
        kept_for: What speaks for the kept file rather than this one, such as "more pixels".
        distance: Bits of 64 in which it looks different from the kept picture; None for an exact copy.
        cosine: Of its vector with that of the kept picture; the same.
    """

    reason: Literal["exact", "near"]
    kept_for: str
    distance: int | None
    cosine: float | None


@dataclass(frozen=True, slots=True)
class DupeGroup:
    """A file that would be kept, and its copies, exact ones first. Each is a copy of the kept file itself."""

    kept: DupeFile
    others: tuple[Dupe, ...]

    @property
    def freed_bytes(self) -> int:
        """What deleting the others would free."""
        return sum(other.size_bytes for other in self.others)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self) | {"freed_bytes": self.freed_bytes}


@dataclass(frozen=True, slots=True)
class DupeReport:
    """The copies in a collection. Nothing was deleted.

    Attributes:
        groups: What frees most comes first.
        files: How many were compared.
        without_look: Pictures of which only the content could be compared, since they were indexed before looks
            were kept; 0 if near copies were not asked for.
        stale: Files that are gone or changed since they were indexed, and so were left out.
    """

    groups: tuple[DupeGroup, ...]
    files: int
    without_look: int
    stale: int
    seconds: float

    @property
    def others(self) -> tuple[Dupe, ...]:
        """The files that would not be kept."""
        return tuple(other for group in self.groups for other in group.others)

    @property
    def freed_bytes(self) -> int:
        """What deleting them would free."""
        return sum(group.freed_bytes for group in self.groups)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        groups = [group.to_dict() for group in self.groups]
        return asdict(self) | {"groups": groups, "freed_bytes": self.freed_bytes}
