"""How hard an index has to look: measured when it is built, with queries that texts make if there are any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmsearch.ingest.index_job import IndexJob
from mmsearch.normalise import unit_rows
from mmsearch.types import Vectors
from mmsearch.vectors.plan import IndexDetails, IndexWishes, Recipe

if TYPE_CHECKING:
    from mmsearch.vectors.ann.rows import MappedRows
    from mmsearch.vectors.faiss_index import FaissIndex

STAND_INS = 500
_DISTURBANCE = 1.0  # length of the noise beside a vector of length 1: a cosine of 0.7 to the vector that it was
_SEED = 3
_MOST_CHARS = 200  # of what others say, in a note


class Unsuitable(Exception):
    """What a recipe gives cannot be built, or finds too little; the message is a sentence for the user."""


def measure(index: FaissIndex, folder: Path, job: IndexJob, *, note: str = "", judged: bool = False) -> None:
    """Measure an index that was written, and note beside it how hard it has to look for what is wished.

    Args:
        index: As it is in the folder.
        folder: Of the index.
        job: Of the collection.
        note: What the user is to be told of it besides.
        judged: It must find what is wished.

    Raises:
        Unsuitable: It is not.
    """
    from mmsearch.vectors.ann.folder import write_details
    from mmsearch.vectors.ann.tune import meets, tune

    if index.structure is None:
        write_details(folder, replace(index.details, wishes=job.wishes, note=note))
        return
    job.tell("measure")
    queries, source, of_queries = _queries(index, job)
    details = tune(index, queries, source, job.wishes)
    if judged and details.measured and not meets(details, job.wishes):
        raise Unsuitable(f"{called(details.recipe)} found only {details.measured.recall:.3f} of the nearest 10.")
    notes = (note, details.note, *_remarks(details, job.wishes), of_queries)
    write_details(folder, replace(details, wishes=job.wishes, note=" ".join(filter(None, notes))))


def called(recipe: Recipe) -> str:
    """Name what a recipe builds."""
    return recipe.factory or recipe.kind


def one_line(reason: object) -> str:
    """Write on one line of bounded length what somebody else says."""
    text = " ".join(str(reason)[: 10 * _MOST_CHARS].split())
    return text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…"


def _remarks(details: IndexDetails, wishes: IndexWishes) -> Iterator[str]:
    """Yield what `tune` lets pass, but the user should know."""
    from mmsearch.vectors.ann.tune import meets

    measured = details.measured
    if measured is None:
        return
    if measured.recall < wishes.min_recall and meets(details, wishes):
        found = f"It finds {measured.recall:.4f} of the nearest 10, less than the {wishes.min_recall:g} that are wished"
        yield f"{found}, but by no more than chance makes with so few queries."
    if measured.latency_ms >= measured.flat_ms:
        yield "A search takes no less time than a scan of all rows; `--index auto` or faiss-flat may suit better."


def _queries(index: FaissIndex, job: IndexJob) -> tuple[Vectors, str, str]:
    """Return queries (m, d), where they come from, and what the user should know of that."""
    rows = index.built_rows
    assert rows is not None
    try:
        vectors, source = _of_texts(job)
    except Exception as error:  # an encoder may be anybody's: its failure must cost neither index nor run
        return (
            _disturbed(rows),
            "stored vectors, disturbed",
            one_line(f"No text could be embedded to measure with: {error}"),
        )
    if len(vectors):
        return vectors, source, ""
    return _disturbed(rows), "stored vectors, disturbed", "There were no texts to measure with."


def _of_texts(job: IndexJob) -> tuple[Vectors, str]:
    from mmsearch.ingest.tuning_queries import tuning_queries

    encoder = job.make_encoder() if job.make_encoder else None
    if encoder is None or "text" not in encoder.spec.modalities:
        return np.empty((0, job.dim), dtype=np.float32), ""
    return tuning_queries(job.catalog, encoder)


def _disturbed(rows: MappedRows) -> Vectors:
    """Move some stored vectors away from where they are: they would find themselves at once."""
    random = np.random.default_rng(_SEED)
    places = random.choice(len(rows), min(STAND_INS, len(rows)), replace=False)
    noise = random.standard_normal((len(places), rows.dim), dtype=np.float32)
    return unit_rows(rows.take(np.sort(places)) + _DISTURBANCE * unit_rows(noise))
