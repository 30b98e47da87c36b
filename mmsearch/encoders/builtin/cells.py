"""The cells of a picture as vectors: what each would be if it were a picture by itself.

EfficientNet's last map has 7 x 7 places, and the features of a picture are their mean. Here it is the mean over each
cell of a coarser grid that is classified, named and corrected as a whole picture is (image.py, image_head.py), so
that cells, pictures and texts can be compared.
"""

import numpy as np

from mmsearch.encoders.builtin.weights import Tensor
from mmsearch.encoders.neighbours import cell_weights
from mmsearch.types import Tokens

GRID = (4, 4)  # rows and columns: a third of the work and of the storage of 7 x 7


def cell_features(maps: Tensor) -> Tensor:
    """Average maps (n, features, height, width) over their cells, row by row: (n * cells, features)."""
    n, features, height, width = maps.shape
    places = maps.reshape(n, features, height * width).swapaxes(1, 2)
    cells = cell_weights((height, width), GRID) @ places  # (n, cells, features)
    return np.asarray(cells.reshape(-1, features))


def by_picture(rows: Tokens) -> tuple[Tokens, ...]:
    """Give each picture its own cells again: (n * cells, d) to n arrays (cells, d)."""
    return tuple(rows.reshape(-1, GRID[0] * GRID[1], rows.shape[1]))
