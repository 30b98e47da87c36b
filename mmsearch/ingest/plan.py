"""Stage 2: which of the files need work. Size and time decide first; the worker's hash decides the rest."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mmsearch.catalog.catalog import AssetState, Catalog
from mmsearch.errors import MediaUnsupported
from mmsearch.ingest.siblings import siblings
from mmsearch.media.probe import check_supported, is_captions_file, modality_of
from mmsearch.media.sidecar import described_by
from mmsearch.types import FailedFile, FileStat, Ids, Modality, Segment, WaitingFile

NO_HASHES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stored:
    """What the catalog has of a file.

    Attributes:
        ids: (n,) of the segments.
    """

    content_hash: str
    ids: Ids
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """A file to read.

    Attributes:
        known: Hashes in the catalog that this file may turn out to have; then it is not decoded.
        was_there: The path was searchable before.
        stored: Segments of which the tokens alone are wanted: texts are taken from here, and nothing is written down
            anew. None to read the file in full.
    """

    stat: FileStat
    modality: Modality
    known: frozenset[str] = NO_HASHES
    was_there: bool = False
    stored: Stored | None = None

    @property
    def subject(self) -> tuple[str, int]:
        """What a batch should hold but once: some network disks list a name twice."""
        return self.stat.path, int(self.stored.ids[0]) if self.stored else 0


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A file that is as the catalog has it."""

    asset_id: int
    status: str


Decision = Work | Unchanged | WaitingFile | FailedFile


def plan(stats: Sequence[FileStat], catalog: Catalog, modalities: Collection[Modality]) -> list[Decision]:
    """Decide for each file, in order, with two queries for all of them.

    Args:
        modalities: What the encoder can embed; files of other kinds wait, without being read.
    """
    states = catalog.lookup([stat.path for stat in stats])
    open_cases = [stat for stat in stats if not _is_unchanged(stat, states.get(stat.path), modalities)]
    hashes = catalog.hashes_by_size({stat.size_bytes for stat in open_cases})
    return [_decide(stat, states.get(stat.path), hashes, modalities) for stat in stats]


def _decide(
    stat: FileStat,
    state: AssetState | None,
    hashes: dict[int, frozenset[str]],
    modalities: Collection[Modality],
) -> Decision:
    if state and _is_unchanged(stat, state, modalities):
        return Unchanged(state.id, state.status)
    try:
        modality = kind_of(stat.path)
    except MediaUnsupported as error:
        return FailedFile(stat, error.code, str(error), modality_of(stat.path))
    if modality not in modalities:
        return WaitingFile(stat, modality)
    known = hashes.get(stat.size_bytes, NO_HASHES)
    if known and modality == "text" and not _may_share(stat.path):
        known = NO_HASHES
    return Work(stat, modality, known, bool(state and state.status == "ready"))


def _may_share(path: str) -> bool:
    """Tell whether a text is embedded by its bytes alone; what captions are about depends on where they lie."""
    return not is_captions_file(path) and described_by(path, siblings(path)) is None


def kind_of(path: str) -> Modality:
    """Return the modality under which a file is indexed; captions are text.

    Raises:
        MediaUnsupported: Its ending shows that it cannot be read, such as a camera's raw file.
    """
    check_supported(path)
    modality = "text" if is_captions_file(path) else modality_of(path)
    if modality is None:
        ending = os.path.splitext(path)[1] or "no ending"
        raise MediaUnsupported(f"Files with {ending} are not supported.")
    return modality


def _is_unchanged(stat: FileStat, state: AssetState | None, modalities: Collection[Modality]) -> bool:
    """Tell whether size and time are the same, and nothing that was waiting can be taken up now."""
    if state is None or (state.size_bytes, state.mtime_ns) != (stat.size_bytes, stat.mtime_ns):
        return False
    return state.status != "waiting" or state.modality not in modalities
