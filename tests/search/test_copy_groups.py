"""Grouping copies: against brute force, around the first, and without chains."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog.looks import FileLook
from mmsearch.search.copies import MAX_DISTANCE, Pictures, least_cosine
from mmsearch.search.copy_groups import copy_groups

BASE = 0x0F1E2D3C4B5A6978
FLIPPED = [sum(1 << (7 * bit) for bit in range(count)) for count in range(10)]  # so many bits


def picture(number, look, content=None, **others):
    values = {"width_px": 400, "height_px": 300, "captured_at": None, "has_camera": False} | others
    hash_ = content or f"content {number}"
    return FileLook(number, f"/{number:05}.jpg", "image", 1_000, 1, hash_, look=look, segment_id=number, **values)


def same_vectors(ids):
    return np.tile(np.float32([1, 0]), (len(ids), 1))


def at_angles(cosines):
    """Vectors of pictures numbered from 0, each with that cosine to the first axis."""
    table = np.array([(cosine, np.sqrt(1 - cosine**2)) for cosine in cosines], dtype=np.float32)
    return lambda ids: table[ids]


def numbers(groups):
    return [(group.first.id, *(copy.file.id for copy in group.copies)) for group in groups]


def test_each_member_is_a_copy_of_the_first_and_chains_are_cut():
    chain = [picture(i, BASE ^ sum(1 << bit for bit in range(5 * i))) for i in range(4)]  # 0, 5, 10, 15 bits
    assert numbers(copy_groups(chain, same_vectors)) == [(0, 1), (2, 3)]


def test_the_first_in_order_is_kept():
    one, other = picture(1, BASE), picture(2, BASE ^ 1)
    assert numbers(copy_groups([one, other], same_vectors)) == [(1, 2)]
    assert numbers(copy_groups([other, one], same_vectors)) == [(2, 1)]


@pytest.mark.parametrize("bits", [MAX_DISTANCE, MAX_DISTANCE + 1])
def test_looks_may_differ_in_8_bits(bits):
    files = [picture(0, BASE), picture(1, BASE ^ FLIPPED[bits])]
    assert len(copy_groups(files, same_vectors)) == (bits <= MAX_DISTANCE)


@pytest.mark.parametrize(
    ("bits", "cosine", "near"), [(0, 0.51, True), (0, 0.49, False), (8, 0.91, True), (8, 0.89, False)]
)
def test_the_more_looks_differ_the_nearer_vectors_must_be(bits, cosine, near):
    files = [picture(0, BASE), picture(1, BASE ^ FLIPPED[bits])]
    groups = copy_groups(files, at_angles([1, cosine]))
    assert len(groups) == near
    if near:
        copy = groups[0].copies[0]
        assert copy.distance == bits
        assert copy.cosine == pytest.approx(cosine, abs=1e-6)


def test_pictures_taken_at_different_times_are_no_copies():
    first = picture(0, BASE, captured_at="2021-05-04T10:20:30+02:00")
    burst = picture(1, BASE, captured_at="2021-05-04T10:20:31+02:00")
    edited = picture(2, BASE, captured_at="2021-05-04T10:20:30")  # lost the zone
    stripped = picture(3, BASE)
    assert numbers(copy_groups([first, burst, edited, stripped], same_vectors)) == [(0, 2, 3)]


def test_a_part_of_a_wide_picture_is_no_copy_though_the_model_sees_only_the_middle():
    wide, middle = picture(0, BASE, width_px=900), picture(1, BASE)
    trimmed = picture(2, BASE, width_px=840)
    assert numbers(copy_groups([wide, middle, trimmed], same_vectors)) == [(0, 2)]


def test_copies_by_content_need_no_look():
    files = [picture(0, None, "a"), picture(1, 0, "a"), picture(2, BASE, "b"), picture(3, None, "c")]
    assert numbers(copy_groups(files, None)) == [(0, 1)]
    assert copy_groups(files, None)[0].copies[0].cosine is None


def test_blank_pictures_are_copies_only_by_content():
    assert copy_groups([picture(0, 0), picture(1, 0), picture(2, None), picture(3, None)], same_vectors) == []


def test_near_copies_bring_their_exact_copies_along():
    files = [picture(0, BASE, "a"), picture(1, BASE ^ 1, "b"), picture(2, BASE, "a"), picture(3, BASE ^ 1, "b")]
    groups = copy_groups(files, same_vectors)
    assert numbers(groups) == [(0, 2, 1, 3)]
    assert [copy.distance for copy in groups[0].copies] == [None, 1, 1]


def test_only_the_vectors_of_pictures_that_look_like_another_are_read():
    read = []

    def read_vectors(ids):
        read.extend(ids.tolist())
        return same_vectors(ids)

    copy_groups([picture(0, BASE), picture(1, ~BASE), picture(2, BASE ^ 3)], read_vectors)
    assert read == [0, 2]


def test_progress_ends_at_all():
    seen = []
    copy_groups([picture(i, BASE ^ (i << 40)) for i in range(3)], same_vectors, lambda *count: seen.append(count))
    assert seen == [(0, 3), (3, 3)]


def test_no_files_are_no_groups():
    assert copy_groups([], same_vectors) == []


@given(st.lists(st.tuples(st.integers(0, 255), st.floats(-1, 1)), max_size=30), st.randoms())
@settings(max_examples=50)
def test_groups_are_what_brute_force_finds(drawn, random):
    """Looks from a small part of all, so that many are near; order as given."""
    files = [picture(i, BASE ^ (byte * 0x11)) for i, (byte, _) in enumerate(drawn)]
    vectors = at_angles([cosine for _, cosine in drawn] or [1])
    random.shuffle(files)
    expected, taken = [], set()
    for place, first in enumerate(files):
        if first.id in taken:
            continue
        near = [file for file in files[place + 1 :] if file.id not in taken and is_near(first, file, vectors)]
        taken.update(file.id for file in near)
        expected += [(first.id, *(file.id for file in near))] if near else []
    assert numbers(copy_groups(files, vectors)) == expected


def is_near(one, other, vectors):
    far = (one.look ^ other.look).bit_count()
    cosine = vectors(np.array([one.id])) @ vectors(np.array([other.id])).T
    return far <= MAX_DISTANCE and cosine.item() >= least_cosine(np.uint8([far])).item()


def test_20_000_looks_are_compared_as_by_brute_force():
    random = np.random.default_rng(8)
    looks = random.integers(-(2**63), 2**63 - 1, 20_000)
    planted = random.choice(20_000, (2, 50), replace=False)
    turned = random.integers(0, 12, 50)  # bits, more than are allowed in a few
    for source, target, bits in zip(*planted, turned, strict=True):
        flips = sum(1 << int(bit) for bit in random.choice(63, bits, replace=False))
        looks[target] = looks[source] ^ flips
    files = [picture(i, int(look)) for i, look in enumerate(looks)]
    pairs = {tuple(sorted(pair)) for pair, bits in zip(planted.T.tolist(), turned, strict=True) if bits <= MAX_DISTANCE}
    assert numbers(copy_groups(files, same_vectors)) == sorted(pairs)
    assert 20 < len(pairs) < 50


def test_rows_alike_are_later_ones():
    rows, far = Pictures([picture(i, BASE ^ FLIPPED[i]) for i in range(4)]).alike(1)
    assert (rows.tolist(), far.tolist()) == ([2, 3], [1, 2])


def test_a_picture_of_unknown_size_counts_as_a_square():
    unknown = replace(picture(0, BASE), width_px=None, height_px=None)
    assert numbers(copy_groups([unknown, picture(1, BASE, width_px=310)], same_vectors)) == [(0, 1)]
