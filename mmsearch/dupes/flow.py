"""Copies in a collection: choose the files, see which are still there, put them in order, group them, report."""

from collections.abc import Collection
from functools import partial
from time import monotonic

from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.looks import FileLook
from mmsearch.dupes.disk import on_disk
from mmsearch.reports import Dupe, DupeFile, DupeGroup, DupeReport
from mmsearch.search.copies import own_vectors
from mmsearch.search.copy_groups import Copy, CopyGroup, OnProgress, copy_groups
from mmsearch.search.preference import kept_for, preference
from mmsearch.vectors.store import VectorStore


def find_dupes(
    catalog: Catalog, store: VectorStore, chosen: Collection[int] | None, *, near: bool, on_progress: OnProgress
) -> DupeReport:
    """Find the copies among the files of a collection.

    Exact copies are files of equal content, of any kind; near copies are pictures. Sounds have none: what the model
    makes of two recordings of one voice is closer than of a recording and its MP3.

    Args:
        catalog: Of the collection; called inside `from_one_state`.
        store: Of the collection.
        chosen: Ids of the files to compare; None for all.
        near: Also near copies.
        on_progress: Called now and then, with how many pictures were compared.

    Raises:
        CollectionDamaged: The stored vectors cannot be read.
    """
    started = monotonic()
    files, stale = on_disk(file for file in catalog.looks() if chosen is None or file.id in chosen)
    files.sort(key=preference)
    groups = copy_groups(files, partial(own_vectors, catalog, store) if near else None, on_progress)
    reported = sorted((_group(group) for group in groups), key=lambda group: (-group.freed_bytes, group.kept.path))
    return DupeReport(
        groups=tuple(reported),
        files=len(files),
        without_look=sum(file.modality == "image" and file.look is None for file in files) if near else 0,
        stale=stale,
        seconds=monotonic() - started,
    )


def _group(group: CopyGroup) -> DupeGroup:
    first = group.first
    kept = DupeFile(first.path, first.modality, first.size_bytes, first.width_px, first.height_px)
    return DupeGroup(kept, tuple(_dupe(copy, first) for copy in group.copies))


def _dupe(copy: Copy, kept: FileLook) -> Dupe:
    file = copy.file
    return Dupe(
        path=file.path,
        modality=file.modality,
        size_bytes=file.size_bytes,
        width_px=file.width_px,
        height_px=file.height_px,
        reason="exact" if file.content_hash == kept.content_hash else "near",
        kept_for=kept_for(kept, file),
        distance=copy.distance,
        cosine=copy.cosine,
    )
