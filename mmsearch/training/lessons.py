"""What is shown to a model: a caption, a file that it is said of, and files that the first stage takes for it.

Hard negatives are mined from the first stage once, since it does not change. A caption of one file is held against the
whole collection, as a search for it would be: files whose captions are held out are among it, as pictures, while what
is said of them is not seen. A label that several files share is held against files with other labels alone: whether
it fits a file without a label, or one held out, nobody has told.

Source: mining by the first stage, Li et al. 2021, "Align before Fuse" (ALBEF), section 3.2.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.examples import Examples, Rows
from mmsearch.training.first_stage import Lists, best_files, best_rows, nearest_texts
from mmsearch.training.material import Material
from mmsearch.types import Ids, Vectors

NONE = -1
TEXT_DEPTH = 32  # the nearest captions of a file, of which hard ones are drawn

Flags = npt.NDArray[np.bool_]


class Lesson(NamedTuple):
    """Rows of pairs to be scored together, of which the first is right and all others are wrong.

    Attributes:
        text: (b, m), or (b, 1) if all pairs of a row have the same.
        row: (b, m) or (b, 1), of the gallery.
        valid: (b, m) which pairs count.
    """

    text: Ids
    row: Ids
    valid: Flags


@dataclass(frozen=True, slots=True)
class Course:
    """The material of one modality, and what the first stage makes of it.

    Attributes:
        asked: (t, d + 1) the texts, as `Material.first_stage` has them.
        searched: The rows; the same.
        lists: What a search for each text finds.
        hard: (t, depth) rows for each text that are found and wrong, `NONE` for those that are not wrong.
        row: (p,) of each pair of a text and a file, the row of the file that is nearest to the text.
        said: (t, m) whether a text is said of a captioned file, or of a copy of it.
    """

    material: Material
    asked: Vectors
    searched: Rows
    lists: Lists
    hard: Ids
    row: Ids
    said: Flags

    @classmethod
    def of(cls, material: Material, depth: int) -> Self:
        """Search for all texts, `depth` files deep."""
        examples, (texts, gallery) = material.examples, material.first_stage
        lists = best_files(texts, gallery, depth)
        said = said_of(examples)
        hard = np.where(_among(said, lists.files), NONE, lists.rows)
        if (shared := _shared(examples)).any():
            captioned = gallery.of(np.arange(examples.rows.items))
            found = best_files(texts[shared], captioned, depth, last=said[shared])
            hard[shared] = NONE
            hard[shared, : found.files.shape[1]] = np.where(_among(said[shared], found.files), NONE, found.rows)
        row = best_rows(texts, gallery, examples.text, examples.item)
        return cls(material, texts, gallery, lists, hard, row, said)

    def lessons(self, learnt: Flags) -> "Lessons":
        """Return what may be shown if only what is said of some captioned files (m,) is known."""
        examples, gallery = self.material.examples, self.material.gallery
        pairs = np.flatnonzero(learnt[examples.item])
        hard = self.hard.copy()
        shared, captioned = _shared(examples), np.isin(np.arange(gallery.items), np.flatnonzero(~learnt))
        hard[shared[:, None] & captioned[gallery.item[hard]]] = NONE
        known = np.unique(examples.text[pairs])
        near = known[nearest_texts(gallery.vectors[self.row[pairs]], examples.texts[known], TEXT_DEPTH)]
        near[self.said[near, examples.item[pairs][:, None]]] = NONE
        return Lessons(examples.text[pairs], examples.item[pairs], self.row[pairs], hard, near, self.said)


@dataclass(frozen=True, slots=True)
class Lessons:
    """The pairs of a text and a file that may be shown, and what is wrong beside them.

    Attributes:
        text: (p,).
        item: (p,).
        row: (p,) of the file.
        hard_rows: (t, depth) for each text; `NONE` where there are no more.
        hard_texts: (p, n) for each pair; the same.
        said: (t, m).
    """

    text: Ids
    item: Ids
    row: Ids
    hard_rows: Ids
    hard_texts: Ids
    said: Flags

    def __len__(self) -> int:
        return len(self.text)

    def rows_for(self, pairs: Ids, hard: int, easy: int, random: np.random.Generator) -> Lesson:
        """Set files against the one of each pair (b,): `hard` that the first stage finds, `easy` of other pairs."""
        drawn = _drawn(self.hard_rows[self.text[pairs]], hard, random)
        others = random.integers(len(self), size=(len(pairs), easy))
        wrong = ~self.said[self.text[pairs][:, None], self.item[others]]
        row = np.column_stack([self.row[pairs], drawn, self.row[others]])
        valid = np.column_stack([np.ones(len(pairs), np.bool_), drawn != NONE, wrong])
        return Lesson(self.text[pairs][:, None], np.where(valid, row, self.row[pairs][:, None]), valid)

    def texts_for(self, pairs: Ids, hard: int, random: np.random.Generator) -> Lesson:
        """Set texts near to the file of each pair (b,) against its own."""
        drawn = _drawn(self.hard_texts[pairs], hard, random)
        text = np.column_stack([self.text[pairs], drawn])
        valid = text != NONE
        return Lesson(np.where(valid, text, self.text[pairs][:, None]), self.row[pairs][:, None], valid)


def said_of(examples: Examples) -> Flags:
    """Tell which texts are said of which files, or of copies of them: (t, m)."""
    content = np.unique(examples.group, return_inverse=True)[1]
    said = np.zeros((len(examples.texts), content.max(initial=-1) + 1), dtype=np.bool_)
    said[examples.text, content[examples.item]] = True
    return np.asarray(said[:, content])


def _shared(examples: Examples) -> Flags:
    """Tell which texts (t,) are said of several files of different content."""
    pairs = np.unique([examples.text, examples.group[examples.item]], axis=1)
    return np.bincount(pairs[0], minlength=len(examples.texts)) > 1


def _among(said: Flags, files: Ids) -> Flags:
    """Tell of which of the files (t, n) found for each text it is said; never of those without captions."""
    captioned = files < said.shape[1]
    return np.asarray(captioned & np.take_along_axis(said, np.where(captioned, files, 0), axis=1))


def _drawn(places: Ids, count: int, random: np.random.Generator) -> Ids:
    """Draw so many of each row (b, n) without replacement: (b, min(count, n)), `NONE` where there are not so many."""
    keys = np.where(places == NONE, 2.0, random.random(places.shape))
    return np.take_along_axis(places, np.argsort(keys, axis=1)[:, :count], axis=1)
