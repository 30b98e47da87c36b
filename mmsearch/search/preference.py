"""Which of several copies would be kept, and why."""

from collections.abc import Callable
from typing import TypeAlias

from mmsearch.catalog.looks import FileLook

Rank: TypeAlias = "float | str | bool"

# In order of weight; lower is better. The second is what is said of a file that is kept for it.
CRITERIA: tuple[tuple[Callable[[FileLook], Rank], str], ...] = (
    (lambda file: -file.pixels, "more pixels"),
    (lambda file: -file.size_bytes, "larger file"),
    (lambda file: not (file.has_camera or file.captured_at), "has the camera's notes"),
    (lambda file: file.captured_at or "", "taken earlier"),
    (lambda file: file.mtime_ns, "changed longer ago"),
    (lambda file: len(file.path), "shorter path"),
    (lambda file: file.path, "first by name"),
)


def preference(file: FileLook) -> tuple[Rank, ...]:
    """Return a key to sort by: what would rather be kept comes first. No two files have the same."""
    return tuple(rank(file) for rank, _ in CRITERIA)


def kept_for(kept: FileLook, other: FileLook) -> str:
    """Say why one file is kept rather than another that `preference` sorts behind it."""
    return next(said for rank, said in CRITERIA if rank(kept) != rank(other))
