"""Which containers and codecs are opened for their sound, and what kind of media a file is.

FFmpeg knows hundreds of formats; only those listed here ever parse a file. Among the others are playlists and
scripts (HLS, DASH, concat, image sequences) that make it open further files and network addresses.
"""

from datetime import datetime

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mmsearch.types import MediaInfo

# FFmpeg's name of the container -> its media type without pictures, and with.
_CONTAINERS: dict[str, tuple[str, str]] = {
    "aac": ("audio/aac", "audio/aac"),
    "aiff": ("audio/aiff", "audio/aiff"),
    "amr": ("audio/amr", "audio/amr"),
    "ape": ("audio/x-ape", "audio/x-ape"),
    "asf": ("audio/x-ms-wma", "video/x-ms-wmv"),
    "au": ("audio/basic", "audio/basic"),
    "avi": ("audio/x-msvideo", "video/x-msvideo"),
    "caf": ("audio/x-caf", "audio/x-caf"),
    "dsf": ("audio/x-dsf", "audio/x-dsf"),
    "flac": ("audio/flac", "audio/flac"),
    "flv": ("audio/x-flv", "video/x-flv"),
    "iff": ("audio/x-dff", "audio/x-dff"),
    "matroska": ("audio/matroska", "video/matroska"),
    "mov": ("audio/mp4", "video/mp4"),
    "mp3": ("audio/mpeg", "audio/mpeg"),
    "mpeg": ("audio/mpeg", "video/mpeg"),
    "mpegts": ("audio/mp2t", "video/mp2t"),
    "mpegvideo": ("video/mpeg", "video/mpeg"),
    "ogg": ("audio/ogg", "video/ogg"),
    "tak": ("audio/x-tak", "audio/x-tak"),
    "tta": ("audio/x-tta", "audio/x-tta"),
    "w64": ("audio/x-w64", "audio/x-w64"),
    "wav": ("audio/wav", "audio/wav"),
    "wv": ("audio/x-wavpack", "audio/x-wavpack"),
}
_CODECS = frozenset(
    """
    aac aac_latm ac3 alac amrnb amrwb libopencore_amrnb libopencore_amrwb ape atrac3 atrac3p dca eac3 flac g722
    g723_1 g726 gsm gsm_ms mace3 mace6 mlp mp1 mp1float mp2 mp2float mp3 mp3float nellymoser opus libopus qdm2 qdmc
    speex libspeex tak truehd truespeech tta vorbis libvorbis wavpack wmav1 wmav2 wmalossless wmapro wmavoice
    dsd_lsbf dsd_lsbf_planar dsd_msbf dsd_msbf_planar
    """.split()
) | {name for name in av.codecs_available if name.startswith(("pcm_", "adpcm_"))}
# Of the names that PyAV gives to ISO base media, by the brand that a file gives itself.
_BRANDS = {"qt  ": "video/quicktime", "3gp": "video/3gpp", "3g2": "video/3gpp2"}

OPENING_OPTIONS = {
    "format_whitelist": ",".join(_CONTAINERS),
    "protocol_whitelist": "",  # so that nothing inside a file makes FFmpeg open another one
    "codec_whitelist": ",".join(sorted(_CODECS)),  # no picture is decoded to learn about a video
}


def sound_tracks(container: InputContainer) -> list[AudioStream]:
    """List the tracks that can be decoded."""
    return [track for track in container.streams.audio if track.codec_context and track.codec_context.name in _CODECS]


def film(container: InputContainer) -> VideoStream | None:
    """Return the first track of moving pictures; the cover of a record is none."""
    for track in container.streams.video:
        if not track.disposition & Disposition.attached_pic:
            return track
    return None


def describe(container: InputContainer, head: bytes) -> MediaInfo:
    """Say what an opened file is.

    Args:
        container: Opened with `OPENING_OPTIONS`.
        head: The first bytes of the file.
    """
    pictures = film(container)
    width_px, height_px = _size(pictures)
    return MediaInfo(
        _media_type(container, head, pictures is not None),
        width_px=width_px,
        height_px=height_px,
        captured_at=_captured_at(container.metadata.get("creation_time", "")),
    )


def _media_type(container: InputContainer, head: bytes, moving: bool) -> str:
    kind = _CONTAINERS[container.format.name.partition(",")[0]][moving]
    if kind.endswith("/matroska") and b"webm" in head:
        return kind.replace("matroska", "webm")
    if kind == "video/mp4":
        brand = container.metadata.get("major_brand", "")
        return _BRANDS.get(brand) or _BRANDS.get(brand[:3]) or kind
    return kind


def _size(pictures: VideoStream | None) -> tuple[int | None, int | None]:
    """Return (width, height) as the header has it, if it is credible."""
    if pictures is None or not pictures.codec_context:
        return None, None
    width, height = pictures.codec_context.width, pictures.codec_context.height
    return (width, height) if 0 < width <= 0xFFFF and 0 < height <= 0xFFFF else (None, None)


def _captured_at(stamp: str) -> str | None:
    """Return when a recording was made; None if that is no date, or the zero of a clock that was never set."""
    try:
        time = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return time.isoformat(timespec="seconds") if time.year > 1970 else None
