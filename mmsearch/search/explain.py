"""Last stage, on request: where the score of each hit comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsearch.queries import Hit
from mmsearch.search.candidates import cosines_of
from mmsearch.search.compose import portions
from mmsearch.search.encode import weights_of
from mmsearch.search.pool import Pool, Scores
from mmsearch.types import Ids

if TYPE_CHECKING:
    from mmsearch.search.rank import Ranking


def explained(hits: Sequence[Hit], ranking: "Ranking", reranked: Mapping[int, dict[str, Any]]) -> tuple[Hit, ...]:
    """Say of each hit what each part of the query, the words, the calibration and the bank gave it.

    Args:
        hits: Among those of `ranking.best`.
        ranking: That found them.
        reranked: Id -> what the second stage says of a hit, if it looked at it.

    Guarantees: for parts that were added up, their contributions sum to the cosine (to 1e-4).
    """
    return tuple(replace(hit, explain=_explain(hit, ranking) | {"rerank": reranked.get(hit.id)}) for hit in hits)


def _explain(hit: Hit, ranking: "Ranking") -> dict[str, Any]:
    query, pool = ranking.query, ranking.pools[hit.modality]
    here = pool.place_of(hit.id)
    return {
        "score": hit.score,
        "mode": query.mode,
        "combine": query.combine,
        "vector": _vector(hit, ranking, pool, here),
        "parts": _parts(hit, ranking),
        "words": _words(pool, here) if ranking.words is not None else None,
        "filter": {
            "modalities": sorted(query.filter.modalities),
            "where": query.filter.written or None,
            "segments": ranking.allowed(hit.modality),
            "left_out_files": len(query.filter.exclude_assets),
        },
    }


def _vector(hit: Hit, ranking: "Ranking", pool: Pool, here: int) -> dict[str, Any] | None:
    if ranking.probe is None:
        return None
    found: dict[str, Any] = {
        "score": float(pool.vector[here]),
        "rank": _rank(pool.vector, here),
        "cosine": hit.cosine,
        "penalty": float(ranking.penalties(pool.ids[here : here + 1], hit.modality)[0]),
    }
    if len(ranking.probe.vectors) == 1:
        found["background"] = _background(ranking, hit, hit.cosine or 0.0)
    return found


def _background(ranking: "Ranking", hit: Hit, cosine: float) -> dict[str, float] | None:
    """Say how the query scores in the collection at large, and by how many standard deviations the hit exceeds it."""
    assert ranking.probe is not None
    background = ranking.background(ranking.probe.vectors[0], hit.modality)
    if background is None:
        return None
    deviations = (cosine - background.mean) / background.sd if background.sd else 0.0
    return {"mean": background.mean, "sd": background.sd, "size": background.size, "deviations": deviations}


def _parts(hit: Hit, ranking: "Ranking") -> list[dict[str, Any]]:
    if ranking.probe is None:
        return []
    ids: Ids = np.array([hit.id], dtype=np.int64)
    cosines = cosines_of(ranking.probe.parts, ranking.state.index, ids)
    shares = _shares(cosines, hit, ranking)
    return [
        {"part": part.name, "kind": part.modality, "weight": part.weight, "cosine": float(cosine), **share}
        for part, cosine, share in zip(ranking.query.parts, cosines[:, 0], shares, strict=True)
    ]


def _shares(cosines: Scores, hit: Hit, ranking: "Ranking") -> list[dict[str, float]]:
    """Say what each part adds to the cosine, or what score it gives alone if the parts were searched for apart."""
    assert ranking.probe is not None
    if len(ranking.probe.vectors) > 1:
        return [{"score": float(score)} for score in ranking.calibrate(cosines, hit.modality)[:, 0]]
    amounts = portions(ranking.probe.parts, weights_of(ranking.query.parts))
    length = float(np.linalg.norm(amounts @ ranking.probe.parts))
    return [{"contribution": share} for share in (amounts * cosines[:, 0] / length).tolist()]


def _words(pool: Pool, here: int) -> dict[str, Any]:
    score = float(pool.words[here])
    return {"score": score, "rank": _rank(pool.words, here) if score > 0 else None}


def _rank(scores: Scores, here: int) -> int:
    """Return the place of one candidate, from 1, by one kind of score."""
    return 1 + int(np.count_nonzero(scores > scores[here]))
