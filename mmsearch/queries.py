"""What is asked of a collection and what it answers. Plain values, like types.py."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mmsearch.types import Modality, Pixels, Waveform
from mmsearch.where.syntax import Condition, Order

Mode = Literal["vector", "text", "hybrid"]  # search by meaning, by words, or by both
Combine = Literal["add", "fuse"]  # several parts: one vector for all, or one result list each


@dataclass(frozen=True, slots=True)
class QueryPart:
    """One thing to search for (weight > 0) or to steer away from (weight < 0).

    Attributes:
        modality: What kind of input it was; for an item of the collection, that item's modality; None for a vector
            that was given as such.
        text: For text.
        pixels: For an image, made to the encoder's `image_input`.
        waves: For a sound, its windows, made to the encoder's `audio_input`.
        vector: (d,) for an item that is already embedded, or given raw.
        name: What the user wrote, without the weight, to call the part by in an explanation.
    """

    modality: Modality | None
    weight: float = 1.0
    text: str | None = None
    pixels: Pixels | None = None
    waves: tuple[Waveform, ...] = ()
    vector: npt.NDArray[np.float32] | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which segments may be returned. Empty means no limit.

    Attributes:
        where: What must hold for the file of a segment; for a caption, for the file that it describes.
        written: The same as the user wrote it, for an explanation.
    """

    modalities: frozenset[Modality] = frozenset()
    exclude_assets: frozenset[int] = frozenset()
    where: Condition | None = None
    written: str = ""

    def __bool__(self) -> bool:
        return bool(self.modalities or self.exclude_assets or self.where is not None)


@dataclass(frozen=True, slots=True)
class Rerank:
    """How the best of the first stage are looked at again.

    Attributes:
        model: Name of the re-ranker; "" for the collection's own, or the one built in.
        depth: So many hits, at least 1.
        budget_ms: The stage ends after so long; what it did not come to keeps its place. None for no end.
        wanted: Whether the user asked for it, and so is told why it cannot be.
    """

    model: str = ""
    depth: int = 100
    budget_ms: float | None = None
    wanted: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What to find: parts, a filter, how to rank, and which slice of the ranking.

    Attributes:
        parts: None at all lists what the filter lets through.
        mode: What decides the ranking.
        combine: What several parts come to; a single part is the same in both.
        group: One hit a file, its best segment; else every segment is a hit of its own.
        dedupe: Leave out copies and near-copies of better hits.
        min_score: Leave out hits below.
        quotas: Modality -> at most so many hits of it.
        order: Without parts, the order of the list; with parts, the order in which the k best are given.
        explain: Say of each hit where its score comes from.
        rerank: How the best are looked at again; None if they are not.
    """

    parts: tuple[QueryPart, ...]
    filter: Filter = Filter()
    k: int = 10
    offset: int = 0
    mode: Mode = "hybrid"
    combine: Combine = "add"
    group: bool = True
    dedupe: bool = False
    min_score: float = 0.0
    quotas: dict[Modality, int] = field(default_factory=dict)
    order: tuple[Order, ...] = ()
    explain: bool = False
    rerank: Rerank | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """A further segment of a hit's file that was found too, but not as high."""

    id: int
    score: float
    modality: Modality
    start_s: float | None = None
    end_s: float | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One result.

    Attributes:
        rank: From 1, counted over the whole ranking (it goes on with `offset`).
        id: The segment's id; stays the same as long as the file's content does.
        score: In [0, 1], higher is better, comparable between modalities: see `search.calibrate`. 1 in a list
            that was asked for without a query.
        cosine: Between query and segment, in [-1, 1]; None if there is no query vector.
        about: For a caption, the path of the media file it describes.
        language: Of what is said in a recording, ISO 639-1.
        more: Other segments of the same file, best first, if hits are grouped by file.
        duplicates: Paths of copies that were left out in favour of this hit, if that was asked for.
        fields: The user's own fields of the file: name -> value, or values.
        explain: Where the score comes from, stage by stage, if that was asked for.
    """

    rank: int
    id: int
    score: float
    path: str
    modality: Modality
    cosine: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    text: str | None = None
    char_start: int | None = None
    char_end: int | None = None
    about: str | None = None
    language: str | None = None
    media_type: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    captured_at: str | None = None
    size_bytes: int | None = None
    duration_s: float | None = None
    more: tuple[Moment, ...] = ()
    duplicates: tuple[str, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)
    explain: dict[str, Any] | None = None

    @property
    def subject(self) -> str:
        """Path of the file that the hit stands for: for a caption, of what it describes."""
        return self.about or self.path

    @property
    def moment(self) -> Moment:
        """What is told of it beside a better hit of the same file."""
        return Moment(self.id, self.score, self.modality, self.start_s, self.end_s, self.text)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON object; `explain` only if there is one."""
        values = asdict(self)
        if self.explain is None:
            del values["explain"]
        return values


@dataclass(frozen=True, slots=True)
class Hits(Sequence[Hit]):
    """The results of one search, best first.

    Attributes:
        good_match: False if even the best hit is probably not what was meant; None if nobody can tell
            (an empty result, or a model without measured `levels`).
        total: How many files pass the filter; None if nobody asked for a list.
        query_id: Under which number the query was noted, if queries are kept.
        profile: Stage -> milliseconds that it took.
        notices: What the user should know of how it was answered, such as why nothing was re-ranked.
    """

    hits: tuple[Hit, ...] = ()
    good_match: bool | None = None
    total: int | None = None
    query_id: int | None = None
    profile: dict[str, float] = field(default_factory=dict, compare=False)
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.hits)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - int gives a Hit, a slice gives a tuple
        return self.hits[index]

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)
