"""What good matches of pictures and sounds as queries reach; part of benchmarks.no_match.

A photo has an answer if the captions of another are near its own (0.6), a sound if another has its label. Notes are
the first captions of photos, and the phrases for each label of sounds. Pictures and sounds find each other if most
captions name what the label says. "Left out" is the best hit once all that is like the query is taken away.
"""

import numpy as np
import numpy.typing as npt

from benchmarks.answerable import Material
from benchmarks.sounds import things_on
from mmsearch.types import Vectors

LIKE, UNLIKE = 0.6, 0.3  # cosines of captions
Mask = npt.NDArray[np.bool_]


def report_media(material: Material) -> None:
    """Print the levels of each pair."""
    photos, sounds = material.photos, material.sounds
    near = material.themes @ material.themes.T
    own = np.eye(len(photos), dtype=bool)
    _report("image -> image", photos, photos, ~own, (near >= LIKE) & ~own, near < UNLIKE)
    close = material.notes @ material.notes.T
    _report("image -> text", photos, material.notes, _all(own), own, close < UNLIKE)
    labels = np.array(material.labels)
    same, itself = labels[:, None] == labels, np.eye(len(labels), dtype=bool)
    _report("audio -> audio", sounds, sounds, ~itself, same & ~itself, ~same)
    phrases = [(label, phrase) for label, each in material.sound_queries.items() for phrase in each]
    said = labels[:, None] == np.array([label for label, _ in phrases])
    _report("audio -> text", sounds, material.vectors(phrase for _, phrase in phrases), _all(said), said, ~said)
    shown = things_on({str(i): each for i, each in enumerate(material.captions)}, sorted(set(material.labels)))
    together = np.array([shown.get(str(i), "") for i in range(len(photos))])[:, None] == labels
    _report("image -> audio", photos, sounds, _all(together), together, ~together)
    _report("audio -> image", sounds, photos, _all(together.T), together.T, ~together.T)


def _all(mask: Mask) -> Mask:
    return np.ones_like(mask)


def _report(name: str, queries: Vectors, gallery: Vectors, searched: Mask, right: Mask, unlike: Mask) -> None:
    """Print one pair; masks (queries, gallery) say what may be found, what is right, and what is surely wrong."""
    cosines = (queries @ gallery.T).astype(np.float64)
    answerable = right.any(axis=1)
    doubtful, typical = np.percentile(np.where(searched, cosines, -1).max(axis=1)[answerable], [5, 50])
    left_out = np.where(unlike, cosines, -1).max(axis=1)[answerable]
    print(
        f"{name}: {answerable.sum()} with an answer, doubtful {doubtful:.3f}  typical {typical:.3f}  "
        f"left out: half reach {np.median(left_out):.2f}, below doubtful {100 * (left_out < doubtful).mean():.0f} %"
    )
