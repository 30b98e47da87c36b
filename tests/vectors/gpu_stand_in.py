"""What `mmsearch.vectors.ann.gpu` calls of FAISS, on the CPU, with a GPU's limits.

It ignores selectors without a word, computes in float16, refuses k and nprobe above 2048, can neither remove nor be
saved, and fails if two threads are inside at once or its memory is used up.
"""

from threading import Lock, get_ident
from time import sleep

import faiss
import numpy as np

MOST = 2048


class StandInGpu:
    """One GPU: what was asked of it, and by which threads."""

    def __init__(self, memory_bytes=1 << 30):
        self.memory_bytes = memory_bytes
        self.used_bytes = 0
        self.temp_bytes = []
        self.calls = []  # of each search: number of queries, depth
        self.probes = []
        self.threads = set()
        self.broken = False
        self.delay_s = 0.0
        self._inside = Lock()

    def __enter__(self):
        assert self._inside.acquire(blocking=False), "two threads at once on one GPU"
        self.threads.add(get_ident())
        if self.broken:
            self._inside.release()
            raise RuntimeError("CUDA error 700")

    def __exit__(self, *error):
        self._inside.release()

    def allocate(self, count):
        if self.used_bytes + count > self.memory_bytes:
            raise RuntimeError("cudaMalloc error out of memory")
        self.used_bytes += count

    def install(self, monkeypatch, *, cuvs=False):
        """Put it in the place of FAISS's GPU code."""
        names = {
            "StandardGpuResources": lambda: Resources(self),
            "GpuIndexFlatConfig": Options,
            "GpuClonerOptions": Options,
            "GpuIndexFlatIP": Flat,
            "index_cpu_to_gpu": cloned,
            "get_num_gpus": lambda: 1,
        }
        if cuvs:
            names |= {"GpuIndexCagra": Graph, "GpuIndexCagraConfig": Options, "SearchParametersCagra": Options}
        for name, value in names.items():
            monkeypatch.setattr(faiss, name, value, raising=False)


class Options:
    """Takes any setting."""


class Resources:
    def __init__(self, gpu):
        self.gpu = gpu
        with gpu:
            gpu.threads.add(get_ident())

    def setTempMemory(self, count):
        self.gpu.temp_bytes.append(count)


class OnGpu:
    """What all indexes there have in common."""

    def __init__(self, resources):
        self.gpu = resources.gpu
        self.own_bytes = 0

    def __del__(self):
        self.gpu.used_bytes -= self.own_bytes

    def allocate(self, count):
        self.gpu.allocate(count)
        self.own_bytes += count

    def search(self, queries, k, params=None):
        assert queries.dtype == np.float32
        assert queries.flags.c_contiguous
        with self.gpu:
            self.gpu.calls.append((len(queries), k))
            sleep(self.gpu.delay_s)
            if k > MOST:
                raise RuntimeError("GPU index only supports min/max-K selection up to 2048")
            return self.searched(queries, k, params)

    def add_with_ids(self, rows, ids):
        raise RuntimeError("add_with_ids not supported")

    def remove_ids(self, selector):
        raise RuntimeError("remove_ids not implemented for this type of index")


class Flat(OnGpu):
    def __init__(self, resources, dim, config):
        super().__init__(resources)
        assert (config.device, config.useFloat16, config.use_cuvs) == (0, True, False)
        with self.gpu:
            self.rows = np.empty((0, dim), dtype=np.float16)

    def add(self, rows):
        with self.gpu:
            self.allocate(2 * rows.size)
            self.rows = np.concatenate([self.rows, rows.astype(np.float16)])

    def reset(self):
        with self.gpu:
            self.gpu.used_bytes -= self.own_bytes
            self.own_bytes = 0
            self.rows = self.rows[:0]

    def searched(self, queries, k, params):
        return best(queries.astype(np.float16).astype(np.float32) @ self.rows.astype(np.float32).T, k)


class Cells(OnGpu):
    def __init__(self, resources, index):
        super().__init__(resources)
        self.allocate(index.ntotal * index.code_size)
        self.index = index

    def searched(self, queries, k, params):
        if params.nprobe > MOST:
            raise RuntimeError("GPU index only supports nprobe up to 2048")
        self.gpu.probes.append(params.nprobe)
        return self.index.search(queries, k, params=faiss.SearchParametersIVF(nprobe=params.nprobe))


class Graph(OnGpu):
    def __init__(self, resources, dim, metric, config):
        super().__init__(resources)
        assert (metric, config.device) == (faiss.METRIC_INNER_PRODUCT, 0)

    def train(self, rows):
        with self.gpu:
            self.allocate(4 * rows.size)
            self.rows = rows

    def searched(self, queries, k, params):
        assert params.itopk_size >= k
        assert params.itopk_size % 32 == 0
        return best(queries @ self.rows.T, k)


def cloned(resources, device, index, options):
    assert (device, options.use_cuvs) == (0, False)
    if isinstance(index, faiss.IndexIVFPQ) and index.pq.nbits != 8:
        raise RuntimeError("GPU: only pq.nbits == 8 is supported")
    with resources.gpu:
        return Cells(resources, index)


def best(scores, k):
    """Return the best k of each row of scores, -1 where there are no more; of equal ones the last, to do no favours."""
    places = scores.shape[1] - 1 - np.argsort(-scores[:, ::-1], axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(scores, places, axis=1)
    missing = ((0, 0), (0, max(0, k - scores.shape[1])))
    return np.pad(found, missing, constant_values=-3.4e38), np.pad(places, missing, constant_values=-1)
