from fractions import Fraction

import numpy as np
import pytest
from av import AudioFrame

from mmsearch.media.audio_mono import mix_down, mono_pieces, scale
from mmsearch.media.audio_resample import resampled
from mmsearch.testing.sounds import tone


def frame(samples, rate_hz, start_s=None):
    made = AudioFrame.from_ndarray(np.atleast_2d(samples), "fltp", "stereo" if samples.ndim == 2 else "mono")
    made.sample_rate = rate_hz
    if start_s is not None:
        made.pts, made.time_base = round(start_s * 1_000), Fraction(1, 1_000)
    return made


def test_rate_and_channels_may_change_on_the_way():
    frames = [
        frame(tone(1, 440, 44_100), 44_100),
        frame(np.stack([tone(1, 440, 44_100)] * 2), 44_100),
        frame(tone(1, 440, 8_000), 8_000),
        frame(tone(1, 440, 16_000), 16_000),
    ]
    heard = np.concatenate(list(resampled(mono_pieces(frames, None), 16_000)))
    assert len(heard) == 4 * 16_000
    for second in heard.reshape(4, -1):
        assert np.abs(np.fft.rfft(second)).argmax() == 440
        assert np.abs(second[1_000:-1_000]).max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("gap_s", "filled_s"), [(0.1, 0), (0.5, 0.5), (59, 59), (3_600, 0), (-5, 0)])
def test_missing_frames_are_silence_unless_the_clock_was_set(gap_s, filled_s):
    ones = np.ones(1_000, np.float32)
    frames = [frame(ones, 1_000, 7), frame(ones, 1_000, 8 + gap_s), frame(ones, 1_000, 9 + gap_s)]
    pieces = list(mono_pieces(frames, None))
    assert all(rate == 1_000 and len(wave) <= 1_000 for rate, wave in pieces)
    heard = np.concatenate([wave for _, wave in pieces])
    assert heard.tolist() == [1] * 1_000 + [0] * round(1_000 * filled_s) + [1] * 2_000


def test_sound_that_begins_after_the_file_does_is_led_in_by_silence():
    ones = np.ones(1_000, np.float32)
    heard = np.concatenate([wave for _, wave in mono_pieces([frame(ones, 1_000, 7)], 4.0)])
    assert heard.tolist() == [0] * 3_000 + [1] * 1_000
    assert sum(len(wave) for _, wave in mono_pieces([frame(ones, 1_000)], 4.0)) == 1_000


@pytest.mark.parametrize(
    ("kind", "values", "wanted"),
    [
        ("u1", [0, 128, 192], [-1, 0, 0.5]),
        ("i2", [-32_768, 0, 16_384], [-1, 0, 0.5]),
        ("i4", [-(2**31), 0, 2**30], [-1, 0, 0.5]),
        ("f8", [-1, 0, 0.5], [-1, 0, 0.5]),
    ],
)
def test_the_range_of_a_type_is_full_scale(kind, values, wanted):
    assert scale(np.array([values], kind)).tolist() == [wanted]


def test_mixing():
    channels = np.array([[1, 0.5, np.nan], [0, 0.5, 0.5]], np.float32)
    assert mix_down(channels).tolist() == [0.5, 0.5, 0.25]
    assert mix_down(np.array([[4, -2, 1]], np.float32)).tolist() == [1, -0.5, 0.25]
    assert mix_down(np.array([[0.5, -0.5], [-0.5, 0.5]], np.float32)).tolist() == [0.5, -0.5]
    assert mix_down(np.zeros((2, 3), np.float32)).tolist() == [0, 0, 0]
    assert mix_down(np.full((2, 2), np.finfo(np.float32).max)).tolist() == [1, 1]
