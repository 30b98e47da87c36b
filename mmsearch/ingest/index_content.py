"""What a generation is made of: read in one snapshot of the catalog, written into a folder in a bounded memory."""

from pathlib import Path
from typing import Protocol

from mmsearch.adapt.stored import stored_vectors, vectors_at
from mmsearch.catalog.catalog import Locations
from mmsearch.errors import CollectionDamaged
from mmsearch.ingest.index_job import IndexJob
from mmsearch.ingest.tuning import measure
from mmsearch.types import Generation, Ids
from mmsearch.vectors.flat import FlatIndex

FOLD_ROWS = 250_000  # that are folded at once: they are in memory, about a gigabyte with copies


class Content(Protocol):
    """What is to be written.

    Attributes:
        kind: Of the index.
        last_id: Segments with greater ids are not in it.
    """

    kind: str
    last_id: int

    def write(self, folder: Path) -> int:
        """Write the files of an index. Returns how many rows it has."""
        ...


class FlatContent:
    """All vectors, few enough for numpy. Make it in a snapshot of the catalog."""

    kind = "flat"

    def __init__(self, job: IndexJob) -> None:
        self._ids, self._vectors = stored_vectors(job.catalog, job.store)
        self.last_id = last_of(self._ids)

    def write(self, folder: Path) -> int:
        """Write them."""
        FlatIndex.of(self._ids, self._vectors).save(folder)
        return len(self._ids)


class FoldedContent:
    """The index in use, with what came and without what went since.

    Args:
        job: Of the collection; call this in a snapshot of its catalog.
        newest: The index in use.
        measured: Measure it again, for other wishes.

    Raises:
        CollectionDamaged: The index in use, or the stored vectors, cannot be read.
    """

    def __init__(self, job: IndexJob, newest: Generation, *, measured: bool = False) -> None:
        self._job = job
        self._measured = measured
        if damage := job.generations.damage(newest):  # rows are copied, and get a checksum that is right
            raise CollectionDamaged(damage)
        self._index = job.generations.load(newest)
        self._gone, _ = job.catalog.removed_since(0)
        self._late = _first(job.catalog.added_since(newest.last_id))
        self._vectors = vectors_at(job.catalog, job.store, self._late, self._late.ids)
        self.kind = newest.kind
        self.last_id = last_of(self._late.ids, newest.last_id)

    def write(self, folder: Path) -> int:
        """Write it; its structure is not trained again.

        Raises:
            Unsuitable: It was measured, and finds too little.
        """
        from mmsearch.vectors.faiss_index import FaissIndex

        self._job.tell("fold")
        self._index.remove(self._gone)
        self._index.add(self._late.ids, self._vectors)
        self._index.save(folder)
        written = FaissIndex.load(folder, self._job.dim)
        if self._measured:
            measure(written, folder, self._job, judged=self._job.wishes.asked == "auto")
        return len(written) + written.gone_count


def _first(late: Locations) -> Locations:
    return Locations(late.ids[:FOLD_ROWS], late.files[:FOLD_ROWS], late.rows[:FOLD_ROWS])


def last_of(ids: Ids, before: int = 0) -> int:
    """Return the greatest of ids (n,), sorted."""
    return int(ids[-1]) if len(ids) else before
