"""The sound of a file, from WAV to the sound track of a film, as one channel at the rate that an encoder wants.

FFmpeg (through PyAV) decodes everything, which takes a while to import: import this module where it is used.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import BinaryIO, Self

import av
from av import FFmpegError
from av.container import InputContainer

from mmsearch.config import Limits
from mmsearch.errors import FileUnreadable, MediaDamaged, MediaEmpty, MediaError, MediaTooLarge, MediaUnsupported
from mmsearch.media.audio_formats import OPENING_OPTIONS, describe, film, sound_tracks
from mmsearch.media.audio_frames import Frames, out_of_memory
from mmsearch.media.audio_mono import mono_pieces
from mmsearch.media.audio_resample import resampled
from mmsearch.types import MediaInfo, Waveform

_HEAD_BYTES = 64
_REMEDY = "The file is damaged, or its ending does not fit what is in it."


def open_sound(file: BinaryIO, limits: Limits, rate_hz: int) -> "Sound":
    """Open the first sound track of a file that is open for reading; its name does not matter.

    Nothing else is opened on its account, be it a playlist or refer to other files: see `audio_formats`.

    Args:
        file: A regular file or BytesIO, at its start. Stays open; do not use it until the Sound is closed.
        limits: On the length.
        rate_hz: Samples a second to convert to.

    Raises:
        MediaEmpty: There is not one byte, or no sound track.
        MediaUnsupported: The format is none that is read.
        MediaDamaged: The content is no sound.
        MediaTooLarge: It asks for more memory than there is.
        FileUnreadable: The disk fails.
    """
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if not head:
        raise MediaEmpty("The file is empty.")
    source = _Source(file)
    try:
        container = av.open(source, "r", container_options=OPENING_OPTIONS, metadata_errors="replace")
    except MemoryError as fault:
        raise out_of_memory() from fault
    except FFmpegError as fault:
        raise source.fault or _explain(fault) from fault
    try:
        return Sound(container, source, describe(container, head), limits, rate_hz)
    except MediaError:
        container.close()
        raise


class Sound:
    """An opened sound track. Iterate once, inside `with`: it yields blocks of about a second.

    Guarantees: blocks are (samples,) float32, C-contiguous, finite, in [-1, 1]; channels are averaged; damaged
    packets are passed over; where packets are missing, silence keeps what follows at its time. Memory does not
    grow with the length.
    """

    def __init__(
        self, container: InputContainer, source: "_Source", info: MediaInfo, limits: Limits, rate_hz: int
    ) -> None:
        tracks = sound_tracks(container)
        if not tracks:
            raise _no_track(container)
        self.rate_hz = rate_hz
        self._container = container
        self._source = source
        self._frames = Frames(container, tracks[0])
        self._info = info
        self._limits = limits
        self._samples = 0

    @property
    def info(self) -> MediaInfo:
        """What is known of the file. `duration_s` is what was decoded so far: all of it after the last block."""
        return replace(self._info, duration_s=round(self._samples / self.rate_hz, 3))

    def __iter__(self) -> Iterator[Waveform]:
        """Decode.

        Raises:
            MediaTooLarge: It is longer than `limits.max_audio_s`, or asks for more memory than there is.
            MediaDamaged: Nothing can be decoded.
            MediaEmpty: It lasts no time at all.
            FileUnreadable: The disk fails.
        """
        start = self._container.start_time
        pieces = mono_pieces(self._frames, None if start is None else start / av.time_base)
        for block in resampled(pieces, self.rate_hz):
            self._samples += len(block)
            self._check_length()
            if len(block):
                yield block
        if self._source.fault:
            raise self._source.fault
        if not self._samples:
            raise _nothing(self._frames.damaged)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the decoder; the file stays open."""
        self._container.close()

    def _check_length(self) -> None:
        limit_s = self._limits.max_audio_s
        if self._samples > limit_s * self.rate_hz:
            raise MediaTooLarge(
                f"The sound is longer than {limit_s:,.0f} seconds.",
                remedy="Raise limits.max_audio_s in mmsearch.toml if you trust the file.",
            )


class _Source:
    """What FFmpeg reads from: a file without its name, by which FFmpeg would judge what is in it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.fault: FileUnreadable | None = None

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:  # kept, because FFmpeg takes it for the end of the file in many places
            self.fault = FileUnreadable(f"The file cannot be read: {error.strerror}.", remedy="Check its disk.")
            return b""

    def seek(self, offset: int, whence: int) -> int:
        with suppress(OSError, ValueError):  # damaged files point anywhere
            return self._file.seek(offset, whence)
        return -1

    def tell(self) -> int:
        return self._file.tell()


def _explain(fault: FFmpegError) -> MediaError:
    if isinstance(fault, av.ArgumentError):  # what FFmpeg says to a format that is not in the list
        return MediaUnsupported("The content is in a format that is not read for its sound.", remedy=_REMEDY)
    return MediaDamaged("The content is neither a sound nor a video.", remedy=_REMEDY)


def _no_track(container: InputContainer) -> MediaError:
    if container.streams.audio:
        return MediaUnsupported("The sound is in a format that is not read.", remedy="Save it as FLAC, MP3 or M4A.")
    if film(container):
        return MediaEmpty("The video has no sound track.", remedy="What a video shows is not searched yet.")
    return MediaEmpty("There is no sound in the file.")


def _nothing(damaged: int) -> MediaError:
    if damaged:
        return MediaDamaged("Nothing in the file can be decoded.", remedy="Copy it again from where it came from.")
    return MediaEmpty("The sound lasts no time at all.")
