"""Any open_clip architecture with its weights in a local folder. Nothing is ever downloaded.

The folder is in the form in which open_clip models are published:

    open_clip_config.json          the architecture (`model_cfg`) and the preprocessing (`preprocess_cfg`)
    open_clip_model.safetensors    the weights; pickles (.bin, .pt) are refused: loading one can run code
    tokenizer.json and the like    where the config names a Hugging Face tokenizer; else CLIP's own is used

Source: open_clip/factory.py (`create_model`, `get_tokenizer`) and open_clip/transform.py (`image_transform`).
"""

import hashlib
import threading
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmsearch.encoders.neighbours import MOST_OF_A_TEXT, MOST_TOKENS, at_most, average, query_words
from mmsearch.encoders.open_clip_config import CONFIG_FILE, OpenClipConfig, read_config
from mmsearch.encoders.open_clip_load import (
    COPY_MODEL,
    COPY_TOKENIZER,
    WEIGHTS_FILE,
    LoadedModel,
    load_model_folder,
)
from mmsearch.encoders.open_clip_tokens import image_tokens, text_tokens
from mmsearch.encoders.open_clip_words import Word, words_of
from mmsearch.errors import DependencyMissing, ModalityUnsupported, ModelNotFound, WeightsDamaged
from mmsearch.types import (
    Embedded,
    EmbeddingSpace,
    EncoderSpec,
    PixelBatch,
    QueryWords,
    Role,
    Tokens,
    Vectors,
    Waveform,
)

VOCABULARY_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.json",
    "vocab.txt",
)
_TOKENIZER_FILES = (*VOCABULARY_FILES, "merges.txt", "tokenizer_config.json", "special_tokens_map.json")

_BATCH = 32  # bounds the memory of one forward pass, whatever the caller hands over
# The longest entry of CLIP's vocabulary. The tokenizer takes quadratic time for a long word, so a text is
# cut to what could at most fill the context before it gets there.
_LONGEST_TOKEN_CHARS = 32

_TOKENS = "1"  # another number whenever the same input would give other tokens

_Stamps = dict[str, tuple[int, int]]  # file name -> (size in bytes, mtime in ns)


class _Described(NamedTuple):
    """A text: its vector (d,), its words, and what each means there (words, d)."""

    vector: Vectors
    words: list[str]
    tokens: Tokens


class OpenClipEncoder:
    """Embeds texts and images with a model from a folder. In a model string: "open_clip:/the/folder".

    Args:
        folder: Holds `open_clip_config.json` and `open_clip_model.safetensors`.

    Raises:
        DependencyMissing: torch or open_clip is not installed.
        ModelNotFound: There is no such folder.
        WeightsDamaged: A file is missing, or the config is not JSON.
        ModelError: The config asks for something that cannot be used from a folder without a network.

    Guarantees: the network is never used, no pickle is read, and vectors equal those of open_clip's own
    `encode_image` and `encode_text`. Safe to use from several threads. Runs on the GPU where torch sees one.

    Cost: the first use of `spec` reads the weights once to hash them; `load` reads them again.
    """

    def __init__(self, folder: str | Path) -> None:
        _require_packages()
        self.folder = Path(folder).expanduser().absolute()
        if not self.folder.is_dir():
            raise ModelNotFound(
                f"There is no folder {self.folder}.",
                remedy="Name the folder of an open_clip model: open_clip:/path/to/folder.",
            )
        self._config = read_config(self.folder)
        _require_files(self.folder, self._config)
        self._stamps = _stamp_files(self.folder)
        self._loaded: LoadedModel | None = None
        self._lock = threading.Lock()

    @cached_property
    def spec(self) -> EncoderSpec:
        """What the model is and takes; read from the config, so that no weights need be loaded."""
        config = self._config
        return EncoderSpec(
            space=EmbeddingSpace(
                model=f"open_clip:{self.folder}",
                revision=self._revision,
                preprocessing=config.preprocessing,
                dim=config.dim,
            ),
            modalities=frozenset({"text", "image"}),
            image_input=config.image_input,
            tokens="" if config.token_grid is None else self._tokens_revision(),
            token_grid=config.token_grid,
        )

    def load(self) -> None:
        """Read the weights and the tokenizer now instead of at the first use.

        Raises:
            WeightsDamaged: The weights are not safetensors, do not fit the config, or were replaced
                since this encoder was made.
            DependencyMissing: The config names a Hugging Face tokenizer, and transformers is not installed.
        """
        self._load()

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Embed texts: (n, d) float32. What does not fit the model's context is cut off."""
        import torch

        loaded = self._load()
        rows = [self._nothing]
        for start in range(0, len(texts), _BATCH):
            batch = [_readable(text, self._config.context_length) for text in texts[start : start + _BATCH]]
            with self._lock:  # a Hugging Face tokenizer must not be used by two threads at once
                ids = loaded.tokenize(batch)
            with torch.inference_mode():
                rows.append(loaded.model.encode_text(ids.to(loaded.device)).float().cpu().numpy())
        return np.concatenate(rows)

    def encode_images(self, images: PixelBatch, role: Role) -> Vectors:
        """Embed images of shape (n, *spec.image_input, 3), uint8 RGB: (n, d) float32."""
        import torch

        loaded = self._load()
        rows = [self._nothing]
        for start in range(0, len(images), _BATCH):
            pixels = torch.from_numpy(self._normalise(images[start : start + _BATCH]))
            with torch.inference_mode():
                rows.append(loaded.model.encode_image(pixels.to(loaded.device)).float().cpu().numpy())
        return np.concatenate(rows)

    def encode_audio(self, waves: Sequence[Waveform], role: Role) -> Vectors:
        """Refuse: open_clip models read texts and images.

        Raises:
            ModalityUnsupported: Always.
        """
        raise ModalityUnsupported("open_clip models cannot read sounds.")

    def embed_texts(self, texts: Sequence[str], *, tokens: bool = False) -> Embedded:
        """Embed texts; their tokens are the text tower's last states, word by word, projected as the vector is."""
        if not tokens or self._config.token_grid is None:
            return Embedded(self.encode_texts(texts, "document"))
        read = [each for start in range(0, len(texts), _BATCH) for each in self._read(texts[start : start + _BATCH])]
        vectors = np.array([each.vector for each in read], dtype=np.float32).reshape(-1, self._config.dim)
        return Embedded(vectors, tokens=tuple(at_most(each.tokens, MOST_OF_A_TEXT) for each in read))

    def embed_images(self, images: PixelBatch, *, tokens: bool = False) -> Embedded:
        """Embed images; their tokens are what the image tower's head makes of each cell by itself."""
        grid = self._config.token_grid
        if not tokens or grid is None:
            return Embedded(self.encode_images(images, "document"))
        seen = [self._look(images[start : start + _BATCH], grid) for start in range(0, len(images), _BATCH)]
        vectors = np.concatenate([self._nothing, *(vectors for vectors, _ in seen)])
        return Embedded(vectors, tokens=tuple(cells for _, each in seen for cells in each))

    def query_words(self, text: str) -> QueryWords:
        """Say what each word of a query means in it."""
        (described,) = self._read([text])
        return query_words(described.words, described.tokens)

    def _look(self, images: PixelBatch, grid: tuple[int, int]) -> tuple[Vectors, Tokens]:
        """Return vectors (n, d) and cells (n, cells, d)."""
        import torch

        loaded = self._load()
        with torch.inference_mode():
            pixels = torch.from_numpy(self._normalise(images)).to(loaded.device)
            vectors, cells = image_tokens(loaded.model, pixels, grid)
        return vectors.float().cpu().numpy(), cells.float().cpu().numpy()

    def _read(self, texts: Sequence[str]) -> list[_Described]:
        import torch

        loaded = self._load()
        readable = [_readable(text, self._config.context_length) for text in texts]
        with self._lock:
            ids = loaded.tokenize(readable)
            words = [words_of(loaded.tokenize, text, row) for text, row in zip(readable, ids.tolist(), strict=True)]
        with torch.inference_mode():
            vectors, pieces = (each.float().cpu().numpy() for each in text_tokens(loaded.model, ids.to(loaded.device)))
        return list(map(_describe, readable, words, vectors, pieces))

    @property
    def _nothing(self) -> Vectors:
        return np.zeros((0, self._config.dim), dtype=np.float32)

    def _normalise(self, images: PixelBatch) -> Vectors:
        """Bring pixels to what the model was trained on: (n, h, w, 3) uint8 to (n, 3, h, w) float32."""
        scaled = images.astype(np.float32) / 255
        scaled -= np.array(self._config.mean, dtype=np.float32)
        scaled /= np.array(self._config.std, dtype=np.float32)
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))

    def _load(self) -> LoadedModel:
        with self._lock:
            if self._loaded is None:
                self._check_unchanged()
                self._loaded = load_model_folder(self.folder, self._config)
            return self._loaded

    @cached_property
    def _revision(self) -> str:
        """SHA-256 over the names and contents of everything that decides what the vectors are."""
        digest = hashlib.sha256()
        for name in self._stamps:
            with open(self.folder / name, "rb") as file:
                digest.update(f"{name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        self._check_unchanged()
        return digest.hexdigest()

    def _tokens_revision(self) -> str:
        config, most = self._config, (MOST_TOKENS, MOST_OF_A_TEXT)
        choices = (_TOKENS, self._revision, config.preprocessing, config.token_grid, most)
        return hashlib.blake2b(repr(choices).encode(), digest_size=8).hexdigest()

    def _check_unchanged(self) -> None:
        """See to it that the files hashed, the config read and the weights loaded are of one piece."""
        if _stamp_files(self.folder) != self._stamps:
            raise WeightsDamaged(
                f"The files in {self.folder} changed while they were in use.", remedy="Run the command again."
            )


def _require_packages() -> None:
    for package in ("torch", "open_clip"):
        if find_spec(package) is None:
            raise DependencyMissing(
                f"open_clip models need the package {package!r}.",
                remedy="Install it with: pip install 'mmsearch[open_clip]'.",
            )


def _require_files(folder: Path, config: OpenClipConfig) -> None:
    if not (folder / WEIGHTS_FILE).is_file():
        pickles = sorted(path.name for end in ("bin", "pt", "pth") for path in folder.glob(f"*.{end}"))
        if pickles:
            raise WeightsDamaged(
                f"{folder} holds {pickles[0]}, a pickle, which is never loaded: it could run any code.",
                remedy=f"Convert it to {WEIGHTS_FILE} with safetensors.torch.save_file.",
            )
        raise WeightsDamaged(f"{folder} holds no {WEIGHTS_FILE}.", remedy=COPY_MODEL)
    if config.hf_tokenizer and not any((folder / name).is_file() for name in VOCABULARY_FILES):
        raise WeightsDamaged(
            f"The model in {folder} uses the tokenizer {config.hf_tokenizer!r}, whose files are not there.",
            remedy=COPY_TOKENIZER,
        )


def _stamp_files(folder: Path) -> _Stamps:
    """Size and time of every file that decides what the vectors are, in a fixed order."""
    paths = [folder / name for name in (CONFIG_FILE, WEIGHTS_FILE, *_TOKENIZER_FILES)]
    stats = {path.name: path.stat() for path in paths if path.is_file()}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}


def _readable(text: str, context_length: int) -> str:
    """Cut a long text to what can fill the context, and replace what has no UTF-8 form."""
    limit = context_length * _LONGEST_TOKEN_CHARS
    if len(text) > limit:
        text = " ".join(text.split())[:limit]
    return text.encode("utf-8", "replace").decode()


def _describe(text: str, words: Sequence[Word], vector: Vectors, pieces: Tokens) -> _Described:
    """Average the pieces (context, d) of each word; a text without any sign is one word, and its vector the token."""
    if not words:
        return _Described(vector, [text], vector[None])
    return _Described(vector, [word.text for word in words], average(pieces, [word.pieces for word in words]))
