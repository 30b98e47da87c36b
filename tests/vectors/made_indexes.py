"""Small indexes of several kinds, as they lie on disk."""

import numpy as np

from mmsearch.normalise import unit_rows
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.plan import Recipe

DIM = 8
COUNT = 300
IDS = np.arange(10, 10 + 3 * COUNT, 3)
ROWS = unit_rows(np.random.default_rng(0).standard_normal((COUNT, DIM)))
RECIPES = {
    "flat": Recipe("flat"),
    "faiss-flat": Recipe("faiss-flat"),
    "flat-f16": Recipe("flat-f16", half=True),
    "hnsw": Recipe("hnsw", "HNSW8,SQfp16", half=True),
    "ivf-sq8": Recipe("ivf-sq8", "IVF4,SQ8", half=True),
    "ivf-pq": Recipe("ivf-pq", "IVF4,PQ4x4fsr", half=True),
    "ivf-rabitq": Recipe("ivf-rabitq", "IVF4,RaBitQfs", half=True),
    "factory": Recipe("factory", "RR8,IVF4,Flat"),
}
QUERIES = unit_rows(np.random.default_rng(1).standard_normal((5, DIM)))


def write(folder, kind):
    """Write the files of an index."""
    if kind == "flat":
        FlatIndex.of(IDS, ROWS).save(folder)
        return
    from mmsearch.vectors.ann.build import build

    build(folder, IDS, [ROWS], RECIPES[kind], dim=DIM)


def publish(folder, number=3, kind="flat"):
    """Make a generation, and describe it to the catalog as one that is right."""
    store = GenerationStore(folder, DIM)
    with store.making(number) as made:
        write(made, kind)
    return described(folder, number, kind)


def described(folder, number=3, kind="flat"):
    """Describe the files as they are now: sizes and checksums are right, whatever they hold."""
    last_id = int(IDS[-1])
    return GenerationStore(folder, DIM).describe(number, kind, vectors=COUNT, last_id=last_id, basis="image:1")
