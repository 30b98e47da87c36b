"""The same seed gives the same model."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mmsearch.threads import training


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Draw the same inside the block each time, and compute in the same order where torch can; then as before."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # or cuBLAS may add up in another order
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with training(torch), torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
