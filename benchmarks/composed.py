"""Measure how well queries of several parts find what they mean, in each mode.

    python -m benchmarks.composed FOLDER... [--model builtin] [--queries FILE] [--json FILE] [--variants]

Searches for the queries of composed_queries.jsonl among the photos and sounds that they were judged for, which must
lie below the folders; other files are left alone. Media are named there without their endings, ESC-50 recordings by
fold, clip and take (1-47819-A); a label before two underscores (cat__1-47819-A.ogg) does not count.

The modes are `Collection.search` with combine="add" and "fuse", by meaning alone. What they must beat is the first of
the positive parts alone (words, if there are any), the best of them, chosen with hindsight, and for texts one sentence
("a dog without grass"). hit@k: an intended answer is among the first k. mAP: mean average precision over all answers.
Doubtful items, and the pictures and sounds of the query itself, are left out of the ranking. Differences come with
95 % intervals of a paired bootstrap over queries. --variants compares other formulas instead, on vectors of the
built-in model.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mmsearch
from benchmarks.composed_set import MEASURES, ComposedQuery, Part, Table, files_below, name_of, read_set, success
from benchmarks.composed_variants import measure_variants

QUERIES = Path(__file__).with_name("composed_queries.jsonl")
RESAMPLES = 10_000


@dataclass(frozen=True)
class Searcher:
    """Asks a collection that holds the files of the set."""

    collection: mmsearch.Collection
    paths: Mapping[str, str]

    def ranking(self, parts: Iterable[Part], modality: str, combine: str = "add") -> list[str]:
        """Return the names of all items of a modality, best first."""
        given: dict[str, Any] = {}
        for part in parts:
            value = part.value if part.argument in ("text", "negative") else self.paths[part.value]
            given.setdefault(part.argument, []).append(f"{part.weight:g}:{value}")
        depth = self.collection.status().segments[modality]
        given |= {"modality": modality, "combine": combine, "mode": "vector", "k": depth}
        return [name_of(hit.path) for hit in self.collection.search(**given)]


def add(query: ComposedQuery, searcher: Searcher) -> list[list[str]]:
    """Search by one vector."""
    return [searcher.ranking(query.parts, query.modality)]


def fuse(query: ComposedQuery, searcher: Searcher) -> list[list[str]]:
    """Search by each part, and fuse."""
    return [searcher.ranking(query.parts, query.modality, "fuse")]


def best_part(query: ComposedQuery, searcher: Searcher) -> list[list[str]]:
    """Search by each positive part alone."""
    return [searcher.ranking([part], query.modality) for part in query.parts if part.argument != "negative"]


def first_part(query: ComposedQuery, searcher: Searcher) -> list[list[str]]:
    """Search by the first positive part alone: the words, if there are any."""
    return best_part(query, searcher)[:1]


def sentence(query: ComposedQuery, searcher: Searcher) -> list[list[str]]:
    """Say it in one sentence, if all parts are texts."""
    if any(part.argument not in ("text", "negative") for part in query.parts):
        return []
    wanted, unwanted = query.values("text"), query.values("negative")
    said = " and ".join(wanted) + (f" without {' and '.join(unwanted)}" if unwanted else "")
    return [searcher.ranking([Part("text", said)], query.modality)]


MODES: dict[str, Callable[[ComposedQuery, Searcher], list[list[str]]]] = {
    "add": add,
    "fuse": fuse,
    "first part": first_part,
    "best part": best_part,
    "sentence": sentence,
}


def best_success(rankings: Sequence[Sequence[str]], query: ComposedQuery) -> Table:
    """Return the MEASURES of the ranking with the highest average precision; NaN if there is none."""
    return max(
        (success(each, query) for each in rankings), key=lambda row: row[-1], default=np.full(len(MEASURES), np.nan)
    )


def interval(differences: Table) -> tuple[float, float, float]:
    """Return mean, lower and upper end of its 95 % interval, by bootstrap."""
    rng = np.random.default_rng(0)
    means = differences[rng.integers(0, len(differences), (RESAMPLES, len(differences)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(differences.mean()), float(low), float(high)


def print_table(queries: Sequence[ComposedQuery], tables: Mapping[str, Table]) -> None:
    """Print a Markdown table of percentages: a row a kind of query, hit@1 / hit@5 / mAP in each column."""
    print(f"{' / '.join(MEASURES)} in %\n\n| kind | queries | {' | '.join(tables)} |\n|---|--:|{'--:|' * len(tables)}")
    kinds = list(dict.fromkeys(query.kind for query in queries))
    rows = {kind: np.array([query.kind == kind for query in queries]) for kind in kinds}
    negative = np.array([bool(query.values("negative")) for query in queries])
    rows |= {"**without a negative part**": ~negative, "**with one**": negative, "**all**": negative | ~negative}
    for name, chosen in rows.items():
        cells = [_cell(table[chosen]) for table in tables.values()]
        print(f"| {name} | {chosen.sum()} | {' | '.join(cells)} |")


def _cell(table: Table) -> str:
    if np.isnan(table).any():
        return ""
    return " / ".join(f"{100 * value:.0f}" for value in table.mean(axis=0))


def print_differences(queries: Sequence[ComposedQuery], tables: Mapping[str, Table], base: str) -> None:
    """Print by how much each mode's average precision differs from that of a base."""
    negative = np.array([bool(query.values("negative")) for query in queries])
    for name, table in tables.items():
        known = ~np.isnan(table[:, -1])
        if name == base:
            continue
        lines = []
        for group, chosen in (("without negative", ~negative), ("with", negative)):
            change = (table - tables[base])[chosen & known, -1]
            mean, low, high = (100 * value for value in interval(change))
            lines.append(f"{group}: {mean:+.1f} [{low:+.1f}, {high:+.1f}] on {len(change)}")
        print(f"mAP of {name} over {base}: {'; '.join(lines)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--queries", type=Path, default=QUERIES)
    parser.add_argument("--json", type=Path, help="write what each query reached to this file")
    parser.add_argument("--variants", action="store_true", help="compare formulas instead of modes")
    args = parser.parse_args()
    if args.variants and args.model != "builtin":
        parser.error("--variants is for the built-in model.")
    names, queries = read_set(args.queries)
    paths = files_below(args.folders, names)
    with tempfile.TemporaryDirectory() as home, mmsearch.open("c", home=home, model=args.model) as collection:
        if args.variants:
            tables, base = measure_variants(queries, collection, paths), "add: projection"
        else:
            collection.index(*sorted(paths.values()), transcribe=False)
            searcher, base = Searcher(collection, paths), "add"
            tables = {
                name: np.stack([best_success(mode(query, searcher), query) for query in queries])
                for name, mode in MODES.items()
            }
    print_table(queries, tables)
    print()
    print_differences(queries, tables, base)
    if args.json:
        args.json.write_text(json.dumps({name: table.tolist() for name, table in tables.items()}), encoding="utf-8")


if __name__ == "__main__":
    main()
