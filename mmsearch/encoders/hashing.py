"""An encoder without weights, for tests and for trying plug-ins: it knows spelling, colours and pitch.

A text is the bag of its words, each a fixed pseudo-random sign vector; a picture is the bag of the names of
its colours, hashed the same way, and a sound the bag of a few words for what it is like. So "red" finds red
pictures, "high tone" finds whistles, and nothing else is understood. Its tokens are what each word of a text, each
cell of a picture and each quarter of a sound would be alone.
"""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from mmsearch.encoders.hashing_colours import GRID, PALETTE, SIDE_PX, brightness, cells, colour_shares
from mmsearch.encoders.hashing_sound import RATE_HZ, band_levels, sound_words
from mmsearch.encoders.hashing_words import sign_vector, text_vectors, word_places, word_vector
from mmsearch.encoders.neighbours import MOST_OF_A_TEXT, at_most, equal_spans, query_words
from mmsearch.errors import ConfigError
from mmsearch.types import (
    AudioInput,
    Embedded,
    EmbeddingSpace,
    EncoderSpec,
    ImageInput,
    Levels,
    PixelBatch,
    QueryWords,
    Role,
    Tokens,
    Vectors,
    Waveform,
)

_DIM = 256
# Small enough that colours and words for sounds decide, large enough that two pictures of one colour differ.
_GRID_WEIGHT = 0.1
_BAND_WEIGHT = 0.15
_WINDOW_S = 4.0
_SPANS = 4  # of a sound
_FEATURE_DIM = len(PALETTE) + GRID * GRID


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
            image_input=ImageInput(SIDE_PX, SIDE_PX, fit="squash", resample="bilinear"),
            audio_input=AudioInput(RATE_HZ, window_s=_WINDOW_S),
            feature_dim=_FEATURE_DIM,
            levels={("text", "text"): levels, ("text", "image"): levels, ("text", "audio"): levels},
            tokens="hashing-tokens-1",
            token_grid=(GRID, GRID),
        )

    def load(self) -> None:
        """Do nothing: there are no weights."""

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Embed texts: (n, d) float32. The first 256 words count; a text without words is a row of zeros."""
        rows = [text_vectors(text, self.dim).sum(axis=0) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(-1, self.dim)

    def encode_images(self, images: PixelBatch, role: Role) -> Vectors:
        """Embed images of shape (n, 32, 32, 3), uint8 RGB: (n, d) float32."""
        rows = colour_shares(images) @ self._shade_vectors + _GRID_WEIGHT * brightness(images) @ self._cell_vectors
        return np.asarray(rows, dtype=np.float32)

    def encode_audio(self, waves: Sequence[Waveform], role: Role) -> Vectors:
        """Embed sounds at 8 kHz: (n, d) float32."""
        rows = np.zeros((len(waves), self.dim), dtype=np.float32)
        for row, wave in zip(rows, waves, strict=True):
            row += self._name(wave) + _BAND_WEIGHT * band_levels(wave, _FEATURE_DIM) @ self._band_vectors
        return rows

    def embed_texts(self, texts: Sequence[str], *, tokens: bool = False) -> Embedded:
        """Embed texts; their tokens are their words: a row of zeros if there is none."""
        vectors = self.encode_texts(texts, "document")
        words = tuple(at_most(self._words(text), MOST_OF_A_TEXT) for text in texts) if tokens else None
        return Embedded(vectors, tokens=words)

    def embed_images(self, images: PixelBatch, *, tokens: bool = False) -> Embedded:
        """Embed images; their features are the share of each shade and the brightness of each cell: (n, 38)."""
        features = np.concatenate([colour_shares(images), brightness(images)], axis=1).astype(np.float16)
        vectors = self.encode_images(images, "document")
        return Embedded(vectors, features, tokens=self._look(images) if tokens else None)

    def embed_audio(self, waves: Sequence[Waveform], *, tokens: bool = False) -> Embedded:
        """Embed sounds; their features are the levels of 38 bands: (n, 38). Speech is not told from the rest."""
        features = np.zeros((len(waves), _FEATURE_DIM), dtype=np.float16)
        for row, wave in zip(features, waves, strict=True):
            row[:] = band_levels(wave, _FEATURE_DIM)
        vectors = self.encode_audio(waves, "document")
        return Embedded(vectors, features, tokens=tuple(map(self._listen, waves)) if tokens else None)

    def query_words(self, text: str) -> QueryWords:
        """Give the vector of each word; a text without words is one, whose vector is zero."""
        words = [text[start:end] for start, end in word_places(text)]
        return query_words(words or [text], self._words(text))

    def _words(self, text: str) -> Tokens:
        rows = text_vectors(text, self.dim)
        return rows if len(rows) else np.zeros((1, self.dim), dtype=np.float32)

    def _look(self, images: PixelBatch) -> tuple[Tokens, ...]:
        """Name the colours of each cell by their share, wherever it is: n arrays (16, d)."""
        return tuple((colour_shares(cells(images)) @ self._shade_vectors).reshape(len(images), GRID * GRID, self.dim))

    def _listen(self, wave: Waveform) -> Tokens:
        """Name the sound in each of four equal spans, or in as many as there are samples: (t, d)."""
        return np.stack([self._name(wave[start:end]) for start, end in equal_spans(len(wave), _SPANS)])

    def _name(self, wave: Waveform) -> Vectors:
        return np.asarray(sum(word_vector(word, self.dim) for word in sound_words(wave)))

    @cached_property
    def _shade_vectors(self) -> Vectors:
        return np.stack([word_vector(name, self.dim) for name, _ in PALETTE])

    @cached_property
    def _band_vectors(self) -> Vectors:
        return np.stack([sign_vector(f"band {band}", self.dim) for band in range(_FEATURE_DIM)])

    @cached_property
    def _cell_vectors(self) -> Vectors:
        return np.stack([sign_vector(f"cell {cell}", self.dim) for cell in range(GRID * GRID)])


def _check_dim(dim: int | str) -> int:
    text = str(dim)
    if not re.fullmatch(r"[0-9]{2,3}", text) or int(text) % 8 or not 64 <= int(text) <= 512:
        raise ConfigError(
            f"{text!r} is not a dimension for the hashing encoder.",
            remedy="Give a multiple of 8 from 64 to 512, such as hashing:256.",
        )
    return int(text)
