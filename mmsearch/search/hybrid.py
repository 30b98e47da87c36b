"""Stage 5b: what a segment means and which words it has become one score."""

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]

# All words of a query, found in one segment alone, make it e^5 = 150 times as likely as before that it is meant.
# Measured: benchmarks/hybrid.py; docs/decisions/0012-hybrid.md has the table.
EVIDENCE = 5.0
# The least that a segment with all the words is taken to mean: an encoder may know nothing of a name or a number.
_FLOOR = 0.02


def hybrid(vector: Scores, words: Scores) -> Scores:
    """Fuse scores (n,) by vector with scores (n,) by words: (n,), between 0 and 1.

    Words are evidence: they multiply the odds that a segment is meant, and segments without any stay as they are. So
    files without text keep their place among each other, and a hit never loses because another way of searching
    does not know it (unlike in a convex combination or rank fusion).

    Guarantees: rises with both; is `vector` itself where `words` is 0; each element depends on its own two alone.
    """
    prior = np.maximum(vector.astype(np.float64), _FLOOR * words)
    odds = prior * np.exp(EVIDENCE * words)
    fused = np.asarray(odds / (1 - prior + odds), dtype=np.float32)
    return np.where(words > 0, fused, vector)
