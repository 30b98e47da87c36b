"""From the settings to what an `index` run is told: the rules of its scan, its workers, its limits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mmsearch.config import Config
from mmsearch.ingest.decode import reader_version
from mmsearch.ingest.flow import Job
from mmsearch.ingest.pool import make_pool
from mmsearch.ingest.scan import ScanRules
from mmsearch.reports import IndexProgress
from mmsearch.storage import Shelves, Storage


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a caller of `index` asked for; None and empty mean: as the settings say."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    hidden: bool | None = None
    follow_symlinks: bool | None = None
    transcribe: bool | None = None
    workers: int | None = None
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
    )
