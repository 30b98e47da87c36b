"""Vectors to time indexes on: pictures in clusters on a cone, and queries that lie off it, as texts do.

Encoders that are trained on pairs put each modality on a cone of its own (Liang et al., "Mind the Gap", NeurIPS 2022,
section 2), so the vectors of texts are unlike those of pictures, even of the right one. A graph or a list of cells that
was made for pictures finds them worse than pictures: vectors of pictures as queries would flatter every index.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmsearch.normalise import unit_rows
from mmsearch.types import Vectors

Clusters = npt.NDArray[np.int16]

_LATENT = 64
_CLUSTERS = 2000
_PIECE = 65_536
_IMAGE_CONE, _TEXT_CONE = 0.95, 0.70  # length of the mean vector beside a spread of about 1
_SPREAD, _NOISE = 0.85, 0.33
_TEXT_BLUR = 0.7  # how far a text is from its picture, in latent standard deviations


@dataclass(frozen=True)
class World:
    """A made-up encoder: where its clusters lie, and how a meaning becomes the vector of a picture or a text."""

    centres: Vectors
    shares: Vectors
    spectrum: Vectors
    image_map: Vectors
    text_map: Vectors
    image_mean: Vectors
    text_mean: Vectors

    @property
    def dim(self) -> int:
        """Of its vectors."""
        return int(self.image_map.shape[1])

    def pictures(self, count: int, seed: int) -> Iterator[Vectors]:
        """Make unit rows (n, dim) of pictures, piece by piece, `count` in all."""
        return (rows for rows, _ in self.clustered_pictures(count, seed))

    def clustered_pictures(self, count: int, seed: int) -> Iterator[tuple[Vectors, Clusters]]:
        """Make the same pictures, and say of each (n,) in which cluster it lies."""
        random = np.random.default_rng(seed)
        for start in range(0, count, _PIECE):
            meanings, clusters = self._meanings(min(_PIECE, count - start), random)
            yield self._pictures_of(meanings, random), clusters

    def texts(self, count: int, seed: int) -> Vectors:
        """Make unit rows (count, dim) of texts that each describe a picture of this world."""
        random = np.random.default_rng(seed)
        meanings, _ = self._meanings(count, random)
        blurred = meanings + _TEXT_BLUR * self.spectrum * random.standard_normal(meanings.shape, dtype=np.float32)
        rows = self.text_mean + _SPREAD * (blurred @ self.text_map)
        return unit_rows(rows + self._noise(count, random))

    def picture_queries(self, count: int, seed: int) -> Vectors:
        """Make unit rows (count, dim) of other pictures."""
        random = np.random.default_rng(seed)
        meanings, _ = self._meanings(count, random)
        return self._pictures_of(meanings, random)

    def _meanings(self, count: int, random: np.random.Generator) -> tuple[Vectors, Clusters]:
        cluster = random.choice(len(self.centres), size=count, p=self.shares)
        spread = 0.6 * self.spectrum * random.standard_normal((count, _LATENT), dtype=np.float32)
        meanings: Vectors = self.centres[cluster] + spread
        return meanings, cluster.astype(np.int16)

    def _pictures_of(self, meanings: Vectors, random: np.random.Generator) -> Vectors:
        rows = self.image_mean + _SPREAD * (meanings @ self.image_map)
        return unit_rows(rows + self._noise(len(rows), random))

    def _noise(self, count: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
        length = _NOISE / math.sqrt(self.dim)
        return length * random.standard_normal((count, self.dim), dtype=np.float32).astype(np.float64)


def world(dim: int = 384, seed: int = 7) -> World:
    """Make a world whose vectors have this dimension."""
    random = np.random.default_rng(seed)
    spectrum = (np.arange(1, _LATENT + 1) ** -0.5).astype(np.float32)
    spectrum /= np.linalg.norm(spectrum)
    centres = spectrum * random.standard_normal((_CLUSTERS, _LATENT), dtype=np.float32)
    shares = np.arange(1, _CLUSTERS + 1) ** -0.8
    image_map = _orthonormal(random, dim)
    text_map = 0.85 * image_map + 0.5 * _orthonormal(random, dim)
    means = unit_rows(random.standard_normal((2, dim), dtype=np.float32))
    return World(
        centres,
        shares / shares.sum(),
        spectrum,
        image_map,
        text_map.astype(np.float32),
        _IMAGE_CONE * means[0],
        _TEXT_CONE * means[1],
    )


def _orthonormal(random: np.random.Generator, dim: int) -> Vectors:
    directions, _ = np.linalg.qr(random.standard_normal((dim, _LATENT)))
    return np.ascontiguousarray(directions.T, dtype=np.float32)
