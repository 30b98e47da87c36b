"""The re-ranker that comes with the built-in model: fusion.py, trained on captioned pictures.

It was trained on clip art, emoji and some photos (builtin.json is its card; `python -m tools.train_builtin.reranker`
makes it), and is used for the kinds that it helps on data it has never seen: docs/benchmarks.md.
"""

import hashlib
from importlib.resources import files

from mmsearch.errors import WeightsDamaged
from mmsearch.rerankers.fusion import FusionReranker

FILE = files("mmsearch.rerankers") / "builtin.safetensors"
SHA256 = "fdcacf7ce2462f3326b57fc81b385d962754059476c9ed82557994696769875e"
DIM = 384


class BuiltinReranker(FusionReranker):
    """The built-in re-ranker, read and checked when it is made: 110 kB.

    Raises:
        WeightsDamaged: Its file is missing, or is not the pinned one.
    """

    def __init__(self) -> None:
        read = FusionReranker.from_bytes(_checked(), name="builtin", dim=DIM)
        super().__init__(read.name, read.tensors, read.weights)


def _checked() -> bytes:
    try:
        data = FILE.read_bytes()
    except OSError as error:
        raise WeightsDamaged(f"The built-in re-ranker's file {FILE} is missing.") from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise WeightsDamaged(f"The built-in re-ranker's file {FILE} is not the one that mmsearch was made with.")
    return data
