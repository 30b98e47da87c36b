"""Where an index that was read is searched: on the CPU, on a GPU, or where a few searches show it to be faster.

A GPU pays from about a million vectors on, and only in a process that lives on: to start it and to put the rows there
takes seconds. So by default it is tried in the background, once a process has had the index for a while; until then,
and if the CPU proves as fast, the CPU searches.
"""

import atexit
import sys
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING
from weakref import WeakSet, ref

import numpy as np

from mmsearch.errors import ConfigError
from mmsearch.protocols import VectorIndex
from mmsearch.types import Vectors

if TYPE_CHECKING:
    from mmsearch.vectors.ann.device_queue import Found
    from mmsearch.vectors.ann.proposer import Proposer
    from mmsearch.vectors.ann.rows import Mask
    from mmsearch.vectors.faiss_index import FaissIndex

DEVICES = ("auto", "cpu", "gpu")

_WORTH_TRYING = 200_000  # rows: a scan of fewer takes one core a few milliseconds
_PATIENCE_S = 10.0  # a process that has not ended by then is no single search
_TRIES = 9
_K = 10
_ending = Event()
_arriving: WeakSet[Thread] = WeakSet()


def placed(index: VectorIndex, device: str) -> VectorIndex:
    """Return an index that is searched where it should be.

    Args:
        index: As it was read; one that is not on FAISS stays where it is.
        device: One of `DEVICES`: "gpu" puts it on the GPU now, "auto" tries that later.

    Raises:
        ConfigError: "gpu", and there is none that can be used, or the index does not fit; or another word.
    """
    if device not in DEVICES:
        raise ConfigError(f"Setting index.device must be one of {', '.join(DEVICES)}, not {device!r}.")
    if device == "gpu":
        says, remedy = _problem()
        if says:
            raise ConfigError(f"Setting index.device is gpu, but {says}.", remedy=remedy)
    if device == "cpu" or "faiss" not in sys.modules:
        return index
    from mmsearch.vectors.faiss_index import FaissIndex

    if not isinstance(index, FaissIndex) or index.built_rows is None:
        return index
    return _on_gpu(index) if device == "gpu" else _on_faster(index)


def _on_gpu(index: "FaissIndex") -> "FaissIndex":
    try:
        return index.with_proposer(_made(index))
    except RuntimeError as error:
        remedy = 'Set index.device to "auto" or "cpu".'
        raise ConfigError(f"The index cannot be put on the GPU: {error}.", remedy=remedy) from error


def _on_faster(index: "FaissIndex") -> "FaissIndex":
    import faiss

    if not hasattr(faiss, "StandardGpuResources") or index.built_rows is None or len(index.built_rows) < _WORTH_TRYING:
        return index
    late = LateProposer()
    thread = Thread(target=_arrive, args=(ref(late), index), name="mmsearch-gpu-trial", daemon=True)
    _arriving.add(thread)
    thread.start()
    return index.with_proposer(late)


class LateProposer:
    """Stands for a GPU that is being tried, and that cannot be asked before it has proved faster."""

    takes_masks = False

    def __init__(self) -> None:
        self._chosen: Proposer | None = None

    @property
    def max_depth(self) -> int:
        """Its depth, or 0."""
        return self._chosen.max_depth if self._chosen else 0

    @property
    def rounding(self) -> float | None:
        """What is known of its scores."""
        return self._chosen.rounding if self._chosen else None

    def choose(self, proposer: "Proposer") -> None:
        """Ask a proposer from now on."""
        self._chosen = proposer

    def propose(self, queries: Vectors, depth: int, probes: int, inside: "Mask | None" = None) -> "Found":
        """Ask what was chosen; nothing is proposed if nothing was."""
        if self._chosen is None:
            return np.full((len(queries), depth), -np.inf, dtype=np.float32), np.full((len(queries), depth), -1)
        return self._chosen.propose(queries, depth, probes, inside)


def _arrive(late: "ref[LateProposer]", index: "FaissIndex") -> None:
    """Wait, try the GPU, and let it propose if it is faster; if anything goes wrong the CPU goes on searching."""
    if _ending.wait(_PATIENCE_S) or late() is None or not _usable():
        return
    try:
        proposer = _made(index)
        faster = _search_s(index.with_proposer(proposer)) < _search_s(index)
    except (RuntimeError, MemoryError):
        return
    if faster and (waiting := late()):
        waiting.choose(proposer)


def _usable() -> bool:
    from mmsearch.vectors.ann.gpu_trial import trial_failure

    return not _problem()[0] and not trial_failure()


def _problem() -> tuple[str, str]:
    from mmsearch.vectors.ann.gpu_install import gpu_install

    return gpu_install().problem


def _made(index: "FaissIndex") -> "Proposer":
    from mmsearch.vectors.ann.gpu import best_proposer, the_device

    assert index.built_rows is not None
    return best_proposer(the_device(), index.built_rows, index.structure)


def _search_s(index: "FaissIndex") -> float:
    """Time single searches by some of its own rows: the median, in seconds."""
    assert index.built_rows is not None
    places = np.linspace(0, len(index.built_rows) - 1, _TRIES + 1).astype(np.intp)
    taken = []
    for row in index.built_rows.take(places):
        start = perf_counter()
        index.search(row[np.newaxis], _K)
        taken.append(perf_counter() - start)
    return float(np.median(taken[1:]))  # the first one starts things up


def _end() -> None:
    """Let no thread go on while the process is taken down: what it uses is freed under it."""
    _ending.set()
    for thread in list(_arriving):
        thread.join()


atexit.register(_end)
