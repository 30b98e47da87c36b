"""The re-rankers that searches of one collection use, each made once."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, cast

from mmsearch.catalog.catalog import Catalog
from mmsearch.protocols import Reranker
from mmsearch.registry import make_reranker
from mmsearch.rerankers.by_kind import ByKind
from mmsearch.types import EmbeddingSpace, Modality

if TYPE_CHECKING:
    from mmsearch.rerankers.fusion import FusionReranker

BUILTIN = "builtin"  # the re-ranker of that name is for the encoder of that name: it knows no other space


class RerankerCache:
    """Keeps re-rankers in memory, and reads the collection's own again when another one is trained. Thread-safe."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._named: dict[str, Reranker] = {}
        self._own: list[FusionReranker] = []  # newest first
        self._read_at = (0, "")  # newest version, and revision of the tokens
        self._lock = Lock()

    def named(self, name: str) -> Reranker:
        """Return the one that a model string names.

        Raises:
            ModelNotFound, UsageError, DependencyMissing, ModelError: As `registry.make_reranker`.
        """
        with self._lock:
            if name not in self._named:
                self._named[name] = make_reranker(name)
            return self._named[name]

    def usual(self, space: EmbeddingSpace) -> Reranker | None:
        """Return what searches use if nobody names one: those of `in_use` as one; None if there are none.

        Call it inside `from_one_state`.

        Raises:
            CollectionDamaged, ModelError: As `in_use`.
        """
        judges = self.in_use(space)
        if len(set(judges.values())) > 1:
            return ByKind(judges)
        return next(iter(judges.values()), None)

    def in_use(self, space: EmbeddingSpace) -> dict[Modality, FusionReranker]:
        """Return who judges each kind: the newest that was trained here for it, else the one built in.

        Those that were trained on other tokens than there are now are passed over, and the one built in is for the
        built-in model only. Call it inside `from_one_state`.

        Raises:
            CollectionDamaged: A stored one is not what was installed.
            ModelError: One is of a format that is not known here, or the one built in cannot be loaded.
        """
        builtin = [cast("FusionReranker", self.named(BUILTIN))] if space.model == BUILTIN else []
        oldest_first = [*builtin, *reversed(self._trained(space))]
        return {kind: each for each in oldest_first for kind in each.weights}

    def _trained(self, space: EmbeddingSpace) -> list[FusionReranker]:
        with self._lock:
            now = self._catalog.reranker_version(), self._catalog.token_revision()
            if now != self._read_at:
                self._own = self._read(space, now[1]) if now[0] else []
                self._read_at = now
            return self._own

    def _read(self, space: EmbeddingSpace, tokens: str) -> list[FusionReranker]:
        from mmsearch.rerankers.fusion import FusionReranker  # and what reads its weights: few collections have one

        return [
            FusionReranker.from_bytes(stored.weights, name=f"trained {stored.version}", dim=space.dim)
            for stored in self._catalog.rerankers()
            if stored.report.get("tokens") == tokens
        ]
