"""Measure how well labels find sounds, and sounds their label, through the Python API.

    python -m benchmarks.sounds FOLDER... [--model builtin] [--photos FOLDER...] [--pooled]

Each folder holds sounds and a `manifest.jsonl` with lines {"file": "audio/a.wav", "label": "dog"}. They are indexed
into a temporary collection without transcripts. Each different label is searched for with modality="audio": mAP and R@k
say how well it finds its sounds; top-1 is the share of sounds that score highest for their own label. --pooled puts all
folders into one collection. With --photos (folders as for benchmarks.retrieval) photos search sounds and sounds photos:
a photo shows a thing if most of its captions name it.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import mmsearch

Scores = npt.NDArray[np.float64]
NAMED_BY = 3  # captions of a photo, of five


def read_labels(folder: Path) -> dict[str, str]:
    """Read a manifest: absolute path -> label."""
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    return {str((folder / row["file"]).resolve()): row["label"] for row in rows}


def score_table(
    collection: mmsearch.Collection, queries: Sequence[Mapping[str, str]], paths: Sequence[str], modality: str
) -> Scores:
    """Return the best score of each file for each query, (queries, files)."""
    place = {path: i for i, path in enumerate(paths)}
    table = np.full((len(queries), len(paths)), -np.inf)
    depth = collection.status().segments.get(modality, 1)
    for row, query in zip(table, queries, strict=True):
        # By vectors alone: names of files often say what is heard.
        for hit in collection.search(**query, modality=modality, k=depth, mode="vector"):  # type: ignore[arg-type]
            row[place[hit.path]] = max(row[place[hit.path]], hit.score)
    return table


def average_precision(scores: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> Scores:
    """Average precision of each row of scores (queries, files), given which files are right."""
    ranked = np.take_along_axis(right, np.argsort(-scores, axis=1, kind="stable"), axis=1)
    precision = ranked.cumsum(axis=1) / np.arange(1, ranked.shape[1] + 1)
    return np.asarray((precision * ranked).sum(axis=1) / ranked.sum(axis=1))


def report_labels(name: str, collection: mmsearch.Collection, labels: Mapping[str, str]) -> None:
    """Search for each label, and print a line."""
    paths, queries = sorted(labels), sorted(set(labels.values()))
    table = score_table(collection, [{"text": query} for query in queries], paths, "audio")
    right = np.array([[labels[path] == query for path in paths] for query in queries])
    ranked = np.take_along_axis(right, np.argsort(-table, axis=1, kind="stable"), axis=1)
    found = "  ".join(f"R@{k} {100 * ranked[:, :k].any(axis=1).mean():.0f}" for k in (1, 5, 10))
    top = np.mean([labels[path] == queries[best] for path, best in zip(paths, table.argmax(axis=0), strict=True)])
    print(
        f"{name}: {len(paths)} sounds, {len(queries)} labels: mAP {100 * average_precision(table, right).mean():.1f}  "
        f"{found}  top-1 {100 * top:.1f}"
    )


def things_on(photos: Mapping[str, Sequence[str]], labels: Sequence[str]) -> dict[str, str]:
    """Say which labelled thing is on which photo: path -> label; photos of none or of several are left out."""
    found = {}
    for path, captions in photos.items():
        named = [label for label in labels if sum(_names(caption, label) for caption in captions) >= NAMED_BY]
        if len(named) == 1:
            found[path] = named[0]
    return found


def _names(caption: str, label: str) -> bool:
    return re.search(rf"\b{re.escape(label)}s?\b", caption.lower()) is not None


def report_photos(collection: mmsearch.Collection, sounds: Mapping[str, str], photos: Mapping[str, str]) -> None:
    """Let photos search sounds and sounds photos, and print mAP a thing against chance."""
    things = sorted(set(photos.values()) & set(sounds.values()))
    for query_kind, asked, kind, gallery in (("image", photos, "audio", sounds), ("audio", sounds, "image", photos)):
        paths = sorted(gallery)
        values, chances = [], []
        for thing in things:
            queries = sorted(path for path, what in asked.items() if what == thing)
            right = np.array([[gallery[path] == thing for path in paths]] * len(queries))
            table = score_table(collection, [{query_kind: path} for path in queries], paths, kind)
            values.append(average_precision(table, right).mean())
            chances.append(right[0].mean())
            print(f"  {query_kind} -> {kind}, {thing}: mAP {100 * values[-1]:.0f}, chance {100 * chances[-1]:.0f}")
        print(
            f"{query_kind} -> {kind}: mAP {100 * np.mean(values):.1f} over {len(things)} things, "
            f"chance {100 * np.mean(chances):.1f}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--model", default="builtin")
    parser.add_argument("--photos", nargs="*", type=Path, default=[])
    parser.add_argument("--pooled", action="store_true", help="all folders in one collection")
    args = parser.parse_args()
    each = {folder.name: read_labels(folder) for folder in args.folders}
    if args.pooled or args.photos:
        each = {"all together": {path: label for labels in each.values() for path, label in labels.items()}}
    for name, labels in each.items():
        with tempfile.TemporaryDirectory() as home, mmsearch.open("s", home=home, model=args.model) as collection:
            collection.index(*sorted(labels), transcribe=False)
            report_labels(name, collection, labels)
            if args.photos:
                captions = {path: said for folder in args.photos for path, said in _read_captions(folder).items()}
                photos = things_on(captions, sorted(set(labels.values())))
                collection.index(*sorted(photos))
                report_photos(collection, labels, photos)


def _read_captions(folder: Path) -> dict[str, list[str]]:
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    return {str((folder / row["file"]).resolve()): row["captions"] for row in rows}


if __name__ == "__main__":
    main()
