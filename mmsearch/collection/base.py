"""What every part of the Python API stands on: the stores of one collection, and its settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from mmsearch.config import Config, Limits
from mmsearch.protocols import Encoder
from mmsearch.storage import Storage

StrPath = str | os.PathLike[str]


class CollectionBase:
    """One collection on disk, which need not be there yet."""

    def __init__(self, folder: Path, config: Config, *, model: str | Encoder | None = None) -> None:
        self.folder = folder
        self.name = folder.name
        self._config = config
        self._storage = Storage(folder, model, config.model, config.index.device)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Collection({str(self.folder)!r})"

    @property
    def exists(self) -> bool:
        """Whether it is on disk yet; the first `index` makes it."""
        return self._storage.exists

    def close(self) -> None:
        """Let go of the files. The collection can be used again; it is then opened anew."""
        self._storage.close()

    def _limits(self) -> Limits:
        return self._config.limits.for_machine(workers=1)
