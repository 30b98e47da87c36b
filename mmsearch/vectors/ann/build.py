"""Building an index: the rows go to disk, a structure is trained on a sample of all of them, and takes them in."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from mmsearch.types import Ids, Vectors
from mmsearch.vectors.ann import folder as files
from mmsearch.vectors.ann.built import Built
from mmsearch.vectors.ann.rows import MappedRows
from mmsearch.vectors.ann.structure import Structure
from mmsearch.vectors.faiss_index import FaissIndex
from mmsearch.vectors.index_files import STRUCTURE
from mmsearch.vectors.plan import IndexDetails, Recipe

OnProgress = Callable[[str, int, int], None]  # stage, done, of: in vectors

_ADDED_ROWS = 65_536  # at once
_TRAINING_ROWS_A_CELL = 32
_LEAST_TRAINING_ROWS = 65_536  # codes need that many too
_SEED = 1


def build(
    folder: Path,
    ids: Ids,
    pieces: Iterable[Vectors],
    recipe: Recipe,
    *,
    dim: int,
    threads: int = 1,
    on_progress: OnProgress = lambda *_: None,
) -> FaissIndex:
    """Build an index in a folder, with the usual effort: `tune.tune` finds the right one.

    Args:
        folder: Made if it is not there.
        ids: (n,), sorted.
        pieces: Their unit rows, in the same order; one piece is in memory at a time.
        recipe: What to build.
        dim: Of the rows.
        threads: For training and adding.
        on_progress: Called as the stages "rows", "train" and "add" come on.

    Raises:
        StorageError: The disk is full or the folder cannot be written.
        RuntimeError: FAISS cannot build this for such vectors.
    """
    counted = _counted(pieces, len(ids), on_progress)
    details = IndexDetails(recipe, trained_on=len(ids) if recipe.factory else 0)
    rows = files.write_parts(folder, ids=ids, gone=ids[:0], pieces=counted, details=details, dim=dim)
    structure = _structure(rows, recipe, threads, on_progress) if recipe.factory else None
    if structure:
        structure.save(folder / STRUCTURE)
    return FaissIndex.of(Built(ids, rows, structure, details), folder, ids[:0])


def _structure(rows: MappedRows, recipe: Recipe, threads: int, on_progress: OnProgress) -> Structure:
    on_progress("train", 0, len(rows))
    structure = Structure.train(recipe.factory, _sample(rows, recipe), threads=threads)
    done = 0
    for piece in rows.pieces(_ADDED_ROWS):
        on_progress("add", done, len(rows))
        structure.add(piece, threads=threads)
        done += len(piece)
    on_progress("add", done, done)
    return structure


def _sample(rows: MappedRows, recipe: Recipe) -> Vectors:
    """Take rows from all over the collection: those that came first are of one folder, and alike."""
    wanted = max(_LEAST_TRAINING_ROWS, _TRAINING_ROWS_A_CELL * recipe.cells)
    if wanted >= len(rows):
        return rows.take(np.arange(len(rows)))
    return rows.take(np.sort(np.random.default_rng(_SEED).choice(len(rows), wanted, replace=False)))


def _counted(pieces: Iterable[Vectors], total: int, on_progress: OnProgress) -> Iterable[Vectors]:
    done = 0
    for piece in pieces:
        on_progress("rows", done, total)
        yield piece
        done += len(piece)
