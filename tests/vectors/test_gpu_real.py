"""A real GPU against the CPU, ids and scores. Run with `pytest -m gpu` where FAISS has GPU code and finds a GPU."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from mmsearch.normalise import unit_rows
from mmsearch.vectors.ann.build import build
from mmsearch.vectors.ann.device import placed
from mmsearch.vectors.ann.gpu import all_rows, cells, graph, the_device
from mmsearch.vectors.ann.gpu_install import gpu_install
from mmsearch.vectors.ann.gpu_trial import trial_failure
from mmsearch.vectors.faiss_index import FaissIndex
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.plan import Costs, Effort, Recipe

pytestmark = pytest.mark.gpu

DIM = 384
COUNT = 60_000
IDS = np.arange(5, 5 + 2 * COUNT, 2)
RECIPES = {
    "faiss-flat": Recipe("faiss-flat"),
    "flat-f16": Recipe("flat-f16", half=True),
    "ivf-flat": Recipe("ivf-flat", "IVF64,Flat"),
    "ivf-sq8": Recipe("ivf-sq8", "IVF64,SQ8"),
    "ivf-pq": Recipe("factory", "IVF64,PQ48"),
}
ALWAYS_ASK = Costs(gather_ns=1e6, scan_ns=1e6, structure_ns=0, structure_start_us=0)


@pytest.fixture(scope="module", autouse=True)
def device():
    """The GPU, if there is one that works."""
    says, _ = gpu_install().problem
    if says:
        pytest.skip(says)
    assert trial_failure() == ""
    return the_device()


def vectors(size=COUNT, seed=0):
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(7).standard_normal((60, DIM))
    return unit_rows(centres[random.integers(60, size=size)] + random.standard_normal((size, DIM)))


@pytest.fixture(scope="module")
def rows():
    return vectors()


@pytest.fixture(scope="module")
def queries():
    return vectors(64, seed=1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory, rows):
    root = tmp_path_factory.mktemp("indexes")
    for name, recipe in RECIPES.items():
        build(root / name, IDS, [rows], recipe, dim=DIM)
    return root


@pytest.fixture
def load(folders):
    def loaded(name):
        index = FaissIndex.load(folders / name, DIM)
        return index.with_details(replace(index.details, effort=Effort(32, 500, 3.0), costs=ALWAYS_ASK))

    return loaded


def reference(index):
    return FlatIndex.of(IDS, index.built_rows.take(np.arange(COUNT)))


def assert_same(found, expected):
    for got, wanted in zip(found, expected, strict=True):
        assert got.ids.tolist() == wanted.ids.tolist()
        assert np.array_equal(got.scores, wanted.scores)


@pytest.mark.parametrize("name", ["faiss-flat", "flat-f16"])
@pytest.mark.parametrize("k", [1, 10, 100, 1000])
def test_scans_find_what_the_cpu_finds(load, device, queries, name, k):
    index = load(name)
    there = index.with_proposer(all_rows(device, index.built_rows))
    assert_same(there.search(queries, k), reference(index).search(queries, k))


def test_its_scores_are_off_by_no_more_than_is_claimed(load, device, rows, queries):
    proposer = all_rows(device, load("faiss-flat").built_rows)
    scores, places = proposer.propose(queries, 2048, 1)
    exact = np.take_along_axis(queries @ rows.T, places, axis=1)
    assert abs(scores - exact).max() < proposer.rounding


@pytest.mark.parametrize("name", ["ivf-flat", "ivf-sq8", "ivf-pq"])
def test_cells_find_what_the_cpu_finds_in_them(load, device, queries, name):
    index = load(name)
    there = index.with_proposer(cells(device, index.structure))
    same = 0
    for got, wanted in zip(there.search(queries, 10), index.search(queries, 10), strict=True):
        common, here, other = np.intersect1d(got.ids, wanted.ids, return_indices=True)
        assert np.array_equal(got.scores[here], wanted.scores[other])
        same += len(common)
    assert same >= 0.98 * 10 * len(queries)


@pytest.mark.parametrize("name", ["faiss-flat", "ivf-flat"])
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.01, 0.001])
def test_filters_leak_nothing_and_are_exact(load, queries, name, share):
    index = load(name)
    there = placed(index, "gpu")
    allowed = IDS[np.random.default_rng(3).random(COUNT) < share]
    found = there.search(queries, 10, allowed=allowed)
    for each in found:
        assert np.isin(each.ids, allowed).all()
        assert len(each) == min(10, len(allowed))
    if name == "faiss-flat":
        assert_same(found, reference(index).search(queries, 10, allowed=allowed))


def test_gone_and_new_rows(load, queries):
    index = placed(load("faiss-flat"), "gpu")
    expected = reference(index)
    for each in (index, expected):
        each.remove(IDS[::3])
        each.add(np.array([999_999]), queries[:1])
    assert_same(index.search(queries, 20), expected.search(queries, 20))


def test_threads_get_what_they_get_alone(load, queries):
    index = placed(load("faiss-flat"), "gpu")
    expected = index.search(queries, 10)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda query: index.search(query[np.newaxis], 10)[0], queries))
    assert_same(found, expected)


def test_it_is_saved_through_the_cpu(load, queries, tmp_path):
    index = placed(load("ivf-flat"), "gpu")
    index.add(np.array([999_999]), queries[:1])
    index.save(tmp_path / "saved")
    assert FaissIndex.load(tmp_path / "saved", DIM).search(queries[:1], 1)[0].ids.tolist() == [999_999]


def test_a_graph_finds_nearly_all(load, device, queries):
    if not gpu_install().cuvs:
        pytest.skip("FAISS is installed without cuVS")
    index = load("ivf-flat")
    there = index.with_proposer(graph(device, index.built_rows))
    pairs = zip(there.search(queries, 10), reference(index).search(queries, 10), strict=True)
    assert sum(len(np.intersect1d(got.ids, wanted.ids)) for got, wanted in pairs) >= 0.95 * 10 * len(queries)
