"""How long a stage may go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

Clock = Callable[[], float]  # seconds; only differences count


class Budget:
    """Says how many documents to look at next, from how long those before took. It begins when it is made.

    With a limit, batches begin with one document and double, so that little time is spent before it is known how long
    one takes; without, they are as large as they may be from the start.

    Args:
        limit_ms: None for no end.
        largest: Documents in a batch, at most.
        clock: What is the time.
    """

    def __init__(self, limit_ms: float | None, largest: int, clock: Clock = perf_counter) -> None:
        self._limit_ms = limit_ms
        self._largest = largest
        self._clock = clock
        self._size = largest if limit_ms is None else 1
        self._slowest_ms = 0.0  # a document
        self._begun = clock()

    @property
    def used_ms(self) -> float:
        """How long it has gone on so far."""
        return self._since(self._begun)

    def next_batch(self, left: int) -> int:
        """Return how many of those left to take next; 0 if they might not be done in time.

        Guarantees: the first one is tried if the time is not over yet; nothing is known of it.
        """
        size = min(self._size, left)
        if self._limit_ms is None:
            return size
        return size if self.used_ms + size * self._slowest_ms <= self._limit_ms else 0

    @contextmanager
    def batch(self, size: int) -> Iterator[None]:
        """Time a batch of so many documents."""
        begun = self._clock()
        yield
        self._slowest_ms = max(self._slowest_ms, self._since(begun) / size)
        self._size = min(2 * self._size, self._largest)

    def _since(self, begun: float) -> float:
        return 1000 * (self._clock() - begun)
