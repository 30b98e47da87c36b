"""Whether a collection and a table of pairs are such that a re-ranker can be trained, and why not."""

from collections.abc import Collection, Sequence

import numpy as np

from mmsearch.adapt.examples import Examples
from mmsearch.adapt.fit import MIN_ITEMS, MIN_LABELS
from mmsearch.adapt.folds import are_labelled, shared_labels
from mmsearch.adapt.pairs import Pair
from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import ModalityUnsupported, UsageError
from mmsearch.types import EncoderSpec, Modality

TRAINABLE: tuple[Modality, ...] = ("image", "audio")


def check_tokens(spec: EncoderSpec, catalog: Catalog, modalities: Collection[Modality]) -> None:
    """Refuse what no pairs could help.

    Raises:
        ModalityUnsupported: The model gives no tokens, or one of the modalities cannot be trained for.
        UsageError: The collection keeps no tokens, or outdated ones.
    """
    if not spec.tokens:
        raise ModalityUnsupported(
            f"The model {spec.space.model} gives no tokens, on which re-rankers work.", remedy="Use the built-in model."
        )
    if unfit := sorted(set(modalities) - set(TRAINABLE)):
        raise ModalityUnsupported(
            f"No re-ranker can be trained for {unfit[0]}.", remedy=f"One can for these: {', '.join(TRAINABLE)}."
        )
    if catalog.token_revision() != spec.tokens:
        kept = "outdated tokens" if catalog.token_revision() else "no tokens"
        raise UsageError(
            f"This collection keeps {kept}; re-rankers work on what the model gives now.",
            remedy="Run `mmsearch rebuild --tokens`, which reads the files again.",
        )


def check_examples(modality: Modality, examples: Examples) -> None:
    """Refuse too few captioned files.

    Raises:
        UsageError: They are too few, or their labels are.
    """
    different = len(np.unique(examples.group))
    if different < MIN_ITEMS:
        raise UsageError(
            f"Training for {modality} needs at least {MIN_ITEMS} different files with captions; there are {different}.",
            remedy="Give more pairs of files that are in the collection.",
        )
    if are_labelled(examples) and (labels := shared_labels(examples)) < MIN_LABELS:
        raise UsageError(
            f"Training for {modality} by labels needs at least {MIN_LABELS} that several files share; there are "
            f"{labels}.",
            remedy="Give files of more labels, or captions that tell the files apart.",
        )


def why_nothing(refused: Sequence[tuple[int, UsageError]], pairs: Sequence[Pair], known: int) -> UsageError:
    """Say why the kind with the most files was refused, or that hardly a file is in the collection."""
    files, error = max(refused, key=lambda each: each[0])
    if files or known:
        return error
    return UsageError(
        f"None of the {len(pairs):,} files in the table is in the collection. The first is {pairs[0].path}.",
        remedy="Index the files first; paths in the table are relative to its own folder.",
    )
