"""Worker processes as the parent sees them: batches in, outcomes out, in order, whatever the files do.

The workers are started with `subprocess` rather than `multiprocessing`, because that would run the user's own
script again in each child unless it is guarded by `if __name__ == "__main__"`.
"""

import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe
from queue import SimpleQueue
from threading import Lock
from typing import Any, Protocol

from mmsearch.config import Config
from mmsearch.errors import MediaCrashed, MediaError, MediaTimeout, ModelError
from mmsearch.ingest.plan import Work
from mmsearch.ingest.worker import Batch, Broken, Done, Reading, Ready, Setup, process
from mmsearch.protocols import Encoder
from mmsearch.threads import worker_environment
from mmsearch.types import FailedFile, Outcome

START_TIMEOUT_S = 300.0  # loading large weights from a slow disk takes its time
LONGEST_TIMEOUT_S = 1e6  # the system counts milliseconds in 32 bits
BATCHES_AHEAD = 2  # a worker, so that none waits for the parent while it commits
# What this process can import, the child can, and nothing else.
CHILD = "import sys; sys.path[:] = {path!r}; from mmsearch.ingest.worker import main; main({handle})"


class Pool(Protocol):
    """Turns batches into outcomes."""

    def run(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, tuple[Outcome, ...]]]:
        """Yield each batch with one outcome a file, in the order of the batches."""
        ...

    def close(self) -> None:
        """Release what the pool holds."""
        ...


class InlinePool:
    """Works in this process: for an encoder that is an object of the caller's own. Hostile files are not isolated."""

    def __init__(self, encoder: Encoder, setup: Setup) -> None:
        self._encoder = encoder
        self._setup = setup

    def run(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, tuple[Outcome, ...]]]:
        """See Pool."""
        for batch in batches:
            yield batch, process(batch, self._encoder, self._setup, lambda _: None)

    def close(self) -> None:
        """Nothing to release."""


class ProcessPool:
    """Worker processes, each with its own copy of the model and one thread; started as they are needed."""

    def __init__(self, setup: Setup, workers: int) -> None:
        self._workers = workers
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        self._all = [Worker(setup) for _ in range(workers)]
        for worker in self._all:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="mmsearch-worker")

    def run(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, tuple[Outcome, ...]]]:
        """See Pool. At most a few batches a worker are under way, so memory stays bounded."""
        pending: deque[tuple[Batch, Future[tuple[Outcome, ...]]]] = deque()
        for batch in batches:
            pending.append((batch, self._threads.submit(self._process, batch)))
            if len(pending) >= self._workers * BATCHES_AHEAD:
                first, future = pending.popleft()
                yield first, future.result()
        for first, future in pending:
            yield first, future.result()

    def _process(self, batch: Batch) -> tuple[Outcome, ...]:
        worker = self._idle.get()
        try:
            return worker.process(batch)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """End the processes at once; what they were doing is lost, what was yielded is not."""
        for worker in self._all:
            worker.stop()
        self._threads.shutdown(wait=True, cancel_futures=True)


class ChildLost(Exception):
    """The child died or fell silent, while it was reading that file of the batch or, if None, embedding."""

    def __init__(self, kind: type[MediaError], reading: int | None) -> None:
        super().__init__(kind, reading)
        self.kind = kind
        self.reading = reading


class Worker:
    """One child process, started at its first batch and again whenever a file has ended it."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[object, object] | None = None
        self._stopped = False
        self._starting = Lock()  # no child may be started behind the back of `stop`

    def process(self, batch: Batch) -> tuple[Outcome, ...]:
        """Process a batch; a file on which the child dies or hangs twice becomes a FailedFile, the others go on.

        Raises:
            MmsearchError: The model cannot work, whatever the files.
        """
        outcomes: dict[int, Outcome] = {}
        attempts = deque([tuple(range(len(batch)))])
        suspects: set[int] = set()
        while attempts and not self._stopped:
            positions = attempts.popleft()
            try:
                done = self._attempt(tuple(batch[position] for position in positions))
                outcomes.update(zip(positions, done, strict=True))
            except ChildLost as lost:
                self._kill()
                if lost.reading is None and len(positions) > 1:  # while embedding: try each file alone
                    attempts.extend((position,) for position in positions)
                    continue
                culprit = positions[lost.reading or 0]
                if culprit in suspects:
                    outcomes[culprit] = self._failure(batch[culprit], lost)
                else:  # the machine may have slept, or its memory run out: a second loss, alone, proves it
                    suspects.add(culprit)
                    attempts.append((culprit,))
                if rest := tuple(position for position in positions if position != culprit):
                    attempts.appendleft(rest)
        return tuple(outcomes[position] for position in sorted(outcomes))

    def _attempt(self, batch: Batch) -> tuple[Outcome, ...]:
        """Send a batch and wait for its outcomes.

        Raises:
            ChildLost: The child died or fell silent.
        """
        connection = self._start()
        reading: int | None = None
        try:
            connection.send(batch)
            while connection.poll(self._setup.limits.decode_timeout_s):
                message = connection.recv()
                if isinstance(message, Done):
                    return message.outcomes
                if isinstance(message, Broken):
                    raise message.error
                if isinstance(message, Reading):
                    reading = message.position
        except (EOFError, OSError) as error:
            raise ChildLost(MediaCrashed, reading) from error
        raise ChildLost(MediaTimeout, reading)

    def _failure(self, work: Work, lost: ChildLost) -> FailedFile:
        doing = "Embedding" if lost.reading is None else "Reading"
        message = f"{doing} it took more than {self._setup.limits.decode_timeout_s:g} s (limits.decode_timeout_s)."
        if lost.kind is MediaCrashed:
            message = f"{doing} it crashed the worker process: the file is damaged or malicious."
        return FailedFile(work.stat, lost.kind.code, str(lost.kind(message)), work.modality)

    def _start(self) -> "Connection[object, object]":
        """Start the child if there is none that lives, and wait until its model is loaded.

        Raises:
            ModelError: It cannot be started.
            ChildLost: `stop` was called.
        """
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self._kill()
        self._connection = connection = self._launch()
        try:
            connection.send(self._setup)
            message = connection.recv() if connection.poll(START_TIMEOUT_S) else None
        except (EOFError, OSError) as error:
            raise ModelError(
                f"The worker process died while it loaded the model {self._setup.model}.",
                remedy="Run `mmsearch doctor`.",
            ) from error
        if isinstance(message, Broken):
            raise message.error
        if not isinstance(message, Ready):
            raise ModelError(f"The model {self._setup.model} did not load within {START_TIMEOUT_S:g} s.")
        return connection

    def _launch(self) -> "Connection[object, object]":
        ours, theirs = Pipe()
        command = CHILD.format(path=sys.path, handle=theirs.fileno())
        with self._starting, theirs:
            if self._stopped:
                raise ChildLost(MediaCrashed, None)
            self._process = _popen(
                [sys.executable, "-P", "-c", command],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # C libraries write about damaged files here; we report those ourselves
                env=worker_environment(),
            )
        return ours

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None

    def stop(self) -> None:
        """End the process, from any thread; a batch under way comes back short."""
        with self._starting:
            self._stopped = True
            process = self._process
        if process is not None:
            process.kill()
            process.wait()


def _popen(command: Sequence[str], **options: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401 - as Popen takes them
    """Start a process.

    Raises:
        ModelError: The system refuses, such as when there are too many processes.
    """
    try:
        return subprocess.Popen(command, **options)
    except OSError as error:
        raise ModelError(
            f"A worker process cannot be started: {error.strerror or error}.", remedy="Try fewer with --workers."
        ) from error


def make_pool(
    encoder: Encoder, model: str | None, config: Config, files: int, workers: int | None, *, tokens: bool = False
) -> Pool:
    """Make the pool that fits: processes if the model can be made by name in a child, else this process.

    Args:
        encoder: Of the collection.
        model: What a child can make it by; None if it cannot.
        config: The settings.
        files: How many there are at most; more workers than batches would be idle.
        workers: By default as the settings say.
        tokens: Give the tokens of each segment too.
    """
    batches = -(-files // config.ingest.batch_files)
    workers = max(1, min(workers or config.ingest.worker_count, batches))
    limits = config.limits.for_machine(workers)
    limits = replace(limits, decode_timeout_s=min(limits.decode_timeout_s, LONGEST_TIMEOUT_S))
    setup = Setup(encoder.spec.space.model, limits, config.ingest.transcribe, tokens)
    return InlinePool(encoder, setup) if model is None else ProcessPool(replace(setup, model=model), workers)
