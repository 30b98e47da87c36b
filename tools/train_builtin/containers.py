"""Read the containers of sounds that some packages bring along.

Qt resources (.rcc), OpenTTD sound sets (.cat) and OpenClonk groups (.ocg). The readers take the whole file as bytes
and trust no number in it: offsets outside the file, folders that contain themselves and contents that unpack to more
than `MAX_UNPACKED` end in an `ArchiveError`.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

_RCC_MAGIC = b"qres"
_RCC_NODE_SIZES = {1: 14, 2: 22, 3: 22}
_RCC_ZLIB, _RCC_FOLDER, _RCC_ZSTD = 1, 2, 4
_CAT_OFFSET = 0x7FFFFFFF
_OCG_MAGIC = b"RedWolf Design GrpFolder"
_OCG_HEADER, _OCG_ENTRY = 204, 316
_OCG_GZIP = b"\x1e\x8c"
_MAX_DEPTH = 16

MAX_UNPACKED = 512 * 2**20
"""Largest size, in bytes, that a packed container or one file of it may unpack to."""


class ArchiveError(Exception):
    """An archive is damaged, of an unknown kind, or lacks a file; the message says what to do."""


def read_container(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (path inside, contents) of the container `data`, whose kind the ending of `name` tells.

    Raises:
        ArchiveError: The kind is unknown or the container is damaged.
    """
    readers = {".rcc": read_rcc, ".cat": read_cat, ".ocg": read_ocg}
    suffix = PurePosixPath(name).suffix
    if suffix not in readers:
        raise ArchiveError(f"{name}: only {', '.join(readers)} files can be looked into")
    try:
        yield from readers[suffix](data)
    except (struct.error, UnicodeDecodeError, zlib.error) as error:
        raise ArchiveError(f"{name} is damaged: {error}") from error


class _Rcc(NamedTuple):
    """A Qt resource file and where its three tables start."""

    data: bytes
    node_size: int
    tree: int
    contents: int
    names: int

    def name(self, offset: int) -> str:
        (length,) = struct.unpack_from(">H", self.data, self.names + offset)
        start = self.names + offset + 6  # behind the length and a 4-byte hash
        return self.data[start : start + 2 * length].decode("utf-16-be")

    def node(self, index: int) -> tuple[int, int, int, int]:
        """Return (name offset, flags, a, b): for a folder the count and index of its children, else b = contents."""
        offset = self.tree + index * self.node_size
        name, flags = struct.unpack_from(">IH", self.data, offset)
        a, b = struct.unpack_from(">II", self.data, offset + 6)
        return name, flags, a, b

    def file(self, offset: int, flags: int) -> bytes:
        (size,) = struct.unpack_from(">I", self.data, self.contents + offset)
        start = self.contents + offset + 4
        packed = self.data[start : start + size]
        if flags & _RCC_ZSTD:
            raise ArchiveError("a resource packed with zstd cannot be read: the standard library lacks it")
        return _inflate(packed) if flags & _RCC_ZLIB else packed


def read_rcc(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (path, contents) of the files in a Qt binary resource, format versions 1 to 3.

    Source: Qt, qtbase/src/tools/rcc/rcc.cpp and corelib/io/qresource.cpp.
    """
    magic, version, tree, contents, names = struct.unpack_from(">4s4I", data)
    if magic != _RCC_MAGIC or version not in _RCC_NODE_SIZES:
        raise ArchiveError("this is no Qt resource file of format 1 to 3")
    yield from _walk(_Rcc(data, _RCC_NODE_SIZES[version], tree, contents, names), 0, "")


def _walk(rcc: _Rcc, index: int, path: str) -> Iterator[tuple[str, bytes]]:
    _, flags, a, b = rcc.node(index)
    if not flags & _RCC_FOLDER:
        yield path, rcc.file(b, flags)
        return
    if b <= index:
        raise ArchiveError("a folder of this Qt resource contains itself")
    for child in range(b, b + a):
        name = rcc.name(rcc.node(child)[0])
        yield from _walk(rcc, child, f"{path}/{name}" if path else name)


def _inflate(packed: bytes) -> bytes:
    """Unpack zlib data that starts with its unpacked size, 4 bytes big-endian (Qt's qCompress)."""
    (size,) = struct.unpack_from(">I", packed)
    if size > MAX_UNPACKED:
        raise ArchiveError(f"a resource of {size} bytes is refused: more than {MAX_UNPACKED}")
    return zlib.decompressobj().decompress(packed[4:], max_length=size) if size else b""


def read_cat(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (two-digit number, WAV file) of the sounds in an OpenTTD sound set.

    Source: OpenTTD, src/sound.cpp (OpenBankFile): a table of offsets and sizes; at each offset a
    length-prefixed name, then the RIFF file.
    """
    (first,) = struct.unpack_from("<I", data)
    for number in range((first & _CAT_OFFSET) // 8):
        offset, _ = struct.unpack_from("<II", data, number * 8)
        offset &= _CAT_OFFSET
        (name_length,) = struct.unpack_from("B", data, offset)
        start = offset + 1 + name_length
        magic, size = struct.unpack_from("<4sI", data, start)
        if magic != b"RIFF":
            raise ArchiveError(f"sound {number} of this sound set is no RIFF file")
        yield f"{number:02d}", data[start : start + 8 + size]


def read_ocg(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (path, contents) of the files in an OpenClonk group, those in groups inside it among them.

    Source: OpenClonk, src/c4group/C4Group.cpp: gzip with another magic number, then a header in which each byte
    is XORed with 237 and each first and third byte of three are swapped, then fixed-size entries.
    """
    if data[:2] != _OCG_GZIP:
        raise ArchiveError("this is no OpenClonk group")
    gunzip = zlib.decompressobj(wbits=31)
    plain = gunzip.decompress(b"\x1f\x8b" + data[2:], MAX_UNPACKED)
    if gunzip.unconsumed_tail:
        raise ArchiveError(f"a group of more than {MAX_UNPACKED} bytes is refused")
    yield from _walk_ocg(plain, 0, "", 0)


def _walk_ocg(data: bytes, start: int, path: str, depth: int) -> Iterator[tuple[str, bytes]]:
    header = _unscramble(data[start : start + _OCG_HEADER])
    (entries,) = struct.unpack_from("<I", header, 36)
    first = start + _OCG_HEADER
    if not header.startswith(_OCG_MAGIC) or depth > _MAX_DEPTH or first + entries * _OCG_ENTRY > len(data):
        raise ArchiveError("a group inside this OpenClonk group is damaged")
    for entry in range(first, first + entries * _OCG_ENTRY, _OCG_ENTRY):
        name = path + data[entry : entry + 260].split(b"\0")[0].decode("latin-1")
        _, is_group, size, _, offset = struct.unpack_from("<5I", data, entry + 260)
        place = first + entries * _OCG_ENTRY + offset
        if is_group:
            yield from _walk_ocg(data, place, name + "/", depth + 1)
        else:
            yield name, data[place : place + size]


def _unscramble(header: bytes) -> bytes:
    mixed = bytearray(header)
    mixed[0:-2:3], mixed[2::3] = mixed[2::3], mixed[0:-2:3]
    return bytes(byte ^ 237 for byte in mixed)
