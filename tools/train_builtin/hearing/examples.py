"""Sounds and captions as the arrays that a head is fitted to and measured on."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from mmsearch.encoders.builtin.sound import SoundClassifier
from mmsearch.encoders.builtin.text import TextModel
from mmsearch.normalise import unit_rows
from mmsearch.types import Vectors
from tools.train_builtin.synth.clips import Clip

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """n sounds.

    Attributes:
        source: (n,) str, the package or synthesiser.
        group: (n,) str; sounds of one group are alike.
        label: (n,) str, the first caption.
        base: (n, 384) unit vectors before any correction.
        pooled: (n, 1024) features below the classifier.
        targets: (n, 384) mean unit vectors of the captions.
    """

    source: npt.NDArray[np.str_]
    group: npt.NDArray[np.str_]
    label: npt.NDArray[np.str_]
    base: Vectors
    pooled: npt.NDArray[np.float32]
    targets: Vectors

    def of(self, chosen: Flags) -> Self:
        """Return the chosen sounds."""
        return type(self)(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def save(self, path: Path) -> None:
        """Write to a .npz file."""
        np.savez(path, allow_pickle=False, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def embed(clips: Iterable[Clip]) -> Examples:
    """Run the classifier over sounds, one at a time, and MiniLM over their captions."""
    classifier, scores, pooled, about = SoundClassifier(), [], [], []
    for clip in clips:
        heard = classifier.listen([clip.wave])
        scores.append(heard.scores)
        pooled.append(heard.pooled)
        about.append((clip.source, clip.group, clip.captions))
        if len(about) % 500 == 0:
            print(f"{len(about)} sounds", flush=True)
    return Examples(
        source=np.array([source for source, _, _ in about]),
        group=np.array([group for _, group, _ in about]),
        label=np.array([captions[0] for _, _, captions in about]),
        base=classifier.conse(np.concatenate(scores)),
        pooled=np.concatenate(pooled),
        targets=mean_vectors([captions for _, _, captions in about]),
    )


def mean_vectors(captions: list[tuple[str, ...]]) -> Vectors:
    """Return the mean of the unit vectors of each sound's captions: (n, 384)."""
    flat = [caption for each in captions for caption in each]
    unique, place = np.unique(np.array(flat), return_inverse=True)
    vectors = unit_rows(TextModel().encode(unique.tolist()))[place]
    starts = np.cumsum([0, *(len(each) for each in captions)])[:-1]
    counts = np.array([len(each) for each in captions], dtype=np.float32)
    return np.asarray(np.add.reduceat(vectors, starts) / counts[:, None], dtype=np.float32)
