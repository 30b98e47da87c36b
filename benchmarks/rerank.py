"""Quality of re-ranking against how many candidates are looked at again, and against the time that takes.

    python -m benchmarks.rerank FOLDER... [--rerankers builtin maxsim] [--depths 10 20 50 100 200] [--plot FILE.png]

Each folder holds a `manifest.jsonl` with lines {"file": "images/a.jpg", "captions": ["...", ...]}, of pictures, or
{"file": "a.wav", "label": "dog"}, of sounds. Its files are indexed into a temporary collection; every caption, or every
different label, is searched for through the Python API, by vectors alone. Per re-ranker and depth: mean average
precision, the share of queries with a right file among the first 1 and 10, the gain over the first stage with its 95 %
interval (bootstrap over files for captions, over labels for labels), and the milliseconds of the stage, median and 95th
percentile.
"""

import argparse
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import mmsearch
from mmsearch.bootstrap import mean_ends, sums_by
from mmsearch.types import Modality

DEPTHS = (10, 20, 50, 100, 200)
SEED = 0
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Query:
    """A text, the files that it should find, and the number of what it is drawn with for an interval."""

    text: str
    right: frozenset[str]
    unit: int


@dataclass(frozen=True)
class Run:
    """What one way of searching gives.

    Attributes:
        values: (queries, 3): average precision, and whether a right file is among the first 1 and 10.
        milliseconds: (queries,) of the stage.
    """

    values: Values
    milliseconds: Values


def read_queries(folder: Path) -> tuple[Modality, list[str], list[Query]]:
    """Read a manifest: what kind of files there are, which, and what should find them."""
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    paths = [str((folder / row["file"]).resolve()) for row in rows]
    if any(row.get("captions") for row in rows):
        pairs = [
            (caption, {path}, n)
            for n, (row, path) in enumerate(zip(rows, paths, strict=True))
            for caption in row["captions"]
        ]
        return "image", paths, [Query(text, frozenset(right), unit) for text, right, unit in pairs]
    labelled = defaultdict(set)
    for row, path in zip(rows, paths, strict=True):
        labelled[row["label"]].add(path)
    return "audio", paths, [Query(label, frozenset(labelled[label]), n) for n, label in enumerate(sorted(labelled))]


def run(
    collection: mmsearch.Collection,
    kind: Modality,
    queries: Sequence[Query],
    files: int,
    reranker: str | None,
    depth: int,
) -> Run:
    """Search for every query, `files` deep."""
    values, milliseconds = [], []
    for query in queries:
        options = {"rerank": False} if reranker is None else {"reranker": reranker, "rerank_depth": depth}
        hits = collection.search(query.text, mode="vector", modality=kind, k=files, **options)
        if reranker and hits.notices:
            raise SystemExit(f"{reranker}: {hits.notices[0]}")
        right = np.array([hit.path in query.right for hit in hits])
        values.append((average_precision(right, len(query.right)), right[:1].any(), right[:10].any()))
        milliseconds.append(hits.profile.get("rerank", 0.0))
    return Run(np.array(values, dtype=np.float64), np.array(milliseconds))


def average_precision(right: npt.NDArray[np.bool_], relevant: int) -> float:
    """Return the average precision of a ranking."""
    places = np.flatnonzero(right)
    return float(((1 + np.arange(len(places))) / (1 + places)).sum() / relevant)


def line(name: str, found: Run, first: Run, unit: npt.NDArray[np.int64]) -> str:
    """Format one row of the table."""
    ap, one, ten = 100 * found.values.mean(axis=0)
    gain = found.values - first.values
    low, high = mean_ends(sums_by(unit, gain), np.bincount(unit).astype(np.float64), SEED)
    median, late = np.percentile(found.milliseconds, [50, 95])
    interval = f"{100 * gain[:, 0].mean():+.1f} ({100 * low[0]:+.1f} to {100 * high[0]:+.1f})"
    return f"{name:22} mAP {ap:5.1f}  {interval:22} R@1 {one:5.1f}  R@10 {ten:5.1f}  {median:6.1f} ms, p95 {late:6.1f}"


def measure(
    folder: Path, rerankers: Sequence[str], depths: Sequence[int], model: str
) -> Iterator[tuple[str, int, Run, Run]]:
    """Index a folder, print its table, and yield what was measured: re-ranker, depth, run, and first stage."""
    kind, paths, queries = read_queries(folder)
    unit = np.unique([query.unit for query in queries], return_inverse=True)[1]
    with tempfile.TemporaryDirectory() as home, mmsearch.open("r", home=home, model=model) as collection:
        collection.index(*paths)
        tokens = collection.status().tokens
        stored = f"{tokens.bytes_per_segment:.0f} bytes of tokens a segment" if tokens else "no tokens"
        print(f"{folder.name}: {len(paths)} files, {len(queries)} queries, {stored}")
        first = run(collection, kind, queries, len(paths), None, 0)
        print(line("first stage", first, first, unit))
        for reranker in rerankers:
            for depth in reaching(depths, len(paths)):
                found = run(collection, kind, queries, len(paths), reranker, depth)
                print(line(f"{reranker}, {depth}", found, first, unit), flush=True)
                yield reranker, depth, found, first


def reaching(depths: Sequence[int], files: int) -> list[int]:
    """Leave out depths behind the first that takes in all files."""
    enough = [each for each in depths if each >= files][1:]
    return [each for each in depths if each not in enough]


def plot(points: dict[str, list[tuple[str, int, Run, Run]]], file: Path) -> None:
    """Draw gain against milliseconds, a line a folder and re-ranker."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
    for folder, found in points.items():
        for reranker in dict.fromkeys(each[0] for each in found):
            mine = [each for each in found if each[0] == reranker]
            time = [float(np.median(run.milliseconds)) for _, _, run, _ in mine]
            gain = [100 * float((run.values - first.values)[:, 0].mean()) for _, _, run, first in mine]
            axes.plot(time, gain, marker="o", label=f"{reranker}, {folder}")
            for (_, depth, _, _), x, y in zip(mine, time, gain, strict=True):
                axes.annotate(str(depth), (x, y), textcoords="offset points", xytext=(3, 4), fontsize=7)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set(xlabel="milliseconds of re-ranking a query (median, one core)", ylabel="gain in mAP, points")
    axes.set_title("Quality against candidates looked at again (numbers at the points) and time")
    axes.legend(fontsize=8)
    figure.savefig(file, dpi=120)


def main() -> None:
    """Measure each folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--rerankers", nargs="+", default=["builtin", "maxsim"])
    parser.add_argument("--depths", nargs="+", type=int, default=list(DEPTHS))
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--plot", type=Path, help="draw a .png (needs matplotlib)")
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores")
    points = {folder.name: list(measure(folder, args.rerankers, args.depths, args.model)) for folder in args.folders}
    if args.plot:
        plot(points, args.plot)


if __name__ == "__main__":
    main()
