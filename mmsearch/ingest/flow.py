"""The write path, a line a stage: scan -> plan -> (decode -> encode in workers) -> commit -> sweep.

Everything streams: files are planned a page at a time, embedded a batch at a time and committed a batch at a
time, so memory does not grow with the number of files, and an interrupted run keeps what it has committed.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from time import monotonic

from mmsearch.catalog.catalog import AssetState, Catalog
from mmsearch.catalog.seen import SeenSet
from mmsearch.errors import FileUnreadable, MmsearchError
from mmsearch.ingest.batches import in_batches
from mmsearch.ingest.commit import Committer, Tally
from mmsearch.ingest.decode import decodable
from mmsearch.ingest.index_plan import USUAL
from mmsearch.ingest.optimize import not_up_to_date
from mmsearch.ingest.plan import NO_HASHES, Unchanged, Work, plan
from mmsearch.ingest.pool import Pool
from mmsearch.ingest.publish import publish
from mmsearch.ingest.roots import device_of, unmounted_roots
from mmsearch.ingest.scan import ScanRules, Unreadable, scan
from mmsearch.reports import IndexProgress, IndexReport
from mmsearch.types import FailedFile, FileStat, Modality, WaitingFile
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.plan import IndexWishes
from mmsearch.vectors.store import VectorStore
from mmsearch.vectors.tokens import TokenStore

PAGE_FILES = 1000  # files looked up in the catalog by one query
# What a search in another process has to read and compare besides the published index, during a run of hours: half a
# second's worth, or a tenth of what the run has brought already, lest the index be written again and again.
GROWN_SEGMENTS = 50_000
GROWN_SHARE = 0.1

OnProgress = Callable[[IndexProgress], None]
StartPool = Callable[[int], Pool]  # takes how many files there are at most; called only if there is work


@dataclass(frozen=True, slots=True)
class Job:
    """What to index and where to: all that a run needs to know.

    Attributes:
        keeps_tokens: Whether the collection keeps tokens, of the revision that the model gives.
        index_defaults: What the index is to be if `optimize` was never told.
        on_grown: Called now and then in a long run, when so much has come that the index wants to be made anew. Returns
            why it could not be, or "".
    """

    catalog: Catalog
    store: VectorStore
    tokens: TokenStore
    generations: GenerationStore
    roots: tuple[Path, ...]
    rules: ScanRules
    modalities: Collection[Modality]
    batch_files: int
    start_pool: StartPool
    on_progress: OnProgress
    model: str
    reader: str = ""
    keeps_tokens: bool = False
    index_defaults: IndexWishes = USUAL
    on_grown: Callable[[], str] = lambda: ""


def index(job: Job) -> IndexReport:
    """Bring the catalog up to date with what is below the roots, then publish the index.

    Raises:
        StorageError: The disk is full or cannot be written; what was committed before stays.
        ModelError: The model cannot work.
    """
    unmounted = unmounted_roots(job.roots, job.catalog.root_devices())
    with job.catalog.write() as writer:
        run_id = writer.begin_run(job.reader)
        writer.set_model(job.model)
        for root in set(job.roots) - unmounted:
            writer.add_root(str(root), device=device_of(root))
    with job.catalog.seen() as seen:
        report = Run(job, seen, unmounted).index()
    with job.catalog.write() as writer:
        writer.finish_run(run_id, report)
    try:
        _publish(job)
    except MmsearchError as error:  # what was read is committed, and found without an index
        return report.noting(not_up_to_date(error))
    return report


def dry_run(job: Job) -> IndexReport:
    """Count what `index` would do, by size and time alone: nothing is read, written or forgotten."""
    unmounted = unmounted_roots(job.roots, job.catalog.root_devices())
    with job.catalog.seen() as seen:
        return Run(job, seen, unmounted, dry=True).index()


def read_again(job: Job) -> None:
    """Read single files within another kind of work; they do not become roots."""
    with job.catalog.seen() as seen:
        Run(job, seen).index()
    _publish(job)


def _publish(job: Job) -> None:
    publish(job.catalog, job.store, job.tokens, job.generations, defaults=job.index_defaults)


@dataclass
class Run:
    """One run over the roots: what its stages share."""

    job: Job
    seen: SeenSet
    unmounted: Collection[Path] = ()
    dry: bool = False

    def __post_init__(self) -> None:
        self.tally = Tally()
        tokens = self.job.tokens if self.job.keeps_tokens else None
        self.committer = Committer(self.job.catalog, self.job.store, self.tally, tokens)
        self.unreadable: list[str] = []
        self.grown = GROWN_SEGMENTS
        self.notices: list[str] = []
        self.total = 0
        self.started = monotonic()

    def index(self) -> IndexReport:
        """Do it."""
        self.total = sum(1 for root in self.job.roots for _ in scan(root, self.job.rules))
        not_media = self.job.rules.counts.not_media  # as counted by this first pass
        self._process()
        self._report_progress()
        self.tally.add("skipped", not_media)
        for root in self.job.roots:
            self._sweep(root)
        seconds = round(monotonic() - self.started, 3)
        return IndexReport(**self.tally.counts, seconds=seconds, notices=tuple(self.notices))

    def _process(self) -> None:
        batches = in_batches(self._plan(self._scan()), self.job.batch_files)
        first = next(batches, None)
        if first is None:  # nothing to read: no worker is started
            return
        pool = self.job.start_pool(self.total)
        try:
            for batch, outcomes in pool.run(chain([first], batches)):
                unresolved = {known.stat.path for known in self.committer.commit(outcomes)}
                again = tuple(replace(work, known=NO_HASHES) for work in batch if work.stat.path in unresolved)
                for _, outcomes in pool.run([again] if again else []):
                    self.committer.commit(outcomes)
                self._report_progress()
                self._publish_when_grown()
        finally:
            pool.close()

    def _publish_when_grown(self) -> None:
        segments = self.tally.counts["segments"]
        if segments >= self.grown:
            if (notice := self.job.on_grown()) and notice not in self.notices:
                self.notices.append(notice)
            self.grown = segments + max(GROWN_SEGMENTS, round(GROWN_SHARE * segments))

    def _scan(self) -> Iterator[FileStat | Unreadable]:
        """Stage 1."""
        for root in self.job.roots:
            if root in self.unmounted:
                yield Unreadable(FileStat(str(root), 0, -1), "The folder is empty, as if its disk were not there.")
            yield from scan(root, self.job.rules)

    def _plan(self, found: Iterator[FileStat | Unreadable]) -> Iterator[Work]:
        """Stage 2. Settles what needs no reading; yields the rest."""
        modalities = decodable(self.job.modalities)
        while page := list(islice(found, PAGE_FILES)):
            self._spare([each for each in page if isinstance(each, Unreadable)])
            decisions = plan([each for each in page if isinstance(each, FileStat)], self.job.catalog, modalities)
            unchanged = [decision for decision in decisions if isinstance(decision, Unchanged)]
            settled = [decision for decision in decisions if isinstance(decision, FailedFile | WaitingFile)]
            self._settle(settled, unchanged)
            works = [decision for decision in decisions if isinstance(decision, Work)]
            if self.dry:
                self._foretell(page, works)
            else:
                yield from works

    def _foretell(self, page: Sequence[FileStat | Unreadable], works: Sequence[Work]) -> None:
        """Count what would be done, and see to it that what would be replaced does not count as removed."""
        for work in works:
            self.tally.add("updated" if work.was_there else "added")
        self.seen.add(state.id for state in self._states(page))

    def _spare(self, found: Sequence[Unreadable]) -> None:
        """Count what cannot be looked at as failed, but keep what is searchable there: it may only be out of reach."""
        if not found:
            return
        self.unreadable += (each.stat.path for each in found)
        ready = {state.path for state in self._states(found) if state.status == "ready"}
        failed = [FailedFile(each.stat, FileUnreadable.code, each.reason) for each in found]
        self.tally.add("failed", len(ready))
        self._settle([each for each in failed if each.stat.path not in ready], [])

    def _states(self, found: Sequence[FileStat | Unreadable]) -> Collection[AssetState]:
        paths = [each.path if isinstance(each, FileStat) else each.stat.path for each in found]
        return self.job.catalog.lookup(paths).values()

    def _settle(self, outcomes: Sequence[FailedFile | WaitingFile], unchanged: list[Unchanged]) -> None:
        """Record what is decided without reading."""
        self.seen.add(decision.asset_id for decision in unchanged)
        waiting = sum(decision.status == "waiting" for decision in unchanged)
        self.tally.add("waiting", waiting)
        self.tally.add("unchanged", len(unchanged) - waiting)
        if self.dry:
            for outcome in outcomes:
                self.tally.add("failed" if isinstance(outcome, FailedFile) else "waiting")
        elif outcomes:
            self.committer.commit(outcomes)
        self._report_progress()

    def _sweep(self, root: Path) -> None:
        """Forget files that are gone; but nothing below a folder that could not be read."""
        if self.dry:
            self.tally.add("removed", self.seen.count_missing(str(root), self.unreadable))
            return
        with self.job.catalog.write() as writer:
            self.tally.add("removed", writer.sweep(str(root), self.seen, self.unreadable))

    def _report_progress(self) -> None:
        counts = self.tally.counts
        names = ("added", "updated", "unchanged", "failed", "waiting", "skipped")
        done = sum(counts[name] for name in names)
        self.job.on_progress(IndexProgress(done, self.total, counts["failed"], counts["encoded"]))
