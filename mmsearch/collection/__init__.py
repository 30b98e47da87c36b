"""The Python API, a file for each of its parts; `collection.py` joins them."""

from mmsearch.collection.base import StrPath
from mmsearch.collection.collection import Collection

__all__ = ["Collection", "StrPath"]
