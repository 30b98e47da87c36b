"""What a model makes of pictures, kept from query to query: a second look at a picture costs no second pass.

One safetensors file a picture, in half precision, below the user's cache folder:

    pictures/<fingerprint of the model>/<content hash of the picture>.safetensors

Everything here can be made again, so nothing that is wrong with a file or with the disk is an error: a file that is
not whole is a picture that was never seen.
"""

import re
import stat
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
import platformdirs

from mmsearch.errors import StorageError
from mmsearch.files import blake2, write_durably

PictureTokens = npt.NDArray[np.float16]  # (t, d)

MAX_BYTES = 2 << 30  # all models together; of BLIP-base, 2,400 pictures
MAX_MEMORY_BYTES = 256 << 20
_KEPT_SHARE = 0.9  # what is left of a full cache, so that not every new file means to look for old ones
_MAX_HEADER_BYTES = 4096
_CONTENT_HASH = re.compile(r"[0-9a-f]{32}")  # as of files.blake2: what may become the name of a file
_FINGERPRINT = _CONTENT_HASH
_OWN_FILE = re.compile(  # what may be removed; the second kind is left by a process that was killed (`files.replacing`)
    r"[0-9a-f]{32}\.safetensors|\.[0-9a-f]{32}\.safetensors\.[0-9]+-[0-9]+\.tmp"
)


def default_root() -> Path:
    """Return where the files are, if nobody says otherwise."""
    return Path(platformdirs.user_cache_dir("mmsearch", False)) / "pictures"


class PictureCache:
    """Keeps arrays of one shape for one model, in memory and on disk. Thread-safe; processes may share the folder.

    Args:
        root: The folder for all models; made when the first file is written.
        fingerprint: Of the model and of how it sees pictures: 32 hexadecimal digits, as of `files.blake2`.
        shape: (t, d) of every array.
        max_bytes: What the files of all models may take; those used least recently are removed.
        max_memory_bytes: What is held in memory at once.
    """

    def __init__(
        self,
        root: Path,
        fingerprint: str,
        shape: tuple[int, int],
        *,
        max_bytes: int = MAX_BYTES,
        max_memory_bytes: int = MAX_MEMORY_BYTES,
    ) -> None:
        self._root = root
        self._folder = root / fingerprint
        self._shape = shape
        self._max_bytes = max_bytes
        self._max_memory_bytes = max_memory_bytes
        self._held: OrderedDict[str, PictureTokens] = OrderedDict()
        self._stored_bytes: int | None = None  # nobody has counted yet
        self._lock = Lock()

    def get(self, content_hash: str) -> PictureTokens | None:
        """Return what was put for a picture; None if it is not there, or no longer whole."""
        if not _CONTENT_HASH.fullmatch(content_hash):
            return None
        with self._lock:
            if content_hash in self._held:
                self._held.move_to_end(content_hash)
                return self._held[content_hash]
        tokens = self._read(content_hash)
        if tokens is not None:
            self._hold(content_hash, tokens)
        return tokens

    def put(self, content_hash: str, tokens: PictureTokens) -> None:
        """Keep what a model made of a picture; of one without a content hash, nothing is kept."""
        if not _CONTENT_HASH.fullmatch(content_hash):
            return
        if tokens.shape != self._shape or tokens.dtype != np.float16:
            raise ValueError(f"expected float16 of shape {self._shape}, got {tokens.dtype} of {tokens.shape}")
        self._hold(content_hash, tokens)
        self._write(content_hash, tokens)

    def _hold(self, content_hash: str, tokens: PictureTokens) -> None:
        with self._lock:
            self._held[content_hash] = tokens
            self._held.move_to_end(content_hash)
            while len(self._held) * tokens.nbytes > self._max_memory_bytes:
                self._held.popitem(last=False)

    def _path(self, content_hash: str) -> Path:
        return self._folder / f"{content_hash}.safetensors"

    def _read(self, content_hash: str) -> PictureTokens | None:
        """Read a file and see to it that it holds what was written there, for this picture."""
        from safetensors import SafetensorError, safe_open

        path = self._path(content_hash)
        try:
            if path.stat().st_size > self._file_bytes + _MAX_HEADER_BYTES:
                return None
            with safe_open(path, framework="numpy") as file:
                told = file.metadata() or {}
                tokens: PictureTokens = file.get_tensor("tokens")
            path.touch()  # used just now
        except (OSError, SafetensorError, ValueError):
            return None
        fits = tokens.shape == self._shape and tokens.dtype == np.float16
        return tokens if fits and told == _told(content_hash, tokens) else None

    def _write(self, content_hash: str, tokens: PictureTokens) -> None:
        from safetensors.numpy import save

        content = save({"tokens": np.ascontiguousarray(tokens)}, metadata=_told(content_hash, tokens))
        with self._lock, suppress(OSError, StorageError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # pictures can be guessed from what is kept
            write_durably(self._path(content_hash), content)
            self._make_room(len(content))

    @property
    def _file_bytes(self) -> int:
        return self._shape[0] * self._shape[1] * 2

    def _make_room(self, added: int) -> None:
        """Remove what was used least recently, of any model, if there is too much."""
        if self._stored_bytes is not None:
            self._stored_bytes += added
            if self._stored_bytes <= self._max_bytes:
                return
        files = _oldest_first(self._root)
        total = sum(size for _, size in files)
        wanted = total if total <= self._max_bytes else int(self._max_bytes * _KEPT_SHARE)
        for path, size in files:
            if total <= wanted:
                break
            with suppress(OSError):  # of another user, or held open
                path.unlink(missing_ok=True)
                total -= size
        self._stored_bytes = total


def _told(content_hash: str, tokens: PictureTokens) -> dict[str, str]:
    """Tell what a file says of itself, so that one that is damaged, or another's, is found out."""
    return {"picture": content_hash, "blake2": blake2(np.ascontiguousarray(tokens).tobytes())}


def _oldest_first(root: Path) -> list[tuple[Path, int]]:
    """Our files with their size in bytes, in order of last use; what a killed process left is among them."""
    found = []
    for path in root.glob("*/*"):
        if not (_FINGERPRINT.fullmatch(path.parent.name) and _OWN_FILE.fullmatch(path.name)):
            continue
        with suppress(OSError):  # another process removed it
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                found.append((status.st_mtime_ns, path, status.st_size))
    return [(path, size) for _, path, size in sorted(found)]
