"""Which kind is built for how many vectors and which wishes, and which factory strings are taken."""

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import UsageError
from mmsearch.normalise import unit_rows
from mmsearch.vectors.ann.choose import KINDS, bytes_per_vector, cells_for, choose, memory_note, recipe_for
from mmsearch.vectors.ann.structure import Structure
from mmsearch.vectors.plan import IndexWishes, Recipe

GIB = 1 << 30
PQ_THEN_LONGER = ["ivf-pq", "ivf-sq8", "flat-f16"]


def kinds(count, dim=384, memory=16 * GIB, **wishes):
    return [recipe.kind for recipe in choose(count, dim, IndexWishes(**wishes), memory_bytes=memory)]


@pytest.mark.parametrize(
    ("count", "dim", "wishes", "expected"),
    [
        (0, 384, {}, ["flat"]),
        (19_999, 384, {}, ["flat"]),
        (19_999, 384, {"max_latency_ms": 0.01}, ["flat"]),
        (20_000, 384, {}, ["faiss-flat"]),
        (160_000, 384, {}, ["faiss-flat"]),
        (200_000, 384, {}, ["flat-f16"]),
        (300_000, 384, {}, PQ_THEN_LONGER),
        (160_000, 768, {}, PQ_THEN_LONGER),
        (20_000, 384, {"max_latency_ms": 0.5}, PQ_THEN_LONGER),
        (1_000_000, 384, {}, PQ_THEN_LONGER),
        (1_000_000, 384, {"max_latency_ms": 40}, ["flat-f16"]),
        (1_000_000, 384, {"max_latency_ms": 100}, ["faiss-flat"]),
        (1_000_000, 384, {"min_recall": 1.0}, ["faiss-flat"]),
        (1_000_000, 384, {"max_latency_ms": 100, "max_memory_bytes": GIB}, ["flat-f16"]),
        (1_000_000, 384, {"max_memory_bytes": 500 << 20}, ["ivf-pq", "ivf-sq8"]),
        (1_000_000, 384, {"max_memory_bytes": 300 << 20}, ["ivf-pq"]),
        (1_000_000, 384, {"max_memory_bytes": 100 << 20}, ["ivf-rabitq"]),
        (1_000_000, 384, {"max_memory_bytes": 1}, ["ivf-rabitq"]),
        (10_000_000, 384, {"max_memory_bytes": 3 * GIB}, ["ivf-pq"]),
        (10_000_000, 384, {"max_memory_bytes": 8 * GIB}, PQ_THEN_LONGER),
    ],
)
def test_the_kind_for_a_size_and_wishes(count, dim, wishes, expected):
    assert kinds(count, dim, **wishes) == expected


def test_without_a_wish_an_index_takes_a_quarter_of_the_memory():
    assert kinds(1_000_000, memory=1 * GIB) == ["ivf-pq"]
    assert kinds(1_000_000, memory=1 * GIB, max_memory_bytes=8 * GIB) == PQ_THEN_LONGER


def test_what_does_not_fit_comes_with_a_note():
    wishes = IndexWishes(max_memory_bytes=10 << 20)
    (recipe,) = choose(1_000_000, 384, wishes, memory_bytes=16 * GIB)
    assert memory_note(recipe, 384, 1_000_000, wishes, memory_bytes=16 * GIB).endswith("the 10 MiB that it may.")
    assert memory_note(recipe, 384, 1_000_000, IndexWishes(), memory_bytes=16 * GIB) == ""


@given(
    st.integers(0, 10**9),
    st.integers(1, 4096),
    st.floats(0.001, 1e4),
    st.floats(0.01, 1),
    st.integers(0, 1 << 40),
    st.integers(0, 1 << 40),
)
def test_there_is_always_something_that_can_be_built(count, dim, latency, recall, memory, machine):
    wishes = IndexWishes(max_memory_bytes=memory, max_latency_ms=latency, min_recall=recall)
    recipes = choose(count, dim, wishes, memory_bytes=machine)
    assert recipes
    for recipe in recipes:
        assert recipe.kind in KINDS
        assert 0 < bytes_per_vector(recipe, dim, max(count, 1)) < 8 * dim + 10**6
    within = [count * bytes_per_vector(recipe, dim, count) <= (memory or machine // 4) for recipe in recipes]
    assert all(within) or len(recipes) == 1


@pytest.mark.parametrize(
    ("count", "cells"), [(0, 1), (38, 1), (100, 2), (1_000, 16), (20_000, 512), (100_000, 1024), (1_000_000, 4096)]
)
def test_the_number_of_cells_grows_with_the_root(count, cells):
    assert cells_for(count) == cells


@given(st.integers(1, 10**10))
def test_each_cell_has_enough_to_learn_from(count):
    cells = cells_for(count)
    assert cells.bit_count() == 1
    assert cells == 1 or cells * 39 <= count
    assert cells <= 65_536


def test_kinds_have_recipes():
    assert recipe_for("ivf-pq", 1_000_000, 384) == Recipe("ivf-pq", "IVF4096,PQ192x4fsr", half=True)
    assert recipe_for("ivf-pq", 1_000_000, 13).factory == "IVF4096,PQ13x4fsr"
    assert recipe_for("ivf-flat", 20_000, 384) == Recipe("ivf-flat", "IVF512,Flat")
    assert recipe_for("hnsw", 20_000, 384) == Recipe("hnsw", "HNSW32,SQfp16", half=True)
    assert recipe_for("flat-f16", 5, 384) == Recipe("flat-f16", half=True)
    assert choose(10, 64, IndexWishes("hnsw"), memory_bytes=GIB) == (Recipe("hnsw", "HNSW32,SQfp16", half=True),)


@pytest.mark.parametrize("asked", ["", "ivf", "faiss", "indice-pq", "ivf-pq\n", "x" * 10_000])
def test_what_is_no_kind_names_the_kinds(asked):
    with pytest.raises(UsageError) as caught:
        recipe_for(asked, 1000, 64)
    assert len(str(caught.value)) < 400
    assert all(kind in caught.value.remedy for kind in KINDS)


TAKEN = [
    "IVF16,Flat",
    "IVF16,SQ8",
    "IVF16,SQ4",
    "IVF16,SQfp16",
    "IVF16,PQ32x4fs",
    "IVF16,PQ32x4fsr",
    "IVF16,PQ16np",
    "IVF16,PQ32x5np",
    "IVF16,RaBitQ",
    "IVF16,RaBitQfs2",
    "IVF16_HNSW8,PQ32x4fsr",
    "IVF16(SQfp16),SQ8",
    "OPQ8_16,IVF16,PQ8x4fsr",
    "RR64,IVF16,PQ32x4fs",
    "Pad128,IVF16,PQ64x4fs",
    "HNSW8",
    "HNSW8,Flat",
    "HNSW8_SQ8",
]


@pytest.mark.parametrize("text", TAKEN)
def test_a_factory_string_that_is_taken_works_with_and_without_a_mask(text, tmp_path):
    rows = unit_rows(np.random.default_rng(1).standard_normal((1500, 64)))
    recipe = recipe_for(text, len(rows), 64)
    assert recipe == Recipe("factory", text, half=True)
    path = tmp_path / "structure"
    structure = Structure.train(text, rows)
    structure.add(rows)
    structure.save(path)
    loaded = Structure.load(path, text, dim=64, count=len(rows))
    _, places = loaded.propose(rows[:20], 50, 16)
    assert np.mean([number in its for number, its in enumerate(places)]) > 0.9
    mask = rows[:, 0] > 0
    _, inside = loaded.propose(rows[:5], 20, 16, mask)
    assert (inside >= 0).any()
    assert mask[inside[inside >= 0]].all()


@pytest.mark.parametrize(
    "text", ["IVF256,PQ32x4fsr", "IVF256,SQ8", "IVF256,RaBitQfs", "IVF256,RaBitQ4", "IVF256,Flat", "HNSW32,SQfp16"]
)
def test_the_memory_is_about_the_size_of_the_file(text, tmp_path):
    rows = unit_rows(np.random.default_rng(1).standard_normal((20_000, 64)))
    structure = Structure.train(text, rows[:10_000])
    structure.add(rows[: 2_000 if "HNSW" in text else 20_000])
    structure.save(tmp_path / "structure")
    measured = (tmp_path / "structure").stat().st_size / len(structure)
    assert bytes_per_vector(Recipe("factory", text), 64, len(structure)) - 8 == pytest.approx(measured, rel=0.1)


def test_a_scan_takes_the_memory_of_its_rows_and_ids():
    assert bytes_per_vector(Recipe("flat"), 384, 1000) == 1544
    assert bytes_per_vector(Recipe("flat-f16", half=True), 384, 1000) == 776


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("PCA192,IVF1024,PQ96x4fs", "changes their inner products"),
        ("PCAR64,IVF1024,Flat", "changes their inner products"),
        ("IVF1024,PQ32x4fs,RFlat", "compared with the stored rows anyway"),
        ("IVF1024,PQ32x4fs,Refine(SQfp16)", "compared with the stored rows anyway"),
        ("IDMap,Flat", "ids are kept beside"),
        ("IVF1024,Flat,IDMap2", "ids are kept beside"),
        ("BIVF1024", "not binary"),
        ("BFlat", "not binary"),
        ("IVF1024,ITQ32,LSH", "keeps only signs"),
        ("NSG32,Flat", "cannot filter"),
        ("IVF16,RQ4x4fs", "cannot filter"),
        ("IVF16,PRQ2x4x4fsr", "cannot filter"),
        ("IMI2x8,PQ32", "Euclidean"),
        ("IVF1024,PQ32+16", "Euclidean"),
        ("Flat", "such as IVF4096,PQ192x4fsr"),
        ("PQ32x4fs", "such as IVF4096,PQ192x4fsr"),
        ("IVF0,Flat", "such as"),
        ("IVF9999999,Flat", "such as"),
        ("IVF99999999999999999999,Flat", "such as"),
        ("IVF16,PQ" + "9" * 100_000, "such as"),
        ("IVF16,Flat\n", "such as"),
        ("IVF\u0661\u0666,Flat", "such as"),
        ("IVF16,PQ7x4fs", "FAISS cannot make"),
        ("OPQ7,IVF16,PQ7x4fs", "FAISS cannot make"),
    ],
)
def test_a_factory_string_that_cannot_work_is_refused_with_the_reason(text, reason):
    with pytest.raises(UsageError, match=re.escape(reason)) as caught:
        recipe_for(text, 100_000, 64)
    assert len(str(caught.value)) < 500
    assert "ivf-pq" in caught.value.remedy


@given(st.text(alphabet="IVFHNSWPQRaBitOx4fsr0123456789,_()", max_size=40))
def test_any_other_text_is_refused_or_taken_but_never_crashes(text):
    try:
        recipe = recipe_for(text, 1000, 64)
    except UsageError:
        return
    assert recipe.factory in ("", text)


def test_choosing_does_not_import_faiss():
    code = (
        "import sys\n"
        "from mmsearch.vectors.ann.choose import bytes_per_vector, choose\n"
        "from mmsearch.vectors.plan import IndexWishes\n"
        "bytes_per_vector(choose(10**6, 384, IndexWishes(), memory_bytes=10**10)[0], 384, 10**6)\n"
        "assert 'faiss' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
