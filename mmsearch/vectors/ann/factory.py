"""Factory strings of FAISS: what mmsearch takes of them, why it refuses the rest, and what the codes weigh.

FAISS itself is asked only about a string that somebody wrote: it is imported then.
"""

import re
from dataclasses import dataclass
from typing import Self

from mmsearch.errors import UsageError
from mmsearch.vectors.plan import MAX_PROBES

_REMEDY = "Name a kind instead, such as ivf-pq."
_MOST_CHARS = 64
_ROTATION = r"(?:(?:OPQ\d{1,4}(?:_(?P<opq>\d{1,4}))?|RR(?P<rr>\d{1,4})|Pad(?P<pad>\d{1,4})),)?"
_CELLS = r"IVF(?P<cells>[1-9]\d{0,6})(?:_HNSW[1-9]\d{0,2}|\(HNSW[1-9]\d{0,2}\)|\(SQfp16\))?"
_SCALARS = r"Flat|SQ(?:4|6|8|fp16|bf16)"
_CODE = rf"(?P<code>{_SCALARS}|PQ[1-9]\d{{0,3}}(?:x4fsr?|(?:x(?:[4-9]|1[0-2]))?(?:np)?)|RaBitQ(?:fs)?[1-9]?)"
_GRAPH = rf"HNSW(?P<links>[1-9]\d{{0,2}})(?:[,_](?P<point>{_SCALARS}))?"
_TAKEN = re.compile(rf"{_ROTATION}(?:{_CELLS},{_CODE}|{_GRAPH})", re.ASCII)

_REFUSED = {  # of parts of a string
    r"PCA.*": "PCA moves the centre of the vectors, which changes their inner products; take OPQ or RR",
    r"(Refine.*|RFlat)": "what the index proposes is compared with the stored rows anyway",
    r"IDMap.*": "the ids are kept beside the index",
    r"B(Flat|IVF|HNSW|Hash).*": "the vectors are not binary",
    r"(ITQ.*|LSH.*)": "it moves the centre of the vectors and keeps only signs",
    r"NSG.*": "FAISS cannot filter in it",
    r"IMI.*": "FAISS has it for Euclidean distances only",
    r"P?(RQ|LSQ).*": "FAISS cannot filter in it",
    r".*\+.*": "FAISS has it for Euclidean distances only",
}
_ONE_BIT_FACTORS_BYTES, _FACTORS_BYTES = 8, 20  # what RaBitQ keeps beside the bits of a vector, one or more each
_ID_BYTES = 8
_LINK_BYTES = 4
_FAST_SCAN_BLOCK = 32  # rows are filed in blocks of so many, of which the last one of each cell is half empty


@dataclass(frozen=True, slots=True)
class Factory:
    """A factory string, taken apart.

    Attributes:
        cells: How many; 0 for a graph.
        links: Of each point of a graph, on the upper levels; 0 for cells.
        code: How a vector is written, such as "PQ192x4fsr".
        width: Of a vector after the rotation; 0 if that does not change it.
    """

    cells: int
    links: int
    code: str
    width: int

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Take a string apart; None if it is none that mmsearch takes."""
        found = _TAKEN.fullmatch(text) if len(text) <= _MOST_CHARS else None
        if found is None or int(found["cells"] or 0) > MAX_PROBES:
            return None
        width = found["opq"] or found["rr"] or found["pad"] or 0
        return cls(
            int(found["cells"] or 0), int(found["links"] or 0), found["code"] or found["point"] or "Flat", int(width)
        )

    def bytes_per_vector(self, dim: int, count: int) -> float:
        """Estimate what the structure takes of memory; rows and their ids lie outside."""
        width = self.width or dim
        code = _code_bytes(self.code, width)
        if self.links:
            return code + 2 * self.links * _LINK_BYTES * 1.1 + _ID_BYTES
        share = self.cells / max(count, 1)
        waste = _FAST_SCAN_BLOCK / 2 * code if "fs" in self.code else 0
        return code + _ID_BYTES + share * (4 * width + waste)


def check(text: str, dim: int) -> None:
    """Check a factory string that somebody wrote; nothing is built.

    Raises:
        UsageError: It cannot work here, and why.
    """
    if reason := _refusal(text):
        raise UsageError(f"An index {text[:_MOST_CHARS]!r} cannot be: {reason}.", remedy=_REMEDY)
    import faiss

    few_cells = re.sub(r"IVF\d+", "IVF1", text)  # those cost memory before the first vector
    try:
        faiss.index_factory(dim, few_cells, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        reason = str(error).rpartition("Error: ")[2].splitlines()[0][:200]
        raise UsageError(f"FAISS cannot make {text!r} for dimension {dim}: {reason}.", remedy=_REMEDY) from error


def _refusal(text: str) -> str:
    if Factory.read(text):
        return ""
    for part in re.split(r"[,()_]", text[:_MOST_CHARS]):
        for pattern, reason in _REFUSED.items():
            if re.fullmatch(pattern, part):
                return f"with {part}, {reason}" if not part.startswith("B") else reason
    return "mmsearch takes cells with codes, such as IVF4096,PQ192x4fsr, or a graph, such as HNSW32,SQfp16"


def _code_bytes(code: str, width: int) -> float:
    if code.startswith("PQ"):
        parts, _, bits = re.sub("fsr?|np", "", code[len("PQ") :]).partition("x")
        return int(parts) * int(bits or 8) / 8
    if code.startswith("RaBitQ"):
        each = int(code.removeprefix("RaBitQ").removeprefix("fs") or 1)
        return width * each / 8 + (_ONE_BIT_FACTORS_BYTES if each == 1 else _FACTORS_BYTES)
    return width * {"Flat": 4, "SQ4": 0.5, "SQ6": 0.75, "SQ8": 1, "SQfp16": 2, "SQbf16": 2}[code]
