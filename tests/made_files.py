"""Files as an index run hands them over, made without any file."""

from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.normalise import unit_rows
from mmsearch.types import FileStat, IndexedFile, MediaInfo, Segment

ENCODER = HashingEncoder(64)


def indexed_file(path, modality, texts, size_bytes=100):
    """A file with one segment a text; an image is embedded as if the model saw that text in it."""
    segments = tuple(Segment(modality, text=text if modality == "text" else None) for text in texts)
    vectors = unit_rows(ENCODER.encode_texts(texts, "document"))
    info = MediaInfo("text/plain" if modality == "text" else "image/jpeg")
    return IndexedFile(FileStat(path, size_bytes, 1), ascii(path), modality, info, segments, vectors)
