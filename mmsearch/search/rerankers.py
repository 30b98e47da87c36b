"""The re-rankers that searches of one collection use, each made once."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, cast

from mmsearch.catalog.catalog import Catalog
from mmsearch.protocols import Reranker
from mmsearch.registry import make_reranker
from mmsearch.rerankers.by_kind import ByKind
from mmsearch.types import EmbeddingSpace

if TYPE_CHECKING:
    from mmsearch.rerankers.fusion import FusionReranker

BUILTIN = "builtin"  # the re-ranker of that name is for the encoder of that name: it knows no other space


class RerankerCache:
    """Keeps re-rankers in memory, and replaces the collection's own when another one is trained. Thread-safe."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._named: dict[str, Reranker] = {}
        self._own: Reranker | None = None
        self._read_at = (0, "")  # version, and revision of the tokens
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
        """Return the one that was trained for the collection, and the one built in for kinds that it does not judge.

        Call it inside `from_one_state`.

        Raises:
            CollectionDamaged: The stored one is not what was installed.
            ModelError: It is of a kind that is not known here, or the one built in cannot be loaded.
        """
        trained = self._trained(space)
        builtin = self.shipped(space)
        if trained is None or builtin is None or set(builtin.weights) <= set(trained.weights):
            return trained or builtin
        return ByKind(trained, builtin)

    def shipped(self, space: EmbeddingSpace) -> FusionReranker | None:
        """Return the one built in, if it is for the space.

        Raises:
            ModelError: It cannot be loaded.
        """
        return cast("FusionReranker", self.named(BUILTIN)) if space.model == BUILTIN else None

    def _trained(self, space: EmbeddingSpace) -> Reranker | None:
        with self._lock:
            now = self._catalog.reranker_version(), self._catalog.token_revision()
            if now != self._read_at:
                self._own = self._read(space, now[1]) if now[0] else None
                self._read_at = now
            return self._own

    def _read(self, space: EmbeddingSpace, tokens: str) -> Reranker | None:
        stored = self._catalog.reranker()
        if stored is None or stored.report.get("tokens") != tokens:  # trained on other tokens than there are now
            return None
        from mmsearch.rerankers.fusion import FusionReranker  # and what reads its weights: few collections have one

        return FusionReranker.from_bytes(stored.weights, name=f"trained {stored.version}", dim=space.dim)
