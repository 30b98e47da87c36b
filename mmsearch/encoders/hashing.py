"""An encoder without weights, for tests and for trying plug-ins: it knows spelling, colours and pitch.

A text is the bag of its words, each a fixed pseudo-random sign vector; a picture is the bag of the names of
its colours, hashed the same way, and a sound the bag of a few words for what it is like. So "red" finds red
pictures, "high tone" finds whistles, and nothing else is understood.
"""

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import islice

import numpy as np
import numpy.typing as npt

from mmsearch.encoders.hashing_sound import RATE_HZ, band_levels, sound_words
from mmsearch.errors import ConfigError
from mmsearch.types import (
    AudioInput,
    Embedded,
    EmbeddingSpace,
    EncoderSpec,
    ImageInput,
    Levels,
    PixelBatch,
    Role,
    Vectors,
    Waveform,
)

_DIM = 256
_SIDE_PX = 32
_GRID = 4  # the luminance grid has 4 x 4 cells
_MAX_WORDS = 256
_MAX_WORD_CHARS = 32
# Small enough that the word itself and the colours decide, large enough that a typo or a plural is near,
# and that two pictures of one colour differ.
_TRIGRAM_WEIGHT = 0.2
_GRID_WEIGHT = 0.1
_BAND_WEIGHT = 0.15
_WINDOW_S = 4.0

# Several shades a name: the nearest one names the pixel.
_PALETTE: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("red", (255, 0, 0)),
    ("red", (160, 20, 20)),
    ("green", (0, 255, 0)),
    ("green", (0, 128, 0)),
    ("green", (30, 80, 40)),
    ("blue", (0, 0, 255)),
    ("blue", (0, 0, 128)),
    ("blue", (110, 170, 240)),
    ("yellow", (255, 255, 0)),
    ("yellow", (240, 220, 90)),
    ("orange", (255, 165, 0)),
    ("orange", (230, 110, 20)),
    ("purple", (128, 0, 128)),
    ("purple", (150, 80, 200)),
    ("pink", (255, 192, 203)),
    ("pink", (255, 105, 180)),
    ("brown", (165, 42, 42)),
    ("brown", (110, 70, 40)),
    ("black", (0, 0, 0)),
    ("white", (255, 255, 255)),
    ("gray", (128, 128, 128)),
    ("gray", (200, 200, 200)),
)
_FEATURE_DIM = len(_PALETTE) + _GRID * _GRID
_SHADES = np.array([rgb for _, rgb in _PALETTE], dtype=np.float32)  # (shades, 3)


class HashingEncoder:
    """Embeds texts by their words, pictures by the names of their colours and sounds by how they are called.

    Args:
        dim: Length of the vectors: a multiple of 8 from 64 to 512. In a model string: "hashing:64".

    Raises:
        ConfigError: `dim` is not such a number.

    Guarantees: equal input gives equal vectors on every machine and in every version of Python; safe to
    use from several threads; nothing is read from disk.
    """

    def __init__(self, dim: int | str = _DIM) -> None:
        self.dim = _check_dim(dim)
        # Three standard deviations of the cosine of unrelated sign vectors; a word that is one of two.
        levels = Levels(doubtful=3 / self.dim**0.5, typical=0.5**0.5)
        model = "hashing" if self.dim == _DIM else f"hashing:{self.dim}"
        self.spec = EncoderSpec(
            space=EmbeddingSpace(model, revision="hashing-1", preprocessing="squash-32", dim=self.dim),
            modalities=frozenset({"text", "image", "audio"}),
            image_input=ImageInput(_SIDE_PX, _SIDE_PX, fit="squash", resample="bilinear"),
            audio_input=AudioInput(RATE_HZ, window_s=_WINDOW_S),
            feature_dim=_FEATURE_DIM,
            levels={("text", "text"): levels, ("text", "image"): levels, ("text", "audio"): levels},
        )

    def load(self) -> None:
        """Do nothing: there are no weights."""

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Embed texts: (n, d) float32. The first 256 words count; a text without words is a row of zeros."""
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in _words(text):
                row += _word_vector(word, self.dim)
        return rows

    def encode_images(self, images: PixelBatch, role: Role) -> Vectors:
        """Embed images of shape (n, 32, 32, 3), uint8 RGB: (n, d) float32."""
        pixels = images.astype(np.float32)
        rows = _colour_shares(pixels) @ self._shade_vectors + _GRID_WEIGHT * _grid(pixels) @ self._cell_vectors
        return np.asarray(rows, dtype=np.float32)

    def encode_audio(self, waves: Sequence[Waveform], role: Role) -> Vectors:
        """Embed sounds at 8 kHz: (n, d) float32."""
        rows = np.zeros((len(waves), self.dim), dtype=np.float32)
        for row, wave in zip(rows, waves, strict=True):
            row += sum(_word_vector(word, self.dim) for word in sound_words(wave))
            row += _BAND_WEIGHT * band_levels(wave, _FEATURE_DIM) @ self._band_vectors
        return rows

    def embed_images(self, images: PixelBatch) -> Embedded:
        """Embed images; their features are the share of each shade and the brightness of each part: (n, 38)."""
        pixels = images.astype(np.float32)
        features = np.concatenate([_colour_shares(pixels), _grid(pixels)], axis=1).astype(np.float16)
        return Embedded(self.encode_images(images, "document"), features)

    def embed_audio(self, waves: Sequence[Waveform]) -> Embedded:
        """Embed sounds; their features are the levels of 38 bands: (n, 38). Speech is not told from the rest."""
        features = np.zeros((len(waves), _FEATURE_DIM), dtype=np.float16)
        for row, wave in zip(features, waves, strict=True):
            row[:] = band_levels(wave, _FEATURE_DIM)
        return Embedded(self.encode_audio(waves, "document"), features)

    @cached_property
    def _shade_vectors(self) -> npt.NDArray[np.float32]:
        return np.stack([_word_vector(name, self.dim) for name, _ in _PALETTE])

    @cached_property
    def _band_vectors(self) -> npt.NDArray[np.float32]:
        return np.stack([_sign_vector(f"band {band}", self.dim) for band in range(_FEATURE_DIM)])

    @cached_property
    def _cell_vectors(self) -> npt.NDArray[np.float32]:
        return np.stack([_sign_vector(f"cell {cell}", self.dim) for cell in range(_GRID * _GRID)])


def _check_dim(dim: int | str) -> int:
    text = str(dim)
    if not re.fullmatch(r"[0-9]{2,3}", text) or int(text) % 8 or not 64 <= int(text) <= 512:
        raise ConfigError(
            f"{text!r} is not a dimension for the hashing encoder.",
            remedy="Give a multiple of 8 from 64 to 512, such as hashing:256.",
        )
    return int(text)


def _words(text: str) -> list[str]:
    """Split into lower-case words; long texts and long words are cut, as a real model would."""
    matches = islice(re.finditer(r"\w+", text), _MAX_WORDS)
    return [match.group()[:_MAX_WORD_CHARS].casefold() for match in matches]


@lru_cache(maxsize=8192)
def _word_vector(word: str, dim: int) -> npt.NDArray[np.float32]:
    """Return the vector of a word (d,), read-only: itself and, more lightly, its character trigrams."""
    edged = f"<{word}>"
    trigrams = [edged[start : start + 3] for start in range(len(edged) - 2)]
    vector = _sign_vector(f"word {word}", dim)
    for trigram in trigrams:
        vector += _TRIGRAM_WEIGHT / len(trigrams) ** 0.5 * _sign_vector(f"trigram {trigram}", dim)
    vector.flags.writeable = False
    return vector


def _sign_vector(name: str, dim: int) -> npt.NDArray[np.float32]:
    """Turn the digest of a name into a vector of length 1 whose d values are all +-1/sqrt(d)."""
    digest = blake2b(name.encode(), digest_size=dim // 8).digest()
    bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8))
    return np.asarray((2.0 * bits - 1.0) / dim**0.5, dtype=np.float32)


def _colour_shares(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Count which share of each picture is nearest to which shade: (n, 32, 32, 3) to (n, shades)."""
    flat = pixels.reshape(-1, _SIDE_PX * _SIDE_PX, 3)  # (n, pixels, 3)
    # |pixel - shade|^2 without |pixel|^2, which is the same for all shades.
    distances = (_SHADES**2).sum(axis=1) - 2 * flat @ _SHADES.T  # (n, pixels, shades)
    nearest = distances.argmin(axis=2)[:, :, None] == np.arange(len(_SHADES))
    return np.asarray(nearest.mean(axis=1), dtype=np.float32)


def _grid(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Average the luminance over a coarse grid, in [-1, 1]: (n, 32, 32, 3) to (n, cells)."""
    cell = _SIDE_PX // _GRID
    grey = pixels.mean(axis=3).reshape(-1, _GRID, cell, _GRID, cell)
    cells = grey.mean(axis=(2, 4)).reshape(-1, _GRID * _GRID)
    return np.asarray(cells / 127.5 - 1, dtype=np.float32)
