"""Every error that mmsearch raises on purpose.

    MmsearchError                 exit  http
    ├── UsageError                  2   400   the call itself is wrong
    │   ├── QueryError              2   400   nothing to search for, or parts that do not fit
    │   │   └── FilterError         2   400   a filter that cannot be read, with the column
    │   └── ConfigError             2   400   a setting that is not known or not valid
    ├── CollectionError             3   500
    │   ├── CollectionNotFound      3   404
    │   ├── CollectionExists        3   409
    │   ├── CollectionLocked        4   423   another process is writing
    │   ├── CollectionDamaged       5   500   a file does not match the catalog
    │   ├── SchemaTooNew            3   500   written by a newer mmsearch
    │   └── ItemNotFound            3   404
    ├── ModelError                  6   500
    │   ├── ModelNotFound           6   400   no encoder of that name
    │   ├── ModelMismatch           6   409   the collection was made with another model
    │   ├── ModalityUnsupported     6   422   the model cannot read this kind of input
    │   ├── WeightsDamaged          6   500   missing, or another SHA-256 than the pinned one
    │   └── DependencyMissing       6   501   an extra is not installed
    ├── StorageError                7   507   disk full, read-only folder, no permission
    ├── MediaError                  8   422   one file cannot be read: recorded, never stops a run
    │   ├── MediaUnsupported        8   415
    │   ├── MediaDamaged            8   422
    │   ├── MediaTooLarge           8   413
    │   ├── MediaTimeout            8   422
    │   ├── MediaCrashed            8   422   the decoder died (a crash or its memory limit)
    │   ├── MediaEmpty              8   422   nothing in it to search
    │   └── FileUnreadable          8   422
    └── GateFailed                  9   422   `mmsearch evaluate` measured less than was asked for

Exit code 1 is an unexpected failure (a bug), 130 an interruption by Ctrl-C.
"""

from typing import ClassVar


class MmsearchError(Exception):
    """Base of all deliberate errors; says what happened and what to do about it.

    Args:
        message: What went wrong, with the names involved.
        remedy: What the user can do; falls back to the class's own remedy.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    default_remedy: ClassVar[str] = ""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = self.default_remedy if remedy is None else remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def __reduce__(self) -> tuple[type["MmsearchError"], tuple[str], dict[str, str]]:
        # Keeps the remedy when an error crosses a process boundary.
        return type(self), (self.message,), {"remedy": self.remedy}


class UsageError(MmsearchError):
    """The call itself is wrong."""

    code = "usage"
    exit_code = 2
    http_status = 400
    default_remedy = "See `mmsearch --help`."


class QueryError(UsageError):
    """The query has no part to search for, or its parts do not fit together."""

    code = "query"
    default_remedy = "See `mmsearch search --help` for examples."


class FilterError(QueryError):
    """A filter (`--where`) or an order (`--sort`) cannot be read; the message points at the place."""

    code = "filter"
    default_remedy = "docs/where.md has the language; `mmsearch fields` lists the fields of the collection."


class ConfigError(UsageError):
    """A setting is unknown or its value is not valid."""

    code = "config"
    default_remedy = "`mmsearch config show` lists the settings and where each value comes from."


class CollectionError(MmsearchError):
    """Something is wrong with a collection."""

    code = "collection"
    exit_code = 3


class CollectionNotFound(CollectionError):
    """There is no collection of that name."""

    code = "collection_not_found"
    http_status = 404
    default_remedy = "Make it with `mmsearch index FOLDER`, or name another one with -c or --home."


class CollectionExists(CollectionError):
    """A collection of that name is already there."""

    code = "collection_exists"
    http_status = 409
    default_remedy = "Open it instead, or choose another name."


class CollectionLocked(CollectionError):
    """Another process is writing to the collection."""

    code = "collection_locked"
    exit_code = 4
    http_status = 423
    default_remedy = "Wait until it has finished, or stop it; searching works meanwhile."


class CollectionDamaged(CollectionError):
    """A stored file is missing or does not match its checksum."""

    code = "collection_damaged"
    exit_code = 5
    default_remedy = "Run `mmsearch verify --repair`."


class SchemaTooNew(CollectionError):
    """The collection was written by a newer version of mmsearch."""

    code = "schema_too_new"
    default_remedy = "Upgrade mmsearch."


class ItemNotFound(CollectionError):
    """No item has that id or path."""

    code = "item_not_found"
    http_status = 404
    default_remedy = "Ids and paths are shown by `mmsearch search`."


class ModelError(MmsearchError):
    """Something is wrong with an encoder."""

    code = "model"
    exit_code = 6


class ModelNotFound(ModelError):
    """No encoder has that name."""

    code = "model_not_found"
    http_status = 400
    default_remedy = "`mmsearch models` lists the models that can be used here."


class ModelMismatch(ModelError):
    """The collection was made with another model."""

    code = "model_mismatch"
    http_status = 409
    default_remedy = "Leave out --model, or make another collection with -c NAME."


class ModalityUnsupported(ModelError):
    """The model cannot read this kind of input."""

    code = "modality_unsupported"
    http_status = 422
    default_remedy = "`mmsearch models` shows what each model can read."


class WeightsDamaged(ModelError):
    """A weights file is missing or is not the one whose SHA-256 is pinned."""

    code = "weights_damaged"
    default_remedy = "Install mmsearch again: pip install --force-reinstall --no-deps mmsearch."


class DependencyMissing(ModelError):
    """A package that only some features need is not installed."""

    code = "dependency_missing"
    http_status = 501


class StorageError(MmsearchError):
    """The disk is full, or a folder cannot be written."""

    code = "storage"
    exit_code = 7
    http_status = 507
    default_remedy = "Free some space or choose another place with --home; what was committed is safe."


class MediaError(MmsearchError):
    """One media file cannot be read; recorded with its reason, never stops a run."""

    code = "media"
    exit_code = 8
    http_status = 422


class MediaUnsupported(MediaError):
    """The format is not one that mmsearch reads."""

    code = "media_unsupported"
    http_status = 415


class MediaDamaged(MediaError):
    """The file is truncated or malformed."""

    code = "media_damaged"


class MediaTooLarge(MediaError):
    """The file exceeds a limit on bytes or pixels."""

    code = "media_too_large"
    http_status = 413
    default_remedy = "Raise the limit in mmsearch.toml if you trust the file."


class MediaTimeout(MediaError):
    """Decoding took longer than the limit."""

    code = "media_timeout"
    default_remedy = "Raise limits.decode_timeout_s in mmsearch.toml if you trust the file."


class MediaCrashed(MediaError):
    """The decoder died on this file: a crash, or its memory limit."""

    code = "media_crashed"


class MediaEmpty(MediaError):
    """There is nothing in the file that could be searched."""

    code = "media_empty"


class FileUnreadable(MediaError):
    """The file or folder cannot be opened."""

    code = "file_unreadable"
    default_remedy = "Check its permissions."


class GateFailed(MmsearchError):
    """A measurement does not reach what a `--gate` asks for."""

    code = "gate_failed"
    exit_code = 9
    http_status = 422
    default_remedy = "The report says what was measured."
