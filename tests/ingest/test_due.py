"""The policy of what an index needs, as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.ingest import due as policy
from mmsearch.ingest.due import Standing, due
from mmsearch.vectors.plan import Recipe


def by_size(count):
    if count < 20_000:
        return Recipe("flat")
    return Recipe("faiss-flat") if count < 100_000 else Recipe("ivf-pq", "IVF1024,PQ48x4fs")


def flat(rows, **changes):
    return Standing(**{"count": rows, "kind": "flat", "rows": rows} | changes)


def ivf(rows=1_000_000, **changes):
    return Standing(**{"count": rows, "kind": "ivf-pq", "rows": rows, "trained_on": rows} | changes)


@pytest.mark.parametrize(
    ("index", "step"),
    [
        (Standing(count=0), "build"),
        (Standing(count=5, tail=5), "build"),
        (flat(0), "nothing"),
        (flat(5), "nothing"),
        (flat(5, same_basis=False), "build"),
        (flat(0, count=1000, tail=1000), "nothing"),
        (flat(0, count=1001, tail=1001), "build"),
        (flat(5000, gone=1000), "nothing"),
        (flat(5000, gone=1001), "build"),
        (flat(15_000, tail=1500), "nothing"),
        (flat(5000, listed=1001), "build"),
        (flat(15_000, tail=1501), "build"),
        (ivf(), "nothing"),
        (ivf(same_basis=False), "build"),
        (ivf(tail=10_000), "nothing"),
        (ivf(tail=10_001), "fold"),
        (ivf(10_000_000, tail=50_000), "nothing"),
        (ivf(10_000_000, tail=50_001), "fold"),
        (ivf(gone=200_000), "nothing"),
        (ivf(gone=200_001), "build"),
        (ivf(kind="faiss-flat", trained_on=0, gone=300_000), "fold"),
        (ivf(100_000, listed=100_000), "nothing"),
        (ivf(100_000, listed=100_001), "fold"),
        (ivf(listed=200_000), "nothing"),
        (ivf(listed=200_001), "fold"),
        (ivf(trained_on=250_001), "nothing"),
        (ivf(trained_on=250_000), "build"),
        (ivf(50_000, kind="faiss-flat", trained_on=0, tail=10_001), "fold"),
    ],
)
def test_due(index, step):
    assert due(index, by_size) == step


@pytest.mark.parametrize(
    ("index", "step"),
    [
        (flat(19_500, count=20_000, tail=500), "build"),
        (ivf(95_000, kind="faiss-flat", trained_on=0, count=100_000, tail=5000), "build"),
        # It has shrunk below the size where the kind changes, but not far.
        (ivf(100_000, count=81_000, gone=19_000), "nothing"),
        (ivf(100_000, count=79_000, gone=19_000), "build"),
        (ivf(20_000, kind="faiss-flat", trained_on=0, count=16_500, gone=3500), "nothing"),
        (ivf(20_000, kind="faiss-flat", trained_on=0, count=15_500, gone=3500), "build"),
        # Another kind than the first choice was built, because that was not good enough here.
        (ivf(150_000, kind="faiss-flat"), "nothing"),
        (ivf(150_000, kind="hnsw"), "nothing"),
    ],
)
def test_another_kind_is_built_when_the_size_is_right_for_it(index, step):
    assert due(index, by_size) == step


@given(step=st.integers(min_value=100, max_value=10**6), growth=st.floats(min_value=0.81, max_value=1.19))
def test_a_size_about_the_step_does_not_build_to_and_fro(step, growth):
    def choose(count):
        return Recipe("large" if count >= step else "small")

    large = Standing(count=max(round(growth * step), round(step / policy.SLACK) + 1), kind="large", rows=step)
    assert due(large, choose) != "build" or large.gone > 0
    small = Standing(count=step, kind="small", rows=step - 1)
    assert due(small, choose) == "build"


@given(
    count=st.integers(0, 10**8),
    rows=st.integers(0, 10**8),
    tail=st.integers(0, 10**8),
    gone=st.integers(0, 10**8),
    kind=st.sampled_from(["", "flat", "faiss-flat", "ivf-pq"]),
)
def test_what_was_just_built_needs_nothing(count, rows, tail, gone, kind):
    index = Standing(count=count, kind=kind, rows=rows, trained_on=rows, tail=tail, gone=gone)
    assert due(index, by_size) in ("nothing", "fold", "build")
    recipe = by_size(count)
    built = Standing(count=count, kind=recipe.kind, rows=count, trained_on=count if recipe.factory else 0)
    assert due(built, by_size) == "nothing"
