"""Which stored rows the committed blocks cover."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mmsearch.types import Block

Places = npt.NDArray[np.int64]


def inside(files: Places, first: Places, last: Places, committed: Sequence[Block]) -> npt.NDArray[np.bool_]:
    """Tell for each range of rows (n,), the last one included, whether a block covers it.

    Args:
        files: The file of each range.
        first: Its first row.
        last: Its last row.
        committed: In order of file and row.
    """
    covered = np.zeros(len(files), dtype=np.bool_)
    for file in {block.file for block in committed}:
        starts = np.array([block.first_row for block in committed if block.file == file], dtype=np.int64)
        ends = starts + np.array([block.rows for block in committed if block.file == file], dtype=np.int64)
        (here,) = np.nonzero(files == file)
        block = np.searchsorted(starts, first[here], side="right") - 1
        covered[here] = (block >= 0) & (first[here] <= last[here]) & (last[here] < ends[block])
    return covered
