"""Count how often the photo that a caption describes is among the first k hits.

    python -m benchmarks.retrieval FOLDER... [--model builtin] [--captions all]

Each folder holds photos and a `manifest.jsonl` with lines {"file": "images/a.jpg", "captions": ["...", ...]}. The
photos are indexed into a temporary collection; each photo's first caption (or every caption) is then searched for
through the Python API with modality="image". R@k is the share of queries whose own photo is in the first k hits.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import mmsearch


@dataclass(frozen=True)
class Pair:
    """A query and the photo that it should find."""

    caption: str
    path: str


def read_pairs(folder: Path, *, all_captions: bool) -> list[Pair]:
    """Read a manifest."""
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        Pair(caption, str((folder / row["file"]).resolve()))
        for row in rows
        for caption in (row["captions"] if all_captions else row["captions"][:1])
    ]


def ranks(collection: mmsearch.Collection, pairs: Sequence[Pair], depth: int) -> np.ndarray:
    """Rank of each pair's photo, from 1; infinity if it is not among the first `depth`."""
    found = []
    for pair in pairs:
        hits = collection.search(pair.caption, modality="image", k=depth)
        found.append(next((hit.rank for hit in hits if hit.path == pair.path), np.inf))
    return np.array(found)


def main() -> None:
    """Measure and print one line a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--captions", choices=["first", "all"], default="first")
    args = parser.parse_args()
    for folder in args.folders:
        pairs = read_pairs(folder, all_captions=args.captions == "all")
        with tempfile.TemporaryDirectory() as home, mmsearch.open("r", home=home, model=args.model) as collection:
            collection.index(*sorted({pair.path for pair in pairs}))
            photos = collection.status().segments.get("image", 0)
            rank = ranks(collection, pairs, photos)
        shares = "  ".join(f"R@{k} {100 * np.mean(rank <= k):5.1f}" for k in (1, 5, 10))
        error = 100 * np.sqrt(np.mean(rank <= 10) * np.mean(rank > 10) / photos)
        print(
            f"{folder.name}: {photos} photos, {len(pairs)} queries ({args.captions} captions): {shares} "
            f"(standard error of R@10 {error:.1f})  "
            f"MRR {100 * np.mean(1 / rank):.1f}  median rank {np.median(rank):.0f}"
        )


if __name__ == "__main__":
    main()
