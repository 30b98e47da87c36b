import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.media.windows import Chunk, chunks, windows
from mmsearch.types import AudioInput

RATE_HZ = 100


def blocks_of(wave, sizes):
    """Cut a sound into blocks of these sizes, over and over."""
    start = place = 0
    while start < len(wave):
        size = sizes[place % len(sizes)]
        yield wave[start : start + size]
        start, place = start + size, place + 1


@given(
    st.integers(0, 20_000), st.lists(st.integers(1, 4_000), min_size=1, max_size=5), st.integers(3, 40), st.integers()
)
def test_pieces_are_the_sound_in_order(length, sizes, longest_s, seed):
    wave = np.random.default_rng(abs(seed)).normal(size=length).astype(np.float32)
    found = list(chunks(blocks_of(wave, sizes), RATE_HZ, longest_s))
    assert np.concatenate([np.zeros(0), *(chunk.wave for chunk in found)]).tolist() == wave.tolist()
    ends = np.cumsum([0, *(len(chunk.wave) for chunk in found)]) / RATE_HZ
    assert [chunk.start_s for chunk in found] == pytest.approx(ends[:-1].tolist())
    assert all(len(chunk.wave) <= longest_s * RATE_HZ for chunk in found)
    if len(found) > 1:
        assert all(len(chunk.wave) >= RATE_HZ for chunk in found)
    assert len(found) <= 1 + length / RATE_HZ / max(1, min(longest_s - 10, longest_s // 2 - 1))


def test_a_sound_that_fits_is_one_piece():
    (chunk,) = chunks([np.ones(3_000, np.float32)], RATE_HZ)
    assert (chunk.start_s, len(chunk.wave)) == (0, 3_000)
    assert list(chunks([], RATE_HZ)) == []


def test_a_longer_one_is_cut_where_it_is_quiet():
    wave = np.ones(7_000, np.float32)
    wave[1_500:1_600] = 0  # more than 10 s before the end of the piece
    wave[2_345:2_355] = 0.1
    wave[2_700:2_703] = 0  # too short for the pause between two words
    assert [chunk.start_s for chunk in chunks([wave], RATE_HZ)] == [0, 23.5, 53.45]


def test_an_even_sound_is_cut_as_late_as_may_be():
    assert [len(chunk.wave) for chunk in chunks([np.zeros(6_500, np.float32)], RATE_HZ)] == [2_995, 2_995, 510]


def test_no_piece_is_a_mere_splinter():
    assert min(len(chunk.wave) for chunk in chunks([np.zeros(3_001, np.float32)], RATE_HZ)) >= RATE_HZ


@given(st.integers(1, 4_000), st.integers(50, 1_500), st.integers(0, 40), st.floats(0, 1e5))
def test_windows_cover_a_piece_evenly(length, size, overlap, start_s):
    audio_input = AudioInput(RATE_HZ, window_s=size / RATE_HZ, overlap_s=overlap / RATE_HZ)
    wave = np.arange(length, dtype=np.float32)
    found = windows(Chunk(round(start_s, 3), wave), audio_input)
    firsts = [int(window.wave[0]) for window in found]
    lasts = [int(window.wave[-1]) for window in found]
    assert (firsts[0], lasts[-1]) == (0, length - 1)
    assert {len(window.wave) for window in found} == {min(size, length)}
    steps = np.diff(firsts)
    assert all(steps > 0)
    assert all(steps <= size - overlap)
    assert np.ptp(steps) <= 1 if len(steps) else len(found) == 1
    assert len(found) == 1 or (len(found) - 2) * (size - overlap) + size < length
    for window, first, last in zip(found, firsts, lasts, strict=True):
        assert window.start_s == pytest.approx(start_s + first / RATE_HZ, abs=2e-3)
        assert window.end_s == pytest.approx(start_s + (last + 1) / RATE_HZ, abs=2e-3)
        assert np.shares_memory(window.wave, wave)


def test_windows_of_half_a_minute():
    found = windows(Chunk(30.0, np.zeros(3_000, np.float32)), AudioInput(RATE_HZ))
    assert [(window.start_s, window.end_s) for window in found] == [
        (30.0, 40.0),
        (36.66, 46.66),
        (43.33, 53.33),
        (50.0, 60.0),
    ]
