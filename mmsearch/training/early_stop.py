"""Train while it helps on files kept aside, and go back to where it helped most.

Source: Goodfellow, Bengio and Courville, "Deep Learning", section 7.8, algorithms 7.1 (when to stop) and 7.2 (then
training on everything for as many steps).
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from time import monotonic

import numpy as np
import numpy.typing as npt

from mmsearch.rerankers.fusion_model import FusionModel
from mmsearch.training.judging import Exam, logits_of, precisions
from mmsearch.training.learner import Learner
from mmsearch.training.team import Team

ROUND = 40  # steps between two looks at the files kept aside
ROUNDS = 25
PATIENCE = 5  # rounds without a better one

OnRound = Callable[[int], None]  # is told how many rounds are done


@dataclass(frozen=True, slots=True)
class Learnt:
    """A model at its best.

    Attributes:
        steps: After which it was.
        measured: `precisions` of it, one array an exam.
    """

    model: FusionModel
    steps: int
    measured: list[npt.NDArray[np.float64]]

    @property
    def value(self) -> float:
        """The mean average precision with the best weight, added up over the exams."""
        return sum(float(each.mean(axis=0).max()) for each in self.measured)


def learn(learner: Learner, exams: Sequence[Exam], team: Team, deadline: float, on_round: OnRound) -> Learnt:
    """Train until nothing is gained any more, or until a deadline, at which the clock `monotonic` arrives.

    Returns:
        What was best; in the first process of the team, and something in the others.
    """
    best = _measured(learner, exams, team)
    last = 0
    for number in range(1, ROUNDS + 1):
        learner.train(ROUND)
        on_round(number)
        now = _measured(learner, exams, team)
        if now.value > best.value:
            best, last = now, number
        if team.agree(float(number - last >= PATIENCE or monotonic() > deadline)):
            break
    return best


def train_for(learner: Learner, steps: int, team: Team, deadline: float, on_round: OnRound) -> None:
    """Make so many steps, unless a deadline comes before."""
    while learner.steps < steps and not team.agree(float(monotonic() > deadline)):
        learner.train(min(ROUND, steps - learner.steps))
        on_round(-(-learner.steps // ROUND))


def _measured(learner: Learner, exams: Sequence[Exam], team: Team) -> Learnt:
    model = learner.model
    measured = [precisions(exam, logits_of(model, exam, team.device)) for exam in exams] if team.leads else []
    return Learnt(deepcopy(model) if team.leads else model, learner.steps, measured)
