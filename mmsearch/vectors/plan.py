"""What an index is to be, and what it is: wishes, recipe, effort, and the details that lie beside its files."""

import json
import math
import re
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self, TypeVar

from mmsearch.errors import CollectionDamaged

Plain = TypeVar("Plain")
MAX_PROBES = 1 << 20
MAX_CANDIDATES = 1 << 24


@dataclass(frozen=True, slots=True)
class IndexWishes:
    """What the user wants of the index; the truth about it is in the catalog.

    Attributes:
        asked: A kind, a FAISS factory string, or "auto".
        max_memory_bytes: What the index may take; 0 for a quarter of the machine's memory.
        max_latency_ms: Median time of one search by one vector, on one core.
        min_recall: Share of the true nearest 10 that searches by texts find.
    """

    asked: str = "auto"
    max_memory_bytes: int = 0
    max_latency_ms: float = 10.0
    min_recall: float = 0.98


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an index is built.

    Attributes:
        kind: A key of `generation.INDEX_KINDS`.
        factory: FAISS factory string of the structure that proposes where to look; "" for a scan of all rows.
        half: Whether the rows that the scores are computed from are float16 instead of float32.
    """

    kind: str
    factory: str = ""
    half: bool = False

    @property
    def cells(self) -> int:
        """How many cells the factory string names; 0 if it names none."""
        found = re.search(r"IVF(\d{1,9})", self.factory)
        return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard a structure looks.

    Attributes:
        probes: Cells that are looked into, or the breadth of the search of a graph.
        candidates: So many rows are proposed at least, whose exact scores then decide.
        factor: And so many times k.
    """

    probes: int = 64
    candidates: int = 300
    factor: float = 3.0

    def depth(self, k: int) -> int:
        """Say how many rows are to be proposed for the best k."""
        return max(self.candidates, math.ceil(self.factor * k))


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured on this machine, to choose between scanning the allowed rows and asking the structure.

    Attributes:
        gather_ns: Per row that is fetched by its place and compared.
        scan_ns: Per row of a scan over all.
        structure_ns: Per row that the structure compares; of a graph, per step of breadth.
        structure_start_us: Of asking the structure at all.
    """

    gather_ns: float = 300.0
    scan_ns: float = 70.0
    structure_ns: float = 25.0
    structure_start_us: float = 200.0


@dataclass(frozen=True, slots=True)
class Measured:
    """How good the index was when it was built, on queries that texts make.

    Attributes:
        recall: Share of the true nearest 10 that were found.
        recall_100: The same of the nearest 100.
        latency_ms: Median of one search of 10 by one vector, on one core.
        flat_ms: The same of a scan of all rows.
        queries: How many.
        source: Where they came from, such as "log, captions, bank".
    """

    recall: float
    recall_100: float
    latency_ms: float
    flat_ms: float
    queries: int
    source: str


@dataclass(frozen=True, slots=True)
class IndexDetails:
    """What lies beside the files of an index, as `index.json`.

    Attributes:
        trained_on: How many vectors the collection had when the structure was trained; 0 for a scan.
        measured: None if nothing was measured, as for a scan.
        note: What the user should know about the choice, such as that a wish could not be met.
        wishes: What was wished when it was built, or measured again.
    """

    recipe: Recipe
    effort: Effort = field(default_factory=Effort)
    costs: Costs = field(default_factory=Costs)
    trained_on: int = 0
    measured: Measured | None = None
    note: str = ""
    wishes: IndexWishes = field(default_factory=IndexWishes)

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str, where: str) -> Self:
        """Read what `to_json` wrote, or what pretends to be.

        Raises:
            CollectionDamaged: It is something else; `where` tells the user what.
        """
        try:
            found = json.loads(text)
            measured = found["measured"]
            return cls(
                _plain(Recipe, found["recipe"]),
                _plain(Effort, found["effort"]),
                _plain(Costs, found["costs"]),
                _whole(found["trained_on"]),
                None if measured is None else _plain(Measured, measured),
                str(found["note"]),
                _plain(IndexWishes, found["wishes"]),
            )._checked()
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise CollectionDamaged(f"{where} does not describe an index: {error!r}.") from error

    def _checked(self) -> Self:
        effort = self.effort
        if not (1 <= effort.probes <= MAX_PROBES and 1 <= effort.candidates <= MAX_CANDIDATES):
            raise ValueError("effort out of range")
        if not 1 <= effort.factor <= 1000:
            raise ValueError("factor out of range")
        return replace(self, trained_on=max(self.trained_on, 0))


def _whole(value: Any) -> int:  # noqa: ANN401 - whatever the file says
    if type(value) is not int:
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _plain(kind: type[Plain], found: Any) -> Plain:  # noqa: ANN401 - whatever the file says
    """Make a dataclass of plain values, each of the type of its field."""
    values = {}
    for each in fields(kind):  # type: ignore[arg-type]
        value = found[each.name]
        if each.type is float and type(value) is int:
            value = float(value)
        if type(value) is not each.type or (type(value) is float and not math.isfinite(value)):
            raise TypeError(f"{each.name} is {value!r}")
        values[each.name] = value
    return kind(**values)
