"""From the settings to what an `index` run is told: the rules of its scan, its workers, its limits."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from mmsearch.config import Config
from mmsearch.ingest.decode import reader_version
from mmsearch.ingest.flow import Job
from mmsearch.ingest.index_job import Committing, IndexJob
from mmsearch.ingest.optimize import keep_up
from mmsearch.ingest.pool import make_pool
from mmsearch.ingest.scan import ScanRules
from mmsearch.reports import IndexProgress
from mmsearch.storage import Shelves, Storage
from mmsearch.vectors.plan import IndexWishes


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a caller of `index` asked for; None and empty mean: as the settings say.

    Attributes:
        optimize: Keep the index of a big collection in shape meanwhile.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    hidden: bool | None = None
    follow_symlinks: bool | None = None
    transcribe: bool | None = None
    workers: int | None = None
    optimize: bool = True
    on_progress: Callable[[IndexProgress], None] = lambda _: None


def scan_rules(wishes: Wishes, config: Config, avoid: Path) -> ScanRules:
    """Say which files a run looks at.

    Args:
        wishes: Of the caller.
        config: The settings.
        avoid: The collection's own folder.
    """
    ingest = config.ingest
    return ScanRules.of(
        include=wishes.include,
        exclude=wishes.exclude,
        hidden=ingest.hidden if wishes.hidden is None else wishes.hidden,
        follow_symlinks=ingest.follow_symlinks if wishes.follow_symlinks is None else wishes.follow_symlinks,
        avoid=[avoid],
    )


def make_job(
    wishes: Wishes, config: Config, storage: Storage, shelves: Shelves, roots: Sequence[Path], rules: ScanRules
) -> Job:
    """Put together all that a run needs to know."""
    encoder = storage.encoder()
    keeps_tokens = shelves.catalog.token_revision() == encoder.spec.tokens != ""
    if wishes.transcribe is not None:
        config = replace(config, ingest=replace(config.ingest, transcribe=wishes.transcribe))
    index = index_job(config, storage, shelves, lambda: nullcontext(shelves.catalog), on_progress=wishes.on_progress)
    return Job(
        catalog=shelves.catalog,
        store=shelves.store,
        tokens=shelves.tokens,
        generations=shelves.generations,
        roots=tuple(roots),
        rules=rules,
        modalities=encoder.spec.modalities,
        batch_files=config.ingest.batch_files,
        start_pool=lambda files: make_pool(
            encoder, storage.model_name, config, files, wishes.workers, tokens=keeps_tokens
        ),
        on_progress=wishes.on_progress,
        model=encoder.spec.space.model,
        reader=reader_version(config.limits),
        keeps_tokens=keeps_tokens,
        index_defaults=index.defaults,
        on_grown=lambda: keep_up(index) if wishes.optimize else "",
    )


def index_job(
    config: Config,
    storage: Storage,
    shelves: Shelves,
    committing: Committing,
    *,
    wanted: IndexWishes | None = None,
    on_progress: Callable[[IndexProgress], None] = lambda _: None,
) -> IndexJob:
    """Put together all that making an index needs to know."""
    return IndexJob(
        catalog=shelves.catalog,
        store=shelves.store,
        generations=shelves.generations,
        committing=committing,
        make_encoder=storage.encoder,
        defaults=index_wishes(config),
        wanted=wanted,
        on_progress=on_progress,
    )


def index_wishes(config: Config) -> IndexWishes:
    """Return what the settings say of indexes."""
    index = config.index
    return IndexWishes(index.kind, index.max_memory_bytes, index.max_latency_ms, index.min_recall)
