"""What making an index needs: the stores, what the index is to be, and the doors to what is only needed at times."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import UsageError
from mmsearch.ingest.due import Standing, Step, due
from mmsearch.ingest.index_plan import USUAL, details_of, recipes, standing, wishes_of
from mmsearch.protocols import Encoder
from mmsearch.reports import IndexProgress
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.plan import IndexWishes, Recipe
from mmsearch.vectors.store import VectorStore

OnProgress = Callable[[IndexProgress], None]
Committing = Callable[[], AbstractContextManager[Catalog]]


@dataclass(frozen=True)
class IndexJob:
    """The index of one collection as a piece of work.

    Attributes:
        catalog: To read from.
        committing: Opens the catalog to write to, for one short transaction.
        make_encoder: Gives the encoder of the collection, whose texts measure an index; called only if one is built.
        defaults: What the index is to be if `optimize` was never told.
        wanted: What it is to be from now on; kept in the catalog with the first index that is made.
        lenient: Take the automatic choice where settings ask for a kind that there is not, since what calls for an
            index is done by now.
    """

    catalog: Catalog
    store: VectorStore
    generations: GenerationStore
    committing: Committing
    make_encoder: Callable[[], Encoder] | None = None
    defaults: IndexWishes = USUAL
    wanted: IndexWishes | None = None
    lenient: bool = False
    on_progress: OnProgress = lambda _: None

    @property
    def folder(self) -> Path:
        """Of the collection."""
        return self.catalog.path.parent

    @cached_property
    def dim(self) -> int:
        """Of the vectors."""
        return self.catalog.space().dim

    @property
    def wishes(self) -> IndexWishes:
        """What the index is to be."""
        wishes = self.wanted or wishes_of(self.catalog, self.defaults)
        return _possible(wishes, self.dim) if self.lenient else wishes

    def standing(self) -> Standing:
        """Say how the index stands."""
        with self.catalog.snapshot():
            return standing(self.catalog, self.generations, read=True)

    def recipes(self, count: int) -> tuple[Recipe, ...]:
        """Return what to build for so many vectors, best first; the last one is always possible.

        Raises:
            UsageError: What was asked for is no kind of index.
        """
        return recipes(self.wishes, count, self.dim)

    def due(self) -> Step:
        """Say what the index needs. It only counts, and looks at what was wished when the index was made."""
        with self.catalog.snapshot():
            index, newest = self.standing(), self.catalog.generation()
            step = due(index, lambda count: self.recipes(count)[0])
            details = details_of(self.generations, newest) if newest else None
            if step == "build" or details is None or details.wishes == self.wishes:
                return step
            if details.recipe != self.recipes(index.trained_on or index.count)[0]:
                return "build"
            return "measure" if details.recipe.factory else step

    def tell(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Say how far it is."""
        self.on_progress(IndexProgress(done, total, stage=stage))


def _possible(wishes: IndexWishes, dim: int) -> IndexWishes:
    try:
        recipes(wishes, 0, dim)
    except UsageError:
        return replace(wishes, asked="auto")
    return wishes
