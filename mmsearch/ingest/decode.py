"""Stage 3, in a worker: a file's bytes become pixels or passages, or a reason why not."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.util import find_spec
from typing import TypeVar

from mmsearch.config import Limits
from mmsearch.errors import FileUnreadable, MediaDamaged, MediaError, MediaTooLarge, ModelError
from mmsearch.files import blake2
from mmsearch.ingest.plan import Work
from mmsearch.ingest.siblings import siblings
from mmsearch.media.document import read_document
from mmsearch.media.image import read_image
from mmsearch.media.looks import look_of
from mmsearch.media.sources import read_bytes
from mmsearch.types import FailedFile, Fields, ImageInput, KnownFile, MediaInfo, Modality, Pixels, Segment, SkippedFile

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class DecodedFile:
    """A file ready to be embedded: `pixels` for an image, else each segment's own text."""

    work: Work
    content_hash: str
    info: MediaInfo
    segments: tuple[Segment, ...]
    pixels: Pixels | None = None
    fields: tuple[Fields, ...] = ()
    look: int | None = None


def reader_version(limits: Limits) -> str:
    """Digest what decides which files can be read, besides the files: if it changes, failed ones are tried again."""
    heic = find_spec("pillow_heif") is not None
    return blake2(repr((version("mmsearch"), limits, heic)).encode())


def decodable(modalities: Collection[Modality]) -> frozenset[Modality]:
    """Say which kinds of files can be read for an encoder that takes these modalities.

    Videos are read for their sound.
    """
    films: frozenset[Modality] = frozenset({"video"})
    return frozenset(modalities) | films if "audio" in modalities else frozenset(modalities) - films


Decoded = DecodedFile | KnownFile | SkippedFile


def attempt(work: Work, read: Callable[[], Result]) -> Result | FailedFile:
    """Read one file. Whatever is wrong with it is returned, never raised.

    Raises:
        ModelError: The model is at fault, whatever the files.
    """
    try:
        return read()
    except ModelError:
        raise
    except FileUnreadable as error:
        # Permissions and disks are mended without a trace in the file's time: look at it again in every run.
        return FailedFile(replace(work.stat, mtime_ns=-1), error.code, str(error), work.modality)
    except MediaError as error:
        return FailedFile(work.stat, error.code, str(error), work.modality)
    except MemoryError:
        reason = "Reading it takes more memory than a worker may use. Raise limits.worker_memory_bytes."
        return FailedFile(work.stat, MediaTooLarge.code, reason, work.modality)
    except Exception as error:
        reason = f"The file cannot be understood ({type(error).__name__}: {error})."
        return FailedFile(work.stat, MediaDamaged.code, reason[:500], work.modality)


def decode(work: Work, limits: Limits, image_input: ImageInput | None) -> Decoded:
    """Read a picture or a text.

    Raises:
        MediaError: It cannot be read.
    """
    if work.stored and work.modality == "text":
        return DecodedFile(work, work.stored.content_hash, MediaInfo("text/plain"), work.stored.segments)
    path = work.stat.path
    data = read_bytes(path, limits.max_file_bytes)
    content_hash = blake2(data)
    if content_hash in work.known:
        return KnownFile(work.stat, content_hash)
    if work.modality == "image":
        image = read_image(data, limits, image_input)
        look = look_of(image.pixels)
        return DecodedFile(work, content_hash, image.info, (Segment("image"),), image.pixels, look=look)
    document = read_document(path, data, limits, siblings(path))
    if document is None:
        return SkippedFile(work.stat)
    if not document.segments:  # nothing to embed, so nothing to search; what it says of others counts all the same
        return SkippedFile(work.stat, document.fields)
    return DecodedFile(work, content_hash, document.info, document.segments, fields=document.fields)
