"""Compare what is on disk with the catalog, and mend what differs."""

from collections.abc import Sequence
from dataclasses import replace

from mmsearch.adapt.stored import heads_in_use
from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import CollectionDamaged
from mmsearch.hubness.stored import banks_in_use
from mmsearch.ingest.rebuild import rebuild
from mmsearch.reports import Problem
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore


def verify(catalog: Catalog, store: VectorStore, generations: GenerationStore) -> list[Problem]:
    """Find what is damaged: the catalog itself, vector files against their checksums, the published index.

    An index that is merely older than the catalog is no problem: searches do not use it.
    """
    problems = list(catalog.check())
    for block, reason in store.damaged_blocks(catalog.blocks()):
        lost = catalog.assets_in_rows(block.file, block.first_row, block.rows)
        problems.append(Problem("vectors are damaged", reason, tuple(asset.path for asset in lost)))
    damage = _heads_damage(catalog)
    if damage and all(damage != problem.where for problem in problems):  # else its checksum has told already
        problems.append(Problem("a head of `adapt` cannot be read", damage))
    damage = _banks_damage(catalog)
    if damage and all(damage != problem.where for problem in problems):
        problems.append(Problem("a bank of `calibrate` cannot be read", damage))
    generation = catalog.generation()
    if generation and (damage := generations.damage(generation)):
        problems.append(Problem("the published index is damaged", damage))
    return problems


def _heads_damage(catalog: Catalog) -> str | None:
    try:
        heads_in_use(catalog)
    except CollectionDamaged as error:
        return error.message
    return None


def _banks_damage(catalog: Catalog) -> str | None:
    try:
        banks_in_use(catalog)
    except CollectionDamaged as error:
        return error.message
    return None


def repair(
    catalog: Catalog, store: VectorStore, generations: GenerationStore, problems: Sequence[Problem]
) -> list[Problem]:
    """Mend what `verify` found: drop what is damaged, keep the rest, publish a new index.

    Files whose vectors are lost are marked to be read again by the next `index` run.

    Returns:
        The problems, each marked as repaired or not. Damage inside SQLite's own file is not repaired here.
    """
    if not problems:
        return []
    lost = [asset.id for problem in problems for asset in catalog.lookup(problem.items).values()]
    with catalog.write() as writer:
        writer.rebuild_words()  # first, since what is deleted is deleted there too
        writer.requeue(sorted(set(lost)))
        writer.drop_damaged_heads()
        writer.drop_damaged_banks()
    while _heads_damage(catalog):
        with catalog.write() as writer:
            writer.undo_heads()
    while _banks_damage(catalog):
        with catalog.write() as writer:
            writer.undo_banks()
    rebuild(catalog, store, generations, checked=True)
    left = {(problem.what, problem.where) for problem in verify(catalog, store, generations)}
    return [replace(problem, repaired=(problem.what, problem.where) not in left) for problem in problems]
