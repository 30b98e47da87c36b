import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmsearch.errors import StorageError
from mmsearch.files import (
    blake2,
    blake2_file,
    fsync_folder,
    map_readonly,
    replacing,
    storage_errors,
    write_durably,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def synced(monkeypatch):
    """What is fsynced, as inode numbers, in order."""
    inodes = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (inodes.append(os.fstat(handle).st_ino), real(handle)))
    return inodes


def test_blake2_is_pinned():
    # Stored in catalogs: another digest would make every file look changed.
    assert blake2(b"") == "cae66941d9efbd404e4d88758ea67670"
    assert blake2(b"mmsearch") == hashlib.blake2b(b"mmsearch", digest_size=16).hexdigest()
    assert blake2(memoryview(b"mmsearch")) == blake2(b"mmsearch")


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_a_file_has_the_digest_of_its_bytes(tmp_path, size):
    data = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    (tmp_path / "file").write_bytes(data)
    assert blake2_file(tmp_path / "file") == blake2(data)


def test_digest_of_a_path_that_is_not_utf8(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff"
    with open(path, "wb") as file:
        file.write(b"x")
    assert blake2_file(os.fsdecode(path)) == blake2(b"x")


def test_write_makes_the_file_and_its_folders(tmp_path):
    write_durably(tmp_path / "new" / "deep" / "file", b"data")
    assert (tmp_path / "new" / "deep" / "file").read_bytes() == b"data"
    assert names(tmp_path / "new" / "deep") == ["file"]


def test_write_replaces_and_leaves_nothing_else(tmp_path):
    for data in (b"a long first version", b"second"):
        write_durably(tmp_path / "file", data)
    assert (tmp_path / "file").read_bytes() == b"second"
    assert names(tmp_path) == ["file"]


def test_content_is_synced_before_the_name_and_new_folders_too(tmp_path, synced):
    write_durably(tmp_path / "new" / "file", b"data")
    file, folder = tmp_path / "new" / "file", tmp_path / "new"
    assert synced == [tmp_path.stat().st_ino, file.stat().st_ino, folder.stat().st_ino]


def test_an_existing_folder_is_synced_once(tmp_path, synced):
    write_durably(tmp_path / "file", b"data")
    assert synced == [(tmp_path / "file").stat().st_ino, tmp_path.stat().st_ino]


def write_half(path, error):
    with replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise error


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_a_failure_inside_keeps_the_old_file(tmp_path, error):
    write_durably(tmp_path / "file", b"old")
    with pytest.raises(error):
        write_half(tmp_path / "file", error)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_readers_see_the_old_file_until_the_end(tmp_path):
    write_durably(tmp_path / "file", b"old")
    with replacing(tmp_path / "file") as temporary:
        temporary.write_bytes(b"new")
        assert (tmp_path / "file").read_bytes() == b"old"
    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_at_any_step_keeps_the_old_file(tmp_path, monkeypatch, step):
    write_durably(tmp_path / "file", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_durably(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_temporary_file_that_was_never_written_is_an_error(tmp_path):
    with pytest.raises(StorageError, match=r"Cannot write .*file"), replacing(tmp_path / "file"):
        pass
    assert names(tmp_path) == []


def test_a_file_where_a_folder_is_needed_is_a_storage_error(tmp_path):
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(StorageError, match="Cannot write"):
        write_durably(tmp_path / "taken" / "file", b"data")


def test_a_folder_where_the_file_should_be_is_a_storage_error(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(StorageError, match="Cannot write"):
        write_durably(tmp_path / "file", b"data")
    assert names(tmp_path) == ["file"]


def test_a_name_that_is_too_long_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="too long"):
        write_durably(tmp_path / ("x" * 255), b"data")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_a_storage_error(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StorageError, match="Permission denied"):
        write_durably(folder / "file", b"data")


def test_a_link_is_replaced_by_a_file_and_its_target_kept(tmp_path):
    (tmp_path / "target").write_bytes(b"target")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_durably(tmp_path / "link", b"data")
    assert (tmp_path / "target").read_bytes() == b"target"
    assert (tmp_path / "link").read_bytes() == b"data"


def test_threads_do_not_write_into_each_others_file(tmp_path):
    versions = [bytes([number]) * 4096 for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda data: write_durably(tmp_path / "file", data), versions))
    assert (tmp_path / "file").read_bytes() in versions
    assert names(tmp_path) == ["file"]


def test_storage_errors_names_the_work_and_keeps_the_cause():
    with (
        pytest.raises(StorageError, match="Cannot count sheep: No sheep") as caught,
        storage_errors("count sheep"),
    ):
        raise OSError(5, "No sheep")
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(StorageError, match="Cannot count sheep: odd"), storage_errors("count sheep"):
        raise OSError("odd")


def test_storage_errors_lets_others_pass():
    with pytest.raises(ZeroDivisionError), storage_errors("divide"):
        raise ZeroDivisionError


def test_a_missing_folder_cannot_be_synced(tmp_path):
    fsync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        fsync_folder(tmp_path / "missing")


def test_a_map_shows_the_file_and_cannot_change_it(tmp_path):
    (tmp_path / "file").write_bytes(b"vectors")
    with open(tmp_path / "file", "rb") as file, map_readonly(file) as view:
        assert view[:] == b"vectors"
        with pytest.raises(TypeError):
            view[0] = 0
