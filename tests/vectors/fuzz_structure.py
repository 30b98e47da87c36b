"""Run in a process of its own: change bytes of an index's structure, and open and search it in forks of this process.

What each fork ended as is counted and printed: "taken", "refused", another error, or the signal that ended it. Only the
first bytes are changed, where all numbers are; behind them lie tables.
"""

import os
import random
import sys
from collections import Counter
from pathlib import Path
from signal import Signals

import numpy as np
from made_indexes import DIM, IDS, QUERIES, ROWS, write

from mmsearch.errors import CollectionDamaged
from mmsearch.vectors.faiss_index import FaissIndex
from mmsearch.vectors.plan import Costs, Effort, IndexDetails

BEHIND_HEADER = 33  # what is before is compared byte by byte
NUMBERS = (0, 1, 0xFF, 2**31 - 1, 2**32, 2**40, 2**62, -1)
ALWAYS_ASK = Costs(gather_ns=1e6, scan_ns=1e6, structure_ns=0, structure_start_us=0)


def changed(whole, chance, first_bytes):
    """Change one byte, or eight of them to a number that is too small or too large."""
    data = bytearray(whole)
    place = chance.randrange(BEHIND_HEADER, min(first_bytes, len(whole) - 8))
    if chance.random() < 0.7:
        data[place] ^= chance.randrange(1, 256)
    else:
        data[place : place + 8] = chance.choice(NUMBERS).to_bytes(8, "little", signed=True)
    return bytes(data)


def use(folder):
    """Do all that one does with an index."""
    loaded = FaissIndex.load(folder, DIM)
    index = loaded.with_details(IndexDetails(loaded.details.recipe, Effort(4, 100, 3.0), ALWAYS_ASK))
    index.search(QUERIES, 10)
    index.search(QUERIES, 10, allowed=IDS[::2])
    index.add(np.array([5000]), ROWS[:1])
    index.save(folder / "saved")


def outcome(folder):
    pid = os.fork()
    if not pid:
        os.close(2)  # FAISS says much
        try:
            use(folder)
            os._exit(0)
        except CollectionDamaged:
            os._exit(1)
        except BaseException:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return Signals(-code).name if code < 0 else ("taken", "refused", "another error")[code]


def main(folder, kind, cases, seed, first_bytes):
    folder, chance, seen = Path(folder), random.Random(int(seed)), Counter()
    write(folder, kind)
    whole = (folder / "structure.faiss").read_bytes()
    for _ in range(int(cases)):
        (folder / "structure.faiss").write_bytes(changed(whole, chance, int(first_bytes)))
        seen[outcome(folder)] += 1
    sys.stdout.writelines(f"{name} {count}\n" for name, count in seen.items())


if __name__ == "__main__":
    main(*sys.argv[1:])
