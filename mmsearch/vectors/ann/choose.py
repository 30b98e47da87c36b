"""Which index suits so many vectors, by what the user wants: an exact scan where it is fast enough, else cells.

Measured at 1,000,000 x 384 on one core, with queries that lie off the vectors as texts do. Behind cells it is the least
time of FAISS's search for so many of the nearest 10, over 24 to 192 probes, and half a microsecond for each candidate
that is then compared with its stored row:

    scan of float32 rows          60 ms   1.000
    scan of float16 rows          34 ms   0.999
    IVF4096,PQ192x4fsr           0.34 ms  0.980    0.46 ms  0.990    mean of two runs; 125 bytes of memory a vector
    IVF4096,PQ192x4fs            0.48 ms  0.980    0.78 ms  0.990    codes not relative to the centre of the cell
    IVF4096,PQ128x4fsr           0.43 ms  0.980    0.64 ms  0.990
    IVF4096,PQ96x4fsr            0.43 ms  0.980    0.62 ms  0.990
    IVF4096,RaBitQfs2            0.51 ms  0.980    0.72 ms  0.990
    IVF2048,PQ192x4fsr           0.39 ms  0.980    0.73 ms  0.990
    IVF8192,PQ192x4fsr           0.50 ms  0.980    0.57 ms  0.990

Differences under a fifth are noise. With a graph over the centres of the cells, searched as broadly as FAISS does by
itself (IVF4096_HNSW32), one in eight of the nearest is lost whatever the number of probes.
"""

import math

from mmsearch.errors import UsageError
from mmsearch.vectors.ann import factory
from mmsearch.vectors.ann.factory import Factory
from mmsearch.vectors.plan import IndexWishes, Recipe

FLAT_BELOW = 20_000  # vectors: a scan by numpy takes a few milliseconds, less than importing FAISS would
KINDS = ("flat", "faiss-flat", "flat-f16", "hnsw", "ivf-flat", "ivf-sq8", "ivf-pq", "ivf-rabitq")

# What one core of a desktop reads; float16 rows are converted meanwhile.
_SCAN_BYTES_PER_MS = 25e6
_HALF_SCAN_BYTES_PER_MS = 22e6
_HALF_RECALL = 0.999  # what rounding the rows to float16 leaves of it
_MEMORY_SHARE = 4  # an index may take the fourth part of the machine's memory
_TRAINING_POINTS = 39  # a cell: below that FAISS finds the centres poorly placed
_MOST_CELLS = 1 << 16
_ID_BYTES = 8


def choose(count: int, dim: int, wishes: IndexWishes, *, memory_bytes: int) -> tuple[Recipe, ...]:
    """Say what to build for so many vectors, best first.

    An exact scan is taken whenever it should be fast enough. Else cells with short codes; if measuring shows that
    these do not find enough, cells with longer codes, and at last a scan although it is slow. Where the memory is too
    small for all of them, the smallest comes alone. The last one can always be built.

    Args:
        count: Of vectors.
        dim: Of them.
        wishes: Of the user.
        memory_bytes: Of the machine.

    Raises:
        UsageError: What was asked for is no kind of index.
    """
    if wishes.asked != "auto":
        return (recipe_for(wishes.asked, count, dim),)
    if count < FLAT_BELOW:
        return (Recipe("flat"),)
    if wishes.min_recall > _HALF_RECALL:
        return (Recipe("faiss-flat"),)
    budget = wishes.max_memory_bytes or memory_bytes // _MEMORY_SHARE
    scans = [recipe_for(kind, count, dim) for kind in ("faiss-flat", "flat-f16")]
    cells = [recipe_for(kind, count, dim) for kind in ("ivf-pq", "ivf-sq8")]
    fast = [scan for scan in scans if _scan_ms(scan, dim, count) <= wishes.max_latency_ms]
    exact = [scan for scan in fast if _memory(scan, dim, count) <= budget]
    fitting = [recipe for recipe in (*cells, scans[-1]) if _memory(recipe, dim, count) <= budget]
    if exact or fitting:
        return tuple(exact[:1] or fitting)
    smallest = (cells[0], recipe_for("ivf-rabitq", count, dim))
    return (min(smallest, key=lambda recipe: _memory(recipe, dim, count)),)


def recipe_for(asked: str, count: int, dim: int) -> Recipe:
    """Return the recipe of a kind or of a factory string of FAISS, for so many vectors of this dimension.

    Raises:
        UsageError: It is neither, or cannot work here.
    """
    cells, parts = cells_for(count), dim // 2 if dim % 2 == 0 else dim
    match asked:
        case "flat" | "faiss-flat":
            return Recipe(asked)
        case "flat-f16":
            return Recipe(asked, half=True)
        case "hnsw":
            return Recipe(asked, "HNSW32,SQfp16", half=True)
        case "ivf-flat":
            return Recipe(asked, f"IVF{cells},Flat")
        case "ivf-sq8":
            return Recipe(asked, f"IVF{cells},SQ8", half=True)
        case "ivf-pq":  # codes of two dimensions each, or of one if their number is odd
            return Recipe(asked, f"IVF{cells},PQ{parts}x4fsr", half=True)
        case "ivf-rabitq":
            return Recipe(asked, f"IVF{cells},RaBitQfs", half=True)
    if asked == "" or asked.islower():
        remedy = f"Take one of {', '.join(KINDS)}, auto, or a factory string of FAISS such as IVF1024,PQ192x4fsr."
        raise UsageError(f"{asked[:40]!r} is no kind of index.", remedy=remedy)
    factory.check(asked, dim)
    return Recipe("factory", asked, half=True)


def cells_for(count: int) -> int:
    """Return how many cells suit so many vectors: a power of two about 4 sqrt(n), with enough vectors in each."""
    wanted = 1 << round(math.log2(4 * math.sqrt(max(count, 1))))
    while wanted > 1 and wanted * _TRAINING_POINTS > count:
        wanted //= 2
    return min(wanted, _MOST_CELLS)


def bytes_per_vector(recipe: Recipe, dim: int, count: int) -> float:
    """Estimate how much memory an index of so many vectors needs for each, so that searches are as fast as measured.

    A scan reads all rows. Behind a structure rows stay on disk, and the system keeps those in memory that are asked
    for; only ids and structure count.
    """
    if not recipe.factory:
        return _ID_BYTES + dim * (2 if recipe.half else 4)
    taken = Factory.read(recipe.factory)
    if taken is None:
        raise ValueError(f"{recipe.factory!r} was not checked")
    return _ID_BYTES + taken.bytes_per_vector(dim, count)


def memory_note(recipe: Recipe, dim: int, count: int, wishes: IndexWishes, *, memory_bytes: int) -> str:
    """Return what to tell the user if an index takes more memory than it may; "" if it does not."""
    budget = wishes.max_memory_bytes or memory_bytes // _MEMORY_SHARE
    needed = _memory(recipe, dim, count)
    if needed <= budget:
        return ""
    return f"It takes {needed / 2**20:,.0f} MiB of memory, more than the {budget / 2**20:,.0f} MiB that it may."


def _memory(recipe: Recipe, dim: int, count: int) -> float:
    return count * bytes_per_vector(recipe, dim, count)


def _scan_ms(recipe: Recipe, dim: int, count: int) -> float:
    """Estimate the time of one search that compares all rows."""
    return count * dim * (2 / _HALF_SCAN_BYTES_PER_MS if recipe.half else 4 / _SCAN_BYTES_PER_MS)
