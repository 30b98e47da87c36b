"""Compare what is on disk with the catalog, and mend what differs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mmsearch.adapt.stored import heads_in_use
from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.checks import TOKENS_LOST
from mmsearch.catalog.generations import DISCARDED
from mmsearch.catalog.records import StoredReranker
from mmsearch.errors import CollectionDamaged, ModelError, StorageError
from mmsearch.hubness.stored import banks_in_use
from mmsearch.ingest.rebuild import rebuild
from mmsearch.reports import Problem
from mmsearch.types import Generation
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore
from mmsearch.vectors.tokens import TokenStore

TOKENS_DAMAGED = "tokens are damaged"
INDEX_DAMAGED = "the published index is damaged"
INDEX_UNREADABLE = "the published index cannot be read"


def verify(catalog: Catalog, store: VectorStore, tokens: TokenStore, generations: GenerationStore) -> list[Problem]:
    """Find what is damaged: the catalog itself, stored vectors and tokens by their checksums, the published index.

    An index of other heads than those in use is looked at too, but what it holds is no problem: searches do not use it.
    """
    problems = list(catalog.check())
    for block, reason in store.damaged_blocks(catalog.blocks()):
        lost = catalog.assets_in_rows(block.file, block.first_row, block.rows)
        problems.append(Problem("vectors are damaged", reason, tuple(asset.path for asset in lost)))
    for block, reason in tokens.damaged_blocks(catalog.token_blocks()):
        lost = catalog.assets_in_token_rows(block.file, block.first_row, block.rows)
        problems.append(Problem(TOKENS_DAMAGED, reason, tuple(asset.path for asset in lost)))
    damage = _heads_damage(catalog)
    if damage and all(damage != problem.where for problem in problems):  # else its checksum has told already
        problems.append(Problem("a head of `adapt` cannot be read", damage))
    damage = _banks_damage(catalog)
    if damage and all(damage != problem.where for problem in problems):
        problems.append(Problem("a bank of `calibrate` cannot be read", damage))
    for damage in _unreadable_rerankers(catalog).values():
        problems.append(Problem("a re-ranker of `train reranker` cannot be read", damage))
    return [*problems, *_index_problems(catalog, generations)]


def costs_tokens_only(problem: Problem) -> bool:
    """Tell whether the files of a problem can be found as before, and lack only what re-rankers look at."""
    return problem.what in (TOKENS_DAMAGED, TOKENS_LOST)


def _index_problems(catalog: Catalog, generations: GenerationStore) -> list[Problem]:
    try:
        with catalog.snapshot():
            generation = catalog.generation()
            if generation is None or generation.basis == DISCARDED:
                return []
            if damage := generations.damage(generation):
                return [Problem(INDEX_DAMAGED, damage)]
            generations.load(generation)
            differing = _differing(catalog, generations, generation)
    except CollectionDamaged as error:
        return [Problem(INDEX_DAMAGED, error.message)]
    except StorageError as error:
        return [Problem(INDEX_UNREADABLE, error.message)]
    return [Problem(INDEX_DAMAGED, differing)] if differing else []


def _differing(catalog: Catalog, generations: GenerationStore, generation: Generation) -> str:
    """Say how what searches make of an index differs from the vectors that there are; "" if it does not."""
    if generation.basis != catalog.index_basis():
        return ""
    stored, late = catalog.locations().ids, catalog.added_since(generation.last_id).ids
    removed, _ = catalog.removed_since(0)
    found = np.concatenate([np.setdiff1d(generations.ids(generation), removed), late])
    strange, missing = np.setdiff1d(found, stored), np.setdiff1d(stored, found)
    if not len(strange) and not len(missing):
        return ""
    return f"{generation.folder} has {len(strange)} segments that are gone, and lacks {len(missing)}."


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


def _unreadable_rerankers(catalog: Catalog) -> dict[int, str]:
    """Return version -> reason of those whose checksum is right, but that are no models for this collection."""
    try:
        stored = catalog.rerankers()
    except CollectionDamaged:  # a checksum is wrong; `Catalog.check` tells that
        return {}
    return {each.version: damage for each in stored if (damage := _reranker_damage(each, catalog.space().dim))}


def _reranker_damage(stored: StoredReranker, dim: int) -> str | None:
    from mmsearch.rerankers.fusion import FusionReranker  # and what reads its weights: few collections have one

    try:
        FusionReranker.from_bytes(stored.weights, name=f"trained {stored.version}", dim=dim)
    except ModelError as error:
        return error.message
    return None


def repair(
    catalog: Catalog,
    store: VectorStore,
    tokens: TokenStore,
    generations: GenerationStore,
    problems: Sequence[Problem],
) -> list[Problem]:
    """Mend what `verify` found: drop what is damaged, keep the rest, publish a new index.

    Files whose vectors are lost are marked to be read again by the next `index` run. Those of which only tokens are
    lost stay as they are without them; `make_tokens` gives them new ones.

    Returns:
        The problems, each marked as repaired or not. Damage inside SQLite's own file is not repaired here.
    """
    if not problems:
        return []
    emptied = [path for problem in problems if not costs_tokens_only(problem) for path in problem.items]
    lost = [asset.id for asset in catalog.lookup(emptied).values()]
    token_blocks = catalog.token_blocks()
    damaged = {block for block, _ in tokens.damaged_blocks(token_blocks)}
    with catalog.write() as writer:
        writer.rebuild_words()  # first, since what is deleted is deleted there too
        writer.requeue(lost)
        writer.drop_tokens_outside([block for block in token_blocks if block not in damaged])
        writer.drop_damaged_heads()
        writer.drop_damaged_banks()
        writer.drop_damaged_rerankers()
        if any(problem.what in (INDEX_DAMAGED, INDEX_UNREADABLE) for problem in problems):
            writer.discard_generation()
    while _heads_damage(catalog):
        with catalog.write() as writer:
            writer.undo_heads()
    while _banks_damage(catalog):
        with catalog.write() as writer:
            writer.undo_banks()
    while unreadable := _unreadable_rerankers(catalog):
        with catalog.write() as writer:
            writer.drop_rerankers(unreadable)
    rebuild(catalog, store, tokens, generations, checked=True)
    left = {(problem.what, problem.where) for problem in verify(catalog, store, tokens, generations)}
    return [replace(problem, repaired=(problem.what, problem.where) not in left) for problem in problems]
