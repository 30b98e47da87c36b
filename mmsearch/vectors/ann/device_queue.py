"""One thread that alone talks to the GPU, and answers searches that wait at the same time by one call.

FAISS's resources of a GPU are for one thread (facebookresearch/faiss#321, #835), and a call for 32 queries takes
hardly longer than for one: both read all rows once.
"""

import atexit
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol, TypeVar

import numpy as np

from mmsearch.types import Vectors
from mmsearch.vectors.ranking import Positions, Scores

Result = TypeVar("Result")
Found = tuple[Scores, Positions]

MOST_QUERIES = 1024  # of one call


class Searched(Protocol):
    """What is searched on the thread."""

    def search(self, queries: Vectors, depth: int, probes: int) -> Found:
        """Return scores and places (m, depth) for queries (m, d)."""
        ...


@dataclass(eq=False)
class _Call:
    """Something to do on the thread."""

    work: Callable[[], Any]
    answer: Future[Any]


@dataclass(eq=False)
class _Search:
    """A search; those of the same index, depth and probes are answered together."""

    index: Searched
    queries: Vectors
    depth: int
    probes: int
    answer: Future[Found]

    def joins(self, other: "_Search") -> bool:
        return self.index is other.index and (self.depth, self.probes) == (other.depth, other.probes)


class DeviceQueue:
    """Runs what several threads ask for on a thread of its own, in order but for searches that are joined.

    It ends with the process, after what was asked of it so far. In a process that was forked from this one it is ended.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[_Call | _Search | None] = SimpleQueue()
        self._closed = False
        self._lock = Lock()
        self._thread = Thread(target=self._work, name="mmsearch-gpu", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def run(self, work: Callable[[], Result]) -> Result:
        """Do something on the thread, and wait for it.

        Raises:
            RuntimeError: The queue is closed.
            Exception: What the work raises.
        """
        answer: Future[Result] = Future()
        return self._answered(_Call(work, answer), answer)

    def post(self, work: Callable[[], object]) -> None:
        """Have something done on the thread, some time; nobody learns of a failure, or that it is closed.

        It takes no lock: it may be called wherever garbage is collected.
        """
        self._tasks.put(_Call(work, Future()))

    def search(self, index: Searched, queries: Vectors, depth: int, probes: int) -> Found:
        """Search on the thread for queries (m, d), of which at most `MOST_QUERIES` are joined in one call.

        Raises:
            RuntimeError: The queue is closed.
            Exception: What the index raises.
        """
        answer: Future[Found] = Future()
        return self._answered(_Search(index, queries, depth, probes, answer), answer)

    def close(self) -> None:
        """End the thread after what was asked of it so far; what comes later gets an error."""
        with self._lock:
            self._closed = True
            self._tasks.put(None)
        self._thread.join()
        atexit.unregister(self.close)

    def _answered(self, task: "_Call | _Search", answer: Future[Result]) -> Result:
        with self._lock:
            if self._closed or not self._thread.is_alive():
                raise _ended()
            self._tasks.put(task)
        try:
            return answer.result()
        except BaseException:
            answer.cancel()  # the caller was interrupted: nobody waits any more
            raise

    def _work(self) -> None:
        waiting: deque[_Call | _Search | None] = deque()
        while (task := self._next(waiting)) is not None:
            if isinstance(task, _Search):
                _answer(_joined(task, waiting))
            else:
                _settle(task.answer, task.work)
            del task  # it may hold an index, which is to be freed now and not with the next task

    def _next(self, waiting: deque[_Call | _Search | None]) -> _Call | _Search | None:
        """Take in all that came, waiting for something if there is nothing, and return the first."""
        if not waiting:
            waiting.append(self._tasks.get())
        while True:
            try:
                waiting.append(self._tasks.get_nowait())
            except Empty:
                return waiting.popleft()


def _joined(first: _Search, waiting: deque[_Call | _Search | None]) -> list[_Search]:
    """Take from what waits the searches that can be answered by the same call."""
    batch, total = [first], len(first.queries)
    for task in list(waiting):
        if isinstance(task, _Search) and first.joins(task) and total + len(task.queries) <= MOST_QUERIES:
            waiting.remove(task)
            batch.append(task)
            total += len(task.queries)
    return batch


def _answer(batch: list[_Search]) -> None:
    """Answer searches by one call; if it fails, each by its own, so that none fails for another's sake."""
    first = batch[0]
    if len(batch) == 1:
        return _settle(first.answer, lambda: first.index.search(first.queries, first.depth, first.probes))
    try:
        scores, places = first.index.search(np.concatenate([each.queries for each in batch]), first.depth, first.probes)
    except Exception:
        for each in batch:
            _answer([each])
        return None
    ends = np.cumsum([len(each.queries) for each in batch])[:-1]
    for each, *found in zip(batch, np.split(scores, ends), np.split(places, ends), strict=True):
        _settle(each.answer, partial(tuple, found))
    return None


def _settle(answer: Future[Any], work: Callable[[], Any]) -> None:
    """Give the result of some work, or its error, to whoever waits for it."""
    if not answer.set_running_or_notify_cancel():
        return
    try:
        answer.set_result(work())
    except BaseException as error:
        answer.set_exception(error)


def _ended() -> RuntimeError:
    return RuntimeError("the thread of the GPU has ended")
