"""Read single files out of packages: Debian's .deb, wheels and zips, source and npm tarballs.

Some packages keep their sounds in a container of their own, so a member may go one level deeper:
`usr/share/game/data.rcc!sounds/dog.ogg` is the file `sounds/dog.ogg` of the Qt resource file `data.rcc`.

An xz archive can only be read from its start. To take many files, ask for all of them in one `read_members`.
"""

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from tools.train_builtin.containers import ArchiveError, read_container

MAX_MEMBER = 512 * 2**20
"""Largest file taken out of an archive, in bytes: an archive that promises more is refused."""

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, RuntimeError, EOFError, OSError)
_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")


def open_member(archive: Path, member: str) -> bytes:
    """Return the contents of one file of `archive`.

    Raises:
        ArchiveError: There is no such file in it, it is larger than `MAX_MEMBER`, or the archive is damaged.
    """
    return dict(read_members(archive, [member]))[member]


def read_members(archive: Path, members: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (member, contents) for all of `members` in one pass over `archive`, in the archive's order.

    Raises:
        ArchiveError: A member is missing (said after the others), larger than `MAX_MEMBER`, or damaged.
    """
    inner = _by_outer(members)
    missing = set(members)
    try:
        for outer, data in _read_outer(archive, inner):
            for member, contents in _read_inner(outer, data, inner[outer]):
                missing.discard(member)
                yield member, contents
    except _DAMAGED as error:
        raise ArchiveError(f"{archive.name} cannot be read ({error}): delete it and fetch it again") from error
    if missing:
        raise ArchiveError(f"{archive.name} has no {', '.join(sorted(missing)[:3])} ({len(missing)} missing)")


def list_members(archive: Path) -> list[str]:
    """Return the paths of the plain files in `archive`, in its order; containers are not looked into."""
    if _is_zip(archive):
        with zipfile.ZipFile(archive) as bundle:
            return [info.filename for info in bundle.infolist() if not info.is_dir()]
    with archive.open("rb") as file, _open_tar(archive, file) as tar:
        return [_plain(info.name) for info in tar if info.isfile()]


def _by_outer(members: Collection[str]) -> dict[str, list[str]]:
    """Group `outer!inner` by `outer`; a member outside containers stands alone as itself."""
    groups: dict[str, list[str]] = {}
    for member in members:
        groups.setdefault(member.partition("!")[0], []).append(member)
    return groups


def _read_inner(outer: str, data: bytes, members: list[str]) -> Iterator[tuple[str, bytes]]:
    if outer in members:
        yield outer, data
    wanted = {member.partition("!")[2]: member for member in members if "!" in member}
    if wanted:
        for name, contents in read_container(outer, data):
            if name in wanted:
                yield wanted[name], contents


def _read_outer(archive: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    return _read_zip(archive, wanted) if _is_zip(archive) else _read_tar(archive, wanted)


def _read_zip(archive: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as bundle:
        for info in bundle.infolist():
            if info.filename in wanted:
                _check_size(info.filename, info.file_size)
                yield info.filename, bundle.read(info)


def _read_tar(archive: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    with archive.open("rb") as file, _open_tar(archive, file) as tar:
        for info in tar:
            name = _plain(info.name)
            if name in wanted and info.isfile() and (contents := tar.extractfile(info)) is not None:
                _check_size(name, info.size)
                yield name, contents.read()


def _open_tar(archive: Path, file: IO[bytes]) -> tarfile.TarFile:
    """Open the tarball, or the data tarball of a .deb, as a stream: no index of all members is built first."""
    if archive.suffix == ".deb":
        _seek_deb_data(file)
    elif not archive.name.endswith(_TAR_SUFFIXES):
        raise ArchiveError(f"{archive.name} is of no known kind: .deb, .whl, .zip and tarballs are")
    return tarfile.open(fileobj=_Rest(file), mode="r|*")


def _seek_deb_data(file: IO[bytes]) -> None:
    """Move `file` to the start of data.tar.* in the ar archive that a .deb is.

    Source: deb(5) and ar(5); names are 16 bytes, sizes decimal, members start at even offsets.
    """
    if file.read(len(_AR_MAGIC)) != _AR_MAGIC:
        raise ArchiveError("this .deb is no ar archive: delete it and fetch it again")
    while len(header := file.read(_AR_HEADER)) == _AR_HEADER:
        name = header[:16].decode("ascii", "replace").strip(" /")
        if name.endswith(".zst"):
            raise ArchiveError(f"{name}: zstd is not in the standard library; take the package of another release")
        if name.startswith("data.tar"):
            return
        size = header[48:58].strip()
        if not size.isdigit():
            break
        file.seek(int(size) + int(size) % 2, io.SEEK_CUR)
    raise ArchiveError("this .deb has no data.tar: delete it and fetch it again")


class _Rest(io.RawIOBase):
    """The rest of a file from its present position, as tarfile's stream mode reads it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


def _check_size(name: str, size: int) -> None:
    if size > MAX_MEMBER:
        raise ArchiveError(f"{name} would be {size} bytes; more than {MAX_MEMBER} is refused")


def _is_zip(archive: Path) -> bool:
    return archive.suffix in (".whl", ".zip")


def _plain(name: str) -> str:
    return name.removeprefix("./")
