"""How long a stage may go on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

Clock = Callable[[], float]  # seconds; only differences count


class Budget:
    """Tells whether there is time for another batch, from how long those before took. It begins when it is made.

    Args:
        limit_ms: None for no end.
        clock: What is the time.
    """

    def __init__(self, limit_ms: float | None, clock: Clock = perf_counter) -> None:
        self._limit_ms = limit_ms
        self._clock = clock
        self._begun = clock()
        self._slowest_ms = 0.0

    @property
    def has_time(self) -> bool:
        """Whether a batch as slow as the slowest so far would end in time."""
        return self._limit_ms is None or self._since(self._begun) + self._slowest_ms <= self._limit_ms

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Time a batch."""
        begun = self._clock()
        yield
        self._slowest_ms = max(self._slowest_ms, self._since(begun))

    def _since(self, begun: float) -> float:
        return 1000 * (self._clock() - begun)
