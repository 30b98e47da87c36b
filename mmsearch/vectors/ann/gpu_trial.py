"""A search on the GPU in a process of its own, because FAISS ends the process if the GPU or its driver is not right.

So it is with a GPU that is older or newer than the installed build of FAISS: its asserts cannot be caught. Run as
`python -m mmsearch.vectors.ann.gpu_trial`, which exits with 0 if the GPU finds what the CPU finds.
"""

import subprocess
import sys
from functools import cache

_SECONDS = 120
_DIM, _ROWS, _QUERIES, _DEPTH = 64, 5000, 16, 10


@cache
def trial_failure() -> str:
    """Try the GPU in another process, once; return what it says if it fails, else nothing."""
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"it did not answer within {_SECONDS} s"
    except OSError as error:
        return f"it could not be tried: {error}"
    if done.returncode == 0:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return said[-1][:500] if said else f"exit code {done.returncode}"


def main() -> int:
    """Compare rough scores of the GPU with exact ones; return the exit code."""
    import numpy as np

    from mmsearch.normalise import unit_rows
    from mmsearch.vectors.ann.gpu import on_gpu, the_device

    random = np.random.default_rng(1)
    rows = unit_rows(random.standard_normal((_ROWS, _DIM)))
    queries = unit_rows(random.standard_normal((_QUERIES, _DIM)))
    proposer = on_gpu(the_device(), [rows], _DIM)
    scores, places = proposer.propose(queries, _DEPTH, 1)
    exact = queries @ rows.T
    assert proposer.rounding is not None
    found = np.take_along_axis(exact, places, axis=1)
    best = -np.sort(-exact, axis=1)[:, :_DEPTH]
    right = abs(scores - found).max() <= proposer.rounding and abs(found - best).max() <= 2 * proposer.rounding
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
