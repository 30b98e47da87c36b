"""Tokens for what was indexed without: find what lacks them -> (read and encode it in workers) -> commit.

Files are read again, but nothing of them is written except tokens: segments keep their ids and their vectors. Texts are
taken from the catalog, so that nothing is parted or written down anew; pictures and sounds from their files. A file
that is gone, cannot be read any more or has changed is left alone.

Tokens are committed a batch at a time, as vectors are: an interrupted run keeps what it made, and the next one goes on
from there.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import chain, groupby

import numpy as np
import numpy.typing as npt

from mmsearch.catalog.catalog import AssetState, Catalog, Locations, SegmentRecord, TokenPlaces
from mmsearch.ingest.batches import in_batches
from mmsearch.ingest.decode import decodable
from mmsearch.ingest.flow import Job
from mmsearch.ingest.plan import Stored, Work
from mmsearch.ingest.publish import remove_leftovers
from mmsearch.ingest.worker import Batch
from mmsearch.reports import IndexProgress
from mmsearch.types import CodedTokens, FileStat, Ids, IndexedFile, Outcome, Segment

PAGE_SEGMENTS = 1000  # looked up in the catalog by one query; and of one text, given to a worker at once
Key = tuple[str, str | None, float | None, float | None]


def make_tokens(job: Job) -> int:
    """Give tokens to all segments that have none, if the collection keeps tokens of the model's revision.

    Returns:
        Of how many segments tokens were made; of copies, which share them, only the first counts.

    Raises:
        StorageError: The disk is full or cannot be written; what was committed before stays.
        ModelError: The model cannot work.
    """
    if not job.keeps_tokens:
        return 0
    share_with_copies(job.catalog)
    made = _read_all(job)
    share_with_copies(job.catalog)
    remove_leftovers(job.catalog, job.store, job.tokens, job.generations)
    return made


def share_with_copies(catalog: Catalog) -> None:
    """Let segments without tokens have those of a copy: of a segment whose vector lies in the same row."""
    places, having = catalog.locations(), catalog.token_places()
    lacking = np.setdiff1d(places.ids, having.ids, assume_unique=True)
    if not len(lacking):
        return
    rows = _row_numbers(places)
    donors = np.full(len(places), -1, dtype=np.int64)  # for each row, whose tokens belong to it
    _, here, there = np.intersect1d(places.ids, having.ids, assume_unique=True, return_indices=True)
    donors[rows[here]] = there
    donor = donors[rows[np.searchsorted(places.ids, lacking)]]
    found, donor = lacking[donor >= 0], donor[donor >= 0]
    if not len(found):
        return
    with catalog.write() as writer:
        writer.put_tokens(TokenPlaces(found, having.files[donor], having.rows[donor], having.counts[donor]))


def _read_all(job: Job) -> int:
    total = len(job.catalog.without_tokens())
    batches = in_batches(_works(job), job.batch_files)
    first = next(batches, None)
    if first is None:  # nothing to read: no worker is started
        return 0
    done = made = 0
    with closing(job.start_pool(total)) as pool:
        for batch, outcomes in pool.run(chain([first], batches)):
            made += _commit(job, batch, outcomes)
            done = min(done + len(batch), total)
            job.on_progress(IndexProgress(done, total, encoded=made))
    return made


def _works(job: Job) -> Iterator[Work]:
    """Yield what is to be read: files that are there, with the segments that lack tokens; texts in pieces."""
    readable = decodable(job.modalities)
    for records in _files(job.catalog):
        path = records[0].path
        state = job.catalog.lookup([path])[path]
        if state.modality not in readable or not (state.modality == "text" or os.path.isfile(path)):
            continue
        at_once = PAGE_SEGMENTS if state.modality == "text" else len(records)
        for start in range(0, len(records), at_once):
            yield _work(state, records[start : start + at_once])


def _work(state: AssetState, records: Sequence[SegmentRecord]) -> Work:
    assert state.modality is not None
    assert state.content_hash is not None  # as of all files that have segments
    ids = np.array([record.id for record in records], dtype=np.int64)
    stored = Stored(state.content_hash, ids, tuple(map(_segment, records)))
    return Work(FileStat(state.path, state.size_bytes, state.mtime_ns), state.modality, stored=stored)


def _files(catalog: Catalog) -> Iterator[list[SegmentRecord]]:
    """Yield the segments that lack tokens, file by file: the ids of a file's segments follow each other."""
    lacking = _lacking(catalog)
    pages = (lacking[start : start + PAGE_SEGMENTS] for start in range(0, len(lacking), PAGE_SEGMENTS))
    found = ((page, catalog.hits(page)) for page in pages)
    records = (known[id_] for page, known in found for id_ in page.tolist())
    for _, group in groupby(records, key=lambda record: record.asset_id):
        yield list(group)


def _lacking(catalog: Catalog) -> Ids:
    """Return the ids (n,), sorted, of segments without tokens; of copies, which share vectors, the first."""
    places = catalog.locations()
    lacking = np.flatnonzero(~np.isin(places.ids, catalog.token_places().ids, assume_unique=True))
    _, first = np.unique(_row_numbers(places)[lacking], return_index=True)
    return np.sort(places.ids[lacking[first]])


def _row_numbers(places: Locations) -> npt.NDArray[np.int64]:
    """Give each segment (n,) the number of its vector among those that there are: copies have the same one."""
    pairs = np.stack([places.files, places.rows], axis=1)
    return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _segment(record: SegmentRecord) -> Segment:
    return Segment(record.modality, record.text, start_s=record.start_s, end_s=record.end_s)


def _commit(job: Job, batch: Batch, outcomes: Sequence[Outcome]) -> int:
    """Append the tokens that were made, then say where they lie. Returns of how many segments."""
    coded: dict[int, CodedTokens] = {}
    for work, outcome in zip(batch, outcomes, strict=True):
        coded |= _of_stored(work, outcome)
    if not coded:
        return 0
    ids = np.array(sorted(coded), dtype=np.int64)
    counts = np.array([len(coded[id_]) for id_ in ids.tolist()], dtype=np.int64)
    with job.catalog.write() as writer:
        rows = np.concatenate([coded[id_] for id_ in ids.tolist()])
        block = job.tokens.append(*job.catalog.next_token_row(), rows)
        writer.add_token_block(block)
        starts = block.first_row + np.cumsum(counts) - counts
        writer.put_tokens(TokenPlaces(ids, np.full(len(ids), block.file), starts, counts))
    return len(ids)


def _of_stored(work: Work, outcome: Outcome) -> dict[int, CodedTokens]:
    """Find the tokens of the stored segments, by id, in what was made of their file; none if it has changed."""
    stored = work.stored
    if not (stored and isinstance(outcome, IndexedFile) and outcome.tokens):
        return {}
    if outcome.content_hash != stored.content_hash:
        return {}
    made = {_key(segment): tokens for segment, tokens in zip(outcome.segments, outcome.tokens, strict=True)}
    wanted = zip(stored.ids.tolist(), map(_key, stored.segments), strict=True)
    return {id_: made[key] for id_, key in wanted if key in made}


def _key(segment: Segment) -> Key:
    """Name what a segment is embedded of, within its file."""
    return segment.modality, segment.text, segment.start_s, segment.end_s
