"""What threads and their spinning cost, and from how many queries on FAISS should multiply by BLAS.

    python -m benchmarks.threads [--rows 100000] [--dim 384] [--rounds 30]

The first table is of exact scans by FAISS for batches of queries, on one thread: CPU milliseconds a query with FAISS's
own threshold and with mmsearch's, in turns, the least of several runs. The second is of searches that use all
libraries one after another, as a search does that encodes its text, scans, looks at a batch and re-ranks: each
combination is a process of its own, since the libraries read the environment once. Made-up vectors; under a minute.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import faiss
import numpy as np

from mmsearch import threads
from mmsearch.encoders.builtin import session
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.types import Vectors

BATCHES = (1, 2, 3, 4, 8, 32, 333)
RUNS = 3
PAUSE_S = 0.01  # between searches: threads that spin do so while nothing is asked
SPINNING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OPENBLAS_THREAD_TIMEOUT")
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def rows(count: int, dim: int, seed: int = 0) -> Vectors:
    """Draw rows (count, dim)."""
    return np.random.default_rng(seed).standard_normal((count, dim), dtype=np.float32)


def least_cpu_ms(work: Callable[[], object]) -> float:
    """Return the CPU time of the quickest of several runs."""
    spent = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent) * 1000


def batches(count: int, dim: int) -> Iterator[tuple[int, float, float]]:
    """Yield the size of a batch, and CPU milliseconds a query with FAISS's threshold and with ours."""
    default = faiss.cvar.distance_compute_blas_threshold
    index = faiss.IndexFlatIP(dim)
    index.add(rows(count, dim))
    queries = rows(max(BATCHES), dim, seed=1)
    for size in BATCHES:
        spent = []
        with threads.searching(faiss, dim):
            ours = faiss.cvar.distance_compute_blas_threshold
            for threshold in (default, ours):
                faiss.cvar.distance_compute_blas_threshold = threshold
                spent.append(least_cpu_ms(lambda size=size: index.search(queries[:size], 10)) / size)  # type: ignore[misc]
        yield size, spent[0], spent[1]


def a_search(dim: int) -> Callable[[], None]:
    """Make what a search asks of each library."""
    encoder = BuiltinEncoder()
    few, many, queries = rows(10_000, dim), rows(20_000, dim), rows(8, dim, seed=1)
    index = faiss.IndexFlatIP(dim)
    index.add(many)
    look_again = _torch_layer()

    def search() -> None:
        encoder.encode_texts(["a dog on the beach"], "query")
        few @ queries[0]
        with threads.searching(faiss, dim):
            index.search(queries, 10)
        look_again()

    return search


def _torch_layer() -> Callable[[], object]:
    if not find_spec("torch"):
        return lambda: None
    import torch

    threads.set_up_torch(torch)
    layer = torch.nn.TransformerEncoderLayer(384, 6, 1536, batch_first=True).eval()
    tokens = torch.zeros(8, 50, 384)

    def look_again() -> object:
        with torch.inference_mode():
            return layer(tokens)

    return look_again


def time_searches(dim: int, rounds: int, *, spin: bool) -> None:
    """Print CPU and wall milliseconds a search, in a process whose environment is set already."""
    if spin:
        vars(session)["set_up_session"] = _spinning_session
    search = a_search(dim)
    search()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(rounds):
        search()
        time.sleep(PAUSE_S)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(cpu / rounds * 1000, (wall / rounds - PAUSE_S) * 1000)


def _spinning_session(options: object) -> None:
    """Set ONNX Runtime's number of threads and nothing else."""
    options.intra_op_num_threads = threads.search_threads()  # type: ignore[attr-defined]


def mixed(dim: int, rounds: int) -> Iterator[tuple[int, bool, float, float]]:
    """Yield threads, whether they spin, and CPU and wall milliseconds a search."""
    for number in (1, 2):
        for spin in (True, False):
            environ = threads.worker_environment() | dict.fromkeys(POOLS, str(number))
            environ = {name: value for name, value in environ.items() if not (spin and name in SPINNING)}
            command = [sys.executable, "-m", "benchmarks.threads", f"--dim={dim}", f"--rounds={rounds}"]
            done = subprocess.run(
                [*command, "--child", "spin" if spin else "sleep"],
                env=environ,
                check=True,
                capture_output=True,
                text=True,
            )
            cpu, wall = map(float, done.stdout.split())
            yield number, spin, cpu, wall


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--child", choices=("spin", "sleep"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        time_searches(args.dim, args.rounds, spin=args.child == "spin")
        return
    print(f"FAISS {faiss.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{args.rows:,} x {args.dim}, CPU ms a query:\n{'queries':>8}{'FAISS':>9}{'mmsearch':>10}{'times':>7}")
    for size, default, ours in batches(args.rows, args.dim):
        print(f"{size:8d}{default:9.2f}{ours:10.2f}{default / ours:7.1f}")
    libraries = "ONNX Runtime, numpy, FAISS" + (", torch" if find_spec("torch") else "")
    print(f"\nOne after another ({libraries}), ms a search:\n{'threads':>8}{'waiting':>9}{'CPU':>8}{'wall':>8}")
    for number, spin, cpu, wall in mixed(args.dim, args.rounds):
        print(f"{number:8d}{'spins' if spin else 'sleeps':>9}{cpu:8.1f}{wall:8.1f}")


if __name__ == "__main__":
    main()
