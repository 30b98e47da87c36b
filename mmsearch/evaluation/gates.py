"""Gates: what an evaluation must reach, such as "recall@10>=0.4".

gate   = [scope ":"] metric operator number ["%"]
scope  = "text" | "image" | "audio" | "video"     relevant files of that kind only
       | "change"                                 the difference to the baseline, or to the first mode
metric = a metric of `metrics.parse_metric`, or "index_recall" of the index against exact search
"""

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mmsearch.errors import GateFailed, UsageError
from mmsearch.evaluation.metrics import MEDIAN_RANK, parse_metric
from mmsearch.evaluation.report import EvaluationReport
from mmsearch.types import MODALITIES

INDEX_RECALL = "index_recall"
CHANGE = "change"
_GATE = re.compile(
    r"\s*(?:(?P<scope>[a-z]{1,10})\s*:)?\s*(?P<metric>[A-Za-z_]{1,20}(?:@[0-9]{1,6})?)\s*"
    r"(?P<operator>>=|<=|>|<)\s*(?P<number>-?[0-9]{1,9}(?:\.[0-9]{1,12})?)\s*(?P<percent>%?)\s*"
)
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_DECIMALS = 9  # 0.3 + 0.1 reaches 0.4


@dataclass(frozen=True, slots=True)
class Gate:
    """A comparison of something measured with a number.

    Attributes:
        text: As it was written.
        scope: A modality, "change", or "" for all queries.
        metric: By its usual name.
        operator: One of >=, <=, > and <.
    """

    text: str
    scope: str
    metric: str
    operator: str
    number: float


def parse_gate(text: str, depth: int) -> Gate:
    """Read a gate.

    Raises:
        UsageError: It cannot be read, or names what is not measured.
    """
    found = _GATE.fullmatch(text)
    if not found:
        raise UsageError(f"The gate {text[:80]!r} cannot be read.", remedy="Write --gate 'recall@10>=0.4'.")
    scope = found["scope"] or ""
    of_index = found["metric"].lower() == INDEX_RECALL
    metric = INDEX_RECALL if of_index else parse_metric(found["metric"], depth)
    if scope not in ("", CHANGE, *MODALITIES) or (of_index and scope) or (scope == CHANGE and metric == MEDIAN_RANK):
        raise UsageError(
            f"The gate {text[:80]!r} has no value to look at.",
            remedy=f"Before the colon may stand {', '.join(MODALITIES)} or {CHANGE}.",
        )
    number = float(found["number"]) / (100 if found["percent"] else 1)
    return Gate(text.strip(), scope, metric, found["operator"], number)


def check_gates(gates: Sequence[Gate], report: EvaluationReport) -> None:
    """Hold a report against gates: for each run, or each comparison, that it has.

    Raises:
        GateFailed: One is not met; says all that are not.
    """
    missed = [f"{gate.text}: {miss}" for gate in gates for miss in _misses(gate, report)]
    if missed:
        raise GateFailed("\n".join([f"{len(missed)} of the gates' values are not met.", *missed]))


def _misses(gate: Gate, report: EvaluationReport) -> Iterator[str]:
    values = list(_values(gate, report))
    if not values:
        yield "nothing of the kind was measured"
    for where, value in values:
        if not _OPERATORS[gate.operator](round(value, _DECIMALS), gate.number):
            shown = f"{value:.4g}" if math.isfinite(value) else f"beyond {report.depth}"
            yield f"it is {shown}{where}"


def _values(gate: Gate, report: EvaluationReport) -> Iterator[tuple[str, float]]:
    """Yield what a gate looks at, with where it was measured."""
    if gate.metric == INDEX_RECALL:
        if report.index:
            yield "", report.index.recall.value
    elif gate.scope == CHANGE:
        for each in report.comparisons:
            yield f" from {each.before} to {each.after}", each.metrics[gate.metric].difference.value
    else:
        for run in report.runs:
            for group in run.groups:
                if (group.by, group.name) == (("target", gate.scope) if gate.scope else ("all", "all")):
                    yield f" ({run.name})", group.metrics[gate.metric].value
