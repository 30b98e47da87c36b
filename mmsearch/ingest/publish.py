"""After a run: a small index is published anew if enough has changed, and leftovers are removed.

What a search must read besides the published index is what came since, and a list of what went; so nothing is published
for a small change. A big index is made by `optimize`, which does not hold up writers.
"""

from contextlib import nullcontext

from mmsearch.catalog.catalog import Catalog
from mmsearch.ingest.build_lock import build_lock
from mmsearch.ingest.index_content import FlatContent
from mmsearch.ingest.index_job import IndexJob
from mmsearch.ingest.index_plan import USUAL
from mmsearch.ingest.make_generation import State, make_generation, remove_other_generations
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.plan import IndexWishes
from mmsearch.vectors.store import VectorStore
from mmsearch.vectors.tokens import TokenStore


def publish(
    catalog: Catalog,
    store: VectorStore,
    tokens: TokenStore,
    generations: GenerationStore,
    *,
    defaults: IndexWishes = USUAL,
    force: bool = False,
) -> bool:
    """Publish a small index of what is committed, if that is due; hold the writer's lock.

    Args:
        catalog: Of the collection, open for writing, as all below belong to it.
        store: Of the vectors.
        tokens: Of the tokens.
        generations: Of the indexes.
        defaults: What the index is to be if `optimize` was never told; "auto" is taken for a kind that there is not.
        force: Publish it in any case.

    Returns:
        Whether `optimize` has something to do, which needs no lock of the writer.

    Guarantees: readers use the old generation or the new one; a crash leaves at most files that nobody refers to, which
    the next call removes.

    Raises:
        CollectionDamaged: The stored vectors cannot be read.
        StorageError: The disk is full or cannot be written.
    """
    job = IndexJob(catalog, store, generations, lambda: nullcontext(catalog), defaults=defaults, lenient=True)
    due = force or job.due() != "nothing"
    small = job.recipes(job.standing().count)[0].kind == "flat"
    if due and small:
        _publish_flat(job)
    remove_leftovers(catalog, store, tokens, generations)
    return due and not small


def _publish_flat(job: IndexJob) -> None:
    with build_lock(job.folder) as mine:
        if not mine:  # whoever makes an index sees that it is not of this state, and makes another
            return
        remove_other_generations(job.catalog, job.generations)
        with job.catalog.snapshot():
            state, content = State.read(job), FlatContent(job)
        make_generation(job, state, content)


def remove_leftovers(catalog: Catalog, store: VectorStore, tokens: TokenStore, generations: GenerationStore) -> None:
    """Remove files that the catalog does not know: of crashed runs, and those that a newer one replaced."""
    known = catalog.referenced_files()
    store.remove_unreferenced(known.vectors)
    tokens.remove_unreferenced(known.tokens)
    with build_lock(catalog.path.parent) as mine:
        if mine:  # else some may be in the making
            remove_other_generations(catalog, generations)
