"""Whether an index that FAISS read from a file is one that a factory string makes; searching another may be a crash.

FAISS checks much of what it reads, but not all: version 1.15.1 takes an `IndexIVFPQFastScan` with any `qbs2`, by which
its search then reads behind its tables. So all numbers are compared with those of an empty index that is made anew from
the factory string, and the sizes of the tables with what these numbers make of them.
"""

from typing import Any

import faiss

from mmsearch.vectors.ann.factory import Factory

# What an index has more of, or otherwise, than an empty one: checked below or, as for graphs, by FAISS.
_GROWN = frozenset({"ntotal", "is_trained", "efConstruction", "entry_point", "max_level", "verbose"})
_NO_NUMBERS = frozenset({"this", "thisown", "use_visited_hashset"})  # the last one leaks and says so
_PARTS = ("index", "storage", "quantizer", "invlists", "sq", "pq", "rabitq", "hnsw")


def difference(index: Any, factory: str, *, dim: int, count: int) -> str:  # noqa: ANN401 - FAISS has no types
    """Say in what an index is not one of `count` rows that a factory string makes; "" if it is.

    Args:
        index: As FAISS read it.
        factory: What the index is said to be; it may be anything.
        dim: Of the rows.
        count: How many rows it must have.
    """
    taken = Factory.read(factory)
    if taken is None or taken.cells != _cells(index):  # so that no more cells are made than the file has
        return f"it is none of {factory[:64]!r}"
    try:
        made = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError:
        return f"FAISS makes no {factory!r} of dimension {dim}"
    # Written and read, since some numbers are not in the file and get their usual values.
    made = faiss.deserialize_index(faiss.serialize_index(made))
    return _difference(index, made, count) or _transforms_differ(index, made)


def _cells(index: Any) -> int:  # noqa: ANN401
    inner = faiss.downcast_index(index.index) if isinstance(index, faiss.IndexPreTransform) else index
    return int(inner.nlist) if isinstance(inner, faiss.IndexIVF) else 0


def _difference(found: Any, made: Any, count: int) -> str:  # noqa: ANN401
    found, made = _cast(found), _cast(made)
    if type(found) is not type(made):
        return f"it is a {type(found).__name__} instead of a {type(made).__name__}"
    for name, value in _numbers(made).items():
        if getattr(found, name, None) != value:
            return f"{name} of its {type(made).__name__} is {getattr(found, name, None)} instead of {value}"
    if reason := _sizes_differ(found, made, count):
        return f"the {reason} of its {type(made).__name__} have another size"
    for name in _PARTS:
        part = getattr(made, name, None)
        if part is not None and not callable(part):
            its_count = found.nlist if name == "quantizer" else count
            if reason := _difference(getattr(found, name), part, its_count):
                return reason
    return ""


def _cast(part: Any) -> Any:  # noqa: ANN401
    """Return an object as of its own class, where FAISS gives it as of one that it derives from."""
    if isinstance(part, faiss.Index):
        return faiss.downcast_index(part)
    return faiss.downcast_InvertedLists(part) if isinstance(part, faiss.InvertedLists) else part


def _numbers(part: Any) -> dict[str, int | float]:  # noqa: ANN401
    """Return the numbers that an object has, without constants of its class."""
    names = (name for name in dir(part) if not name.startswith("_") and not name.isupper())
    found = ((name, getattr(part, name)) for name in names if name not in _GROWN | _NO_NUMBERS)
    return {name: value for name, value in found if isinstance(value, int | float)}


def _sizes_differ(found: Any, made: Any, count: int) -> str:  # noqa: ANN401
    """Say which of an object's tables has not the size that its numbers make of it."""
    if isinstance(found, faiss.Index) and found.ntotal != count:
        return "rows"
    if isinstance(found, faiss.IndexFlatCodes) and found.codes.size() != count * found.code_size:
        return "codes"
    if isinstance(found, faiss.ProductQuantizer) and found.centroids.size() != made.centroids.size():
        return "centroids"
    if isinstance(found, faiss.ScalarQuantizer) and found.trained.size() != _trained_size(found):
        return "ranges"
    if isinstance(found, faiss.InvertedLists) and found.compute_ntotal() != count:
        return "lists"
    return ""


def _trained_size(quantizer: Any) -> int:  # noqa: ANN401
    """Return how many numbers a scalar quantizer learns: none for floats, else a range, for each dimension mostly."""
    one = faiss.ScalarQuantizer
    if quantizer.qtype in (one.QT_8bit, one.QT_6bit, one.QT_4bit):
        return 2 * int(quantizer.d)
    return 0


def _transforms_differ(index: Any, made: Any) -> str:  # noqa: ANN401
    """Compare what rotates vectors before they are filed."""
    if not isinstance(made, faiss.IndexPreTransform):
        return ""
    if index.chain.size() != made.chain.size():
        return "it transforms vectors otherwise"
    for number in range(made.chain.size()):
        found, wanted = (faiss.downcast_VectorTransform(each.chain.at(number)) for each in (index, made))
        if type(found) is not type(wanted) or (found.d_in, found.d_out) != (wanted.d_in, wanted.d_out):
            return "it transforms vectors otherwise"
        if isinstance(found, faiss.LinearTransform) and found.A.size() != found.d_in * found.d_out:
            return "the matrix of its rotation has another size"
    return ""
