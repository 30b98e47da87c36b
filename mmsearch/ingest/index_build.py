"""The content of a generation that is built anew: all vectors, and a structure over them that was measured."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from mmsearch.adapt.stored import pieces
from mmsearch.ingest.index_content import last_of
from mmsearch.ingest.index_job import IndexJob
from mmsearch.ingest.tuning import Unsuitable, called, measure
from mmsearch.threads import build_threads
from mmsearch.types import Ids, Vectors
from mmsearch.vectors.plan import Recipe


class BuiltContent:
    """All vectors, read piece by piece while the index is built.

    Args:
        job: Of the collection; call this in a snapshot of its catalog.
        recipe: What to build.
        note: What the user is to be told of it.
        judged: It must find what is wished.
    """

    def __init__(self, job: IndexJob, recipe: Recipe, *, note: str = "", judged: bool = False) -> None:
        self._job = job
        self._recipe = recipe
        self._note = note
        self._judged = judged
        places = job.catalog.locations()
        self._ids = places.ids
        self._pieces = _begun(pieces(job.catalog, job.store, places))
        self.kind = recipe.kind
        self.last_id = last_of(self._ids)

    def write(self, folder: Path) -> int:
        """Build and measure it.

        Raises:
            Unsuitable: FAISS cannot build it, or it finds too little.
        """
        from mmsearch.vectors.ann.build import build

        vectors = (vectors for _, vectors in self._pieces)
        dim, threads = self._job.dim, build_threads()
        try:
            index = build(
                folder, self._ids, vectors, self._recipe, dim=dim, threads=threads, on_progress=self._job.tell
            )
        except RuntimeError as error:  # FAISS takes the factory string for none, or has too few vectors to train on
            raise Unsuitable(f"{called(self._recipe)} cannot be built of these vectors: {_reason(error)}.") from error
        measure(index, folder, self._job, note=self._note, judged=self._judged)
        return len(self._ids)


def _begun(pieces: Iterator[tuple[Ids, Vectors]]) -> Iterator[tuple[Ids, Vectors]]:
    """Read the first piece now: the heads that adapt all of them are read with it, and must be of the snapshot."""
    first = next(pieces, None)
    return pieces if first is None else chain([first], pieces)


def _reason(error: RuntimeError) -> str:
    """Return what FAISS says, without where in its source it says so."""
    return str(error).rpartition("Error: ")[2].splitlines()[0][:200].rstrip(".") if str(error) else "no reason given"
