"""Making one generation of the index: read one state -> write the files beside -> commit, unless the state has gone.

Nothing here holds the writer's lock: files may be indexed and removed meanwhile. What comes after the state that was
read is the tail of the new generation. What goes is in the list of removed vectors, behind the serial that was read.
"""

from dataclasses import dataclass
from time import monotonic

from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import CollectionLocked
from mmsearch.ingest.index_content import Content
from mmsearch.ingest.index_job import IndexJob
from mmsearch.ingest.index_plan import to_json
from mmsearch.types import Generation
from mmsearch.vectors.generation import GenerationStore

COMMIT_PATIENCE_S = 60.0  # a writer that moves millions of rows is waited for, rather than throwing a long build away


@dataclass(frozen=True, slots=True)
class State:
    """What a generation is made from.

    Attributes:
        newest: The generation that is in use.
        basis: Which heads are.
        serial: Of the newest removal.
    """

    newest: Generation | None
    basis: str
    serial: int

    @classmethod
    def read(cls, job: IndexJob) -> "State":
        """Read it; call this in the snapshot that the content is read in."""
        return cls(job.catalog.generation(), job.catalog.index_basis(), job.catalog.removed_since(0)[1])

    @property
    def number(self) -> int:
        """Of the next generation."""
        return self.newest.number + 1 if self.newest else 1


def make_generation(job: IndexJob, state: State, content: Content) -> bool:
    """Write a generation and put it in the place of the one in use; hold the `build_lock`.

    Returns:
        Whether it is in use: not if another state of the collection has come meanwhile.

    Raises:
        CollectionDamaged: The stored vectors cannot be read.
        CollectionLocked: A writer works on the catalog without a pause.
        StorageError: The disk is full or cannot be written. The generation in use stays.
        Unsuitable: What was built finds too little.
    """
    with job.generations.making(state.number) as folder:
        rows = content.write(folder)
    made = job.generations.describe(
        state.number, content.kind, vectors=rows, last_id=content.last_id, basis=state.basis
    )
    try:
        return _commit(job, state, made)
    finally:
        remove_other_generations(job.catalog, job.generations)


def remove_other_generations(catalog: Catalog, generations: GenerationStore) -> None:
    """Remove the generations that nobody uses, and what killed builders left; hold the `build_lock`."""
    generations.remove_others(catalog.referenced_files().generations)


def _commit(job: IndexJob, state: State, made: Generation) -> bool:
    end = monotonic() + COMMIT_PATIENCE_S
    while True:
        try:
            return _put(job, state, made)
        except CollectionLocked:  # after waiting for as long as SQLite does
            if monotonic() > end:
                raise


def _put(job: IndexJob, state: State, made: Generation) -> bool:
    """Commit in one transaction, so that nothing comes between the look at the state and the change."""
    with job.committing() as catalog, catalog.write() as writer:
        if (catalog.generation(), catalog.index_basis()) != (state.newest, state.basis):
            return False
        writer.put_generation(made, state.serial)
        writer.drop_generations(keep=made.number)
        if job.wanted:
            writer.set_index_wishes(to_json(job.wanted))
    return True
