"""Texts to vectors: all-MiniLM-L6-v2 (Wang et al. 2020, "MiniLM"; Reimers and Gurevych 2019, "Sentence-BERT")."""

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from mmsearch.encoders.builtin.session import make_session
from mmsearch.encoders.builtin.weights import HERE, MINILM, TOKENIZER, Tensor, Tensors, safetensors
from mmsearch.encoders.builtin.words import words_of
from mmsearch.encoders.neighbours import MOST_OF_A_TEXT, at_most, average, query_words
from mmsearch.types import Embedded, QueryWords, Tokens, Vectors

DIM = 384
MAX_TOKENS = 256  # as the model was trained; the rest of a longer text is not seen
MAX_CHARS = 20_000  # 256 tokens never need more of ordinary text; bounds the tokenizer's work on hostile input
BATCH = 32
LAYERS, HEAD_DIM = 6, 32


class _Described(NamedTuple):
    """A text: its vector (384,), its words, and what each means there (words, 384)."""

    vector: Tensor
    words: list[str]
    tokens: Tokens


class TextModel:
    """MiniLM, loaded. Thread-safe."""

    def __init__(self) -> None:
        tensors = safetensors(MINILM)
        self._words = tensors["embeddings.word_embeddings.weight"]  # (30522, 384): looked up here, row by row
        # Every token is of type 0, so its embedding is part of the position's.
        self._positions = (
            tensors["embeddings.position_embeddings.weight"] + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        self._session = make_session(HERE / "text.onnx", _graph_tensors(tensors))
        self._tokenizer = Tokenizer.from_buffer(TOKENIZER.map()[:])
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Embed texts: (n, 384) float32, not normalised, in their order.

        Texts of like length share a batch, so that little is computed for padding.
        """
        encodings = self._tokenizer.encode_batch([_clean(text) for text in texts])
        vectors = np.empty((len(texts), DIM), dtype=np.float32)
        for batch in _batches(encodings):
            vectors[batch] = self._run([encodings[i] for i in batch], "vectors")[0]
        return vectors

    def embed_words(self, texts: Sequence[str]) -> Embedded:
        """Embed texts as `encode` does, and with tokens: what each word means there, 64 at most."""
        described = self._describe(texts)
        return Embedded(
            vectors=np.array([each.vector for each in described], dtype=np.float32).reshape(-1, DIM),
            tokens=tuple(at_most(each.tokens, MOST_OF_A_TEXT) for each in described),
        )

    def query_words(self, text: str) -> QueryWords:
        """Say what each word of a text means there."""
        (described,) = self._describe([text])
        return query_words(described.words, described.tokens)

    def _describe(self, texts: Sequence[str]) -> list[_Described]:
        cleaned = [_clean(text) for text in texts]
        encodings = self._tokenizer.encode_batch(cleaned)
        described: dict[int, _Described] = {}
        for batch in _batches(encodings):
            vectors, hidden = self._run([encodings[i] for i in batch], "vectors", "hidden")
            for i, vector, states in zip(batch, vectors, hidden, strict=True):
                words, pieces = words_of(encodings[i], cleaned[i])
                described[i] = _Described(vector, words, average(states, pieces))
        return [described[i] for i in range(len(texts))]

    def _run(self, encodings: Sequence[Encoding], *outputs: str) -> list[Tensor]:
        embeddings, mask = self._inputs(encodings)
        return list(self._session.run(outputs, {"embeddings": embeddings, "mask": mask}))

    def _inputs(self, encodings: Sequence[Encoding]) -> tuple[Tensor, Tensor]:
        """Word + position embeddings (b, s, 384) and mask (b, s)."""
        longest = max(len(encoding.ids) for encoding in encodings)
        ids: npt.NDArray[np.int64] = np.zeros((len(encodings), longest), dtype=np.int64)
        mask = np.zeros(ids.shape, dtype=np.float32)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        return self._words[ids] + self._positions[:longest], mask


def _clean(text: str) -> str:
    """Cut a text short, and replace what is no valid Unicode, such as bytes of another encoding in a command line."""
    return text[:MAX_CHARS].encode("utf-8", "replace").decode("utf-8")


def _batches(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    by_length = sorted(range(len(encodings)), key=lambda i: len(encodings[i].ids))
    for start in range(0, len(by_length), BATCH):
        yield by_length[start : start + BATCH]


def _graph_tensors(tensors: Tensors) -> dict[str, Tensor]:
    """Rename the checkpoint's tensors to the graph's; query, key and value become one matrix.

    Attention's division by sqrt(32) is folded into the query, which saves an operation a layer.
    """
    renamed = dict(_pair(tensors, "embeddings.LayerNorm", "embeddings.norm"))
    for layer in range(LAYERS):
        old, new = f"encoder.layer.{layer}", f"layer.{layer}"
        for kind in ("weight", "bias"):
            query, key, value = (tensors[f"{old}.attention.self.{part}.{kind}"] for part in ("query", "key", "value"))
            renamed[f"{new}.qkv.{kind}"] = np.concatenate([query / np.float32(sqrt(HEAD_DIM)), key, value])
        renamed.update(_pair(tensors, f"{old}.attention.output.dense", f"{new}.attention.out"))
        renamed.update(_pair(tensors, f"{old}.attention.output.LayerNorm", f"{new}.attention.norm"))
        renamed.update(_pair(tensors, f"{old}.intermediate.dense", f"{new}.inner"))
        renamed.update(_pair(tensors, f"{old}.output.dense", f"{new}.outer"))
        renamed.update(_pair(tensors, f"{old}.output.LayerNorm", f"{new}.norm"))
    return renamed


def _pair(tensors: Tensors, old: str, new: str) -> dict[str, Tensor]:
    return {f"{new}.{kind}": tensors[f"{old}.{kind}"] for kind in ("weight", "bias")}
