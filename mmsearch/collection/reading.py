"""The part of the Python API that tells what a collection holds."""

from __future__ import annotations

from collections.abc import Sequence

from mmsearch.catalog.records import StoredReranker
from mmsearch.collection.base import CollectionBase
from mmsearch.errors import CollectionDamaged
from mmsearch.reports import Failure, RerankerStatus, Status, TokenStatus
from mmsearch.storage import Shelves

_TRAIN = "the tokens were made anew by another model; train it again"
_MAKE_TOKENS = "the collection keeps no tokens now; run `mmsearch rebuild --tokens`"


class Reading(CollectionBase):
    """Count and list."""

    def status(self) -> Status:
        """Count what the collection holds."""
        from mmsearch.ingest.index_status import index_status
        from mmsearch.jobs import index_wishes

        shelves = self._storage.reading()
        with shelves.catalog.snapshot():
            counts, roots = shelves.catalog.counts(), shelves.catalog.roots()
            index = index_status(shelves.catalog, shelves.generations, index_wishes(self._config))
            heads, bank = shelves.catalog.head_versions(), shelves.catalog.bank_number()
            tokens, reranker = _token_status(shelves), _reranker_status(shelves)
        return Status(
            name=self.name,
            path=str(self.folder),
            model=shelves.space.model,
            dim=shelves.space.dim,
            assets=counts.assets,
            segments=counts.segments,
            failed=counts.failed,
            waiting=counts.waiting,
            index=index,
            bytes_on_disk=self._storage.size_bytes(),
            tokens=tokens,
            adapted={modality: version for modality, version in heads.items()},
            calibrated=bank is not None,
            reranker=reranker,
            roots=roots,
            last_indexed_at=counts.last_indexed_at,
        )

    def failures(self, limit: int | None = None) -> list[Failure]:
        """Return the files that could not be read, each with its reason, in order of path."""
        return list(self._storage.reading().catalog.failures(limit))

    def searchable(self, paths: Sequence[str]) -> frozenset[str]:
        """Return which of some absolute paths can be found by a search, and so were read without harm."""
        states = self._storage.reading().catalog.lookup(paths)
        return frozenset(path for path, state in states.items() if state.status == "ready")


def _token_status(shelves: Shelves) -> TokenStatus | None:
    if not shelves.catalog.token_revision():
        return None
    counts, size_bytes = shelves.catalog.token_counts(), shelves.tokens.size_bytes
    each = round(size_bytes / counts.with_tokens) if counts.with_tokens else 0
    return TokenStatus(counts.with_tokens, counts.segments, size_bytes, each)


def _reranker_status(shelves: Shelves) -> RerankerStatus | None:
    version = shelves.catalog.reranker_version()
    if not version:
        return None
    try:
        stored = shelves.catalog.rerankers()
    except CollectionDamaged:
        return RerankerStatus(version, {}, used=False, unused_because="one is damaged; run `mmsearch verify`")
    kept = shelves.catalog.token_revision()
    used = [each for each in stored if kept and each.report.get("tokens") == kept]
    if not used:
        return RerankerStatus(version, _gains(stored), used=False, unused_because=_TRAIN if kept else _MAKE_TOKENS)
    return RerankerStatus(used[0].version, _gains(used))


def _gains(newest_first: Sequence[StoredReranker]) -> dict[str, float]:
    """Return what each kind gained by the newest that helps it; an older one judges what later ones leave."""
    kinds = [kind for each in reversed(newest_first) for kind in each.report.get("kinds", [])]
    return {kind["modality"]: kind["difference"]["mAP"]["value"] for kind in kinds if kind["helps"]}
