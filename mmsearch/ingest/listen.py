"""Stages 3 and 4 for sounds, in a worker: a file is decoded, embedded and written down piece by piece.

A sound may last for hours, so unlike a picture it is never whole in memory: each piece of at most half a minute is
embedded as it comes, and if somebody speaks in it, it is transcribed too.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, cast

import numpy as np

from mmsearch.config import Limits
from mmsearch.encoders.embed import embed_audio, embed_texts
from mmsearch.errors import MediaDamaged, MediaTooLarge
from mmsearch.files import blake2_stream
from mmsearch.ingest.encode import TEXTS_AT_ONCE, all_or_none, coded
from mmsearch.ingest.plan import Work
from mmsearch.media.audio import open_sound
from mmsearch.media.opening import open_regular
from mmsearch.media.windows import Chunk, chunks, windows
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder, Transcriber
from mmsearch.types import (
    AudioInput,
    CodedTokens,
    Embedded,
    Features,
    IndexedFile,
    KnownFile,
    MediaInfo,
    Segment,
    Utterance,
    Vectors,
)

Alive = Callable[[], None]


@dataclass
class Heard:
    """What was heard of a file so far: segments, a row each."""

    encoder: Encoder
    tokens: bool
    segments: list[Segment] = field(default_factory=list)
    vectors: list[Vectors] = field(default_factory=list)
    features: list[Features] = field(default_factory=list)
    coded: list[CodedTokens | None] = field(default_factory=list)

    def add(self, segments: Sequence[Segment], embedded: Embedded) -> None:
        """Add segments with what the encoder made of them.

        Raises:
            MediaDamaged: A vector is not finite.
        """
        self.segments += segments
        self.vectors.append(_unit(embedded.vectors))
        zeros = np.zeros((len(segments), self.encoder.spec.feature_dim), dtype=np.float16)
        self.features.append(zeros if embedded.features is None else embedded.features)
        self.coded += coded(embedded)


def listen(
    work: Work, encoder: Encoder, limits: Limits, alive: Alive, *, transcribe: bool, tokens: bool = False
) -> IndexedFile | KnownFile:
    """Read the sound of a file.

    Args:
        work: A sound, or a video for its sound track.
        encoder: One that takes audio.
        limits: On the length of a sound.
        alive: Called between pieces, to show a watching parent that work goes on.
        transcribe: Whether to write down what is said, if the encoder can. What the catalog has of it already is
            taken instead.
        tokens: Give the tokens of each segment too.

    Raises:
        MediaError: It cannot be read, has no sound, or is too long.
    """
    with open_regular(work.stat.path) as file:
        _check_size(file, limits)
        content_hash = blake2_stream(file, alive)
        if content_hash in work.known:
            return KnownFile(work.stat, content_hash)
        file.seek(0)
        heard = Heard(encoder, tokens)
        transcribe = transcribe and encoder.spec.transcribes and work.stored is None
        info = _hear(file, heard, limits, alive, transcribe=transcribe)
    if work.stored:
        _add_texts(heard, [segment for segment in work.stored.segments if segment.text is not None], alive)
    return IndexedFile(
        stat=work.stat,
        content_hash=content_hash,
        modality=work.modality,
        info=info,
        segments=tuple(heard.segments),
        vectors=np.concatenate(heard.vectors),
        features=np.concatenate(heard.features) if encoder.spec.feature_dim else None,
        tokens=all_or_none(heard.coded),
    )


def _check_size(file: BinaryIO, limits: Limits) -> None:
    size_bytes = os.fstat(file.fileno()).st_size  # a file with holes in it claims any size
    if size_bytes > limits.max_audio_bytes:
        raise MediaTooLarge(
            f"The file has {size_bytes:,} bytes; the limit is {limits.max_audio_bytes:,}.",
            remedy="Raise limits.max_audio_bytes in mmsearch.toml if you trust the file.",
        )


def _hear(file: BinaryIO, heard: Heard, limits: Limits, alive: Alive, *, transcribe: bool) -> MediaInfo:
    wanted = heard.encoder.spec.audio_input
    assert wanted is not None
    with open_sound(file, limits, wanted.rate_hz) as sound:
        for chunk in chunks(sound, wanted.rate_hz):
            alive()
            somebody_speaks = _add_windows(heard, chunk, wanted)
            if transcribe and somebody_speaks:
                alive()
                _add_transcript(heard, chunk, wanted, alive)
        return sound.info


def _add_windows(heard: Heard, chunk: Chunk, wanted: AudioInput) -> bool:
    """Embed the windows of a piece. Returns whether somebody speaks in one, as far as the encoder can tell."""
    pieces = windows(chunk, wanted)
    embedded = embed_audio(heard.encoder, [piece.wave for piece in pieces], "document", tokens=heard.tokens)
    heard.add([Segment("audio", start_s=piece.start_s, end_s=piece.end_s) for piece in pieces], embedded)
    return embedded.speech is None or bool(embedded.speech.any())


def _add_transcript(heard: Heard, chunk: Chunk, wanted: AudioInput, alive: Alive) -> None:
    said = cast("Transcriber", heard.encoder).transcribe(chunk.wave)
    _add_texts(heard, list(_spans(said, chunk.start_s, len(chunk.wave) / wanted.rate_hz)), alive)


def _add_texts(heard: Heard, segments: Sequence[Segment], alive: Alive) -> None:
    for start in range(0, len(segments), TEXTS_AT_ONCE):
        some = segments[start : start + TEXTS_AT_ONCE]
        heard.add(some, embed_texts(heard.encoder, [each.text or "" for each in some], tokens=heard.tokens))
        alive()


def _spans(said: Sequence[Utterance], start_s: float, length_s: float) -> Iterator[Segment]:
    """Place what is said in a piece of the file; a transcriber may think in whole seconds, beyond the piece's end."""
    for each in said:
        start, end = (round(start_s + min(time, length_s), 3) for time in (each.start_s, each.end_s))
        yield Segment("text", text=each.text, start_s=start, end_s=end, language=each.language)


def _unit(vectors: Vectors) -> Vectors:
    try:
        return unit_rows(vectors)
    except ValueError as error:
        raise MediaDamaged("The model gives no usable vector for this file (it holds NaN or infinity).") from error
