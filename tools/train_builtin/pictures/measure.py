"""How often a caption finds its own picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.retrieval import read_pairs
from mmsearch.encoders.builtin.image_head import ImageHead
from mmsearch.normalise import unit_rows
from mmsearch.types import Vectors
from tools.train_builtin.pictures.examples import Examples, embed
from tools.train_builtin.pictures.sources import CLIP_ART, EMOJI, PHOTOS, Picture

HELD_CLIP_ART, HELD_EMOJI = 428, 184
KS = (1, 5, 10)
Scores = dict[str, float]


def ranks(vectors: Vectors, texts: Vectors, owner: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rank, from 1, of each caption's own picture among all.

    Args:
        vectors: (n, d) unit rows, of pictures.
        texts: (m, d) unit rows, of captions.
        owner: (m,) the row of each caption's picture.
    """
    cosines = texts @ vectors.T
    own = cosines[np.arange(len(texts)), owner]
    return np.asarray(1 + (cosines > own[:, None]).sum(axis=1), dtype=np.int64)


def scores(vectors: Vectors, examples: Examples) -> Scores:
    """Return R@1, R@5 and R@10 in percent, and the number of pictures."""
    rank = ranks(vectors, examples.texts, examples.owner)
    return {f"R@{k}": round(100 * float(np.mean(rank <= k)), 1) for k in KS} | {"pictures": len(vectors)}


def corrected(examples: Examples, head: ImageHead) -> Vectors:
    """Return the unit vectors (n, 384) that the head makes of pictures."""
    return unit_rows(examples.base + head.correction(head.features(examples.pooled)))


def held_out(examples: Examples, seed: int) -> npt.NDArray[np.bool_]:
    """Mark the pictures that are only measured on: whole subjects, so an emoji is held out in all styles."""
    random = np.random.default_rng(seed)
    chosen: set[str] = set()
    for sources, count in (((CLIP_ART,), HELD_CLIP_ART), (EMOJI, HELD_EMOJI)):
        subjects = np.unique(examples.subject[np.isin(examples.source, sources)])
        chosen |= set(random.permutation(subjects)[:count].tolist())
    return np.asarray(np.isin(examples.subject, sorted(chosen)) & (examples.source != PHOTOS), dtype=np.bool_)


def galleries(held: Examples) -> dict[str, Examples]:
    """Split held-out drawings by source, one picture a subject: others of the same name would be right answers too."""
    parts = {}
    for source in np.unique(held.source).tolist():
        of_source = held.of(held.source == source)
        _, first = np.unique(of_source.subject, return_index=True)
        parts[source] = of_source.of(np.isin(np.arange(len(of_source.subject)), first))
    return parts


def joined(parts: Sequence[Examples]) -> Examples:
    """Put galleries together into one."""
    starts = np.cumsum([0, *(len(part.base) for part in parts)])
    return Examples(
        source=np.concatenate([part.source for part in parts]),
        subject=np.concatenate([part.subject for part in parts]),
        base=np.concatenate([part.base for part in parts]),
        pooled=np.concatenate([part.pooled for part in parts]),
        texts=np.concatenate([part.texts for part in parts]),
        owner=np.concatenate([part.owner + start for part, start in zip(parts, starts, strict=False)]),
    )


def read_gallery(folder: Path) -> Examples:
    """Embed a folder of captioned photos, laid out as benchmarks.retrieval wants it."""
    captions: dict[str, list[str]] = {}
    for pair in read_pairs(folder, all_captions=True):
        captions.setdefault(pair.path, []).append(pair.caption)
    return embed(Picture(folder.name, path, tuple(texts), Path(path).read_bytes()) for path, texts in captions.items())
