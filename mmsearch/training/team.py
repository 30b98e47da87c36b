"""The processes that train together: one, or as many as torchrun has started.

Each has its own share of the pairs; gradients are averaged, so that all models stay equal. The first process alone
measures, decides, writes and prints.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

PATIENCE = timedelta(hours=2)  # the others wait while the first one measures


@dataclass(frozen=True, slots=True)
class Team:
    """A process among the others that train.

    Attributes:
        rank: Its number, from 0.
        size: How many there are.
        device: What it computes on.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process decides for all."""
        return self.rank == 0

    def average(self, parameters: Iterable[Tensor]) -> None:
        """Replace the gradients by their mean over all processes."""
        if self.size == 1:
            return
        gradients = [each.grad for each in parameters if each.grad is not None]
        flat = torch.cat([each.reshape(-1) for each in gradients])
        distributed.all_reduce(flat)
        flat /= self.size
        for gradient, piece in zip(gradients, flat.split([each.numel() for each in gradients]), strict=True):
            gradient.copy_(piece.view_as(gradient))

    def agree(self, value: float) -> float:
        """Return the first process's value."""
        if self.size == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(told, 0)
        return float(told.item())


@contextmanager
def joined() -> Iterator[Team]:
    """Join the processes that torchrun has started; a process by itself is a team too. GPUs are used if there are."""
    rank, size, local = (int(os.environ.get(name, default)) for name, default in _VARIABLES)
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", local % torch.cuda.device_count()) if cuda else torch.device("cpu")
    if size == 1:
        yield Team(0, 1, device)
        return
    distributed.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
    try:
        yield Team(rank, size, device)
        distributed.all_reduce(torch.zeros(1, device=device))  # nobody leaves while others still talk to it
    finally:
        distributed.destroy_process_group()


_VARIABLES = (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0"))
