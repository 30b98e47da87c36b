"""Pictures and sounds of two halves, of which the hashing encoder knows what is where."""

import wave

import numpy as np

RATE_HZ = 8_000


def halves(left=(255, 0, 0), right=(0, 0, 255), size=(120, 60)):
    """Pixels of a picture of two colours side by side: red and blue."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2] = left
    pixels[:, size[0] // 2 :] = right
    return pixels


def write_tones(path, *pitches_hz, seconds=2.0):
    """Tones one after the other."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    samples = np.concatenate([np.sin(2 * np.pi * pitch * times) for pitch in pitches_hz]) * 0x3FFF
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    return path
