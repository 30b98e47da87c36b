"""The sounds of the demo: each has the pitch, the rhythm or the swell that its name says."""

import numpy as np
import pytest

from mmsearch.testing import noises
from mmsearch.testing.noises import RATE_HZ


def loudness(wave, piece_s=0.25):
    pieces = wave[: len(wave) // int(piece_s * RATE_HZ) * int(piece_s * RATE_HZ)].reshape(-1, int(piece_s * RATE_HZ))
    return np.sqrt((pieces**2).mean(axis=1))


def pitch_hz(wave):
    return np.abs(np.fft.rfft(wave)).argmax() * RATE_HZ / len(wave)


@pytest.mark.parametrize("make", [noises.siren, noises.telephone, noises.waves, noises.whistle])
def test_all_are_of_the_length_asked_for_and_always_the_same(make):
    wave = make(3.0)
    assert (wave.dtype, len(wave)) == (np.float32, 3 * RATE_HZ)
    assert np.abs(wave).max() == pytest.approx(0.7)
    assert np.array_equal(wave, make(3.0))


def test_a_siren_wails_up_and_down():
    wave = noises.siren(2.0)
    high, low = (pitch_hz(wave[int(at * RATE_HZ) : int((at + 0.05) * RATE_HZ)]) for at in (0.475, 1.475))
    assert high == pytest.approx(1_400, rel=0.05)
    assert low == pytest.approx(500, rel=0.05)


def test_a_telephone_rings_and_pauses():
    level = loudness(noises.telephone(6.0))
    assert level[:8].min() > 0.05
    assert level[8:12].max() == 0
    assert level[12:20].min() > 0.05


def test_waves_swell():
    level = loudness(noises.waves(9.0))
    assert level[8:10].min() > 5 * level[0]
    assert level[17:19].max() < level[26:28].min()


def test_a_whistle_is_a_chord_of_pipes():
    spectrum = np.abs(np.fft.rfft(noises.whistle(4.0)))
    loudest = np.sort(np.argsort(spectrum)[-200:]) / 4
    for pipe_hz in (311, 370, 440, 523):
        assert np.abs(loudest - pipe_hz).min() < 1
