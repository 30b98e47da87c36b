"""The steps of a write, each with a way to make it fail: before it begins or just after it is done."""

from functools import wraps

from sqlalchemy.engine.default import DefaultDialect

from mmsearch.catalog.writer import Writer
from mmsearch.ingest import due
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.store import VectorStore
from mmsearch.vectors.tokens import TokenStore

INDEX_STEPS = {
    "begin the run": (Writer, "begin_run"),
    "note the root": (Writer, "add_root"),
    "append vectors": (VectorStore, "append"),
    "note the block": (Writer, "add_block"),
    "append tokens": (TokenStore, "append"),
    "note the token block": (Writer, "add_token_block"),
    "put files": (Writer, "put_indexed"),
    "put a known file": (Writer, "put_known"),
    "put a failed file": (Writer, "put_failed"),
    "finish the transaction": (Writer, "finish"),
    "commit": (DefaultDialect, "do_commit"),
    "sweep": (Writer, "sweep"),
    "finish the run": (Writer, "finish_run"),
}
PUBLISH_STEPS = {
    "save the index": (FlatIndex, "save"),
    "describe the index": (GenerationStore, "describe"),
    "put the generation": (Writer, "put_generation"),
    "drop old generations": (Writer, "drop_generations"),
    "remove old generations": (GenerationStore, "remove_others"),
    "remove old vectors": (VectorStore, "remove_unreferenced"),
    "remove old tokens": (TokenStore, "remove_unreferenced"),
}
REBUILD_STEPS = {
    "write new vectors": (VectorStore, "write_new"),
    "write new tokens": (TokenStore, "write_new"),
    "move vectors": (Writer, "move_vectors"),
    "move tokens": (Writer, "move_tokens"),
    "finish the transaction": (Writer, "finish"),
    "commit": (DefaultDialect, "do_commit"),
}
TOKEN_STEPS = {  # of giving tokens to what was indexed without
    "append tokens": (TokenStore, "append"),
    "note the token block": (Writer, "add_token_block"),
    "put tokens": (Writer, "put_tokens"),
    "finish the transaction": (Writer, "finish"),
    "commit": (DefaultDialect, "do_commit"),
}
HEAD_STEPS = {
    "put heads": (Writer, "put_heads"),
    "undo heads": (Writer, "undo_heads"),
    "finish the transaction": (Writer, "finish"),
    "commit": (DefaultDialect, "do_commit"),
}
ALL_STEPS = INDEX_STEPS | PUBLISH_STEPS | REBUILD_STEPS | TOKEN_STEPS | HEAD_STEPS
# What is durable at once; all else is undone with its transaction, so that its end is the next one's beginning.
_DURABLE = {"commit", "save the index"} | {
    name for name in ALL_STEPS if name.startswith(("append", "write new", "remove"))
}


def publish_always(patch):
    """Publish after each change, which else is done only when enough has come."""
    patch(due, "FLAT_CHANGES", 0)
    patch(due, "FLAT_SHARE", 0)


def moments(names):
    """Each step, as it begins; and where that makes a difference, when it is done."""
    return [(name, "before") for name in names] + [(name, "after") for name in names if name in _DURABLE]


class Crash(BaseException):
    """Nothing in the product catches it."""


def fail(patch, step, when, crash, *, skip=0):
    """Let a step fail.

    Args:
        patch: Sets an attribute: `monkeypatch.setattr`, or `setattr` in a process of its own.
        step: Class and name of a method.
        when: "before" or "after".
        crash: Called at that moment; raises, or ends the process.
        skip: So many calls go well first.
    """
    owner, name = step
    real = getattr(owner, name)
    calls = iter(range(skip))

    @wraps(real)
    def failing(*args, **kwargs):
        due = next(calls, None) is None
        if due and when == "before":
            crash()
        result = real(*args, **kwargs)
        if due:
            crash()
        return result

    patch(owner, name, failing)
