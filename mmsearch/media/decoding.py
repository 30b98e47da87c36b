"""Pillow's many ways to fail, as MediaErrors that a person understands."""

import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from PIL import Image, ImageCms

from mmsearch.errors import MediaDamaged, MediaError, MediaTooLarge, MediaUnsupported

COPY_AGAIN = "Copy it again from where it came from."

# What malformed files make Pillow raise: they reach every line of it, and it leans on Python's own checks.
FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    MemoryError,
    RuntimeError,
    SystemError,
    struct.error,
    zlib.error,
    ImageCms.PyCMSError,
    Image.DecompressionBombError,
)
_CUT_SHORT = (
    "truncated",
    "not enough",
    "premature",
    "end of file",
    "end of stream",
    "requires a buffer",
    "unexpected end",
)
_UNUSUAL = ("unsupported", "not supported", "unknown", "unrecognized", "cannot find loader", "no codec")


@contextmanager
def decoding(kind: str) -> Iterator[None]:
    """Run Pillow without its warnings, and turn whatever it raises into a MediaError.

    Args:
        kind: The format as the user knows it, for the message: "JPEG".

    Raises:
        MediaDamaged: The file is cut short or malformed.
        MediaUnsupported: It is well formed, but of a variant that is not read.
        MediaTooLarge: The memory does not suffice.
    """
    with _QUIET:
        try:
            yield
        except FAULTS as fault:
            raise _explain(kind, fault) from fault


def cut_short(kind: str) -> MediaDamaged:
    """Make the error for a file that ends too early."""
    return MediaDamaged(f"The {kind} file is cut short.", remedy=COPY_AGAIN)


def _explain(kind: str, fault: BaseException) -> MediaError:
    said = str(fault).lower()
    if isinstance(fault, MemoryError | Image.DecompressionBombError):
        return MediaTooLarge(f"There is not enough memory to decode this {kind} picture.")
    if isinstance(fault, EOFError) or any(word in said for word in _CUT_SHORT):
        return cut_short(kind)
    if any(word in said for word in _UNUSUAL):
        return MediaUnsupported(f"This variant of {kind} is not supported.", remedy="Save it as JPEG or PNG.")
    return MediaDamaged(f"The {kind} file is damaged.", remedy=COPY_AGAIN)


class _Quiet:
    """Silences the warnings that Pillow's own modules issue, while any thread is inside.

    The filters are the process's, so threads that overlap share one change: the first one in makes it and
    the last one out takes it back. A `catch_warnings` in each thread would restore them in the wrong order.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._change = ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._change.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"PIL\.|pillow_heif\.")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._change.close()


_QUIET = _Quiet()
