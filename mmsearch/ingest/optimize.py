"""Keeping the index of a collection in shape: fold in what came, measure it again, or build it anew, as is due."""

from contextlib import suppress

from mmsearch.errors import CollectionDamaged, CollectionLocked, UsageError
from mmsearch.ingest.build_lock import build_lock
from mmsearch.ingest.due import Step
from mmsearch.ingest.index_build import BuiltContent
from mmsearch.ingest.index_content import Content, FlatContent, FoldedContent
from mmsearch.ingest.index_job import IndexJob
from mmsearch.ingest.index_plan import details_of, to_json, wishes_of
from mmsearch.ingest.make_generation import State, make_generation, remove_other_generations
from mmsearch.ingest.tuning import Unsuitable
from mmsearch.vectors.plan import Recipe

MOST_FOLDS = 100  # one after the other, of a tail that is too long for one
MOST_TRIES = 3  # of what is thrown away since the collection has changed in a way that matters


def optimize(job: IndexJob, *, force: bool = False) -> int:
    """Do what is due, until nothing is. `job.wanted` is kept in the catalog as soon as it is met as well as it can be.

    Args:
        job: Of the collection. Nobody needs to hold the writer's lock.
        force: Build it anew in any case.

    Returns:
        How many generations were made.

    Raises:
        CollectionDamaged: The stored vectors cannot be read.
        CollectionLocked: Another process makes an index, or writes to the catalog without a pause.
        StorageError: The disk is full or cannot be written. The index in use stays.
        UsageError: What is wanted cannot be built.
    """
    if not force and step_due(job) == "nothing":
        _keep_wishes(job)
        return 0
    with build_lock(job.folder) as mine:
        if not mine:
            raise CollectionLocked(f"The index of {job.folder} is being made by another process.")
        remove_other_generations(job.catalog, job.generations)
        made = _until_done(job, force=force)
    if not made:
        _keep_wishes(job)
    return made


def keep_up(job: IndexJob) -> None:
    """Do what is due, unless somebody else is at it: then the next run will."""
    with suppress(CollectionLocked):
        optimize(job)


def step_due(job: IndexJob) -> Step:
    """Say what is due. It only counts."""
    with job.catalog.snapshot():
        index, newest = job.standing(), job.catalog.generation()
        step = job.due(index)
        if step == "build" or newest is None or job.wanted in (None, wishes_of(job.catalog, job.defaults)):
            return step
        details = details_of(job.generations, newest)
        kind = details.recipe if details else Recipe(newest.kind)
        if kind != job.recipes(index.trained_on or index.count)[0]:
            return "build"
        return "measure" if kind.factory else step


def _until_done(job: IndexJob, *, force: bool) -> int:
    made = failed = 0
    while made < MOST_FOLDS and failed < MOST_TRIES:
        step = "build" if force else step_due(job)
        if step == "nothing":
            break
        if _done(job, step):
            made, force = made + 1, False
        else:
            failed += 1
    return made


def _done(job: IndexJob, step: Step) -> bool:
    """Take a step. Returns whether its generation is in use."""
    revision = job.catalog.revision()
    try:
        return _build(job) if step == "build" else _fold(job, measured=step == "measure")
    except CollectionDamaged:
        if job.catalog.revision() == revision:
            raise
        return False  # a writer has compacted the files of vectors that were being read


def _fold(job: IndexJob, *, measured: bool) -> bool:
    try:
        with job.catalog.snapshot():
            state = State.read(job)
            content = FoldedContent(job, state.newest, measured=measured) if state.newest else None
        return make_generation(job, state, content) if content else False
    except (CollectionDamaged, Unsuitable):
        return _build(job)


def _build(job: IndexJob) -> bool:
    """Build the best kind that turns out to be as wished; the last one in any case."""
    note = ""
    *others, last = job.recipes(job.standing().count)
    for recipe in others:
        try:
            return _built(job, recipe, note, judged=job.wishes.asked == "auto")
        except Unsuitable as reason:
            if job.wanted and job.wishes.asked != "auto":
                raise UsageError(str(reason), remedy="Ask for another kind, or for `auto`.") from reason
            note = f"{note} {reason}".strip()
    try:
        return _built(job, last, note, judged=False)
    except Unsuitable as reason:
        raise UsageError(str(reason), remedy="Run `mmsearch optimize --index auto`.") from reason


def _built(job: IndexJob, recipe: Recipe, note: str, *, judged: bool) -> bool:
    with job.catalog.snapshot():
        state = State.read(job)
        flat = recipe.kind == "flat"
        content: Content = FlatContent(job) if flat else BuiltContent(job, recipe, note=note, judged=judged)
    return make_generation(job, state, content)


def _keep_wishes(job: IndexJob) -> None:
    if job.wanted in (None, wishes_of(job.catalog, job.defaults)):
        return
    with job.committing() as catalog, catalog.write() as writer:
        writer.set_index_wishes(to_json(job.wanted))
