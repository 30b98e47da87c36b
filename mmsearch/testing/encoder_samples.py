"""Texts, and pictures and sounds of the size that an encoder wants, for its contract."""

import numpy as np

from mmsearch.protocols import Encoder
from mmsearch.types import PixelBatch, Waveform

TEXTS: tuple[str, ...] = (
    "a dog",
    "a brown dog runs over the wet sand of a long beach while the sun goes down behind the hills",
    "red",
    "zwei Hunde am Strand, 海辺の犬",
    "invoice 2024-03-01, total 12.50",
)
ODD_TEXTS: tuple[str, ...] = (
    "",
    " \t\r\n",
    "\x00",
    "\ufeff\u200b\u202e",  # byte order mark, zero-width space, right-to-left override
    "👩‍👩‍👧‍👦 e\u0301 ﷽",
    "\udcff",  # a lone surrogate: how Python passes on command line bytes that are not UTF-8
    "word " * 20_000,
    "x" * 100_000,
    "🐕" * 25_000,
)


def sample_images(encoder: Encoder) -> PixelBatch:
    """Make four pictures of the encoder's size: black, red over white, a gradient, noise."""
    size = encoder.spec.image_input
    assert size is not None
    images = np.zeros((4, size.height_px, size.width_px, 3), dtype=np.uint8)
    images[1, : size.height_px // 2] = (220, 20, 20)
    images[1, size.height_px // 2 :] = 255
    images[2] = np.linspace(0, 255, size.width_px, dtype=np.uint8)[None, :, None]
    images[3] = np.random.default_rng(0).integers(0, 256, images[3].shape, dtype=np.uint8)
    return images


def sample_waves(encoder: Encoder) -> list[Waveform]:
    """Make five sounds of the encoder's rate: a low tone, a short high one, a sweep, quiet noise, a whole window."""
    wanted = encoder.spec.audio_input
    assert wanted is not None
    rate = wanted.rate_hz
    random = np.random.default_rng(0)
    return [
        _tone(np.full(rate, 200.0), rate, 0.5),
        _tone(np.full(rate // 8, 2_000.0), rate, 0.8),
        _tone(np.linspace(100.0, 1_500.0, 2 * rate), rate, 0.3),
        (0.02 * random.standard_normal(rate)).astype(np.float32),
        _tone(np.full(int(wanted.window_s * rate), 600.0), rate, 0.2),
    ]


def odd_waves(encoder: Encoder) -> list[Waveform]:
    """Make sounds that are hardly any: silence, one sample, two, a constant, a clipped tone, noise at full scale."""
    wanted = encoder.spec.audio_input
    assert wanted is not None
    samples = int(wanted.window_s * wanted.rate_hz)
    clipped = np.clip(_tone(np.full(samples, 440.0), wanted.rate_hz, 50.0), -1, 1)
    noise = np.where(np.random.default_rng(0).random(samples) < 0.5, -1, 1).astype(np.float32)
    sizes_and_values = ((samples, 0.0), (1, 0.0), (1, 1.0), (2, -1.0), (samples, 1.0))
    return [*(np.full(size, value, dtype=np.float32) for size, value in sizes_and_values), clipped, noise]


def _tone(pitch_hz: np.typing.NDArray[np.float64], rate_hz: int, level: float) -> Waveform:
    """Sound whose pitch is given sample by sample."""
    return np.asarray(level * np.sin(2 * np.pi * np.cumsum(pitch_hz) / rate_hz), dtype=np.float32)
