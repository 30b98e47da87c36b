"""What a file is, judged by its name alone: cheap enough to ask for every file of a large folder.

The content decides later how a file is read; the ending only decides whether it is looked at.
"""

import os

from mmsearch.errors import MediaUnsupported
from mmsearch.types import Modality

_IMAGES = """
    .jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .dib .tif .tiff .heic .heics .heif .heifs .hif
    .avif .avifs
""".split()
# Recognised, so that the user is told why they cannot be found.
_OTHER_PICTURES = """
    .psd .psb .xcf .kra .svg .svgz .ico .cur .icns .jp2 .j2k .j2c .jpf .jpx .jxl .tga .fli .flc .dds .sgi
    .bw .rgb .rgba .ras .pcx .pbm .pgm .ppm .pnm .pam .xbm .xpm .msp .blp .fits .exr .qoi .wmf .emf .eps
""".split()
_CAMERA_RAW = """
    .cr2 .cr3 .crw .nef .nrw .arw .srf .sr2 .dng .orf .rw2 .raf .pef .srw .x3f .rwl .iiq .3fr .erf .kdc .mrw
""".split()
_AUDIO = """
    .wav .wave .w64 .flac .ogg .oga .opus .spx .mp3 .mp2 .m4a .m4b .aac .wma .aif .aiff .aifc .au .caf .amr
    .ape .wv .tak .tta .ofr .dsf .dff .mka
""".split()
_VIDEO = """
    .mp4 .m4v .mov .qt .mkv .webm .avi .mpg .mpeg .mpe .m2v .wmv .asf .flv .ogv .3gp .3g2 .mts .m2ts .vob
""".split()
_TEXT = (".txt", ".md", ".markdown")
_CAPTIONS = (".csv", ".json", ".jsonl")

_MODALITIES: dict[str, Modality] = {
    **dict.fromkeys((*_IMAGES, *_OTHER_PICTURES, *_CAMERA_RAW), "image"),
    **dict.fromkeys(_AUDIO, "audio"),
    **dict.fromkeys(_VIDEO, "video"),
    **dict.fromkeys(_TEXT, "text"),
}
MEDIA_ENDINGS: tuple[str, ...] = (*_IMAGES, *_AUDIO, *_VIDEO)
"""Endings of files that a caption may lie beside, commonest kinds first."""


def ending_of(path: str) -> str:
    """Return what follows the last dot of the name, with the dot, in lower case; empty if there is none."""
    return os.path.splitext(path)[1].lower()


def modality_of(path: str) -> Modality | None:
    """Say what kind of media a file is by its ending; None if it is none that mmsearch looks at.

    Pictures in formats that cannot be read count as images too: `check_supported` says why.
    Tables and sidecars that may hold captions are told apart by `is_captions_file`.
    """
    return _MODALITIES.get(ending_of(path))


def is_captions_file(path: str) -> bool:
    """Say whether a file may hold captions of media beside it; only its content shows whether it does."""
    return ending_of(path) in _CAPTIONS


def is_markdown(path: str) -> bool:
    """Say whether a text is split by Markdown's headings and lists."""
    return ending_of(path) in (".md", ".markdown")


def check_supported(path: str) -> None:
    """Refuse a picture whose ending already shows that it cannot be read, before any of it is.

    Raises:
        MediaUnsupported: A camera's raw file, or a picture format that is not read.
    """
    ending = ending_of(path)
    name = ending[1:].upper()
    if ending in _CAMERA_RAW:
        # Most of them open as TIFF, which shows a thumbnail of a few pixels instead of the photo.
        raise MediaUnsupported(f"Camera raw files ({name}) are not supported.", remedy="Export it as JPEG.")
    if ending in _OTHER_PICTURES:
        raise unsupported_picture(name)


def unsupported_picture(kind: str) -> MediaUnsupported:
    """Make the error for a picture in a format that is known but not read."""
    return MediaUnsupported(f"{kind} pictures are not supported.", remedy="Save it as JPEG or PNG.")
