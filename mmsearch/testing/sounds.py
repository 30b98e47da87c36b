"""Makers of small sounds and films in many formats, through PyAV, for tests of plug-ins and of mmsearch itself."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmsearch.types import Waveform

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import OutputContainer

_CODECS = {
    ".aiff": "pcm_s16be",
    ".caf": "pcm_s16le",
    ".flac": "flac",
    ".m4a": "aac",
    ".mka": "flac",
    ".mp3": "libmp3lame",
    ".opus": "libopus",
    ".wav": "pcm_s16le",
    ".wv": "wavpack",
    ".avi": "libmp3lame",
    ".mkv": "libopus",
    ".mov": "pcm_s16le",
    ".mp4": "aac",
    ".mpg": "mp2",
    ".webm": "libopus",
}
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_FILMS = (".avi", ".mkv", ".mov", ".mp4", ".mpg")
_FRAME = 1_024


def tone(seconds: float = 1.0, pitch_hz: float = 440.0, rate_hz: int = 48_000, peak: float = 0.5) -> Waveform:
    """Make a sine tone."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return (peak * np.sin(2 * np.pi * pitch_hz * times)).astype(np.float32)


def write_sound(
    path: Path,
    sound: npt.NDArray[np.float32] | None = None,
    rate_hz: int = 48_000,
    *,
    codec: str | None = None,
    start_s: float = 0.0,
    created: str | None = None,
) -> Path:
    """Write a sound in the format of the path's ending; endings of films get moving pictures of 64 x 48 too.

    Args:
        path: Where to.
        sound: (samples,) or (channels, samples), of 1, 2, 6 or 8 channels; `tone` by default.
        rate_hz: Its samples a second. Opus takes 48,000 only.
        codec: FFmpeg's name of an encoder, such as "pcm_alaw"; by default one that suits the ending.
        start_s: When the sound begins, for films.
        created: When it was recorded, in ISO 8601, for MP4, MOV and MKV.
    """
    import av
    from av.audio.stream import AudioStream

    channels = np.atleast_2d(tone(rate_hz=rate_hz) if sound is None else sound)
    with av.open(str(path), "w") as out:
        if created:
            out.metadata["creation_time"] = created
        track = out.add_stream(codec or _CODECS[path.suffix], rate=rate_hz)
        assert isinstance(track, AudioStream)
        track.layout = _LAYOUTS[len(channels)]
        if path.suffix in _FILMS:
            _write_pictures(out, count=round(10 * (start_s + channels.shape[1] / rate_hz)))
        for frame in _frames(channels, rate_hz, round(start_s * rate_hz)):
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path


def _write_pictures(out: "OutputContainer", count: int) -> None:
    from av import VideoFrame
    from av.video.stream import VideoStream

    track = out.add_stream("mpeg4", rate=10)
    assert isinstance(track, VideoStream)
    track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
    for number in range(count):
        frame = VideoFrame.from_ndarray(np.full((48, 64, 3), number % 256, np.uint8))
        frame.pts = number
        out.mux(track.encode(frame))
    out.mux(track.encode(None))


def _frames(channels: npt.NDArray[np.float32], rate_hz: int, start: int) -> Iterator["AudioFrame"]:
    from av import AudioFrame

    for place in range(0, channels.shape[1], _FRAME):
        interleaved = np.ascontiguousarray(channels[:, place : place + _FRAME].T).reshape(1, -1)
        frame = AudioFrame.from_ndarray(interleaved, "flt", _LAYOUTS[len(channels)])
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start + place, Fraction(1, rate_hz)
        yield frame
