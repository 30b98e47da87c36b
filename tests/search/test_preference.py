"""Which copy would be kept, and what is said of it."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.catalog.looks import FileLook
from mmsearch.search.preference import CRITERIA, kept_for, preference

PLAIN = FileLook(1, "/m/photo.jpg", "image", 1_000, 50, "hash", 400, 300, None, False, 7, 1)

BETTER = {
    "more pixels": {"width_px": 401, "size_bytes": 10},
    "larger file": {"size_bytes": 1_001, "mtime_ns": 60},
    "has the camera's notes": {"has_camera": True, "path": "/m/longer-name.jpg"},
    "changed longer ago": {"mtime_ns": 49, "path": "/m/longer-name.jpg"},
    "shorter path": {"path": "/z.jpg"},
    "first by name": {"path": "/m/phot0.jpg"},
}


@pytest.mark.parametrize("reason", BETTER)
def test_the_better_copy_comes_first_and_says_why(reason):
    better = replace(PLAIN, id=2, **BETTER[reason])
    assert sorted([PLAIN, better], key=preference) == [better, PLAIN]
    assert kept_for(better, PLAIN) == reason


def test_among_photos_with_notes_the_earlier_comes_first():
    early, late = (replace(PLAIN, captured_at=f"2021-05-04T10:20:{second}") for second in (30, 31))
    assert preference(early) < preference(late)
    assert kept_for(early, late) == "taken earlier"


def test_every_reason_can_be_given():
    assert {said for _, said in CRITERIA} == {*BETTER, "taken earlier"}


FILES = st.builds(
    FileLook,
    id=st.integers(1, 9),
    path=st.text("ab/", min_size=1, max_size=3),
    modality=st.just("image"),
    size_bytes=st.integers(0, 2),
    mtime_ns=st.integers(-1, 1),
    content_hash=st.just("hash"),
    width_px=st.none() | st.integers(1, 2),
    height_px=st.none() | st.integers(1, 2),
    captured_at=st.sampled_from([None, "2021", "2022"]),
    has_camera=st.booleans(),
    look=st.just(7),
    segment_id=st.just(1),
)


@given(st.lists(FILES, unique_by=lambda file: file.path))
def test_the_order_is_total(files):
    ordered = sorted(files, key=preference)
    assert ordered == sorted(reversed(files), key=preference)
    assert all(kept_for(one, other) for one, other in pairwise(ordered))
