"""What every re-ranker must hold, as plain functions: run `CHECKS` over yours with any test runner.

    @pytest.mark.parametrize("check", reranker_contract.CHECKS)
    def test_my_reranker(check):
        check(MyReranker)

Each check calls the given factory for a re-ranker (`check_instances_agree` calls it twice). One that works on tokens of
another length than 64 is checked with `check(MyReranker, dim=384)`. Where loading is slow, hand in a factory that goes
round two instances: `itertools.cycle((MyReranker(), MyReranker())).__next__`.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import isfinite
from typing import cast

import numpy as np

from mmsearch.errors import MediaDamaged
from mmsearch.protocols import LookingReranker, Reranker
from mmsearch.rerank_types import Asked, Document
from mmsearch.rerankers.blend import Scores
from mmsearch.testing.reranker_samples import TEXTS, sample_asked, sample_documents
from mmsearch.types import MODALITIES, Modality, Pixels

MakeReranker = Callable[[], Reranker]

DIM = 64
TOLERANCE = 1e-4


def check_says_what_it_is(make: MakeReranker, dim: int = DIM) -> None:
    """Say by name, weights and needs what the re-ranker is, and go on saying it once it is loaded."""
    reranker = make()
    assert reranker.name, "the name is empty"
    assert set(reranker.weights) <= set(MODALITIES), f"unknown modalities: {set(reranker.weights) - set(MODALITIES)}"
    for kind, weight in reranker.weights.items():
        assert isfinite(weight), f"the weight for {kind} is {weight}"
        assert weight >= 0, f"the weight for {kind} is {weight}"
    before = (reranker.name, dict(reranker.weights), reranker.needs_tokens, reranker.image_input)
    reranker.load()
    reranker.load()
    after = (reranker.name, dict(reranker.weights), reranker.needs_tokens, reranker.image_input)
    assert after == before, "load() changed what the re-ranker says of itself"


def check_one_score_a_document(make: MakeReranker, dim: int = DIM) -> None:
    """Give a finite float32 score for each ordinary document, and none for none."""
    reranker = make()
    for kind in reranker.weights:
        for text in TEXTS:
            scores = _scored(reranker, sample_asked(reranker, dim, text), sample_documents(reranker, kind, dim))
            assert np.isfinite(scores).all(), f"an ordinary {kind} has no score for {text!r}"
    _scored(reranker, sample_asked(reranker, dim), [])


def check_documents_are_told_apart(make: MakeReranker, dim: int = DIM) -> None:
    """Give different documents different scores."""
    reranker = make()
    for kind in reranker.weights:
        scores = _scored(reranker, sample_asked(reranker, dim), sample_documents(reranker, kind, dim))
        assert len(set(scores.tolist())) > 1, f"all documents of kind {kind} have the same score"


def check_batches_do_not_matter(make: MakeReranker, dim: int = DIM) -> None:
    """Give a document the same score whatever else is asked about, in whatever order."""
    reranker = make()
    asked = sample_asked(reranker, dim)
    for kind in reranker.weights:
        documents = sample_documents(reranker, kind, dim)
        together = _scored(reranker, asked, documents)
        alone = np.concatenate([_scored(reranker, asked, [document]) for document in documents])
        _assert_close(together, alone, f"{kind}: alone and in a batch")
        _assert_close(_scored(reranker, asked, documents[::-1]), together[::-1], f"{kind}: in another order")
        _assert_close(_scored(reranker, asked, documents * 9)[: len(documents)], together, f"{kind}: in a large batch")


def check_kinds_may_be_mixed(make: MakeReranker, dim: int = DIM) -> None:
    """Give documents of several kinds at once the scores that they have kind by kind."""
    reranker = make()
    asked = sample_asked(reranker, dim)
    by_kind = [sample_documents(reranker, kind, dim) for kind in reranker.weights]
    apart = np.concatenate([np.empty(0, np.float32), *(_scored(reranker, asked, some) for some in by_kind)])
    mixed = _scored(reranker, asked, [document for some in by_kind for document in some])
    _assert_close(mixed, apart, "kinds together and apart")


def check_what_cannot_be_judged_is_nan(make: MakeReranker, dim: int = DIM) -> None:
    """Give NaN for a document without what the re-ranker works on, and the usual scores for the others."""
    reranker = make()
    asked = sample_asked(reranker, dim)
    for kind in reranker.weights:
        documents = sample_documents(reranker, kind, dim)
        whole = _scored(reranker, asked, documents)
        for broken in _broken(reranker, kind, documents[1]):
            scores = _scored(reranker, asked, [documents[0], broken, *documents[2:]])
            assert np.isnan(scores[1]), f"{kind}: a document that cannot be judged has the score {scores[1]}"
            others = np.arange(len(scores)) != 1
            _assert_close(scores[others], whole[others], f"{kind}: beside one that cannot be judged")


def check_instances_agree(make: MakeReranker, dim: int = DIM) -> None:
    """Give the same scores again, and from another instance."""
    one, other = make(), make()
    asked = sample_asked(one, dim)
    for kind in one.weights:
        documents = sample_documents(one, kind, dim)
        first = _scored(one, asked, documents)
        _assert_close(_scored(one, asked, documents), first, f"{kind}: the second time")
        _assert_close(_scored(other, asked, documents), first, f"{kind}: of another instance")


def check_threads_agree(make: MakeReranker, dim: int = DIM) -> None:
    """Give the same scores to several threads that ask at once, the first of which finds nothing loaded."""
    reranker = make()
    asked = sample_asked(reranker, dim)
    for kind in reranker.weights:
        documents = sample_documents(reranker, kind, dim)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _, given=documents: _scored(reranker, asked, given), range(8)))
        for scores in found[1:]:
            _assert_close(scores, found[0], f"{kind}: in several threads")


def check_looks_where_it_says(make: MakeReranker, dim: int = DIM) -> None:
    """Of a re-ranker with `relevance`: one finite value of 0 or more for each word and each token."""
    reranker = make()
    if not hasattr(reranker, "relevance"):
        return
    looking = cast(LookingReranker, reranker)
    asked = sample_asked(reranker, dim)
    assert asked.words is not None, "a re-ranker with `relevance` works on tokens"
    for kind in reranker.weights:
        for document in sample_documents(reranker, kind, dim):
            assert document.tokens is not None
            relevance = looking.relevance(asked, document)
            expected = len(asked.words.words), len(document.tokens)
            assert relevance.shape == expected, f"{kind}: relevance of shape {relevance.shape}, not {expected}"
            assert relevance.dtype == np.float32, f"{kind}: relevance is {relevance.dtype}"
            assert np.isfinite(relevance).all(), f"{kind}: relevance is not finite"
            assert (relevance >= 0).all(), f"{kind}: relevance is below 0"


CHECKS: tuple[Callable[..., None], ...] = (
    check_says_what_it_is,
    check_one_score_a_document,
    check_documents_are_told_apart,
    check_batches_do_not_matter,
    check_kinds_may_be_mixed,
    check_what_cannot_be_judged_is_nan,
    check_instances_agree,
    check_threads_agree,
    check_looks_where_it_says,
)


def _scored(reranker: Reranker, asked: Asked, documents: Sequence[Document]) -> Scores:
    scores = reranker.score(asked, documents)
    assert isinstance(scores, np.ndarray), f"scores are {type(scores).__name__}, not an array"
    assert scores.shape == (len(documents),), f"scores of shape {scores.shape} for {len(documents)} documents"
    assert scores.dtype == np.float32, f"scores are {scores.dtype}"
    assert not np.isinf(scores).any(), "a score is infinite"
    return scores


def _broken(reranker: Reranker, kind: Modality, document: Document) -> list[Document]:
    """Return a document again without its tokens, and without pixels that can be decoded."""
    found = [replace(document, tokens=None)] if reranker.needs_tokens else []
    if reranker.image_input is not None and kind == "image":
        unseen = f"{document.content_hash} damaged"  # nothing was kept of it
        found += [replace(document, content_hash=unseen, pixels=pixels) for pixels in (None, _damaged)]
    return found


def _damaged() -> Pixels:
    raise MediaDamaged("The picture is cut short.")


def _assert_close(one: Scores, other: Scores, what: str) -> None:
    assert np.allclose(one, other, atol=TOLERANCE, rtol=TOLERANCE), f"{what}: {one} and {other}"
