"""The contract of re-rankers finds what is wrong with one."""

from itertools import count

import numpy as np
import pytest

from mmsearch.errors import MediaError
from mmsearch.testing import reranker_contract
from mmsearch.types import ImageInput


class Good:
    """Likes long texts, and pictures that are brighter than the query is long."""

    name = "good"
    weights = {"text": 0.5, "image": 1.0}  # noqa: RUF012
    needs_tokens = False
    image_input = ImageInput(16, 8)

    def load(self):
        pass

    def score(self, asked, documents):
        return np.array([self.of(asked, document) for document in documents], dtype=np.float32)

    def of(self, asked, document):
        if document.modality == "text":
            return len(document.text) / (len(document.text) + len(asked.text))
        try:
            return document.pixels().mean() / 255 - len(asked.text) if document.pixels else np.nan
        except MediaError:
            return np.nan


class Nameless(Good):
    name = ""


class OfSmells(Good):
    weights = {"smell": 1.0}  # noqa: RUF012


class Negative(Good):
    weights = {"text": -1.0}  # noqa: RUF012


class Changing(Good):
    def load(self):
        self.weights = {"text": 0.75}


class Doubles(Good):
    def score(self, asked, documents):
        return super().score(asked, documents).astype(np.float64)


class Pairs(Good):
    def score(self, asked, documents):
        return super().score(asked, documents)[:, None]


class Indifferent(Good):
    def score(self, asked, documents):
        return np.zeros(len(documents), dtype=np.float32)


class Infinite(Good):
    def score(self, asked, documents):
        return np.full(len(documents), np.inf, dtype=np.float32)


class Relative(Good):
    """Scores by rank within the batch."""

    def score(self, asked, documents):
        return np.argsort(np.argsort(super().score(asked, documents))).astype(np.float32)


class Blind(Good):
    """Stumbles over a damaged picture."""

    def of(self, asked, document):
        return document.pixels().mean() if document.modality == "image" else super().of(asked, document)


class Moody(Good):
    """Says something else each time."""

    times = count()

    def score(self, asked, documents):
        return super().score(asked, documents) + np.float32(next(self.times))


class Looking(Good):
    needs_tokens = True
    weights = {"audio": 1.0}  # noqa: RUF012
    image_input = None

    def of(self, asked, document):
        return np.nan if document.tokens is None else float(document.tokens[0] @ asked.words.tokens[0])

    def relevance(self, asked, document):
        return np.abs(asked.words.tokens @ document.tokens.T)


class LookingAway(Looking):
    def relevance(self, asked, document):
        return asked.words.tokens @ document.tokens.T


class Transposed(Looking):
    def relevance(self, asked, document):
        return super().relevance(asked, document).T


@pytest.mark.parametrize("kind", [Good, Looking])
@pytest.mark.parametrize("check", reranker_contract.CHECKS, ids=lambda check: check.__name__)
def test_a_good_one_passes(kind, check):
    check(kind)
    check(kind, dim=48)


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (Nameless, "says_what_it_is"),
        (OfSmells, "says_what_it_is"),
        (Negative, "says_what_it_is"),
        (Changing, "says_what_it_is"),
        (Doubles, "one_score_a_document"),
        (Pairs, "one_score_a_document"),
        (Infinite, "one_score_a_document"),
        (Indifferent, "documents_are_told_apart"),
        (Relative, "batches_do_not_matter"),
        (Relative, "kinds_may_be_mixed"),
        (Moody, "instances_agree"),
        (Moody, "threads_agree"),
        (LookingAway, "looks_where_it_says"),
        (Transposed, "looks_where_it_says"),
    ],
)
def test_a_bad_one_is_found_out(kind, check):
    with pytest.raises(AssertionError):
        getattr(reranker_contract, f"check_{check}")(kind)


def test_one_that_stumbles_over_a_damaged_file_is_found_out():
    with pytest.raises((MediaError, TypeError)):
        reranker_contract.check_what_cannot_be_judged_is_nan(Blind)
