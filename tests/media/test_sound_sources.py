import os

import numpy as np
import pytest

from mmsearch.config import Limits
from mmsearch.errors import FileUnreadable, MediaEmpty, UsageError
from mmsearch.media.sound_sources import sound_from
from mmsearch.testing.media import write_wav
from mmsearch.testing.sounds import tone
from mmsearch.types import AudioInput

TARGET = AudioInput(16_000)
LIMITS = Limits()


def test_every_source_of_one_sound_gives_the_same_window(tmp_path, monkeypatch):
    path = write_wav(tmp_path / "a.wav", seconds=1, rate_hz=16_000)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    data = path.read_bytes()
    samples = np.frombuffer(data[44:], "<i2")
    floats = samples / np.float32(32_768)
    sources = [path, str(path), "~/a.wav", data, samples, floats, (samples, 16_000), (np.stack([floats] * 2), 16_000)]
    for source in [*sources, (np.stack([floats] * 2, axis=1), np.int64(16_000))]:
        (wave,) = sound_from(source, LIMITS, TARGET)
        assert wave.tolist() == floats.tolist()


def test_samples_are_brought_to_the_rate():
    (wave,) = sound_from((tone(3, 440, 44_100), 44_100), LIMITS, TARGET)
    assert len(wave) == 48_000
    assert np.abs(wave - tone(3, 440, 16_000))[1_000:-1_000].max() < 1e-3


def test_a_longer_sound_gives_windows_of_its_first_minute():
    ramp = np.linspace(0, 1, 120 * 1_000, dtype=np.float32)
    found = sound_from(ramp, LIMITS, AudioInput(1_000))
    assert {len(wave) for wave in found} <= set(range(9_000, 10_001))
    assert found[0][0] == 0
    assert found[-1][-1] == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(
    "source",
    [
        42,
        None,
        (tone(), "loud"),
        (tone(), 0),
        (tone(), -8_000),
        (tone(), 10**9),
        (tone(),),
        tone().reshape(10, 10, -1),
        np.array(["a"]),
        np.array([1j]),
        np.float32(1),
    ],
)
def test_what_is_no_sound(source):
    with pytest.raises(UsageError):
        sound_from(source, LIMITS, TARGET)


def test_what_is_not_there(tmp_path):
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(FileUnreadable):
            sound_from(path, LIMITS, TARGET)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
        with pytest.raises(FileUnreadable, match="not a file"):
            sound_from(tmp_path / "pipe.wav", LIMITS, TARGET)
    for nothing in (b"", np.zeros(0, np.float32), np.zeros((0, 2), np.float32)):
        with pytest.raises(MediaEmpty):
            sound_from(nothing, LIMITS, TARGET)
