"""Queries and documents for the contract of re-rankers, with what one of them works on."""

from functools import partial

import numpy as np
import numpy.typing as npt

from mmsearch.normalise import unit_rows
from mmsearch.protocols import Reranker
from mmsearch.rerank_types import Asked, Document
from mmsearch.types import ImageInput, Modality, Pixels, QueryWords

TEXTS: tuple[str, ...] = (
    "a red boat",
    "x",
    "?!",
    "zwei Hunde am Strand, 海辺の犬",
    "a brown dog runs over the wet sand of a long beach while the sun goes down behind the hills",
)
_PASSAGES = (
    "A boat with a red sail lies in the harbour.",
    "Bread needs flour, water, salt and time.",
    "Zwei Hunde laufen am Strand.",
    "42",
    "word " * 200,
)
_TOKENS = (16, 1, 4, 64, 7)  # of each document
_MOST_WORDS = 64


def sample_asked(reranker: Reranker, dim: int, text: str = TEXTS[0]) -> Asked:
    """Make a query whose words have tokens (t, dim) that follow from how they are written."""
    words = tuple(text.split())[:_MOST_WORDS]
    rows = np.stack([_row(word, dim) for word in words])
    return Asked(text, unit_rows(rows.sum(axis=0)[None])[0], QueryWords(words, rows) if reranker.needs_tokens else None)


def sample_documents(reranker: Reranker, kind: Modality, dim: int) -> list[Document]:
    """Make five documents of a kind, each with 1 to 64 tokens and all else that a re-ranker may look at."""
    return [_document(reranker, kind, number, dim) for number in range(len(_TOKENS))]


def _document(reranker: Reranker, kind: Modality, number: int, dim: int) -> Document:
    tokens = np.stack([_row(f"{kind} {number} {place}", dim) for place in range(_TOKENS[number])])
    wanted = reranker.image_input if kind == "image" else None
    return Document(
        id=number + 1,
        modality=kind,
        cosine=0.9 - 0.3 * number,
        vector=unit_rows(tokens.mean(axis=0)[None])[0] if reranker.needs_tokens else None,
        tokens=tokens if reranker.needs_tokens else None,
        text=_PASSAGES[number] if kind == "text" else None,
        content_hash=f"sample {number}" if wanted else "",
        pixels=partial(_picture, wanted, number) if wanted else None,
    )


def _picture(wanted: ImageInput, number: int) -> Pixels:
    random = np.random.default_rng(number)
    pixels = np.full((wanted.height_px, wanted.width_px, 3), random.integers(0, 256, 3), dtype=np.uint8)
    pixels[: wanted.height_px // 2] = random.integers(0, 256, 3)
    return pixels


def _row(name: str, dim: int) -> npt.NDArray[np.float32]:
    """Return a row (d,) that follows from a name."""
    return np.random.default_rng(list(name.encode())).standard_normal(dim).astype(np.float32)
