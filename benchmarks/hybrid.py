"""Compare ways of fusing what a search finds by vectors with what it finds by words.

    python -m benchmarks.hybrid PHOTOS... [--speech SOUNDS] [--skip 2] [--model builtin]

Each folder of photos holds a `manifest.jsonl` with lines {"file": "images/a.jpg", "captions": ["...", "...", ...]}, two
captions or more a photo; the folder of sounds one with lines {"file": "a.wav", "transcript": "..."}. The photos are
indexed together, several times: under the names that a camera gives, with and without one of their captions in a text
file beside them, and under names that hold a word of a caption of theirs or of another photo. Sounds are indexed
and written down as `mmsearch index` does. Every query has one file that it should find; in the ranking a caption stands
for its photo. By method: the share of queries whose file comes first, the share among the first ten, the mean
reciprocal rank (ties count as their middle), and the gain in it over vectors alone with its 95 % interval (paired
bootstrap over queries).
"""

import argparse
import json
import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import mmsearch
from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import Catalog
from mmsearch.queries import QueryPart
from mmsearch.registry import make_encoder
from mmsearch.search.background import Background
from mmsearch.search.calibrate import calibrated
from mmsearch.search.hybrid import hybrid
from mmsearch.search.lexical import lexical
from mmsearch.search.words import STOPWORDS
from mmsearch.storage import Shelves
from mmsearch.types import Candidates, EncoderSpec, Ids, Modality

Scores = npt.NDArray[np.float64]
Fusion = Callable[[Scores, Scores], Scores]
ROUNDS = 1_000


@dataclass(frozen=True)
class Query:
    """A text and the file that it should find."""

    text: str
    path: str


@dataclass(frozen=True)
class Photo:
    """A photo and what people say of it."""

    file: Path
    captions: tuple[str, ...]


class Searched:
    """A collection that is searched by vectors and by words, all of it."""

    def __init__(self, collection: mmsearch.Collection, spec: EncoderSpec) -> None:
        self._collection, self._spec = collection, spec
        self._catalog = Catalog.open(collection.folder / "catalog.db", write=False)
        self.ids, self._vectors = stored_vectors(self._catalog, Shelves(collection.folder, self._catalog).store)
        records = self._catalog.hits(self.ids)
        subjects = [records[id_].about or records[id_].path for id_ in self.ids.tolist()]
        self.paths = sorted(set(subjects))
        self._files = np.searchsorted(self.paths, subjects)
        self._kinds: list[Modality] = [records[id_].modality for id_ in self.ids.tolist()]

    def scores(self, query: str) -> tuple[Scores, Scores]:
        """Return the scores (n,) of all segments by vector and by words."""
        vector = self._collection.embed(texts=query)[0]
        by_vector = np.empty(len(self.ids))
        for kind in set(self._kinds):
            own = np.array([each == kind for each in self._kinds])
            background = Background.of(self._vectors[own], vector)
            by_vector[own] = calibrated(self._vectors[own] @ vector, "text", kind, self._spec, background)
        found = lexical([QueryPart("text", text=query)], self._catalog, None, mode="hybrid")
        return by_vector, aligned(self.ids, found)

    def rank(self, scores: Scores, path: str) -> float:
        """Return the rank of a file, each having the score of its best segment; from 1, ties in the middle."""
        best = np.full(len(self.paths), -np.inf)
        np.maximum.at(best, self._files, scores)
        own = best[self.paths.index(path)]
        return 1 + float((best > own).sum()) + float((best == own).sum() - 1) / 2

    def close(self) -> None:
        """Let go of the catalog."""
        self._catalog.close()


def aligned(ids: Ids, found: Candidates) -> Scores:
    """Return the score of each id (n,), sorted; 0 for those that were not found."""
    scores = np.zeros(len(ids))
    scores[np.searchsorted(ids, found.ids)] = found.scores
    return scores


def convex(alpha: float) -> Fusion:
    """Mix scores: alpha of the vector's."""
    return lambda vector, words: alpha * vector + (1 - alpha) * words


def either(share: float) -> Fusion:
    """Noisy or: the probability that one of two independent signs is right, words counting so much."""
    return lambda vector, words: 1 - (1 - vector) * (1 - share * words)


def reciprocal_ranks(vector: Scores, words: Scores, k: int = 60) -> Scores:
    """Fuse ranks (Cormack et al. 2009); what has no word has no rank among the words."""
    return 1 / (k + ranks(vector)) + np.where(words > 0, 1 / (k + ranks(words)), 0)


def ranks(scores: Scores) -> Scores:
    """Return the rank of each (n,), from 1; ties share the best."""
    return 1 + np.searchsorted(np.sort(-scores), -scores).astype(np.float64)


def own(vector: Scores, words: Scores) -> Scores:
    """Fuse as a search does."""
    return hybrid(vector.astype(np.float32), words.astype(np.float32)).astype(np.float64)


METHODS: dict[str, Fusion] = {
    "vector": lambda vector, _: vector,
    "text": lambda _, words: words,
    "RRF": reciprocal_ranks,
    "convex 0.5": convex(0.5),
    "convex 0.7": convex(0.7),
    "convex 0.9": convex(0.9),
    "max": np.maximum,
    "noisy or 0.5": either(0.5),
    "noisy or 1": either(1.0),
    "hybrid (default)": own,
}


def measure(title: str, searched: Searched, queries: Sequence[Query]) -> None:
    """Print a table."""
    found: dict[str, list[float]] = {name: [] for name in METHODS}
    for query in queries:
        scores = searched.scores(query.text)
        for name, fuse in METHODS.items():
            found[name].append(searched.rank(fuse(*scores), query.path))
    print(f"\n{title}: {len(queries)} queries, {len(searched.paths)} files, such as {queries[0].text!r}")
    print(f"  {'':18}  hit@1   R@10    MRR   gain in MRR")
    base = 1 / np.array(found["vector"])
    for name, ranks_found in found.items():
        rank = np.array(ranks_found)
        shares = f"{100 * np.mean(rank < 2):6.1f} {100 * np.mean(rank <= 10):6.1f} {100 * np.mean(1 / rank):6.1f}"
        print(f"  {name:18} {shares}   {gain(1 / rank - base)}")


def gain(differences: Scores) -> str:
    """Describe a mean and its 95 % interval."""
    rng = np.random.default_rng(0)
    means = [differences[rng.integers(len(differences), size=len(differences))].mean() for _ in range(ROUNDS)]
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{100 * differences.mean():+5.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def read_photos(folders: Sequence[Path], skip: int) -> list[Photo]:
    """Read manifests; the first captions of each photo are left out."""
    photos = []
    for folder in folders:
        for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            captions = tuple(row["captions"][skip:])
            if len(captions) > 1:
                photos.append(Photo((folder / row["file"]).resolve(), captions))
    return photos


def telling(text: str) -> list[str]:
    """Return the words of a text that tell something."""
    return [word for word in re.findall(r"\w+", text.lower()) if word not in STOPWORDS and len(word) > 2]


def some(text: str, count: int, rng: random.Random) -> str:
    """Return so many words of a text, in no order."""
    words = telling(text)
    return " ".join(rng.sample(words, min(count, len(words))))


def lay_out(folder: Path, photos: Sequence[Photo], words: Sequence[str], *, captions: bool) -> list[str]:
    """Copy photos under a camera's names, twenty a folder, each name with a word if it is given; return the paths."""
    paths = []
    for number, (photo, word) in enumerate(zip(photos, words, strict=True)):
        day = folder / f"2019-{1 + number // 20 % 12:02}-{1 + number // 240:02} Roll {number // 20}"
        day.mkdir(exist_ok=True, parents=True)
        path = day / f"IMG_{1000 + 7 * number}{'_' if word else ''}{word}{photo.file.suffix}"
        shutil.copy(photo.file, path)
        if captions:
            path.with_suffix(".txt").write_text(photo.captions[0], encoding="utf-8")
        paths.append(str(path))
    return paths


@contextmanager
def indexed(home: Path, folder: Path, model: str) -> Iterator[Searched]:
    """Have a folder indexed."""
    with mmsearch.open(folder.name, home=home / "collections", model=model) as collection:
        collection.index(folder)
        searched = Searched(collection, make_encoder(model).spec)
        yield searched
        searched.close()


def captioned(searched: Searched, photos: Sequence[Photo], paths: Sequence[str]) -> None:
    """Photos that have one caption beside them."""
    rng, pairs = random.Random(0), list(zip(photos, paths, strict=True))
    measure("Captions: another caption", searched, [Query(photo.captions[1], path) for photo, path in pairs])
    measure("Captions: 3 words of another", searched, [Query(some(p.captions[1], 3, rng), path) for p, path in pairs])
    measure("Captions: 3 words of it", searched, [Query(some(p.captions[0], 3, rng), path) for p, path in pairs])
    count = Counter(word for photo in photos for word in set(telling(photo.captions[0])))
    rare = [(word, path) for photo, path in pairs for word in telling(photo.captions[0]) if count[word] == 1]
    measure("Exact: a word that one caption has", searched, [Query(*each) for each in rare])
    phrases = [" ".join(re.findall(r"\w+", photo.captions[0])[:5]) for photo in photos]
    unique = [Query(f'"{text}"', path) for text, path in zip(phrases, paths, strict=True) if phrases.count(text) == 1]
    measure("Exact: 5 words in quotes", searched, unique)


def named(searched: Searched, photos: Sequence[Photo], paths: Sequence[str]) -> None:
    """Photos that have nothing but a camera's names."""
    both = list(zip(photos, paths, strict=True))
    measure("Camera names: a caption", searched, [Query(photo.captions[1], path) for photo, path in both])
    measure("Exact: file name", searched, [Query(Path(path).name, path) for path in paths])
    measure("Exact: number in the name", searched, [Query(Path(path).stem[4:], path) for path in paths])
    mixed = [Query(f"{photo.captions[1]} {Path(path).parent.name[:10]}", path) for photo, path in both]
    measure("Camera names: a caption and the day", searched, mixed)


def spoken(searched: Searched, folder: Path) -> None:
    """Sounds whose speech was written down."""
    rng = random.Random(2)
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    said = [(row["transcript"], str((folder / row["file"]).resolve())) for row in rows if row.get("transcript")]
    for count in (2, 4):
        queries = [Query(some(text, count, rng), path) for text, path in said for _ in range(5)]
        measure(f"Transcripts: {count} words", searched, queries)
    in_order = [Query(" ".join(text.split()[:5]), path) for text, path in said]
    measure("Transcripts: the first 5 words", searched, in_order)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--skip", type=int, default=0, help="captions of each photo; the weight was chosen with 0")
    parser.add_argument("--model", default="builtin")
    args = parser.parse_args()
    photos, rng = read_photos(args.photos, args.skip), random.Random(1)
    none = [""] * len(photos)
    right = [some(photo.captions[0], 1, rng) for photo in photos]
    wrong = right[len(right) // 3 :] + right[: len(right) // 3]
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        paths = lay_out(home / "captioned", photos, none, captions=True)
        with indexed(home, home / "captioned", args.model) as searched:
            captioned(searched, photos, paths)
        paths = lay_out(home / "named", photos, none, captions=False)
        with indexed(home, home / "named", args.model) as searched:
            named(searched, photos, paths)
        for title, words in (("right", right), ("wrong", wrong)):
            paths = lay_out(home / title, photos, words, captions=False)
            with indexed(home, home / title, args.model) as searched:
                queries = [Query(photo.captions[1], path) for photo, path in zip(photos, paths, strict=True)]
                measure(f"Names with a {title} word", searched, queries)
        if args.speech:
            with indexed(home, args.speech, args.model) as searched:
                spoken(searched, args.speech)


if __name__ == "__main__":
    main()
