"""Tokens of any number, padded and masked: what the model takes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mmsearch.rerankers.fusion import KINDS
from mmsearch.rerankers.fusion_model import Batch
from mmsearch.training.lessons import Lesson
from mmsearch.training.material import Material
from mmsearch.types import CodedTokens, Ids, Tokens
from mmsearch.vectors.tokens import dequantise


def padded(coded: Sequence[CodedTokens], dim: int) -> tuple[Tokens, npt.NDArray[np.bool_]]:
    """Write n inputs of t tokens each or fewer as (n, t, dim), zeros after the last, and which there are (n, t)."""
    counts = np.array([len(each) for each in coded], dtype=np.int64)
    mask = np.arange(counts.max(initial=1)) < counts[:, None]
    tokens = np.zeros((*mask.shape, dim), dtype=np.float32)
    if coded:
        tokens[mask] = dequantise(np.concatenate(coded))
    return tokens, mask


def make_batch(material: Material, text: Ids, row: Ids, device: torch.device) -> Batch:
    """Put texts (b,) and the rows (b, m) that each is held against on a device."""
    dim = material.gallery.vectors.shape[1]
    different, words = _gathered(material.words, text, dim, device)
    seen, tokens = _gathered(material.tokens, row, dim, device)
    return Batch(
        query=torch.from_numpy(material.examples.texts[text]).to(device),
        words=words[0][different],
        word_mask=words[1][different],
        vectors=torch.from_numpy(material.gallery.vectors[row]).to(device),
        tokens=tokens[0][seen],
        token_mask=tokens[1][seen],
        kind=torch.full(row.shape, KINDS.index(material.modality), device=device),
    )


def lesson_batch(material: Material, lesson: Lesson, device: torch.device) -> Batch:
    """Put a lesson on a device; its pairs (b, m) are those of the batch, in order, whatever the shape of its logits."""
    if lesson.text.shape[1] == 1:
        return make_batch(material, lesson.text[:, 0], lesson.row, device)
    rows = np.broadcast_to(lesson.row, lesson.text.shape)
    return make_batch(material, lesson.text.ravel(), rows.reshape(-1, 1), device)


def _gathered(
    coded: Sequence[CodedTokens], wanted: Ids, dim: int, device: torch.device
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Decode each input once: places (wanted.shape) among the different ones, and their tokens and mask."""
    different, places = np.unique(wanted, return_inverse=True)
    tokens, mask = padded([coded[each] for each in different.tolist()], dim)
    index = torch.from_numpy(places.reshape(wanted.shape)).to(device)
    return index, (torch.from_numpy(tokens).to(device), torch.from_numpy(mask).to(device))
