"""The plain truth about nearest neighbours, in float64, that an index is held against."""

import numpy as np
import numpy.typing as npt

from mmsearch.types import Candidates, Ids, Vectors

TOLERANCE = 1e-5


def cosines(query: Vectors, vectors: Vectors) -> npt.NDArray[np.float64]:
    """Cosines (n,) between a query (d,) and vectors (n, d) of any length; 0 for a vector of zeros."""
    return np.asarray(_unit(vectors) @ _unit(query[np.newaxis])[0])


def assert_exact(
    found: Candidates, query: Vectors, k: int, *, ids: Ids, vectors: Vectors, allowed: Ids | None = None
) -> None:
    """Fail unless `found` are the best k of vectors (n, d) under ids (n,), best first, ties in order of id.

    Args:
        found: What the index returned.
        query: (d,), of any length.
        k: How many were asked for.
        ids: What is in the index.
        vectors: The same, of any length; equal ones must come in order of id.
        allowed: The limit that was given, if any.
    """
    inside = np.isin(ids, allowed) if allowed is not None else np.ones(len(ids), dtype=bool)
    ids, vectors = ids[inside], vectors[inside]
    true_scores = cosines(query, vectors)
    assert found.ids.dtype == np.int64, f"ids are {found.ids.dtype}"
    assert found.scores.dtype == np.float32, f"scores are {found.scores.dtype}"
    assert found.ids.shape == found.scores.shape == (min(k, len(ids)),), (
        f"{min(k, len(ids))} of {len(ids)} wanted, got {found.ids.shape} ids and {found.scores.shape} scores"
    )
    assert np.isin(found.ids, ids).all(), "an id is not in the index, was removed, or is not allowed"
    assert len(np.unique(found.ids)) == len(found), "an id comes twice"
    order = np.argsort(ids)
    places = order[np.searchsorted(ids, found.ids, sorter=order)]
    _assert_close(found.scores, true_scores[places], "scores of the ids")
    _assert_close(found.scores, np.sort(true_scores)[::-1][: len(found)], "best scores")
    _assert_order(found)
    as_good = true_scores >= found.scores.min(initial=1) - TOLERANCE
    _assert_equal_vectors_in_order(found.ids, ids[as_good], vectors[as_good])


def _unit(vectors: Vectors) -> npt.NDArray[np.float64]:
    rows = vectors.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    return np.asarray(rows / lengths)


def _assert_close(scores: npt.ArrayLike, expected: npt.ArrayLike, what: str) -> None:
    worst = float(np.abs(np.subtract(scores, expected, dtype=np.float64)).max(initial=0.0))
    assert worst <= TOLERANCE, f"{what} are off by {worst:.2g}"


def _assert_order(found: Candidates) -> None:
    steps = np.diff(found.scores)
    assert (steps <= 0).all(), "a worse score comes before a better one"
    assert (np.diff(found.ids)[steps == 0] > 0).all(), "equal scores are not in order of id"


def _assert_equal_vectors_in_order(found: Ids, ids: Ids, vectors: Vectors) -> None:
    """Of vectors that are the same, those with lower ids must come first, also where k cuts them off."""
    groups: dict[bytes, list[int]] = {}
    for place in np.argsort(ids):
        groups.setdefault((vectors[place] + 0).tobytes(), []).append(int(ids[place]))
    rank = {id_: place for place, id_ in enumerate(found.tolist())}
    for group in groups.values():
        ranks = [rank.get(id_, len(rank)) for id_ in group]
        assert ranks == sorted(ranks), f"equal vectors {group[:10]} came at ranks {ranks[:10]}"
