"""How long each stage of a search takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Profile:
    """Adds up the time of stages, in milliseconds."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block; stages do not lie in one another."""
        begun = perf_counter()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + 1000 * (perf_counter() - begun)
