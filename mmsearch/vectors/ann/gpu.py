"""Calls of FAISS's GPU library. All are made on one thread, with resources that are made once a process.

What lies on the GPU proposes places; the scores that count are computed from the rows on the CPU. It is never given a
selector, and never saved: what is saved comes from the rows and the structure on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from threading import Lock
from typing import Any
from warnings import warn
from weakref import finalize

import faiss
import numpy as np

from mmsearch.types import Vectors
from mmsearch.vectors.ann.device_queue import MOST_QUERIES, DeviceQueue, Found
from mmsearch.vectors.ann.rows import MappedRows, Mask
from mmsearch.vectors.ann.structure import Structure
from mmsearch.vectors.ranking import Positions, Scores, rounding_slack

MOST_SELECTED = 2048  # GPU_MAX_SELECTION_K of FAISS: for results, and for cells that are looked into
TEMP_BYTES = 256 << 20  # FAISS itself would take 1.5 GiB; more than is needed here is only kept from others

_making = Lock()
_DEVICE = 0  # the first that CUDA_VISIBLE_DEVICES leaves
_HALF_ERROR = 2.0**-11  # of a number that is rounded to float16, relatively
_UPLOAD_BYTES = 64 << 20  # of float32, at once
_GRAPH_FROM = 5_000_000  # rows, below which reading all of them takes a GPU a few milliseconds
_GRAPH_SELECTED = 1024
_GRAPH_STEP = 32  # itopk_size is a multiple of it

Parameters = Callable[[int, int], Any]  # what FAISS is to be given for a depth and a number of probes


class Device:
    """The GPU of this process: a thread, and on it FAISS's resources, made when they are first needed.

    Args:
        temp_bytes: What FAISS may keep on the GPU for what it computes meanwhile.
    """

    def __init__(self, temp_bytes: int = TEMP_BYTES) -> None:
        self.queue = DeviceQueue()
        self._temp_bytes = temp_bytes
        self._resources: Any = None

    def resources(self) -> Any:  # noqa: ANN401 - FAISS has no types
        """Return the resources; only for what runs on the thread."""
        if self._resources is None:
            self._resources = faiss.StandardGpuResources()
            self._resources.setTempMemory(self._temp_bytes)
        return self._resources


def the_device() -> Device:
    """Return the one of this process, whichever thread asks first."""
    with _making:
        return _made_device()


@cache
def _made_device() -> Device:
    return Device()


class _OnDevice:
    """An index on the GPU, for use on its thread only. The same object stands for it until it is let go."""

    def __init__(self, index: Any, parameters: Parameters) -> None:  # noqa: ANN401 - FAISS has no types
        self._index = index
        self._parameters = parameters

    def search(self, queries: Vectors, depth: int, probes: int) -> Found:
        scores, places = self._index.search(queries, depth, params=self._parameters(depth, probes))
        return scores, places

    def release(self) -> None:
        self._index = None


class GpuProposer:
    """Proposes by an index on the GPU, which is freed when this object is; implements `proposer.Proposer`.

    Several threads may call it: what they ask at the same time, to the same depth, is answered together. If the GPU
    fails, as when its memory is used up by others, there is a warning, and from then on nothing is proposed.

    Args:
        device: Where the index is.
        index: Of FAISS, made on the device's thread.
        rounding: See `proposer.Proposer`.
        max_depth: See `proposer.Proposer`.
        parameters: Makes FAISS's parameters of a search.
    """

    takes_masks = False

    def __init__(
        self,
        device: Device,
        index: Any,  # noqa: ANN401 - FAISS has no types
        *,
        rounding: float | None = None,
        max_depth: int = MOST_SELECTED,
        parameters: Parameters = lambda depth, probes: None,
    ) -> None:
        self._queue = device.queue
        self._on_device = _OnDevice(index, parameters)
        self.rounding = rounding
        self.max_depth = max_depth
        finalize(self, self._queue.post, self._on_device.release).atexit = False

    def propose(self, queries: Vectors, depth: int, probes: int, inside: Mask | None = None) -> Found:
        """Propose rows for each query (m, d), unit rows.

        Args:
            queries: Unit rows.
            depth: How many to propose, at most `max_depth`.
            probes: How many cells to look into, or how broadly to search a graph.
            inside: Must be None.

        Returns:
            Rough scores and places (m, depth), best first; -1 where it found no more.
        """
        assert inside is None, "a GPU would ignore a mask"
        try:
            parts = [
                self._queue.search(self._on_device, queries[start : start + MOST_QUERIES], depth, probes)
                for start in range(0, len(queries), MOST_QUERIES)
            ]
        except RuntimeError as error:
            return self._failed(error, (len(queries), depth))
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])

    def _failed(self, error: RuntimeError, shape: tuple[int, int]) -> tuple[Scores, Positions]:
        if self.max_depth:
            self.max_depth = 0
            warn(f"The GPU failed; the CPU searches from now on: {error}", RuntimeWarning, stacklevel=2)
        return np.full(shape, -np.inf, dtype=np.float32), np.full(shape, -1)


def all_rows(device: Device, rows: MappedRows) -> GpuProposer:
    """Put all rows on the GPU, as float16, where each search compares all of them.

    While they are put there it takes twice their memory: FAISS moves what is there to a new place with each piece.

    Raises:
        RuntimeError: They do not fit.
    """
    return on_gpu(device, rows.pieces(max(1, _UPLOAD_BYTES // (4 * rows.dim))), rows.dim)


def on_gpu(device: Device, pieces: Iterable[Vectors], dim: int) -> GpuProposer:
    """Do what `all_rows` does, with unit rows (m, dim) that come in pieces.

    Raises:
        RuntimeError: They do not fit.
    """
    queue = device.queue
    index = queue.run(lambda: _empty_flat(device, dim))
    try:
        for piece in pieces:
            queue.run(partial(index.add, piece))  # searches of another index come in between
    except RuntimeError:
        queue.run(index.reset)
        raise
    # Row and query are both rounded to float16; their products are summed in float32.
    return GpuProposer(device, index, rounding=2 * _HALF_ERROR + rounding_slack(dim))


def cells(device: Device, structure: Structure) -> GpuProposer:
    """Copy a structure of cells to the GPU.

    Raises:
        RuntimeError: It is of a kind that FAISS does not have there, or it does not fit.
    """
    if not isinstance(structure.index, (faiss.IndexIVFFlat, faiss.IndexIVFScalarQuantizer, faiss.IndexIVFPQ)):
        raise RuntimeError("FAISS has no such structure on GPUs")
    most = min(structure.cells, MOST_SELECTED)
    return GpuProposer(
        device,
        device.queue.run(lambda: _copied(device, structure.index)),
        parameters=lambda _, probes: faiss.SearchParametersIVF(nprobe=min(probes, most)),
    )


def graph(device: Device, rows: MappedRows) -> GpuProposer:
    """Build a graph over the rows on the GPU (CAGRA: Ootomo et al., 2023, arXiv:2308.15136); only with cuVS.

    Raises:
        RuntimeError: They do not fit.
    """
    everything = rows.take(np.arange(len(rows)))
    index = device.queue.run(lambda: _built_graph(device, everything))
    return GpuProposer(device, index, max_depth=_GRAPH_SELECTED, parameters=_breadth)


def best_proposer(device: Device, rows: MappedRows, structure: Structure | None) -> GpuProposer:
    """Put on the GPU what serves an index best of what fits: a graph, all rows, or its own cells.

    Args:
        device: Where to.
        rows: Of the index.
        structure: Of the index; without one its searches are exact, and stay so.

    Raises:
        RuntimeError: Nothing fits.
    """
    if structure and len(rows) >= _GRAPH_FROM and hasattr(faiss, "GpuIndexCagra"):
        try:
            return graph(device, rows)
        except (RuntimeError, MemoryError):
            pass  # the rows take less
    try:
        return all_rows(device, rows)
    except RuntimeError:
        if structure is None:
            raise
        return cells(device, structure)


def _empty_flat(device: Device, dim: int) -> Any:  # noqa: ANN401 - FAISS has no types
    config = faiss.GpuIndexFlatConfig()
    config.device, config.useFloat16, config.use_cuvs = _DEVICE, True, False
    return faiss.GpuIndexFlatIP(device.resources(), dim, config)


def _copied(device: Device, index: Any) -> Any:  # noqa: ANN401
    options = faiss.GpuClonerOptions()
    options.useFloat16, options.use_cuvs = True, False
    return faiss.index_cpu_to_gpu(device.resources(), _DEVICE, index, options)


def _built_graph(device: Device, rows: Vectors) -> Any:  # noqa: ANN401
    config = faiss.GpuIndexCagraConfig()
    config.device = _DEVICE
    index = faiss.GpuIndexCagra(device.resources(), rows.shape[1], faiss.METRIC_INNER_PRODUCT, config)
    index.train(rows)
    return index


def _breadth(depth: int, probes: int) -> Any:  # noqa: ANN401
    parameters = faiss.SearchParametersCagra()
    parameters.itopk_size = -(-max(depth, probes) // _GRAPH_STEP) * _GRAPH_STEP
    return parameters
