"""BLIP's image-text matching: reads a text and a picture together, patch by patch.

What the model sees in a picture does not depend on the query, and is most of the work: it is kept from query to query.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmsearch.errors import MediaError
from mmsearch.files import blake2
from mmsearch.rerank_types import Asked, Document
from mmsearch.rerankers.blip_settings import BlipSettings, read_settings
from mmsearch.rerankers.model_folder import ModelFolder, model_errors, require_packages
from mmsearch.rerankers.picture_cache import PictureCache, PictureTokens, default_root
from mmsearch.types import ImageInput, Modality

if TYPE_CHECKING:
    from mmsearch.rerankers.blip_model import BlipMatcher

_BATCH = 8  # pictures matched in one pass: bounds its memory, whatever the caller hands over
_FORMAT = 1  # of what is kept of pictures; a change here makes the old unusable


class BlipReranker:
    """Judges pictures with a BLIP model for image-text matching. In a model string: "blip:/the/folder".

    For example "blip:Salesforce/blip-itm-base-coco", 224 million parameters, BSD-3-Clause.

    Args:
        source: A folder with the model, or its name on the model hub as `owner/name`.
        cache: Where to keep what it sees in pictures; by default below the user's cache folder.

    Raises:
        DependencyMissing: torch or transformers is not installed.
        ModelNotFound: There is no such folder.

    Guarantees: no pickle is read and no code of the model is run; the network is used for a hub name only, until the
    model is on this machine. Safe to use from several threads. Runs on the GPU where torch sees one.

    Cost: of BLIP-base on one core, about 1.5 s for a picture that it has not seen before, which then takes 890 kB of
    the cache; see `picture_cache`.
    """

    needs_tokens = False
    weights: Mapping[Modality, float] = {"image": 1.0}

    def __init__(self, source: str, *, cache: Path | None = None) -> None:
        require_packages("torch", "transformers")
        self.name = f"blip:{source}"
        self._files = ModelFolder(source)
        self._root = cache or default_root()
        self._loaded: tuple[BlipMatcher, PictureCache] | None = None
        self._lock = threading.Lock()

    @cached_property
    def _settings(self) -> BlipSettings:
        return read_settings(self._files.path())

    @property
    def image_input(self) -> ImageInput:
        """The pixels that the model wants, as its own files say.

        Raises:
            ModelError: They cannot be read or fetched.
        """
        return self._settings.image_input

    def load(self) -> None:
        """Read the weights now instead of at the first use; a model of the hub is fetched first.

        Raises:
            ModelError: It cannot be fetched, is no BLIP model for matching, or has no safetensors.
            WeightsDamaged: A file is missing or damaged.
        """
        self._load()

    def score(self, asked: Asked, documents: Sequence[Document]) -> npt.NDArray[np.float32]:
        """Score pictures (n,): the logit of "match" minus that of "no match"; NaN for one that cannot be read."""
        matcher, kept = self._load()
        scores = np.full(len(documents), np.nan, dtype=np.float32)
        for start in range(0, len(documents), _BATCH):
            batch = documents[start : start + _BATCH]
            with model_errors(f"{self.name} failed", ""):
                seen = {start + place: _see(each, matcher, kept) for place, each in enumerate(batch)}
                pictures = {place: tokens for place, tokens in seen.items() if tokens is not None}
                if pictures:
                    with self._lock:  # a tokenizer is not for two threads at once
                        scores[list(pictures)] = matcher.match(asked.text, np.stack(list(pictures.values())))
        return scores

    def _load(self) -> "tuple[BlipMatcher, PictureCache]":
        with self._lock:
            if self._loaded is None:
                from mmsearch.rerankers.blip_model import BlipMatcher  # torch and transformers: seconds

                folder, settings = self._files.path(), self._settings
                matcher = BlipMatcher(folder, settings)
                self._loaded = matcher, PictureCache(self._root, _fingerprint(folder), settings.tokens_shape)
            return self._loaded


def _see(document: Document, matcher: "BlipMatcher", kept: PictureCache) -> PictureTokens | None:
    tokens = kept.get(document.content_hash)
    if tokens is not None or document.pixels is None:
        return tokens
    try:
        pixels = document.pixels()
    except MediaError:
        return None
    tokens = matcher.see(pixels)
    kept.put(document.content_hash, tokens)
    return tokens


def _fingerprint(folder: Path) -> str:
    """Tell models apart by their settings, and by place, size and time of their weights: hashing those takes a second.

    A model that was copied is a new one, which costs time only.
    """
    settings = {path.name: blake2(path.read_bytes()) for path in sorted(folder.glob("*.json"))}
    stats = {str(path): path.stat() for path in sorted(folder.glob("*.safetensors"))}
    weights = {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}
    return blake2(json.dumps([_FORMAT, settings, weights], sort_keys=True).encode())
