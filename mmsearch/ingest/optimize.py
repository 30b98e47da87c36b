"""Keeping the index of a collection in shape: fold in what came, measure it again, or build it anew, as is due."""

from dataclasses import replace

from mmsearch.errors import CollectionDamaged, CollectionLocked, MmsearchError, UsageError
from mmsearch.ingest.build_lock import build_lock
from mmsearch.ingest.due import Step
from mmsearch.ingest.index_build import BuiltContent
from mmsearch.ingest.index_content import Content, FlatContent, FoldedContent
from mmsearch.ingest.index_job import IndexJob
from mmsearch.ingest.index_plan import to_json, wishes_of
from mmsearch.ingest.make_generation import State, make_generation, remove_other_generations
from mmsearch.ingest.tuning import Unsuitable, one_line
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
        CollectionLocked: Another process makes an index, or changes the collection without a pause.
        StorageError: The disk is full or cannot be written. The index in use stays.
        UsageError: What is wanted cannot be built.
    """
    if not force and job.due() == "nothing":
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


def keep_up(job: IndexJob) -> str:
    """Do what is due, unless somebody else is at it: then the next run will.

    Returns:
        Why it could not be done, a sentence for the user; else "". Searches are right without, so that no work of which
        this is only the end has to fail.
    """
    try:
        optimize(replace(job, lenient=True))
    except CollectionLocked:
        return ""
    except MmsearchError as error:
        return not_up_to_date(error)
    return ""


def not_up_to_date(error: MmsearchError) -> str:
    """Tell the user of what keeps the index from being made."""
    return f"The index could not be brought up to date, so that searches may be slower: {error}"


def _until_done(job: IndexJob, *, force: bool) -> int:
    made = failed = 0
    built = None  # the state of the collection that an index was built of: a second one would be no better
    while made < MOST_FOLDS and failed < MOST_TRIES:
        step, state = "build" if force else job.due(), (job.catalog.revision(), job.catalog.index_basis())
        if step == "nothing" or (step == "build" and state == built):
            break
        if _done(job, step):
            made, force = made + 1, False
            built = state if step == "build" else built
        else:
            failed += 1
    if failed == MOST_TRIES and not made:
        raise CollectionLocked(
            "The collection has changed each time while its index was made; the one in use stays.",
            remedy="Run `mmsearch optimize` when nothing else writes to it.",
        )
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
            note = f"{note} {one_line(reason)}".strip()
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
