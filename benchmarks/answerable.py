"""Media with what is known of them, and queries that have an answer among them or have none, as vectors.

Two halves, every second photo, sound and query each: what is chosen on one is measured on the other.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

import mmsearch
from benchmarks.sounds import read_labels
from mmsearch.normalise import unit_rows
from mmsearch.types import Modality, Vectors

QUERIES = json.loads((Path(__file__).parent / "no_match_queries.json").read_text(encoding="utf-8"))
REAL = "real"
KINDS = (REAL, "nonsense", "topics", "things")
TARGETS: tuple[Modality, ...] = ("image", "text", "audio")
_EMPTY_WORDS = frozenset(
    "a an the of in on at with to and or by for over through from into up some is are being".split()
)


@dataclass(frozen=True)
class Material:
    """Photos with captions, sounds with labels, and queries.

    Attributes:
        photos: (n, d); captions: of each.
        sounds: (m, d); labels: of each.
        texts: Text -> its row in `text_vectors`.
        photo_queries: "photos" of no_match_queries.json.
        sound_queries: "sounds" of it: label -> phrases.
        others: The other lists of it.
    """

    photos: Vectors
    captions: tuple[tuple[str, ...], ...]
    sounds: Vectors
    labels: tuple[str, ...]
    texts: dict[str, int]
    text_vectors: Vectors
    photo_queries: tuple[str, ...]
    sound_queries: dict[str, tuple[str, ...]]
    others: dict[str, tuple[str, ...]]

    def vectors(self, texts: Iterable[str]) -> Vectors:
        """Return the vectors of texts."""
        return np.asarray(self.text_vectors[[self.texts[text] for text in texts]])

    @cached_property
    def notes(self) -> Vectors:
        """The first caption of each photo, as a note."""
        return self.vectors(captions[0] for captions in self.captions)

    @cached_property
    def themes(self) -> Vectors:
        """The mean of each photo's captions."""
        return unit_rows(np.stack([self.vectors(captions).mean(axis=0) for captions in self.captions]))

    def half(self, which: int) -> "Material":
        """Return every second photo, sound and query, from the first or from the second on."""
        part = slice(which, None, 2)
        return Material(
            self.photos[part],
            self.captions[part],
            self.sounds[part],
            self.labels[part],
            self.texts,
            self.text_vectors,
            self.photo_queries[part],
            {label: queries[part] for label, queries in self.sound_queries.items()},
            {kind: queries[part] for kind, queries in self.others.items()},
        )

    def gallery(self, target: Modality) -> Vectors:
        """Return what is searched."""
        return {"image": self.photos, "text": self.notes, "audio": self.sounds}[target]

    def asked(self, target: Modality) -> dict[str, Vectors]:
        """Return the queries of each kind, (n, d)."""
        nowhere = {kind: list(self.others[kind]) for kind in ("nonsense", "topics")}
        if target == "audio":
            real = [query for label in sorted(set(self.labels)) for query in self.sound_queries[label]]
            kinds = {REAL: real, **nowhere, "things": list(self.others["unheard"])}
        else:
            real = [query for query in self.photo_queries if self._shown(query)]
            kinds = {REAL: real, **nowhere, "things": [each for each in self.others["unseen"] if not self._shown(each)]}
        return {kind: self.vectors(queries) for kind, queries in kinds.items()}

    def _shown(self, query: str) -> bool:
        """Tell whether the captions of one photo have all words of a query."""
        return any(_words(query) <= named for named in self._named)

    @cached_property
    def _named(self) -> list[frozenset[str]]:
        return [_words(" ".join(captions)) for captions in self.captions]


def read_material(photo_folders: Sequence[Path], sound_folders: Sequence[Path], model: str) -> Material:
    """Embed all that the folders hold, as for benchmarks.retrieval and benchmarks.sounds."""
    captions = {path: said for folder in photo_folders for path, said in _read_captions(folder).items()}
    labels = {path: label for folder in sound_folders for path, label in read_labels(folder).items()}
    sounds = {label: tuple(queries) for label, queries in QUERIES["sounds"].items()}
    others = {kind: tuple(QUERIES[kind]) for kind in ("nonsense", "topics", "unseen", "unheard")}
    said = [text for texts in (*captions.values(), *sounds.values(), *others.values()) for text in texts]
    texts = {text: row for row, text in enumerate(dict.fromkeys([*said, *QUERIES["photos"]]))}
    with mmsearch.open("none", model=model) as collection:
        return Material(
            np.concatenate([collection.embed(images=path) for path in captions]),
            tuple(captions.values()),
            np.concatenate([collection.embed(sounds=path) for path in labels]),
            tuple(labels.values()),
            texts,
            collection.embed(texts=list(texts)),
            tuple(QUERIES["photos"]),
            sounds,
            others,
        )


def _read_captions(folder: Path) -> dict[str, tuple[str, ...]]:
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    return {str((folder / row["file"]).resolve()): tuple(row["captions"]) for row in rows}


def _words(text: str) -> frozenset[str]:
    words = set(re.findall("[a-z]+", text.lower())) - _EMPTY_WORDS
    return frozenset(re.sub(r"(?<=...)(ies|es|s|ing|ed)$", "", word) for word in words)
