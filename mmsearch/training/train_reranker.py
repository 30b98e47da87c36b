"""Training a re-ranker: read the pairs -> gather what is stored -> mine mistakes -> hold out and judge -> train on all.

Part after part of the captioned files is held out, to see what a re-ranker brings there that was trained on the rest.
When to stop, and how much the model counts beside the first stage, is chosen on files kept aside inside that rest. One
model serves all kinds of files, and is used for those that it helps for certain.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from time import monotonic

import numpy as np

from mmsearch.adapt.pairs import Pair, read_pairs
from mmsearch.config import Limits
from mmsearch.errors import UsageError
from mmsearch.gain_reports import RerankerReport
from mmsearch.hubness.gather import answers_in
from mmsearch.protocols import TokenEncoder
from mmsearch.rerankers import fusion_model
from mmsearch.rerankers.fusion import FusionReranker
from mmsearch.search.stored import from_one_state
from mmsearch.training.enough import TRAINABLE, check_examples, check_tokens, why_nothing
from mmsearch.training.learner import ONWARD, Recipe
from mmsearch.training.lessons import Course
from mmsearch.training.material import Stores, gather
from mmsearch.training.repeatable import repeatable
from mmsearch.training.settings import Settings
from mmsearch.training.team import joined
from mmsearch.training.trials import Kind, OnProgress, Trials
from mmsearch.types import Modality


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training came to.

    Attributes:
        reports: One a kind of file; none in processes that only help the first one.
        weights: The re-ranker as `rerankers.fusion` reads it; None if it helps with no kind for certain.
        tokens: Revision of the tokens that it works on.
    """

    reports: list[RerankerReport]
    weights: bytes | None
    tokens: str


def train_reranker(
    pairs: str | PathLike[str],
    stores: Stores,
    encoder: TokenEncoder,
    limits: Limits,
    *,
    modalities: Collection[Modality] = (),
    settings: Settings | None = None,
    current: Mapping[Modality, FusionReranker] | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> Trained:
    """Train a re-ranker on the user's pairs, and measure what it brings. Nothing is written.

    Args:
        pairs: See `read_pairs`.
        stores: Of the collection; only read.
        encoder: Of the collection; embeds the captions, and nothing else.
        limits: On the bytes of `pairs`.
        modalities: For these kinds only; by default for all that have enough pairs.
        settings: What the user says of it.
        current: Kind -> the re-ranker that searches use for it without this training, and that the new one is held
            against. The new one begins as that of the first kind which has one, centred on what this collection holds.
        on_progress: Is called now and then.

    Raises:
        UsageError: Too few of the pairs are about files of the collection, or these have no tokens stored.
        ModalityUnsupported: The model gives no tokens, or one of the modalities cannot be trained for.
        MediaError: `pairs` cannot be read.
        CollectionDamaged: What is stored cannot be read.

    Guarantees: on one machine and with as many processes, the same input gives the same re-ranker and, but for the
        seconds, the same reports, unless time is up before it is done.
    """
    started, settings = monotonic(), settings or Settings()
    check_tokens(encoder.spec, stores.catalog, modalities)
    given = read_pairs(pairs, limits)
    read = partial(_courses, given, stores, encoder, modalities, settings.depth)
    courses, unknown = from_one_state(stores.catalog, read)
    kinds = [course.material.modality for course in courses]
    in_use = {kind: each for kind, each in (current or {}).items() if kind in kinds}
    deadline = started + 60 * settings.max_minutes
    with joined() as team, repeatable(settings.seed):
        recipe = ONWARD if in_use else Recipe()
        trials = Trials(courses, recipe, settings.seed, team, deadline, on_progress, in_use)
        steps = trials.run()
        changes = steps > 0 or bool(in_use)  # one that begins as nothing and is not trained is nothing
        reports = [_report(kind, changes, settings, unknown, started) for kind in trials.kinds] if team.leads else []
        weights = {report.modality: report.weight for report in reports if report.helps}
        model = trials.train_on_all(steps) if team.agree(float(bool(weights))) else None
    written = fusion_model.to_bytes(model.cpu(), weights) if model is not None and weights else None
    return Trained(reports, written, encoder.spec.tokens)


def _courses(
    given: Sequence[Pair], stores: Stores, encoder: TokenEncoder, modalities: Collection[Modality], depth: int
) -> tuple[list[Course], int]:
    """Gather and search; also return how many files of the table are not in the collection."""
    answers = answers_in(given, stores.catalog)
    courses, refused = [], []
    for modality in [each for each in TRAINABLE if each in (modalities or TRAINABLE)]:
        material = gather(modality, answers, stores, encoder)
        try:
            check_examples(modality, material.examples)
        except UsageError as error:  # too few of this kind, which matters only if it was asked for
            if modalities:
                raise
            refused.append((material.examples.rows.items, error))
        else:
            courses.append(Course.of(material, depth))
    if not courses:
        raise why_nothing(refused, given, len(answers))
    return courses, len(given) - len(answers)


def _report(kind: Kind, changes: bool, settings: Settings, unknown: int, started: float) -> RerankerReport:
    examples, gallery = kind.course.material.examples, kind.course.material.gallery
    compared = kind.compared(settings.seed)
    weight = kind.weight()
    return RerankerReport(
        modality=kind.course.material.modality,
        items=examples.rows.items,
        queries=len(np.unique(np.concatenate([trial.asked.text for trial in kind.trials]))),
        others=gallery.items - examples.rows.items,
        folds=len(kind.trials),
        depth=settings.depth,
        weight=weight,
        before=compared.before,
        after=compared.after,
        difference=compared.difference,
        helps=changes and weight > 0 and compared.difference["mAP"].low > 0,
        seconds=monotonic() - started,
        unknown=unknown,
    )
