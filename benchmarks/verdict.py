"""How often a search says "no good match", through the same call that users make.

    python -m benchmarks.verdict FOLDER...

Folders as for benchmarks.retrieval. Asks for what photos show, for nonsense, for topics that no photo shows, and for
things that could be photographed but are not there (benchmarks/no_match_queries.json), by vectors alone and in the
default mode, among the photos, and again with half of their captions as notes beside them.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import mmsearch
from benchmarks.retrieval import Pair, read_pairs

KINDS = ("photos", "nonsense", "topics", "unseen")
QUERIES = Path(__file__).with_name("no_match_queries.json")


def refused(collection: mmsearch.Collection, queries: list[Any], mode: Any) -> float:  # noqa: ANN401 - JSON; a literal
    """Share of queries that are said to have no good match."""
    texts = [query["query"] if isinstance(query, dict) else query for query in queries]
    return float(np.mean([collection.search(text, mode=mode).good_match is False for text in texts]))


def report(collection: mmsearch.Collection, where: str) -> None:
    """Print a line a mode."""
    queries = json.loads(QUERIES.read_text(encoding="utf-8"))
    for mode in ("vector", "hybrid"):
        shares = "  ".join(f"{kind} {100 * refused(collection, queries[kind], mode):3.0f} %" for kind in KINDS)
        print(f"{where:18s} {mode:7s} {shares}")


def write_notes(pairs: list[Pair], folder: Path) -> Path:
    """Write every second caption as a note."""
    folder.mkdir()
    for number, pair in enumerate(pairs[::2]):
        (folder / f"note {number}.txt").write_text(pair.caption, encoding="utf-8")
    return folder


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    args = parser.parse_args()
    pairs = [pair for folder in args.folders for pair in read_pairs(folder, all_captions=False)]
    with TemporaryDirectory() as scratch, mmsearch.open("verdict", home=scratch) as collection:
        collection.index(*sorted({pair.path for pair in pairs}), transcribe=False)
        report(collection, "photos")
        collection.index(write_notes(pairs, Path(scratch) / "notes"))
        report(collection, "photos and notes")


if __name__ == "__main__":
    main()
