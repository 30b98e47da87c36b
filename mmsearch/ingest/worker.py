"""The process that reads strangers' files; pool.py starts it with `main` and talks to it.

A decoder may crash, hang or eat memory on a hostile file; here it takes only this process with it. The parent
(pool.py) sees which file was being read, ends the process if it must, and starts another.

Messages, each one pickled object over a socket pair between parent and child:
    parent: Setup                           child: Ready or Broken
    parent: a batch (tuple[Work, ...])      child: any number of Reading, then Done or Broken
"""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import cast

import numpy as np

from mmsearch.config import Limits
from mmsearch.errors import MmsearchError, ModelError
from mmsearch.ingest.decode import Decoded, DecodedFile, attempt, decode
from mmsearch.ingest.encode import encode
from mmsearch.ingest.plan import Work
from mmsearch.protocols import Encoder
from mmsearch.registry import make_encoder
from mmsearch.types import IndexedFile, Outcome

Batch = tuple[Work, ...]


@dataclass(frozen=True, slots=True)
class Setup:
    """First message: what the worker needs to know.

    Attributes:
        model: What to make the encoder by.
        transcribe: Write down what is said, if the encoder can.
        tokens: Give the tokens of each segment too, if the encoder has some.
    """

    model: str
    limits: Limits
    transcribe: bool = True
    tokens: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded and works."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Sign of life. `position` is the file's place in the batch; None while embedding."""

    position: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """The batch is finished: one outcome a file, in order."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """The encoder cannot work at all, such as with damaged weights; the run must end."""

    error: MmsearchError


def process(batch: Batch, encoder: Encoder, setup: Setup, alive: Callable[[int | None], None]) -> tuple[Outcome, ...]:
    """Decode and embed a batch: one outcome a file, in order."""
    decoded = []
    for position, work in enumerate(batch):
        alive(position)
        decoded.append(attempt(work, _reader(work, encoder, setup, partial(alive, position))))
    alive(None)
    ready = [file for file in decoded if isinstance(file, DecodedFile)]
    indexed = encode(ready, encoder, lambda: alive(None), tokens=setup.tokens)
    return tuple(next(indexed) if isinstance(file, DecodedFile) else file for file in decoded)


def _reader(
    work: Work, encoder: Encoder, setup: Setup, alive: Callable[[], None]
) -> Callable[[], Decoded | IndexedFile]:
    """Choose how a file is read: pictures and texts here and embedded together later, sounds all in one go."""
    if work.modality not in ("audio", "video"):
        return partial(decode, work, setup.limits, encoder.spec.image_input)
    from mmsearch.ingest.listen import listen  # PyAV, which other files can do without

    wanted = {"transcribe": setup.transcribe, "tokens": setup.tokens}
    return partial(listen, work, encoder, setup.limits, alive, **wanted)


def main(handle: int) -> None:
    """Serve batches until the parent closes the connection or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    with Connection(handle) as connection:
        try:
            _serve(connection)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


def _serve(connection: "Connection[object, object]") -> None:
    setup = connection.recv()
    assert isinstance(setup, Setup)
    limit_memory(setup.limits.worker_memory_bytes)
    alive = partial(_sign_of_life, connection, setup.limits)
    try:
        encoder = load_encoder(setup.model)
        connection.send(Ready())
        while True:
            batch = cast("Batch", connection.recv())
            outcomes = process(batch, encoder, setup, alive)
            signal.setitimer(signal.ITIMER_REAL, 0)
            connection.send(Done(outcomes))
    except MmsearchError as error:
        connection.send(Broken(error))


def _sign_of_life(connection: "Connection[object, object]", limits: Limits, position: int | None) -> None:
    """Tell the parent. Should it be dead, and a file then hang this process, the alarm of the system ends it."""
    signal.setitimer(signal.ITIMER_REAL, 2 * limits.decode_timeout_s)
    connection.send(Reading(position))


def load_encoder(model: str) -> Encoder:
    """Make an encoder and see that it works, lest its faults be taken for those of every single file.

    Raises:
        ModelError: It cannot be loaded, or not even embed a word, a black picture and a silent second.
    """
    encoder = make_encoder(model)
    try:
        encoder.load()
        encoder.encode_texts(["word"], "document")
        if pixels := encoder.spec.image_input:
            encoder.encode_images(np.zeros((1, pixels.height_px, pixels.width_px, 3), np.uint8), "document")
        if sound := encoder.spec.audio_input:
            encoder.encode_audio([np.zeros(sound.rate_hz, np.float32)], "document")
    except MmsearchError:
        raise
    except MemoryError as error:
        raise ModelError(
            f"The model {model} needs more memory than a worker may use.", remedy="Raise limits.worker_memory_bytes."
        ) from error
    except Exception as error:
        raise ModelError(f"The model {model} does not work ({type(error).__name__}: {error}).") from error
    return encoder


def limit_memory(limit_bytes: int) -> None:
    """Let allocations beyond the limit fail with MemoryError instead of driving the machine into swap."""
    import resource  # POSIX only, like the worker itself; the rest of this module is for all

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or limit_bytes < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, hard))
