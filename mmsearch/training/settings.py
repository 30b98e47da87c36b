"""What the user may say of a training."""

from dataclasses import dataclass

from mmsearch.adapt.examples import SEED
from mmsearch.errors import UsageError

MAX_DEPTH = 1_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Of a training.

    Attributes:
        depth: So many files of a ranking are re-ranked, and mistakes of the first stage are looked for as deep.
        seed: Of every draw.
        max_minutes: It goes on for about so long at most.

    Raises:
        UsageError: One of them is none that can be used.
    """

    depth: int = 100
    seed: int = SEED
    max_minutes: float = 10.0

    def __post_init__(self) -> None:
        if not 2 <= self.depth <= MAX_DEPTH:
            raise UsageError(f"The depth must be between 2 and {MAX_DEPTH:,}, not {self.depth:,}.", remedy="")
        if not 0 <= self.seed < 1 << 63:
            raise UsageError(f"The seed must be 0 or more and have 63 bits at most, not {self.seed}.", remedy="")
        if not 0 < self.max_minutes < 1e6:
            raise UsageError(f"{self.max_minutes:g} minutes are no time to train in.", remedy="")
