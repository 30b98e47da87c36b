"""How long each stage of a search takes, and what the engine adds to the model and to FAISS.

    python -m benchmarks.engine [--items 100000] [--queries 1000]

Makes a collection of so many pictures whose vectors are drawn at random around those of sentences, with file names as
cameras give them and a caption for every tenth. No picture is read. Then asks so many texts, one after the other, in
each mode, unfiltered and filtered and without re-ranking (which benchmarks.rerank measures), and prints the median and
the 95th percentile of each stage. "index" is FAISS asked for each kind of segment, and for what the words found; "bare"
is FAISS asked once for the ten nearest of all, in the same run; "added" is all that is neither "embed" nor "index".
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

import mmsearch
from mmsearch.ingest.commit import Committer, Tally
from mmsearch.normalise import unit_rows
from mmsearch.types import FileStat, IndexedFile, MediaInfo, Segment, Vectors

BATCH = 2_000
NOISE = 0.9  # length of the random part beside the sentence's unit vector
SUBJECTS = ("dog", "cat", "horse", "child", "woman", "man", "bicycle", "car", "boat", "tree", "house", "bird")
DOINGS = ("running", "sleeping", "jumping", "standing", "swimming", "playing", "waiting", "eating", "turning", "hiding")
PLACES = ("on the beach", "in the snow", "by a lake", "in a street", "at night", "in a garden", "under a bridge")
COLOURS = ("red", "blue", "green", "white", "black", "brown", "yellow", "old", "small", "big")
VARIANTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("vector", {"mode": "vector"}),
    ("hybrid", {"mode": "hybrid"}),
    ("text", {"mode": "text"}),
    ("hybrid, filter that passes 50 %", {"mode": "hybrid", "where": "width = 4000"}),
    ("hybrid, filter that passes 0.1 %", {"mode": "hybrid", "where": "name like '%500.jpg'"}),
    ("hybrid, two parts fused", {"mode": "hybrid", "combine": "fuse", "negative": "a crowd"}),
)


@dataclass(frozen=True)
class Timed:
    """Milliseconds of each query, all together and by stage, and of the bare index."""

    total: npt.NDArray[np.float64]
    stages: dict[str, npt.NDArray[np.float64]]
    bare: npt.NDArray[np.float64]


def sentences(random: np.random.Generator, count: int) -> list[str]:
    """Draw so many sentences."""
    words = [random.choice(each, count) for each in (COLOURS, SUBJECTS, DOINGS, PLACES)]
    return [f"a {colour} {subject} {doing} {place}" for colour, subject, doing, place in zip(*words, strict=True)]


def pictures(random: np.random.Generator, meanings: Vectors, texts: Sequence[str], count: int) -> Iterator[IndexedFile]:
    """Make up pictures, every tenth with a caption file."""
    dim = meanings.shape[1]
    for number in range(count):
        meant = int(random.integers(len(texts)))
        vector = unit_rows(meanings[meant : meant + 1] + NOISE * random.standard_normal((1, dim)) / np.sqrt(dim))
        path = f"/photos/{number // 1000:03d}/IMG_{number:06d}.jpg"
        info = MediaInfo("image/jpeg", width_px=4000 if number % 2 else 3000, height_px=3000)
        yield _file(path, "image", (Segment("image"),), vector, info)
        if number % 10 == 0:
            caption = Segment("text", text=texts[meant], char_start=0, char_end=len(texts[meant]), about=path)
            yield _file(f"{path}.txt", "text", (caption,), meanings[meant : meant + 1], MediaInfo("text/plain"))


def _file(path: str, modality: Any, segments: tuple[Segment, ...], vectors: Vectors, info: MediaInfo) -> IndexedFile:  # noqa: ANN401
    return IndexedFile(FileStat(path, 1_000_000, 1), f"{path}", modality, info, segments, vectors)


def fill(collection: mmsearch.Collection, items: int) -> None:
    """Put pictures into a collection as an index run would after embedding them."""
    random = np.random.default_rng(0)
    texts = sentences(random, 2_000)
    meanings = collection.embed(texts=texts)
    with collection._storage.writing() as shelves:
        committer = Committer(shelves.catalog, shelves.store, Tally())
        batch: list[IndexedFile] = []
        for file in pictures(random, meanings, texts, items):
            batch.append(file)
            if len(batch) == BATCH:
                committer.commit(batch)
                batch = []
        committer.commit(batch)
    collection.optimize()


def ask(collection: mmsearch.Collection, texts: Sequence[str], options: dict[str, Any]) -> Timed:
    """Ask every text, and the index alone for its vector."""
    index, catalog = collection._storage.reading().indexes, collection._storage.reading().catalog
    collection.search(texts[0], **options)
    vectors = collection.embed(texts=list(texts))
    total, bare = np.zeros(len(texts)), np.zeros(len(texts))
    stages: dict[str, npt.NDArray[np.float64]] = {}
    for i, text in enumerate(texts):
        begun = time.perf_counter()
        hits = collection.search(text, **options)
        total[i] = 1000 * (time.perf_counter() - begun)
        for stage, spent in hits.profile.items():
            stages.setdefault(stage, np.zeros(len(texts)))[i] = spent
        with catalog.snapshot():
            current = index.current()
        begun = time.perf_counter()
        current.search(vectors[i : i + 1], 10)
        bare[i] = 1000 * (time.perf_counter() - begun)
    return Timed(total, stages, bare)


def report(name: str, timed: Timed) -> None:
    """Print medians and 95th percentiles."""
    nothing = np.zeros_like(timed.total)
    added = timed.total - timed.stages.get("embed", nothing) - timed.stages.get("index", nothing)
    rows = {"all": timed.total, **timed.stages, "bare": timed.bare, "added": added}
    print(name)
    for stage, spent in rows.items():
        print(f"  {stage:10s} median {np.median(spent):7.2f} ms   95 %: {np.percentile(spent, 95):7.2f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--home", type=Path, help="where to keep the collection; by default it is thrown away")
    args = parser.parse_args()
    with TemporaryDirectory() as scratch, mmsearch.open("engine", home=args.home or scratch) as collection:
        if not collection.exists:
            collection._storage.make()
            fill(collection, args.items)
        texts = sentences(np.random.default_rng(1), args.queries)
        for name, options in VARIANTS:
            report(name, ask(collection, texts, {**options, "rerank": False}))


if __name__ == "__main__":
    main()
