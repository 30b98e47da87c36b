import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.errors import StorageError
from mmsearch.rerankers import picture_cache
from mmsearch.rerankers.picture_cache import PictureCache, default_root

SHAPE = (5, 32)
FILE_BYTES = 5 * 32 * 2
MODEL, OTHER_MODEL = "0a" * 16, "0b" * 16


def named(number):
    return f"{number:032x}"


def tokens(seed):
    return np.random.default_rng(seed).normal(size=SHAPE).astype(np.float16)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "cache" / "pictures"


def opened(root, model=MODEL, **limits):
    return PictureCache(root, model, SHAPE, **limits)


def stored(root, model=MODEL):
    return {int(path.stem, 16) for path in (root / model).glob("*.safetensors")}


def test_what_was_put_comes_back_in_this_process_and_in_the_next(root):
    cache = opened(root)
    assert cache.get(named(1)) is None
    cache.put(named(1), tokens(1))
    cache.put(named(2), tokens(2))
    for each in (cache, opened(root)):
        assert np.array_equal(each.get(named(1)), tokens(1))
        assert np.array_equal(each.get(named(2)), tokens(2))
        assert each.get(named(3)) is None


def test_each_model_has_its_own(root):
    opened(root).put(named(1), tokens(1))
    assert opened(root, OTHER_MODEL).get(named(1)) is None
    opened(root, OTHER_MODEL).put(named(1), tokens(2))
    assert np.array_equal(opened(root).get(named(1)), tokens(1))


@pytest.mark.parametrize("name", ["", "../../escaped", "A" * 32, "0" * 31, "0" * 33, named(1) + "\n", "0" * 31 + "/"])
def test_a_name_that_is_no_hash_never_becomes_a_file(root, name):
    cache = opened(root)
    cache.put(name, tokens(1))
    assert cache.get(name) is None
    assert not root.parent.exists()


def test_arrays_of_another_shape_or_type_are_refused(root):
    with pytest.raises(ValueError, match="expected float16"):
        opened(root).put(named(1), tokens(1)[:2])
    with pytest.raises(ValueError, match="expected float16"):
        opened(root).put(named(1), tokens(1).astype(np.float32))


def damaged_files(path):
    """The content of a file, with something wrong in each: name of the damage -> bytes."""
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[-7] ^= 1
    return {
        "one bit": bytes(flipped),
        "cut short": content[:-10],
        "nothing": b"",
        "no safetensors": b"x" * 400,
        "a header without end": (1 << 40).to_bytes(8, "little") + content[8:],
        "far too long": content + b"\0" * 10_000,
    }


def test_damaged_files_are_as_good_as_none_and_are_written_again(root):
    opened(root).put(named(1), tokens(1))
    path = root / MODEL / f"{named(1)}.safetensors"
    for damage, content in damaged_files(path).items():
        path.write_bytes(content)
        assert opened(root).get(named(1)) is None, damage
        opened(root).put(named(1), tokens(1))
        assert np.array_equal(opened(root).get(named(1)), tokens(1)), damage


def test_files_of_other_pictures_or_shapes_are_not_taken(root):
    opened(root).put(named(1), tokens(1))
    shutil.copy(root / MODEL / f"{named(1)}.safetensors", root / MODEL / f"{named(2)}.safetensors")
    assert opened(root).get(named(2)) is None
    assert PictureCache(root, MODEL, (32, 5)).get(named(1)) is None


@given(content=st.binary(max_size=2_000))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_as_good_as_none(root, content):
    path = root / MODEL / f"{named(1)}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert opened(root).get(named(1)) is None


def test_the_least_recently_used_go_first_whatever_their_model(root):
    room = 10 * (FILE_BYTES + 300)  # a file has 200 bytes and more of header
    old, new = opened(root, OTHER_MODEL, max_bytes=room), opened(root, max_bytes=room)
    old.put(named(99), tokens(99))
    for number in range(6):
        new.put(named(number), tokens(number))
    for age, path in enumerate([*(root / OTHER_MODEL).iterdir(), *sorted((root / MODEL).iterdir())]):
        os.utime(path, (age + 1, age + 1))
    assert opened(root).get(named(0)) is not None  # used just now, so it stays
    for number in range(6, 12):
        new.put(named(number), tokens(number))
    assert stored(root, OTHER_MODEL) == set()
    assert 1 not in stored(root)
    assert {0, 10, 11} <= stored(root)
    assert sum(path.stat().st_size for path in root.glob("*/*")) <= room
    assert np.array_equal(new.get(named(1)), tokens(1))  # still in memory


def test_only_files_of_our_own_are_removed(root, tmp_path):
    """A full cache leaves alone what others put there, and stumbles over nothing."""
    full = {"max_bytes": 2 * (FILE_BYTES + 300)}
    opened(root).put(named(0), tokens(0))
    own, name = root / MODEL, f"{named(1)}.safetensors"
    foreign = [own / each for each in ("notes.txt", "model.safetensors", ".notes.12-34.tmp", f"{name}.bak")]
    foreign += [root / "readme", root / "other" / name, root / MODEL[1:] / name]
    for path in foreign:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 10_000)
    folders = [own / f"{named(90)}.safetensors", own / "sub", root / OTHER_MODEL]
    for folder in folders:
        (folder / "inner").mkdir(parents=True)
    link = own / f"{named(91)}.safetensors"
    link.symlink_to(tmp_path / "elsewhere")
    for path in root.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    cache = opened(root, **full)
    for number in range(2, 6):
        cache.put(named(number), tokens(number))
    assert all(path.is_file() for path in foreign)
    assert all((folder / "inner").is_dir() for folder in folders)
    assert link.is_symlink()
    assert [number for number in range(6) if (own / f"{named(number)}.safetensors").is_file()] == [4, 5]


def test_what_a_killed_process_left_half_written_is_removed(root):
    opened(root).put(named(0), tokens(0))
    left = root / MODEL / f".{named(7)}.safetensors.4242-139872.tmp"
    left.write_bytes(b"x" * 10_000)
    opened(root, max_bytes=4 * (FILE_BYTES + 300)).put(named(1), tokens(1))
    assert not left.exists()
    assert {0, 1} & stored(root)


def test_a_file_that_cannot_be_removed_is_passed_over(root, monkeypatch):
    for number in range(4):
        opened(root).put(named(number), tokens(number))
        os.utime(root / MODEL / f"{named(number)}.safetensors", (number + 1, number + 1))
    unlink = Path.unlink

    def refused(path, missing_ok=False):
        if path.name.startswith(named(0)):
            raise PermissionError("not yours")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    opened(root, max_bytes=3 * (FILE_BYTES + 300)).put(named(4), tokens(4))
    assert 0 in stored(root)
    assert 4 in stored(root)
    assert 1 not in stored(root)


def test_memory_is_bounded_too(root):
    cache = opened(root, max_memory_bytes=3 * FILE_BYTES)
    for number in range(3):
        cache.put(named(number), tokens(number))
    assert cache.get(named(0)) is not None
    cache.put(named(3), tokens(3))
    shutil.rmtree(root)
    held = [number for number in range(4) if cache.get(named(number)) is not None]
    assert held == [0, 2, 3]  # 0 was used after 1


def test_a_disk_that_cannot_be_written_costs_nothing_but_time(root, monkeypatch):
    def full(path, data):
        raise StorageError("No space left.")

    monkeypatch.setattr(picture_cache, "write_durably", full)
    cache = opened(root)
    cache.put(named(1), tokens(1))
    assert np.array_equal(cache.get(named(1)), tokens(1))
    assert opened(root).get(named(1)) is None
    root.parent.mkdir(exist_ok=True)
    shutil.rmtree(root)
    root.write_text("a file where the folder should be")
    cache.put(named(2), tokens(2))
    assert np.array_equal(cache.get(named(2)), tokens(2))


def test_threads_may_share_it(root):
    cache = opened(root, max_bytes=8 * (FILE_BYTES + 300), max_memory_bytes=4 * FILE_BYTES)

    def use(number):
        cache.put(named(number % 12), tokens(number % 12))
        found = cache.get(named(number % 7))
        return found is None or np.array_equal(found, tokens(number % 7))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, range(50)))


def test_the_usual_place_is_the_users_cache_folder(monkeypatch):
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_: "/somewhere/mmsearch")
    assert default_root() == Path("/somewhere/mmsearch/pictures")
