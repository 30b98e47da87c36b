"""Compare the kinds of vector index of mmsearch with hnswlib, usearch and what autofaiss would choose.

    python -m benchmarks.index [--vectors 100000] [--kinds auto ...] [--peers hnswlib usearch autofaiss]
        [--no-filters] [--plot docs/index.png] [--json FILE] [--from FILE...]

All are built from the same made-up vectors of pictures, and asked with texts, whose vectors lie apart from those of
pictures (benchmarks/index_data.py). Kinds of mmsearch run through the code of a collection: chosen, built, tuned for
each wished recall, and searched. Everything is asked by one thread, and times are CPU time, which is what a query takes
on a core that is idle. Between queries FAISS's scan of float32 in memory is timed, since machines are noisy: compare
how many times faster than that an index is, rather than milliseconds. What is printed:

    recall@10      of the ten nearest by an exact scan, for queries by text; and for other pictures
    in batches     300 queries in one call, against a scan of as many
    complete       share of filtered queries with ten results, or as many as there are
    forbidden      results that the filter does not let through

Needs the extra `bench`. autofaiss wants an environment of its own (`pip install autofaiss 'pyarrow<22'`), whose Python
is named by --autofaiss; what it chooses is then built with FAISS here. Without, what version 2.18.0 chose is taken.
"""

import argparse
import json
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.index_engines import Engine, Ours
from benchmarks.index_peers import Autofaiss, Hnswlib, Usearch, autofaiss_key, remembered_autofaiss_key
from benchmarks.index_report import plot, print_tables
from benchmarks.index_run import Filtered, Made, Measurement, Opening, Point, in_new_process, measure
from benchmarks.index_set import make_set
from mmsearch.threads import machine_cores, set_up_command

KINDS = ("auto", "flat", "faiss-flat", "flat-f16", "hnsw", "ivf-flat", "ivf-sq8", "ivf-pq", "ivf-rabitq")
PEERS = ("hnswlib", "usearch", "autofaiss")
WISHES = (0.9, 0.95, 0.98, 0.99)
WANTED = 0.98


def engines(args: argparse.Namespace) -> Iterator[Engine]:
    """Make what is asked for."""
    for kind in args.kinds:
        yield Ours(kind, tuple(sorted(args.wishes)), args.memory << 20, args.max_latency_ms)
    if "hnswlib" in args.peers:
        yield Hnswlib()
    if "usearch" in args.peers:
        yield Usearch()
    if "autofaiss" in args.peers and args.autofaiss:
        yield Autofaiss(autofaiss_key(args.autofaiss, args.vectors, args.dim, args.autofaiss_memory))
    elif "autofaiss" in args.peers:
        yield Autofaiss(remembered_autofaiss_key(args.vectors))


def run(args: argparse.Namespace, folder: Path) -> Iterator[Measurement]:
    """Measure each engine, whose files are then removed."""
    place = (args.folder or folder) / f"{args.vectors}x{args.dim}, {args.queries} queries"
    data = in_new_process(make_set, place, args.vectors, args.dim, args.queries)
    for engine in engines(args):
        print(f"{engine.name} ...", file=sys.stderr, flush=True)
        with TemporaryDirectory(dir=folder) as built:
            yield measure(engine, data, Path(built), args.threads, wanted=WANTED, filters=args.filters)


def keep(measured: Sequence[Measurement], file: Path) -> None:
    """Write what was measured, for --from."""
    file.write_text(json.dumps([asdict(each) for each in measured], indent=1), encoding="utf-8")


def from_json(text: str) -> list[Measurement]:
    """Read what was kept of a run."""
    return [
        Measurement(
            each["engine"],
            Made(**each["made"]),
            Opening(**each["opening"]),
            tuple(Point(**point) for point in each["points"]),
            tuple(Filtered(**row) for row in each["filtered"]),
        )
        for each in json.loads(text)
    ]


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--queries", type=int, default=1_000, help="of each kind, to measure recall by")
    parser.add_argument(
        "--kinds", nargs="*", default=["auto", "ivf-pq", "hnsw"], help=f"{', '.join(KINDS)}, or a FAISS factory string"
    )
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--wishes", nargs="+", type=float, default=list(WISHES), help="recalls to tune for")
    parser.add_argument("--memory", type=int, default=0, help="MiB that the automatic choice may take")
    parser.add_argument("--max-latency-ms", type=float, default=10.0, help="for the automatic choice")
    parser.add_argument("--threads", type=int, default=machine_cores(), help="to build with")
    parser.add_argument("--autofaiss", type=Path, help="Python of an environment with autofaiss")
    parser.add_argument("--autofaiss-memory", default="2G", help="what it may take")
    parser.add_argument("--no-filters", dest="filters", action="store_false")
    parser.add_argument("--folder", type=Path, help="where to keep the vectors for another run")
    parser.add_argument("--json", type=Path, help="keep what was measured")
    parser.add_argument("--from", dest="kept", nargs="+", type=Path, help="only print what --json has kept")
    parser.add_argument("--plot", type=Path, help="draw a .png (needs matplotlib)")
    return parser.parse_args(given)


def measure_all(args: argparse.Namespace) -> list[Measurement]:
    """Measure; what is done so far is kept, because a run may take an hour."""
    print(f"{args.vectors:,} vectors of {args.dim}; {machine_cores()} cores, {platform.machine()}", end="; ")
    print(f"built by {args.threads} threads; {date.today():%d %B %Y}\n", flush=True)
    measured: list[Measurement] = []
    with TemporaryDirectory() as scratch:
        for each in run(args, Path(scratch)):
            measured.append(each)
            if args.json:
                keep(measured, args.json)
    return measured


def main() -> None:
    """Measure, print and draw."""
    args = arguments()
    set_up_command()  # what is measured runs in processes that inherit it
    if args.kept:
        measured = [each for path in args.kept for each in from_json(path.read_text(encoding="utf-8"))]
    else:
        measured = measure_all(args)
    print_tables(measured, WANTED)
    if args.plot:
        plot(measured, args.plot)


if __name__ == "__main__":
    main()
