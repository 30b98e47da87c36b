"""Published states of an index on disk: a cache, each checked before it is used and made again if damaged.

A generation is a folder of files that never change once it has its name. A search that has them mapped keeps them when
the folder is removed (POSIX).
"""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import numpy as np

from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.files import crc32, crc32_file, making_folder, remove_tree, storage_errors
from mmsearch.protocols import VectorIndex
from mmsearch.types import Generation, Ids, IndexFile
from mmsearch.vectors.array_files import map_ids
from mmsearch.vectors.index_files import DETAILS, FLAT_ROWS, GONE, IDS, MOST_DETAILS_BYTES, ROWS, STRUCTURE
from mmsearch.vectors.plan import IndexDetails
from mmsearch.vectors.reading import open_stored, size_of

_FAISS = "mmsearch.vectors.faiss_index:FaissIndex"
INDEX_KINDS: dict[str, str] = {
    "flat": "mmsearch.vectors.flat:FlatIndex",
    "faiss-flat": _FAISS,
    "flat-f16": _FAISS,
    "hnsw": _FAISS,
    "ivf-flat": _FAISS,
    "ivf-sq8": _FAISS,
    "ivf-pq": _FAISS,
    "ivf-rabitq": _FAISS,
    "factory": _FAISS,
}

_REMEDY = "Run `mmsearch rebuild`."
_FLAT_FILES = frozenset({IDS, FLAT_ROWS})
_FAISS_FILES = frozenset({IDS, GONE, DETAILS, ROWS})
_MAPPED_FILES = frozenset({FLAT_ROWS, ROWS})  # nearly all bytes; reading them would take what mapping saves
# Folders; files of versions that had one file a generation; and what killed writers left of either.
_OUR_NAMES = re.compile(r"\d{8,}(\.[a-z0-9-]+)?|\.\d{8,}(\.[a-z0-9-]+)?\.[\d-]+\.tmp")


def index_class(kind: str) -> type[VectorIndex]:
    """Return the class of an index kind; FAISS is imported only if it is needed.

    Raises:
        CollectionDamaged: There is no such kind.
    """
    _check_kind(kind)
    module, _, name = INDEX_KINDS[kind].partition(":")
    found: type[VectorIndex] = getattr(import_module(module), name)
    return found


class GenerationStore:
    """The generations of the index over one embedding space.

    Args:
        folder: Where they are; made at the first write.
        dim: Dimension of the space.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._dim = dim

    @contextmanager
    def making(self, number: int) -> Iterator[Path]:
        """Yield an empty folder to write the files of an index to; after the block they are the generation's, durably.

        If the block raises, nothing is left of it. What crashed writers left under the same number is removed first.

        Args:
            number: One that the catalog does not know.

        Raises:
            StorageError: The disk is full or the folder cannot be written; other generations are untouched.
        """
        name = _name(number)
        self._remove(left for left in self._names() if left.startswith(f".{name}."))
        with making_folder(self._folder / name) as temporary:
            yield temporary

    def describe(self, number: int, kind: str, *, vectors: int, last_id: int, basis: str) -> Generation:
        """Return what the catalog is to know of a generation that was made, with sizes and checksums of its files.

        Args:
            number: Of the generation.
            kind: A key of `INDEX_KINDS`.
            vectors: How many rows it has, those of removed segments too.
            last_id: The greatest segment id that there was in the state that it was made from.
            basis: `Catalog.index_basis` in that state.

        Raises:
            StorageError: It cannot be read.
        """
        folder = self._folder / _name(number)
        with storage_errors(f"read {folder}"):
            files = tuple(
                IndexFile(path.name, path.stat().st_size, crc32_file(path)) for path in sorted(folder.iterdir())
            )
        return Generation(number, kind, files, vectors, last_id, basis)

    def load(self, generation: Generation) -> VectorIndex:
        """Open an index whose files are as they were written, as far as that can be told without reading all rows.

        Checked are the set of files, their sizes, the checksums of all but the rows, and what the index itself checks.

        Raises:
            CollectionDamaged: They are not, or are missing (a newer generation may have replaced it).
            StorageError: This user may not read them.
        """
        try:
            self._check(generation, unread=_MAPPED_FILES)
            self._check_ids(generation)
            index = index_class(generation.kind).load(self._folder / generation.folder, self._dim)
        except CollectionDamaged as error:
            raise CollectionDamaged(error.message, remedy=_REMEDY) from error
        if index.kind != generation.kind:
            raise _damaged(f"{self._folder / generation.folder} is of kind {index.kind!r}, not {generation.kind!r}.")
        return index

    def details(self, generation: Generation) -> IndexDetails | None:
        """Read how an index was built and what was measured; None of a flat one, of which there is nothing to know.

        Raises:
            CollectionDamaged: The file is missing or is not the one that was written.
            StorageError: This user may not read it.
        """
        if generation.kind == "flat":
            return None
        path = self._folder / generation.folder / DETAILS
        with open_stored(path) as file:
            data = file.read(MOST_DETAILS_BYTES)
        if IndexFile(DETAILS, len(data), crc32(data)) not in generation.files:
            raise _damaged(f"{path} does not match its checksum.")
        return IndexDetails.from_json(data.decode("utf-8", "replace"), str(path))

    def ids(self, generation: Generation) -> Ids:
        """Return the ids (n,), sorted, that are in an index, without those that were removed before it was made.

        Raises:
            CollectionDamaged: The files are missing or hold something else.
            StorageError: This user may not read them.
        """
        folder = self._folder / generation.folder
        ids = map_ids(folder / IDS)
        return ids if generation.kind == "flat" else np.setdiff1d(ids, map_ids(folder / GONE), assume_unique=True)

    def damage(self, generation: Generation) -> str | None:
        """Say what is wrong with the files of a generation, if anything: every byte is read.

        Raises:
            StorageError: This user may not read them; that says nothing about damage.
        """
        try:
            self._check(generation)
            self._check_ids(generation)
        except CollectionDamaged as error:
            return error.message
        return None

    def is_whole(self, generation: Generation, *, read: bool = False) -> bool:
        """Tell whether the files of a generation are there and have their sizes.

        Args:
            generation: As the catalog knows it.
            read: Also whether their checksums are right, but for the rows, as `load` looks at them.
        """
        every = frozenset(file.name for file in generation.files)
        try:
            self._check(generation, unread=_MAPPED_FILES if read else every)
        except (CollectionDamaged, StorageError):
            return False
        return True

    def remove_others(self, keep: Collection[str]) -> int:
        """Delete all generations but those whose folders are named, and what killed writers left. Returns how many.

        Searches that use one that is deleted go on to do so.

        Raises:
            StorageError: One cannot be deleted.
        """
        return self._remove(name for name in self._names() if name not in keep)

    def _names(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        with storage_errors(f"read {self._folder}"):
            return sorted(path.name for path in self._folder.iterdir() if _OUR_NAMES.fullmatch(path.name))

    def _remove(self, names: Iterable[str]) -> int:
        paths = [self._folder / name for name in names]
        for path in paths:
            with storage_errors(f"remove {path}"):
                remove_tree(path)
        return len(paths)

    def _check(self, generation: Generation, *, unread: Collection[str] = ()) -> None:
        """Compare the files with what the catalog says of them; of those in `unread` only the sizes."""
        _check_kind(generation.kind)
        folder = self._folder / generation.folder
        names = sorted(file.name for file in generation.files)
        if names != sorted(self._files_of(generation)):
            raise CollectionDamaged(f"{folder} cannot be an index of the files {', '.join(names) or 'none'}.")
        for file in generation.files:
            _check_file(folder / file.name, file, read=file.name not in unread)

    def _files_of(self, generation: Generation) -> frozenset[str]:
        details = self.details(generation)
        if details is None:
            return _FLAT_FILES
        return _FAISS_FILES | {STRUCTURE} if details.recipe.factory else _FAISS_FILES

    def _check_ids(self, generation: Generation) -> None:
        path = self._folder / generation.folder / IDS
        ids = map_ids(path)
        if len(ids) != generation.vectors:
            raise CollectionDamaged(f"{path} has {len(ids)} ids, not {generation.vectors}.")
        if len(ids) and ids[-1] > generation.last_id:
            raise CollectionDamaged(f"{path} has ids above {generation.last_id}.")


def _name(number: int) -> str:
    return Generation(number, "", (), vectors=0, last_id=0, basis="").folder


def _check_kind(kind: str) -> None:
    if kind not in INDEX_KINDS:
        raise _damaged(f"The index is of kind {kind!r}; known: {', '.join(INDEX_KINDS)}.")


def _check_file(path: Path, expected: IndexFile, *, read: bool) -> None:
    with open_stored(path) as file:
        if (size := size_of(file)) != expected.size_bytes:
            raise CollectionDamaged(f"{path} has {size} bytes, not {expected.size_bytes}.")
        if read and crc32_file(path) != expected.digest:
            raise CollectionDamaged(f"{path} does not match its checksum.")


def _damaged(message: str) -> CollectionDamaged:
    return CollectionDamaged(message, remedy=_REMEDY)
