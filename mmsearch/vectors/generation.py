"""Published states of an index on disk: a cache, each checked before it is used and made again if damaged."""

import re
from collections.abc import Collection
from importlib import import_module
from pathlib import Path

from mmsearch.errors import CollectionDamaged
from mmsearch.files import blake2_file, storage_errors
from mmsearch.protocols import VectorIndex
from mmsearch.types import Generation
from mmsearch.vectors.reading import open_stored, size_of

INDEX_KINDS: dict[str, str] = {
    "flat": "mmsearch.vectors.flat:FlatIndex",
    "faiss-flat": "mmsearch.vectors.faiss_index:FaissIndex",
}

_REMEDY = "Run `mmsearch rebuild`."
_OUR_NAMES = re.compile(r"\d{8,}\.[a-z0-9-]+|\.\d{8,}\.[a-z0-9-]+\.[\d-]+\.tmp")


def index_class(kind: str) -> type[VectorIndex]:
    """Return the class of an index kind; FAISS is imported only if it is needed.

    Raises:
        CollectionDamaged: There is no such kind.
    """
    if kind not in INDEX_KINDS:
        raise CollectionDamaged(f"The index is of kind {kind!r}; known: {', '.join(INDEX_KINDS)}.", remedy=_REMEDY)
    module, _, name = INDEX_KINDS[kind].partition(":")
    found: type[VectorIndex] = getattr(import_module(module), name)
    return found


class GenerationStore:
    """The generations of the index over one embedding space.

    Args:
        folder: Where the files are; made at the first write.
        dim: Dimension of the space.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._dim = dim

    def publish(self, index: VectorIndex, number: int, *, revision: int) -> Generation:
        """Write an index durably under a number that no other generation in use has.

        Raises:
            StorageError: The disk is full or the folder cannot be written; other generations are untouched.
        """
        path = self._folder / f"{number:08d}.{index.kind}"
        with storage_errors(f"write {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            index.save(path)
            return Generation(
                number, index.kind, path.name, path.stat().st_size, blake2_file(path), len(index), revision
            )

    def load(self, generation: Generation) -> VectorIndex:
        """Read an index after checking the file's size and digest.

        Raises:
            CollectionDamaged: The file is missing (a newer generation may have replaced it) or damaged.
            StorageError: This user may not read it.
        """
        if reason := self.damage(generation):
            raise CollectionDamaged(reason, remedy=_REMEDY)
        index = index_class(generation.kind).load(self._folder / generation.file, self._dim)
        if len(index) != generation.vectors:
            raise CollectionDamaged(
                f"{generation.file} holds {len(index)} vectors, not {generation.vectors}.", remedy=_REMEDY
            )
        return index

    def damage(self, generation: Generation) -> str | None:
        """Say what is wrong with the file of a generation, if anything.

        Raises:
            StorageError: This user may not read it; that says nothing about damage.
        """
        if not _OUR_NAMES.fullmatch(generation.file):
            return f"{generation.file!r} is not the name of an index file."
        path = self._folder / generation.file
        try:
            with open_stored(path) as file:
                if (size := size_of(file)) != generation.size_bytes:
                    return f"{path} has {size} bytes, not {generation.size_bytes}."
                if blake2_file(path) != generation.digest:
                    return f"{path} does not match its checksum."
        except CollectionDamaged as error:
            return error.message
        return None

    def remove_others(self, keep: Collection[str]) -> int:
        """Delete all files but those named, and what killed writers left. Returns how many.

        Raises:
            StorageError: A file cannot be deleted.
        """
        if not self._folder.is_dir():
            return 0
        names = {path.name for path in self._folder.iterdir() if _OUR_NAMES.fullmatch(path.name)}
        unwanted = names - set(keep)
        for name in unwanted:
            with storage_errors(f"remove {self._folder / name}"):
                (self._folder / name).unlink()
        return len(unwanted)
