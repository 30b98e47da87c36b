"""Packets of a sound track to decoded frames, passing over what is damaged."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from av import FFmpegError
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard

from mmsearch.errors import MediaTooLarge

# A container that fails so often is not read further: some fail again and again at the same place.
_MAX_FAULTS = 100


@dataclass(slots=True)
class Frames:
    """The frames of one track, in order, once.

    Attributes:
        damaged: How many packets could not be decoded so far.
    """

    container: InputContainer
    track: AudioStream
    damaged: int = field(default=0, init=False)

    def __iter__(self) -> Iterator[AudioFrame]:
        _prepare(self.container, self.track)
        for packet in self._packets():
            try:
                yield from self.track.decode(packet)
            except MemoryError as fault:
                raise out_of_memory() from fault
            except FFmpegError:
                self.damaged += 1

    def _packets(self) -> "Iterator[Packet[AudioStream]]":
        """Yield packets and, as the last ones, those that make the decoder give what it kept back."""
        for _ in range(_MAX_FAULTS):
            try:
                yield from self.container.demux(self.track)
                return
            except MemoryError as fault:
                raise out_of_memory() from fault
            except (FFmpegError, IndexError):  # PyAV's IndexError: a track that came up in mid-file
                self.damaged += 1


def out_of_memory() -> MediaTooLarge:
    """Make the error for a file that asks for more memory than there is, as damaged ones do too."""
    return MediaTooLarge("There is not enough memory to decode this sound.")


def _prepare(container: InputContainer, track: AudioStream) -> None:
    for other in container.streams:
        if other.index != track.index:
            other.discard = Discard.all  # of a film in an MP4 file, pictures are then not even read
    codec = track.codec_context
    codec.thread_count = 1
    # Which channel is which does not matter here, and PyAV 17.1 to 18.1 free the list of a custom layout twice
    # (whenever a frame has one): a layout without names has no list.
    if channels := codec.channels:
        codec.layout = f"{channels}C"
