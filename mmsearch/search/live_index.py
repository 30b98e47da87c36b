"""The index of what is committed: a generation that was published, and what changed in the vectors since."""

from dataclasses import dataclass, replace

from mmsearch.adapt.stored import stored_vectors, vectors_at
from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.protocols import VectorIndex
from mmsearch.types import Generation
from mmsearch.vectors.ann.device import placed
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """An index of the vectors of one state. It is never changed: searches of other threads may be using it.

    Attributes:
        revision: Of the catalog in that state; -1 for a generation as it was published.
        last_id: No vector with a greater id is in it.
        serial: It has no vector whose removal has this serial or a smaller one.
        damage: Why the generation is not used; "" if it is, or there is none for these vectors.
    """

    index: VectorIndex
    revision: int
    last_id: int
    serial: int
    damage: str = ""


class LiveIndex:
    """Follows the catalog at the cost of what changed. Not thread-safe; its methods are called in `from_one_state`."""

    def __init__(self, catalog: Catalog, store: VectorStore, generations: GenerationStore, device: str = "cpu") -> None:
        self._catalog = catalog
        self._store = store
        self._generations = generations
        self._device = device
        self._made_of: tuple[Generation | None, str] | None = None
        self._stages: tuple[Stage, ...] = ()  # newest first
        self._distrusted: tuple[Generation | None, str] = (None, "")

    def at(self, revision: int) -> Stage:
        """Return an index of all vectors that this thread's snapshot of the catalog has, which is of that revision.

        Raises:
            CollectionDamaged: The stored vectors cannot be read, or the files of the generation have been removed since
                the snapshot was taken.
        """
        generation, basis = self._catalog.generation(), self._catalog.index_basis()
        stages = self._stages if self._made_of == (generation, basis) else ()
        stage = next((each for each in stages if self._leads_to(each, revision)), None)
        stage = stage or self._first(generation, basis, revision)
        grown = self._grown(stage, revision)
        if not self._knows_newer(generation, revision):
            # From the generation as it was published, searches that began earlier get theirs.
            published = [each for each in (*stages, stage) if each.revision < 0]
            self._made_of, self._stages = (generation, basis), (grown, *published[:1])
        return grown

    def distrust(self, damage: str) -> None:
        """Do without the generation of this thread's snapshot from now on: what it answered cannot be true."""
        self._distrusted = (self._catalog.generation(), damage)
        self._made_of, self._stages = None, ()

    def _knows_newer(self, generation: Generation | None, revision: int) -> bool:
        """Tell whether another thread has seen a newer state, or at the same revision a newer generation."""
        if self._made_of is None or not self._stages:
            return False
        known = self._made_of[0]
        newer = known is not None and generation is not None and known.number > generation.number
        return revision < self._stages[0].revision or (revision == self._stages[0].revision and newer)

    def _leads_to(self, stage: Stage, revision: int) -> bool:
        """Tell whether all changes between a stage and this thread's snapshot are known."""
        if stage.revision < 0 or stage.revision == revision:
            return True
        return stage.revision < revision and self._catalog.knows_removals_since(stage.serial)

    def _first(self, generation: Generation | None, basis: str, revision: int) -> Stage:
        """Load the generation, unless it is of no use: it is only a cache."""
        if generation is None or generation.basis != basis:
            return self._made_now(revision)
        if generation == self._distrusted[0]:
            return self._made_now(revision, self._distrusted[1])
        try:
            index = placed(self._generations.load(generation), self._device)
            return Stage(index, -1, generation.last_id, 0)
        except (CollectionDamaged, StorageError) as error:
            if self._catalog.is_replaced(generation):  # and its files were removed
                raise CollectionDamaged(error.message, remedy=error.remedy) from error
            return self._made_now(revision, error.message)

    def _made_now(self, revision: int, damage: str = "") -> Stage:
        index = FlatIndex.of(*stored_vectors(self._catalog, self._store))
        return Stage(index, revision, self._catalog.last_id(), self._catalog.removed_since(0)[1], damage)

    def _grown(self, stage: Stage, revision: int) -> Stage:
        """Bring an index up to date."""
        if stage.revision == revision:
            return stage
        added = self._catalog.added_since(stage.last_id)
        removed, serial = self._catalog.removed_since(stage.serial)
        last_id = int(added.ids[-1]) if len(added) else stage.last_id
        grown = replace(stage, revision=revision, last_id=last_id, serial=serial)
        if not len(added) and not len(removed):
            return grown
        index = stage.index.fork()
        if len(removed):
            index.remove(removed)
        if len(added):
            index.add(added.ids, vectors_at(self._catalog, self._store, added, added.ids))
        return replace(grown, index=index)
