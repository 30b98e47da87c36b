"""Which picture format some bytes are in, and the one reader that may parse it.

Only the readers listed here are ever given a file: Pillow's rarer ones are not exposed to hostile input.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL.ImageFile import ImageFile

from mmsearch.errors import MediaDamaged, MediaEmpty, MediaUnsupported
from mmsearch.media.decoding import cut_short
from mmsearch.media.probe import unsupported_picture

_HEAD_BYTES = 256
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_DIB_HEADER_BYTES = {12, 40, 52, 56, 64, 108, 124}
# Formats that are known but not read, by how their files begin.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"8BPS", "PSD"),
    (b"gimp xcf", "XCF"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"icns", "ICNS"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"DDS ", "DDS"),
    (b"BLP", "BLP"),
    (b"\x01\xda", "SGI"),
    (b"SIMPLE  =", "FITS"),
    (b"%PDF", "PDF"),
    (b"<svg", "SVG"),
    (b"<?xml", "SVG"),
)


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """A format that can be read.

    Attributes:
        name: As people call it.
        open: Reads the header only. May raise anything: call it inside `decoding`.
    """

    name: str
    media_type: str
    recognises: Callable[[bytes], bool]
    open: Callable[[BytesIO], ImageFile]


def recognise(data: bytes) -> PictureFormat:
    """Find the format by the first bytes of the content.

    Raises:
        MediaEmpty: There is not one byte.
        MediaUnsupported: A picture format that is not read.
        MediaDamaged: Not the beginning of any picture.
    """
    if not data:
        raise MediaEmpty("The file is empty.")
    head = data[:_HEAD_BYTES]
    for form in FORMATS:
        if form.recognises(head):
            return form
    for beginning, name in _OTHERS:
        if head.lstrip().startswith(beginning):
            raise unsupported_picture(name)
    raise MediaDamaged(
        "The content is not a picture.",
        remedy="The file is damaged, or its ending does not fit what is in it.",
    )


def declared_size(data: bytes) -> tuple[int, int] | None:
    """Read (width, height) from the header of the formats whose readers allocate pixels on opening."""
    if data.startswith(b"GIF8"):
        return struct.unpack_from("<HH", data, 6) if len(data) >= 10 else None
    if _is_webp(data):
        return _webp_size(data)
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Read the canvas size; see RFC 9649, sections 2.5 to 2.7."""
    if len(data) < 30:
        return None
    if data[12:16] == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if data[12:16] == b"VP8L":
        packed = int.from_bytes(data[21:25], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _is_webp(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


def _open_webp(file: BytesIO) -> ImageFile:
    """Open a WebP file; its reader cannot tell a file that was cut short from other damage."""
    data = file.getbuffer()
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise cut_short("WebP")
    return WebPImagePlugin.WebPImageFile(file)


def _is_dib(head: bytes) -> bool:
    """Say whether this is a BMP without its file header: a known header length, one plane, a sane depth."""
    if len(head) < 16 or int.from_bytes(head[:4], "little") not in _DIB_HEADER_BYTES:
        return False
    return head[4:8] != b"ftyp" and head[12:14] == b"\x01\x00"


def _brands(head: bytes) -> set[bytes]:
    """List the kinds that an ISO base media file says it conforms to."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}


def _is_avif(head: bytes) -> bool:
    return bool(_brands(head) & _AVIF_BRANDS)


def _is_heif(head: bytes) -> bool:
    return bool(_brands(head) & _HEIF_BRANDS)


def _open_heif(file: BytesIO) -> ImageFile:
    try:
        from pillow_heif import HeifImageFile  # an extra, and slow to import: only once it is needed
    except ImportError as error:
        raise MediaUnsupported(
            "HEIC pictures need the package pillow-heif.",
            remedy="Install it with: pip install 'mmsearch[heic]'.",
        ) from error
    image: ImageFile = HeifImageFile(file)
    return image


FORMATS: tuple[PictureFormat, ...] = (
    # The JPEG reader also takes MPO, the stereo and burst files of phones and cameras: JPEGs in a row.
    PictureFormat("JPEG", "image/jpeg", lambda head: head.startswith(b"\xff\xd8\xff"), JpegImagePlugin.jpeg_factory),
    PictureFormat("PNG", "image/png", lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), PngImagePlugin.PngImageFile),
    PictureFormat("WebP", "image/webp", _is_webp, _open_webp),
    PictureFormat(
        "GIF", "image/gif", lambda head: head.startswith((b"GIF87a", b"GIF89a")), GifImagePlugin.GifImageFile
    ),
    PictureFormat("BMP", "image/bmp", lambda head: head.startswith(b"BM"), BmpImagePlugin.BmpImageFile),
    PictureFormat(
        "TIFF",
        "image/tiff",
        lambda head: head.startswith(tuple(TiffImagePlugin.PREFIXES)),
        TiffImagePlugin.TiffImageFile,
    ),
    PictureFormat("AVIF", "image/avif", _is_avif, AvifImagePlugin.AvifImageFile),
    PictureFormat("HEIC", "image/heic", _is_heif, _open_heif),
    PictureFormat("DIB", "image/bmp", _is_dib, BmpImagePlugin.DibImageFile),
)
