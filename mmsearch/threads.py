"""How many threads every library may use, and whether threads that wait for work may spin. Nothing else sets either.

numpy, FAISS, torch, ONNX Runtime, CTranslate2 and tokenizers each bring a pool of threads, as wide as the machine.
Two such pools on two cores wait for one another, and what waits spins: a scan of 10,000 vectors by numpy costs 21 ms
of CPU with two threads and 0.9 ms with one, in the same time (docs/decisions/0021-threads.md). Hence

- one process a core, and one thread a process: for searches, and in the workers of `index`;
- all cores for what is built once and then searched for long, such as an index of FAISS, while it is built;
- whoever sets OMP_NUM_THREADS decides for both, but not for the workers, of which there is one a core already.

`import mmsearch` sets nothing, and FAISS is set for the calling thread and the call only, since the process may be
somebody else's. Two things remain there: a model that runs on torch sets torch's threads, which are one number for
the process, and numpy is left alone; set OPENBLAS_NUM_THREADS=1 before the first `import numpy`. The command line
owns its process: its first step sets the environment, because each library reads it once, while it is loaded.

Processes are started anew (`subprocess`, "spawn"), never forked: a child forked from a process in which FAISS, torch
or ONNX Runtime have run threads hangs at its first use of them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# FAISS 1.15 takes to BLAS only where the queries of a batch have this many numbers, which are 334 queries of 384.
# Earlier versions count queries. BLAS, which takes columns by fours, costs a batch of three what it would cost
# without, and one of four half (benchmarks/threads.py).
_BLAS_TOO_LATE = 128_000
_BLAS_FROM_QUERIES = 4
_ours = {_BLAS_TOO_LATE}  # thresholds that may be overwritten: FAISS's own, and what was set here before

# Threads that wait for work sleep at once. Those of GNU and LLVM OpenMP would spin for milliseconds, those of
# OpenBLAS for 2**26 cycles (4 is the least that it takes).
_NO_SPINNING = {"GOMP_SPINCOUNT": "0", "OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_THREAD_TIMEOUT": "4"}
_NO_TOKENIZER_THREADS = {"TOKENIZERS_PARALLELISM": "false"}


def machine_cores() -> int:
    """Cores this process may use; a container's quota counts too."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return cores
    return min(cores, max(1, int(quota) // int(period))) if quota.isdigit() else cores


def search_threads() -> int:
    """Threads for one search: 1, or OMP_NUM_THREADS."""
    return _asked() or 1


def build_threads() -> int:
    """Threads for building: all cores of the machine, or OMP_NUM_THREADS."""
    return _asked() or machine_cores()


def _asked() -> int | None:
    """Return what the user says: the first number of a list such as "4,2", which is for nested loops."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else None


def set_up_command() -> None:
    """Set the environment of a process that is mmsearch's own, before it imports numpy; what the user set stays."""
    for name, value in _environment(search_threads()).items():
        os.environ.setdefault(name, value)


def worker_environment() -> dict[str, str]:
    """Return the environment for a worker process, which owns one core whatever the user set."""
    return {**os.environ, **_environment(1), "OMP_NUM_THREADS": "1"}


def _environment(threads: int) -> dict[str, str]:
    # numpy's BLAS reads these; FAISS's, which is built on OpenMP, follows `building` nevertheless.
    pools = {"OPENBLAS_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    return pools | _NO_SPINNING | _NO_TOKENIZER_THREADS


@contextmanager
def searching(faiss: Any, dim: int) -> Iterator[None]:  # noqa: ANN401 - FAISS has no types
    """Set up FAISS for searches in the block, in a space of so many dimensions.

    The number of threads is that of the calling thread, which gets its own back; threads beside it keep theirs. From
    when FAISS takes to BLAS is one number for the process and stays, so that small batches are fast; a value that
    is neither FAISS's nor mmsearch's is left alone. Which of the two ways is taken moves scores in the last bits.

    Cost: under a microsecond.
    """
    threshold = faiss.cvar.distance_compute_blas_threshold
    wanted = _BLAS_FROM_QUERIES * dim
    if threshold != wanted and threshold in _ours:
        _ours.add(wanted)
        faiss.cvar.distance_compute_blas_threshold = wanted
    with _faiss_threads(faiss, search_threads()):
        yield


@contextmanager
def building(faiss: Any, threads: int | None = None) -> Iterator[None]:  # noqa: ANN401 - FAISS has no types
    """Let FAISS train and add on so many threads, by default `build_threads()`, in the block and this thread only.

    Searches in other threads meanwhile keep to their own number.
    """
    with _faiss_threads(faiss, build_threads() if threads is None else threads):
        yield


@contextmanager
def _faiss_threads(faiss: Any, threads: int) -> Iterator[None]:  # noqa: ANN401
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def set_up_torch(torch: Any) -> None:  # noqa: ANN401 - torch has no types here
    """Let torch compute on as many threads as a search may have, from now on and in all threads."""
    torch.set_num_threads(search_threads())


@contextmanager
def training(torch: Any) -> Iterator[None]:  # noqa: ANN401 - torch has no types here
    """Let torch compute on `build_threads()` in the block, whatever a model set that was loaded before."""
    before = torch.get_num_threads()
    torch.set_num_threads(build_threads())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def set_up_session(options: Any) -> None:  # noqa: ANN401 - ONNX Runtime has no types
    """Set the threads in the options of a session of ONNX Runtime."""
    options.intra_op_num_threads = search_threads()
    options.inter_op_num_threads = 1
    for pool in ("intra_op", "inter_op"):
        options.add_session_config_entry(f"session.{pool}.allow_spinning", "0")
