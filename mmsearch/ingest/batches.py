"""Files to read, in batches: each is one unit of work for a worker and one commit."""

from collections.abc import Iterable, Iterator

from mmsearch.ingest.plan import Work
from mmsearch.ingest.worker import Batch
from mmsearch.types import Modality

BATCH_BYTES = 64 << 20  # a batch of large files is cut short, so that a worker holds little at once
# What a byte counts: one of text becomes about two of vectors and thirty of tokens, one of a picture next to none; and
# a batch of sounds, whose work is lost if the run is interrupted, should not take many minutes.
COSTS: dict[Modality, int] = {"text": 64, "audio": 16, "video": 2, "image": 1}


def in_batches(works: Iterable[Work], most_files: int) -> Iterator[Batch]:
    """Group work by number of files and bytes."""
    batch: dict[object, Work] = {}
    size_bytes = 0
    for work in works:
        batch[work.subject] = work
        size_bytes += work.stat.size_bytes * COSTS[work.modality]
        if len(batch) >= most_files or size_bytes >= BATCH_BYTES:
            yield tuple(batch.values())
            batch, size_bytes = {}, 0
    if batch:
        yield tuple(batch.values())
