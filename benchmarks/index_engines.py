"""What is compared, as a small value each: it is built, opened and asked in processes of its own. Here mmsearch's own.

The indexes are made and asked by the code that a collection uses: `choose`, `build`, `tune` and `FaissIndex.search`.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.index_set import VectorSet
from mmsearch.config import machine_memory_bytes
from mmsearch.types import Ids, Vectors

Search = Callable[[Vectors, int], Ids]
"""Queries (m, d) and k to places (m, k), best first, -1 where fewer were found."""
_PIECE_ROWS = 65_536
_TUNED = "tuned-*.json"


class Opened(Protocol):
    """An index that answers."""

    @property
    def efforts(self) -> Sequence[str]:
        """How hard it can look, least first; of a scan just one."""
        ...

    def search(self, effort: str) -> Search:
        """Prepare a search among all."""
        ...

    def search_among(self, effort: str, allowed: Ids, *, again: bool) -> Search:
        """Prepare a search among some places (a,), sorted; `again` if the same filter was asked before."""
        ...


class Engine(Protocol):
    """A way to make an index."""

    @property
    def name(self) -> str:
        """In tables."""
        ...

    @abstractmethod
    def build(self, data: VectorSet, folder: Path, threads: int) -> str:
        """Write all that `open` needs into an empty folder. Returns what was built."""

    @abstractmethod
    def open(self, folder: Path, dim: int) -> Opened:
        """Read what `build` wrote."""

    def tune(self, data: VectorSet, folder: Path) -> str:
        """Find out how hard to look, if that is a step of its own. Returns what is to be said of it."""
        return ""


@dataclass(frozen=True)
class Ours(Engine):
    """An index of mmsearch, tuned for each wished recall.

    Attributes:
        asked: A kind, a factory string, or "auto".
        wishes: Shares of the true neighbours to be found, ascending.
        memory_bytes: What it may take; 0 for the usual.
        max_latency_ms: What a search may take; below this the automatic choice is a scan.
    """

    asked: str
    wishes: tuple[float, ...]
    memory_bytes: int = 0
    max_latency_ms: float = 10.0

    @property
    def name(self) -> str:
        """In tables."""
        return f"mmsearch {self.asked}"

    def build(self, data: VectorSet, folder: Path, threads: int) -> str:
        """Choose and build."""
        ids, recipe = np.arange(len(data)), self._recipe(*data.rows.shape)
        if recipe.kind == "flat":
            from mmsearch.vectors.flat import FlatIndex

            FlatIndex.of(ids, np.array(data.rows)).save(folder)
            return "flat"
        from mmsearch.vectors.ann.build import build

        pieces = (np.array(data.rows[start : start + _PIECE_ROWS]) for start in range(0, len(data), _PIECE_ROWS))
        build(folder, ids, pieces, recipe, dim=data.dim, threads=threads)
        return ", ".join(filter(None, (recipe.factory or recipe.kind, "float16 rows" if recipe.half else "")))

    def tune(self, data: VectorSet, folder: Path) -> str:
        """Find the effort for each wish, and keep it beside the index."""
        index = self.open(folder, data.dim).index
        if index.kind == "flat" or index.structure is None:
            return ""
        from mmsearch.vectors.ann.tune import tune

        notes = []
        for wish in self.wishes:
            details = tune(index, data.tuning, "benchmark", self._wished(wish))
            (folder / _TUNED.replace("*", f"{wish:g}")).write_text(details.to_json(), encoding="utf-8")
            notes.append(details.note)
        return " ".join(dict.fromkeys(filter(None, notes)))

    def open(self, folder: Path, dim: int) -> "OpenedOurs":
        """Read it as a collection does."""
        from mmsearch.vectors.generation import index_class

        kind = read_details(folder / "index.json").recipe.kind if (folder / "index.json").exists() else "flat"
        tuned = [folder / _TUNED.replace("*", f"{wish:g}") for wish in self.wishes]
        efforts = {
            f"{wish:g}": read_details(path) for wish, path in zip(self.wishes, tuned, strict=True) if path.exists()
        }
        return OpenedOurs(index_class(kind).load(folder, dim), efforts)

    def _recipe(self, count: int, dim: int) -> Any:  # noqa: ANN401 - nothing of mmsearch is imported before it is needed
        from mmsearch.vectors.ann.choose import choose

        return choose(count, dim, self._wished(max(self.wishes)), memory_bytes=machine_memory_bytes())[0]

    def _wished(self, min_recall: float) -> Any:  # noqa: ANN401
        from mmsearch.vectors.plan import IndexWishes

        return IndexWishes(self.asked, self.memory_bytes, self.max_latency_ms, min_recall)


@dataclass(frozen=True)
class OpenedOurs(Opened):
    """An index as a search has it.

    Attributes:
        index: A `VectorIndex`.
        tuned: A wish -> the details for it; nothing for a scan.
    """

    index: Any
    tuned: dict[str, Any]

    @property
    def efforts(self) -> Sequence[str]:
        """The wishes, and what they come to."""
        return list(self._searched)

    def search(self, effort: str) -> Search:
        """Search as tuned."""
        index = self._searched[effort]
        return lambda queries, k: padded([found.ids for found in index.search(queries, k)], k)

    def search_among(self, effort: str, allowed: Ids, *, again: bool) -> Search:
        """Search as tuned; what follows from a list of ids is only kept if that is read-only."""
        index, kept = self._searched[effort], allowed.copy()
        kept.flags.writeable = not again
        return lambda queries, k: padded([found.ids for found in index.search(queries, k, allowed=kept)], k)

    @cached_property
    def _searched(self) -> dict[str, Any]:
        """An effort -> the index that takes it."""
        return {
            f"{wish} ({details.effort.probes} probes, {details.effort.candidates} rows)": self.index.with_details(
                details
            )
            for wish, details in self.tuned.items()
        } or {"": self.index}


def read_details(path: Path) -> Any:  # noqa: ANN401
    """Read what lies beside an index."""
    from mmsearch.vectors.plan import IndexDetails

    return IndexDetails.from_json(path.read_text(encoding="utf-8"), str(path))


def padded(lists: Sequence[Ids], k: int) -> Ids:
    """Line up lists of up to k places: (m, k), -1 behind the shorter ones."""
    found = np.full((len(lists), k), -1, dtype=np.int64)
    for row, places in zip(found, lists, strict=True):
        row[: len(places)] = places
    return found
