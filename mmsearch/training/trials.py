"""Hold out part after part: train on the rest, choose when to stop and how much the model counts, judge."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median_low
from time import monotonic

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.compare import Comparison, Trial, compare
from mmsearch.adapt.metrics import ALL_METRICS, Values
from mmsearch.rerankers.fusion import FusionReranker
from mmsearch.rerankers.fusion_model import FusionModel, from_reranker
from mmsearch.training.early_stop import ROUNDS, learn, train_for
from mmsearch.training.judging import Exam, best_weight, logits_of
from mmsearch.training.learner import Learner, Recipe, Subject
from mmsearch.training.lessons import Course
from mmsearch.training.parts import Part, parts
from mmsearch.training.team import Team
from mmsearch.types import Modality

MAX_TEXTS_TO_CHOOSE = 200  # of a kind, in a part
MAX_TEXTS_TO_JUDGE = 500

OnProgress = Callable[[int, int], None]  # is told how much is done, of how much at most


@dataclass(frozen=True, slots=True)
class Kind:
    """One modality, and what was measured of it so far; in the first process of a team only.

    Attributes:
        chosen: `judging.precisions` of the files that chose, part after part.
        trials: Of the files held out, part after part.
    """

    course: Course
    parts: Sequence[Part]
    chosen: list[npt.NDArray[np.float64]] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)

    def weight(self) -> float:
        """Return how much a model of all files is to count, by what the files that chose say."""
        return best_weight(self.chosen)

    def compared(self, seed: int) -> Comparison:
        """Compare searches for the files held out, before and after."""
        return compare(self.trials, seed, ALL_METRICS)


class Trials:
    """All trainings, in the time that there is.

    Args:
        courses: One a modality.
        recipe: Of each training.
        seed: Of each training.
        team: The processes that train together.
        deadline: When the clock `monotonic` shows this, the last training is to end, or soon after.
        on_progress: Is called now and then.
        current: Kind -> the re-ranker that searches use for it without this training, and that is to be exceeded. The
            model begins as that of the first kind which has one, centred on what this collection holds; without any,
            as one that changes nothing.
    """

    def __init__(
        self,
        courses: Sequence[Course],
        recipe: Recipe,
        seed: int,
        team: Team,
        deadline: float,
        on_progress: OnProgress,
        current: Mapping[Modality, FusionReranker] | None = None,
    ) -> None:
        self.kinds = [Kind(course, parts(course.material.examples)) for course in courses]
        self._recipe = recipe
        self._seed = seed
        self._team = team
        self._deadline = deadline
        self._on_progress = on_progress
        self._current = {kind: (from_reranker(each), each.weights[kind]) for kind, each in (current or {}).items()}
        in_use = [self._current.get(course.material.modality) for course in courses]
        self._start = next((each[0] for each in in_use if each), None)
        self._count = max(len(kind.parts) for kind in self.kinds)

    def run(self) -> int:
        """Hold out each part, and return after how many steps the usual training was at its best."""
        return median_low([self._run(number) for number in range(self._count)])

    def train_on_all(self, steps: int) -> FusionModel:
        """Train on all files."""
        subjects = [
            Subject(course.material, course.lessons(np.ones(course.material.examples.rows.items, np.bool_)))
            for course in (kind.course for kind in self.kinds)
        ]
        learner = Learner(subjects, self._recipe, self._seed, self._team, self._start)
        train_for(learner, steps, self._team, self._until(self._count), self._told(self._count))
        self._on_progress(1, 1)
        return learner.model

    def _run(self, number: int) -> int:
        """Train without one part; kinds that have fewer parts begin again, and are not judged again."""
        divided = [(kind, kind.parts[number % len(kind.parts)]) for kind in self.kinds]
        subjects = [Subject(kind.course.material, kind.course.lessons(part.taught)) for kind, part in divided]
        exams = [Exam.of(kind.course, part.choosing, part.taught, MAX_TEXTS_TO_CHOOSE) for kind, part in divided]
        learner = Learner(subjects, self._recipe, self._seed, self._team, self._start)
        learnt = learn(learner, exams, self._team, self._until(number), self._told(number))
        if self._team.leads:
            for (kind, part), chosen in zip(divided, learnt.measured, strict=True):
                if number < len(kind.parts):
                    kind.chosen.append(chosen)
                    kind.trials.append(self._judged(kind.course, part, learnt.model, best_weight([chosen])))
        return round(self._team.agree(learnt.steps))

    def _judged(self, course: Course, part: Part, model: FusionModel, weight: float) -> Trial:
        exam = Exam.of(course, part.held, part.taught | part.choosing, MAX_TEXTS_TO_JUDGE)
        judge = self._current.get(course.material.modality)
        before = self._answered(exam, *judge) if judge else exam.before()
        return Trial(exam.of_held(), before, self._answered(exam, model, weight) if weight else before)

    def _answered(self, exam: Exam, model: FusionModel, weight: float) -> Values:
        return exam.after(logits_of(model.to(self._team.device).eval(), exam, self._team.device), weight)

    def _until(self, number: int) -> float:
        """Share the time that is left among this training and those that follow."""
        now = monotonic()
        return now + max(0.0, self._deadline - now) / (self._count + 1 - number)

    def _told(self, number: int) -> Callable[[int], None]:
        """Count rounds of all trainings."""
        return lambda rounds: self._on_progress(number * ROUNDS + rounds, (self._count + 1) * ROUNDS)
