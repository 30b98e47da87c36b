"""What a large collection costs: to open, to search with filters, to add to and delete from, to keep in shape.

    python -m benchmarks.index_life [--items 100000] [--changed 1000] [--kind auto] [--runs 5] [--home FOLDER]

Makes a collection of so many photos by the code that commits them, with made-up vectors: no photo is read. Then, each
in a new process, and by the clock on the wall:

    cold       a process that opens it and answers one query by vector; and the command `mmsearch search`. The files
               are in the system's memory already, for they have just been written.
    filters    the first and further searches with a filter in a process that has searched without, SQL included
    changes    adding and removing so many photos, here and in a collection of its own that has no others; how long a
               reader that is open meanwhile takes for its next search; and a merge of so many that it is due

"rows read" are stored vectors, "written" all bytes that went to files.
"""

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import mmsearch
from benchmarks.index_life_set import FILTERS, commit, meanings, path_of, vectors
from benchmarks.index_life_steps import (
    NAME,
    Cost,
    add,
    build,
    cold_commands,
    cold_starts,
    filtered,
    merge,
    reader,
    remove,
    sizes,
)
from benchmarks.index_report import print_table
from benchmarks.index_run import in_new_process
from mmsearch.ingest.due import FOLD_TAIL, FOLD_TAIL_SHARE
from mmsearch.threads import machine_cores, set_up_command
from mmsearch.types import Vectors

TEXT = "a red dog running on the beach"
_PIECE = 50_000
_QUERY = "query.npy"
_COSTS = ("", "seconds", "CPU s", "rows read", "written, MB", "index afterwards")
Ask = Callable[[Vectors], tuple[float, str]]


def fill(home: Path, items: int) -> None:
    """Make a collection of so many photos without an index."""
    with mmsearch.open(NAME, home=home) as collection:
        collection._storage.make()
        meant = meanings(collection)
        np.save(home / _QUERY, collection.embed(texts=TEXT))
        for first in range(0, items, _PIECE):
            commit(collection, vectors(meant, min(_PIECE, items - first), seed=first), first)


def new_vectors(home: Path, count: int) -> Vectors:
    """Make vectors of photos that are to be added."""
    with mmsearch.open(NAME, home=home) as collection:
        return vectors(meanings(collection), count, seed=-1 % (1 << 32))


def print_cold(home: Path, runs: int) -> None:
    """Print what a first answer takes."""
    spent = in_new_process(cold_starts, home, home / _QUERY, runs)
    for options in (["--mode", "vector", "--no-rerank"], []):
        command = " ".join(["mmsearch search", f'"{TEXT}"', *options])
        spent[f"`{command}`"] = in_new_process(cold_commands, home, TEXT, options, runs)
    rows = [[name, f"{wall:.0f}", "" if cpu is None else f"{cpu:.0f}"] for name, (wall, cpu) in spent.items()]
    print_table(["a new process", "ms", "CPU ms"], rows)


def print_filters(home: Path) -> None:
    """Print how long searches with filters take."""
    query = np.load(home / _QUERY)
    rows = []
    for share, where in FILTERS.items():
        first, again, found = in_new_process(filtered, home, query, where)
        rows.append([share, f"`{where}`", f"{first:.0f}", f"{again:.1f}", str(found)])
    print_table(["passes", "filter", "first, ms", "again, ms", "results"], rows)


def print_changes(home: Path, items: int, rows: Vectors) -> None:
    """Print what changes cost, and when a reader sees them."""
    changed, few = len(rows), f"{len(rows):,}"
    with reader(home) as ask:
        unchanged = [ask(rows[:1])[0] for _ in range(5)][-1]
        print(f"a reader, before: {unchanged:.1f} ms a search")
        costs = [(f"add {few}", in_new_process(add, home, rows, items))]
        print_seen(ask, rows[changed // 2 :], path_of(items + changed // 2), "added")
        costs.append((f"remove {few}", in_new_process(remove, home, items, changed)))
        print_seen(ask, rows[changed // 2 :], "", "removed")
        more = in_new_process(new_vectors, home, due(items))
        costs.append((f"add {len(more):,}", in_new_process(add, home, more, items)))
        costs.append(("merge these", in_new_process(merge, home)))
        print_seen(ask, more[-1:], path_of(items + len(more) - 1), "merged")
    with TemporaryDirectory() as name:
        in_new_process(fill, Path(name), 0)
        costs.append((f"add {few} to an empty collection", in_new_process(add, Path(name), rows, 0)))
        costs.append((f"remove {few} of {few}", in_new_process(remove, Path(name), 0, changed)))
    print()
    print_costs(costs)


def due(items: int) -> int:
    """Return how many have to come until they are merged."""
    return max(FOLD_TAIL, round(FOLD_TAIL_SHARE * items)) + 1


def print_seen(ask: Ask, rows: Vectors, expected: str, what: str) -> None:
    """Print how long the reader's next searches take, and check that it sees the change."""
    (first, path), (again, _) = ask(rows[:1]), ask(rows[:1])
    if (path == expected) != bool(expected):
        raise SystemExit(f"the reader found {path}, expected {expected or 'another'}")
    print(f"a reader, {what}: its next search {first:.1f} ms, and the one after {again:.1f} ms")


def print_costs(costs: list[tuple[str, Cost]]) -> None:
    """Print a table of what changes took."""
    print_table(
        _COSTS,
        [
            [
                what,
                f"{cost.seconds:.2f}",
                f"{cost.cpu_s:.2f}",
                f"{cost.rows_read:,}",
                f"{cost.bytes_written / 1e6:,.1f}",
                cost.index,
            ]
            for what, cost in costs
        ],
    )


def print_sizes(home: Path, items: int) -> None:
    """Print what lies on disk."""
    found = sizes(home)
    parts = ", ".join(f"{part} {size / items:,.0f}" for part, size in sorted(found.items()))
    print(f"on disk: {sum(found.values()) / 1e6:,.0f} MB; bytes a photo: {parts}\n")


def measure(home: Path, args: argparse.Namespace) -> None:
    """Make the collection if it is not there, and print everything."""
    home.mkdir(parents=True, exist_ok=True)
    if not (home / NAME).exists():
        in_new_process(fill, home, args.items)
        print_costs([("build the index", in_new_process(build, home, args.kind))])
    print_sizes(home, args.items)
    print_cold(home, args.runs)
    print_filters(home)
    print_changes(home, args.items, in_new_process(new_vectors, home, args.changed))
    print_sizes(home, args.items + due(args.items))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--changed", type=int, default=1_000, help="photos to add and to remove")
    parser.add_argument("--kind", default="auto", help="of index, as in `mmsearch optimize`")
    parser.add_argument("--runs", type=int, default=5, help="of cold starts")
    parser.add_argument("--home", type=Path, help="where to keep the collection; by default it is thrown away")
    args = parser.parse_args()
    set_up_command()  # what is measured runs in processes that inherit it
    print(f"{args.items:,} photos; {machine_cores()} cores; {date.today():%d %B %Y}\n", flush=True)
    with TemporaryDirectory() as scratch:
        measure(args.home or Path(scratch), args)


if __name__ == "__main__":
    main()
