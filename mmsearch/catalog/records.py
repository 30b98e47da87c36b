"""What the catalog answers with."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mmsearch.types import FieldValue, Ids, Modality

AssetStatus = Literal["ready", "failed", "waiting", "skipped"]
FieldOperation = Literal["set", "add", "remove"]


@dataclass(frozen=True, slots=True)
class AssetState:
    """What is known of one file.

    Attributes:
        status: "ready" has segments and can be found, "failed" could not be read, "waiting" needs a
            model that can embed it, or to be read again, "skipped" holds nothing to search (but it may say what
            fields media files have).
        mtime_ns: -1 if the file is to be read again whatever its time.
        content_hash: `files.blake2_file` of the content that was indexed; None unless ready.
    """

    id: int
    path: str
    size_bytes: int
    mtime_ns: int
    status: str
    modality: Modality | None
    content_hash: str | None


@dataclass(frozen=True, slots=True)
class Locations:
    """Where vectors lie: three arrays of shape (n,), int64, sorted by id. Copies of a file share a row."""

    ids: Ids
    files: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class TokenPlaces:
    """Where the tokens of segments lie: four arrays of shape (n,), int64, sorted by id. Copies of a file share rows.

    Attributes:
        rows: The first of `counts` consecutive ones each.
    """

    ids: Ids
    files: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """How many segments can be found, and how many of them have tokens."""

    segments: int
    with_tokens: int


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """A segment and its file: all that a `types.Hit` shows but rank and score."""

    id: int
    asset_id: int
    ordinal: int
    path: str
    modality: Modality
    start_s: float | None
    end_s: float | None
    text: str | None
    char_start: int | None
    char_end: int | None
    about: str | None
    language: str | None
    media_type: str | None
    width_px: int | None
    height_px: int | None
    captured_at: str | None
    size_bytes: int
    duration_s: float | None

    @property
    def shown(self) -> dict[str, Any]:
        """The fields that a hit has too."""
        return {name: getattr(self, name) for name in _SHOWN}


_SHOWN = tuple(field.name for field in fields(SegmentRecord) if field.name not in {"asset_id", "ordinal"})


@dataclass(frozen=True, slots=True)
class WordTerm:
    """One thing that is looked for in the index of words.

    Attributes:
        spellings: Any of them counts. Each is a sequence of tokens, as `folding` makes them.
        prefix: The last token may be the beginning of a longer one.
        required: Segments without it are not found.
    """

    spellings: tuple[tuple[str, ...], ...]
    prefix: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What the user wants of one of his fields.

    Attributes:
        name: Of the field.
        operation: "set" replaces all that the user said before; without values, nothing is said any more. "add" and
            "remove" start from the values that the file has, be they from the user or from a sidecar.
        values: Different ones.
    """

    name: str
    operation: FieldOperation
    values: tuple[FieldValue, ...] = ()

    def applied(self, before: Sequence[FieldValue]) -> list[FieldValue]:
        """Return the values that a field has after an "add" or "remove"."""
        if self.operation == "add":
            return [*before, *(value for value in self.values if value not in before)]
        return [value for value in before if value not in self.values]


@dataclass(frozen=True, slots=True)
class StoredHead:
    """What adapts the vectors of one modality to the user's pairs.

    Attributes:
        version: Counts from 1; the same for heads that were installed together.
        weights: As `adapt.head.Head.to_bytes` wrote them; checked against their digest.
    """

    modality: Modality
    version: int
    weights: bytes


@dataclass(frozen=True, slots=True)
class StoredReranker:
    """A re-ranker that was trained on the user's pairs.

    Attributes:
        version: Counts from 1; none is used twice.
        weights: As they were put; checked against their digest.
        report: What was measured, a JSON object.
    """

    version: int
    weights: bytes
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is in a collection.

    Attributes:
        assets: Files that can be found.
        segments: Modality -> segments; modalities without any are left out.
        waiting: Modality -> files; the same.
        last_indexed_at: End of the last run that finished, ISO 8601 in UTC.
    """

    assets: int
    segments: dict[str, int]
    failed: int
    waiting: dict[str, int]
    last_indexed_at: str | None


@dataclass(frozen=True, slots=True)
class ReferencedFiles:
    """Files of the active space that the catalog knows; any other beside them is a leftover.

    Attributes:
        vectors: Numbers of vector files.
        tokens: Numbers of token files.
        generations: Names of the folders of index files.
    """

    vectors: frozenset[int]
    tokens: frozenset[int]
    generations: frozenset[str]
