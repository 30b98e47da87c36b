"""Files of an index that somebody made up, with checksums that are right: refused, and never the end of the process."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import faiss
import numpy as np
import pytest
from made_indexes import COUNT, DIM, IDS, RECIPES, ROWS, described, publish

from mmsearch.errors import CollectionDamaged
from mmsearch.vectors.ann.rows import MappedRows
from mmsearch.vectors.array_files import write_array
from mmsearch.vectors.generation import GenerationStore
from mmsearch.vectors.plan import IndexDetails

STRUCTURES = [kind for kind, recipe in RECIPES.items() if recipe.factory]


def load(folder, kind):
    """Load what lies there, as if it had been published so."""
    return GenerationStore(folder, DIM).load(described(folder, 3, kind))


def refuse(folder, kind, match):
    with pytest.raises(CollectionDamaged, match=match) as raised:
        load(folder, kind)
    assert "mmsearch rebuild" in raised.value.remedy


def details_of(kind, **changes):
    return replace(IndexDetails(RECIPES[kind], trained_on=COUNT), **changes)


def with_recipe(**changes):
    return details_of("ivf-sq8", recipe=replace(RECIPES["ivf-sq8"], **changes)).to_json()


def with_value(key, value):
    return json.dumps(asdict(details_of("ivf-sq8")) | {key: value})


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "does not describe an index"),
        ("[" * 60_000, "does not describe an index"),
        ('{"recipe": ' * 5_000, "does not describe an index"),
        ("9" * 5_000, "does not describe an index"),
        ("[]", "does not describe an index"),
        ("null", "does not describe an index"),
        ("\x00", "does not describe an index"),
        ("x" * (1 << 17), "does not match its checksum|too large"),
        (with_value("trained_on", 1e9), "does not describe an index"),
        (with_value("effort", {"probes": -1, "candidates": 1, "factor": 1}), "does not describe an index"),
        (with_value("effort", {"probes": 1, "candidates": 1, "factor": float("inf")}), "does not describe an index"),
        (with_value("costs", {}), "does not describe an index"),
        (with_recipe(kind="hnsw"), "of kind 'hnsw', not 'ivf-sq8'"),
        (with_recipe(factory=""), "cannot be an index of the files"),
        (with_recipe(half=False), "not a file of 300 rows"),
        (with_recipe(factory="IVF4,Flat"), "instead of a IndexIVFFlat"),
        (with_recipe(factory="IVF4,SQ4"), "of its .* is .* instead of"),
        (with_recipe(factory="IVF8,SQ8"), "it is none of 'IVF8,SQ8'"),
        (with_recipe(factory="IVF99999999999,Flat"), "it is none of"),
        (with_recipe(factory="HNSW8,SQfp16"), "it is none of"),
        (with_recipe(factory="IVF4,PQ7x4fs"), "FAISS makes no"),
        (with_recipe(factory="I" * 60_000), "it is none of 'I+'"),
    ],
)
def test_details(tmp_path, text, match):
    publish(tmp_path, 3, "ivf-sq8")
    (tmp_path / "00000003" / "index.json").write_text(text)
    refuse(tmp_path, "ivf-sq8", match)


@pytest.mark.parametrize("name", ["ids.npy", "gone.npy"])
@pytest.mark.parametrize(
    "ids", [IDS[::-1], np.zeros(COUNT, dtype=np.int64), -IDS[::-1], IDS.astype(np.int32), IDS.reshape(2, -1)]
)
def test_ids(tmp_path, name, ids):
    publish(tmp_path, 3, "hnsw")
    write_array(tmp_path / "00000003" / name, ids)
    refuse(tmp_path, "hnsw", "array|sorted|shape")


def test_ids_that_are_gone_but_never_were_there(tmp_path):
    publish(tmp_path, 3, "hnsw")
    write_array(tmp_path / "00000003" / "gone.npy", np.array([0, 11, 2**62]))
    assert len(load(tmp_path, "hnsw")) == COUNT


@pytest.mark.parametrize(("count", "dim", "half"), [(COUNT, DIM, False), (COUNT + 1, DIM, True), (COUNT, 4, True)])
def test_rows(tmp_path, count, dim, half):
    publish(tmp_path, 3, "ivf-pq")
    rows = np.ones((count, dim), dtype=np.float32)
    MappedRows.write(tmp_path / "00000003" / "rows.faiss", [rows], count=count, dim=dim, half=half)
    refuse(tmp_path, "ivf-pq", "not a file of 300 rows of dimension 8")


def test_rows_of_another_type(tmp_path):
    """As large as they have to be."""
    publish(tmp_path, 3, "ivf-pq")
    path = tmp_path / "00000003" / "rows.faiss"
    data = path.read_bytes()
    for other in (b"IxFI", b"IHNf", b"\0\0\0\0"):
        path.write_bytes(other + data[4:])
        refuse(tmp_path, "ivf-pq", "not a file of 300 rows")


def trained(factory, *, dim=DIM, rows=ROWS, metric=faiss.METRIC_INNER_PRODUCT):
    index = faiss.index_factory(dim, factory, metric)
    index.train(rows)
    index.add(rows)
    return index


def with_own_ids():
    named = faiss.IndexIDMap2(faiss.IndexFlatIP(DIM))
    named.add_with_ids(ROWS, IDS)
    return named


OTHERS = {
    "another dimension": lambda: trained("IVF4,SQ8", dim=4, rows=np.ascontiguousarray(ROWS[:, :4])),
    "another metric": lambda: trained("IVF4,SQ8", metric=faiss.METRIC_L2),
    "another type": lambda: trained("IVF4,Flat"),
    "another number of cells": lambda: trained("IVF5,SQ8"),
    "another code": lambda: trained("IVF4,SQ6"),
    "fewer rows": lambda: trained("IVF4,SQ8", rows=ROWS[:-1]),
    "a graph": lambda: trained("HNSW8,SQ8"),
    "a rotation before it": lambda: trained("RR8,IVF4,SQ8"),
    "ids of its own": with_own_ids,
    "no structure": lambda: trained("Flat"),
    "one that refines": lambda: trained("IVF4,SQ8,RFlat"),
    "untrained": lambda: faiss.index_factory(DIM, "IVF4,SQ8", faiss.METRIC_INNER_PRODUCT),
}


@pytest.mark.parametrize("name", OTHERS)
def test_structures_of_another_make(tmp_path, name):
    publish(tmp_path, 3, "ivf-sq8")
    faiss.write_index(OTHERS[name](), str(tmp_path / "00000003" / "structure.faiss"))
    refuse(tmp_path, "ivf-sq8", "not a structure of 300 rows of dimension 8")


def test_one_whose_queries_are_in_blocks_that_there_are_not(tmp_path):
    """FAISS 1.15.1 takes the file, and its search reads behind its tables."""
    publish(tmp_path, 3, "ivf-pq")
    path = tmp_path / "00000003" / "structure.faiss"
    index = faiss.read_index(str(path))
    index.qbs2 = 1 << 40
    faiss.write_index(index, str(path))
    refuse(tmp_path, "ivf-pq", "qbs2 of its IndexIVFPQFastScan is 1099511627776 instead of 0")


def fuzz(folder, kind, cases, seed, first_bytes):
    script = Path(__file__).parent / "fuzz_structure.py"
    command = [sys.executable, script, folder, kind, cases, seed, first_bytes]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        list(map(str, command)), check=True, timeout=600, env=environment, stdout=subprocess.PIPE, text=True
    )
    return {name: int(count) for name, _, count in (line.rpartition(" ") for line in ended.stdout.splitlines())}


def check_fuzzed(folder, kind, cases, seed, first_bytes):
    seen = fuzz(folder, kind, cases, seed, first_bytes)
    assert set(seen) <= {"taken", "refused"}, seen
    assert sum(seen.values()) == cases


@pytest.mark.parametrize("kind", ["ivf-pq", "hnsw"])
def test_numbers_that_are_changed(tmp_path, kind):
    check_fuzzed(tmp_path, kind, 60, 1, 400)


@pytest.mark.slow
@pytest.mark.parametrize("first_bytes", [400, 1 << 20])
@pytest.mark.parametrize("kind", STRUCTURES)
def test_numbers_that_are_changed_in_many_ways(tmp_path, kind, first_bytes):
    check_fuzzed(tmp_path, kind, 1500, 2, first_bytes)
