"""How well texts of files held out are answered, before and after their lists are re-ranked as searches do it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from mmsearch.adapt.examples import Examples
from mmsearch.adapt.metrics import ALL_METRICS, Scores, Values, judge
from mmsearch.rerankers.blend import order
from mmsearch.rerankers.fusion_model import FusionModel
from mmsearch.training.batches import make_batch
from mmsearch.training.lessons import Course, Flags
from mmsearch.types import Ids

WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
PRECISION = ALL_METRICS.index("mAP")
_TEXTS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Exam:
    """Texts that are searched for.

    Attributes:
        course: Of their modality.
        examples: All files, of which only those have texts that are asked for or known.
        held: (m,) the files asked for.
        absent: (m,) files that are not there: neither asked for nor known.
    """

    course: Course
    examples: Examples
    held: Flags
    absent: Flags

    @classmethod
    def of(cls, course: Course, held: Flags, known: Flags, max_texts: int) -> "Exam":
        """Ask for the texts of some files (m,) among these, the known ones and all without captions.

        Of more than `max_texts` an even selection is asked for.
        """
        examples = course.material.examples
        texts = np.unique(examples.text[held[examples.item]])
        asked = texts[:: -(-len(texts) // max_texts)] if len(texts) else texts
        kept = np.where(held[examples.item], np.isin(examples.text, asked), known[examples.item])
        shown = replace(examples, text=examples.text[kept], item=examples.item[kept])
        return cls(course, shown, held, ~(held | known))

    @property
    def texts(self) -> Ids:
        """The numbers of the texts that are asked for, ascending."""
        return np.unique(self.examples.text[self.held[self.examples.item]])

    def of_held(self) -> Examples:
        """Return the files that are asked for, numbered anew, with the texts that are."""
        return self.examples.of(np.flatnonzero(self.held))

    def before(self) -> Values:
        """Return `ALL_METRICS` of each text, in order of number, as the first stage answers it."""
        return self.after(np.zeros((len(self.texts), self.course.lists.files.shape[1]), dtype=np.float32), 0.0)

    def after(self, logits: Scores, weight: float) -> Values:
        """Return the same, re-ranked by what `logits_of` gave for the texts."""
        asked, lists = self.texts, self.course.lists

        def rescored(some: Ids, scores: Scores) -> None:
            scores[:, : len(self.absent)][:, self.absent] = -np.inf
            for text, row in zip(some.tolist(), scores, strict=True):
                found = self._present(lists.files[text])
                files = lists.files[text][found]
                again = order(lists.scores[text][found], logits[np.searchsorted(asked, text)][found], weight)
                row[files[again]] = np.sort(row[files])[::-1]  # dealt out anew, as searches do

        examples = replace(self.examples, texts=self.course.asked)
        return judge(examples, self.course.searched, self.held, rescored=rescored, metrics=ALL_METRICS)

    def _present(self, files: Ids) -> Ids:
        captioned = files < len(self.absent)
        return np.flatnonzero(~(captioned & self.absent[np.where(captioned, files, 0)]))


@torch.no_grad()  # type: ignore[untyped-decorator]
def logits_of(model: FusionModel, exam: Exam, device: torch.device) -> Scores:
    """Return what a model says of the files found for each text of an exam: (texts, depth)."""
    lists = exam.course.lists
    made = [np.empty((0, lists.files.shape[1]), dtype=np.float32)]
    for start in range(0, len(exam.texts), _TEXTS_AT_ONCE):
        texts = exam.texts[start : start + _TEXTS_AT_ONCE]
        batch = make_batch(exam.course.material, texts, lists.rows[texts], device)
        made.append(model(batch).float().cpu().numpy())
    return np.concatenate(made)


def precisions(exam: Exam, logits: Scores) -> npt.NDArray[np.float64]:
    """Return the average precision of each text of an exam with each of `WEIGHTS`: (texts, weights)."""
    return np.stack([exam.after(logits, weight)[:, PRECISION] for weight in WEIGHTS], axis=1)


def best_weight(measured: Sequence[npt.NDArray[np.float64]]) -> float:
    """Return the weight with the best mean of `precisions`, of equal ones the least."""
    return WEIGHTS[int(np.concatenate(measured).mean(axis=0).argmax())]
