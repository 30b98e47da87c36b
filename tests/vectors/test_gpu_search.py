"""Searches of an index whose rows are on a GPU, for which a stand-in with a GPU's limits is put in FAISS's place."""

import gc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Lock

import faiss
import numpy as np
import pytest
from gpu_stand_in import StandInGpu
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.normalise import unit_rows
from mmsearch.testing import index_contract
from mmsearch.vectors.ann import gpu as gpu_module
from mmsearch.vectors.ann.build import build
from mmsearch.vectors.ann.device import LateProposer
from mmsearch.vectors.ann.gpu import Device, all_rows, best_proposer, cells, graph
from mmsearch.vectors.ann.structure import Structure
from mmsearch.vectors.faiss_index import FaissIndex
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.plan import Costs, Effort, Recipe

DIM = 24
COUNT = 5000
IDS = np.arange(5, 5 + 2 * COUNT, 2)
RECIPES = {
    "faiss-flat": Recipe("faiss-flat"),
    "flat-f16": Recipe("flat-f16", half=True),
    "ivf-flat": Recipe("ivf-flat", "IVF32,Flat"),
    "ivf-sq8": Recipe("ivf-sq8", "IVF32,SQ8", half=True),
    "ivf-pq": Recipe("ivf-pq", "IVF32,PQ12x4fs", half=True),
    "hnsw": Recipe("hnsw", "HNSW16,SQfp16", half=True),
}
ALWAYS_ASK = Costs(gather_ns=1e6, scan_ns=1e6, structure_ns=0, structure_start_us=0)
NUMBERS = count()


def vectors(size=COUNT, seed=0):
    """Unit rows in clusters, as embeddings lie."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(7).standard_normal((30, DIM))
    return unit_rows(centres[random.integers(30, size=size)] + 0.7 * random.standard_normal((size, DIM)))


QUERIES = vectors(20, seed=1)


@pytest.fixture
def gpu(monkeypatch):
    made = StandInGpu()
    made.install(monkeypatch)
    return made


@pytest.fixture
def device(gpu):
    made = Device()
    yield made
    made.queue.close()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("indexes")
    for name, recipe in RECIPES.items():
        build(root / name, IDS, [vectors()], recipe, dim=DIM)
    return root


@pytest.fixture
def load(folders, device):
    """Read an index and put it on the GPU, which is always asked, since the costs of all else are high."""

    def loaded(name="faiss-flat"):
        index = FaissIndex.load(folders / name, DIM)
        index = index.with_details(replace(index.details, effort=Effort(16, 300, 3.0), costs=ALWAYS_ASK))
        return index.with_proposer(best_proposer(device, index.built_rows, index.structure))

    return loaded


def assert_same(found, expected):
    """Ids, scores and their order."""
    for got, wanted in zip(found, expected, strict=True):
        assert got.ids.tolist() == wanted.ids.tolist()
        assert np.array_equal(got.scores, wanted.scores)


@pytest.mark.parametrize("k", [1, 10, 100])
def test_ids_and_scores_are_those_of_the_cpu_to_the_last_bit(load, gpu, k):
    index = load()
    assert_same(index.search(QUERIES, k), FlatIndex.of(IDS, vectors()).search(QUERIES, k))
    assert [asked for asked, _ in gpu.calls] == [len(QUERIES)]


@pytest.mark.parametrize("name", RECIPES)
def test_every_kind_finds_what_a_scan_finds(load, folders, name):
    rows = FaissIndex.load(folders / name, DIM).built_rows
    expected = FlatIndex.of(IDS, rows.take(np.arange(COUNT))).search(QUERIES, 10)
    assert_same(load(name).search(QUERIES, 10), expected)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_filters_are_exact_at_any_selectivity_with_gone_and_new_rows(load, data):
    index, reference = load().fork(), FlatIndex.of(IDS, vectors())
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    gone = random.choice(IDS, data.draw(st.sampled_from([0, 1, 50, 4000])), replace=False)
    fresh = np.arange(20_000, 20_000 + data.draw(st.integers(0, 30)))
    for each in (index, reference):
        each.remove(gone)
        each.add(fresh, vectors(len(fresh), seed=3))
    share = data.draw(st.sampled_from([0.0, 0.0005, 0.01, 0.1, 0.3, 0.6, 0.95, 1.0]))
    every = np.concatenate([IDS, fresh])
    allowed = every[random.random(len(every)) < share]
    k = data.draw(st.sampled_from([1, 10, 60]))
    found = index.search(QUERIES[:4], k, allowed=allowed)
    assert_same(found, reference.search(QUERIES[:4], k, allowed=allowed))
    matching = np.setdiff1d(allowed, gone)
    for each in found:
        assert np.isin(each.ids, matching).all()
        assert len(each) == min(k, len(matching))


@pytest.mark.parametrize("name", ["ivf-flat", "hnsw"])
def test_filters_of_kinds_with_a_structure_leak_nothing_and_are_full(load, name):
    index = load(name)
    for share in (0.5, 0.1, 0.01):
        allowed = IDS[np.random.default_rng(1).random(COUNT) < share]
        for each in index.search(QUERIES, 10, allowed=allowed):
            assert np.isin(each.ids, allowed).all()
            assert len(each) == 10


def test_a_filter_that_is_far_from_the_query_is_answered_in_full(load):
    """All rows near the query are forbidden: what the GPU names has none that may be found."""
    index, reference = load(), FlatIndex.of(IDS, vectors())
    query = QUERIES[:1]
    allowed = np.sort(reference.search(query, COUNT)[0].ids[COUNT // 2 :])
    assert_same(index.search(query, 10, allowed=allowed), reference.search(query, 10, allowed=allowed))


def test_the_stand_in_ignores_selectors_as_a_gpu_does(device, gpu):
    resources = device.queue.run(device.resources)
    options = faiss.GpuIndexFlatConfig()
    options.device, options.useFloat16, options.use_cuvs = 0, True, False
    flat = faiss.GpuIndexFlatIP(resources, DIM, options)
    flat.add(vectors(100))
    one = faiss.SearchParameters(sel=faiss.IDSelectorRange(0, 1))
    assert set(flat.search(QUERIES[:1], 10, params=one)[1][0]) != {0, -1}
    with pytest.raises(TypeError):
        faiss.serialize_index(flat)


@pytest.mark.parametrize("k", [683, 2048, 2049, 4000, COUNT, COUNT + 1])
def test_more_than_a_gpu_can_select_comes_from_the_cpu(load, gpu, k):
    assert_same(load().search(QUERIES[:2], k), FlatIndex.of(IDS, vectors()).search(QUERIES[:2], k))
    assert all(depth <= 2048 for _, depth in gpu.calls)


def test_more_than_a_gpu_can_select_comes_from_the_structure_if_there_is_one(load, gpu, monkeypatch):
    index = load("ivf-flat")
    monkeypatch.setattr(Structure, "propose", counted := Counted(Structure.propose))
    assert len(index.search(QUERIES[:1], 1000)[0]) == 1000
    assert (counted.depths, gpu.calls) == ([3000], [])


def test_until_a_gpu_has_arrived_the_structure_is_asked(load, monkeypatch):
    index = load("ivf-flat").with_proposer(LateProposer())
    monkeypatch.setattr(Structure, "propose", counted := Counted(Structure.propose))
    assert len(index.search(QUERIES[:1], 10)[0]) == 10
    assert len(index.search(QUERIES[:1], 10, allowed=IDS[::2])[0]) == 10
    assert counted.depths == [300, 300]


def test_more_equal_rows_than_are_proposed_come_in_order_of_id(device, gpu, tmp_path):
    rows = vectors()
    rows[::5] = rows[0]  # 1,000 of them
    build(tmp_path / "equal", IDS, [rows], Recipe("faiss-flat"), dim=DIM)
    index = FaissIndex.load(tmp_path / "equal", DIM)
    index = index.with_details(replace(index.details, costs=ALWAYS_ASK))
    index = index.with_proposer(all_rows(device, index.built_rows))
    assert index.search(rows[:1], 40)[0].ids.tolist() == IDS[::5][:40].tolist()
    assert index.search(rows[:1], 40, allowed=IDS[10:])[0].ids.tolist() == IDS[10::5][:40].tolist()
    assert len(gpu.calls) == 2


class Counted:
    """A method that notes the depths it was asked for."""

    def __init__(self, method):
        self.method = method
        self.depths = []

    def __get__(self, owner, kind):
        def propose(queries, depth, probes, inside=None):
            self.depths.append(depth)
            return self.method(owner, queries, depth, probes, inside)

        return propose


def test_a_whole_batch_is_one_call_and_a_huge_one_a_few(load, gpu, monkeypatch):
    monkeypatch.setattr(gpu_module, "MOST_QUERIES", 100)
    index, queries = load(), vectors(250, seed=4)
    index.search(queries[:100], 5)
    assert [asked for asked, _ in gpu.calls] == [100]
    gpu.calls.clear()
    found = index.search(queries, 5)
    assert [asked for asked, _ in gpu.calls] == [100, 100, 50]
    assert_same(found, FlatIndex.of(IDS, vectors()).search(queries, 5))


def test_many_threads_get_what_they_get_alone_in_few_calls_from_one_thread(load, gpu):
    index = load()
    expected = FlatIndex.of(IDS, vectors()).search(QUERIES, 10)
    gpu.delay_s = 0.02
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda query: index.search(query[np.newaxis], 10)[0], QUERIES))
    assert_same(found, expected)
    assert len(gpu.calls) < len(QUERIES)
    assert sum(asked for asked, _ in gpu.calls) == len(QUERIES)
    assert len(gpu.threads) == 1


def test_resources_are_made_once_with_little_memory_for_what_is_computed(load, gpu):
    for name in ("faiss-flat", "ivf-flat"):
        load(name)
    assert gpu.temp_bytes == [256 << 20]


def test_a_fork_shares_the_gpu_and_finds_what_was_added_to_it(load, gpu):
    index = load()
    used = gpu.used_bytes
    fork = index.fork()
    fork.add(np.array([99_999]), QUERIES[:1])
    assert fork.search(QUERIES[:1], 1)[0].ids.tolist() == [99_999]
    assert index.search(QUERIES[:1], 1)[0].ids.tolist() != [99_999]
    assert gpu.used_bytes == used == 2 * COUNT * DIM


def test_it_is_saved_through_the_cpu(load, tmp_path):
    index = load("ivf-flat")
    index.remove(IDS[:7])
    index.add(np.array([99_999]), QUERIES[:1])
    index.save(tmp_path / "saved")
    again = FaissIndex.load(tmp_path / "saved", DIM)
    assert len(again) == COUNT - 6
    assert_same(again.search(QUERIES, 5), index.search(QUERIES, 5))


def test_its_memory_is_free_when_the_index_is_gone(load, gpu, device):
    index = load()
    assert gpu.used_bytes == 2 * COUNT * DIM
    del index
    gc.collect()
    device.queue.run(lambda: None)
    assert gpu.used_bytes == 0


def test_a_gpu_that_fails_is_reported_once_and_the_cpu_goes_on(load, gpu):
    index = load()
    expected = FlatIndex.of(IDS, vectors()).search(QUERIES, 10)
    gpu.broken = True
    with pytest.warns(RuntimeWarning, match="the CPU searches from now on: CUDA error 700"):
        assert_same(index.search(QUERIES, 10), expected)
    gpu.calls.clear()
    assert_same(index.search(QUERIES, 10), expected)
    assert gpu.calls == []


def test_rows_that_do_not_fit_leave_room_for_the_cells(load, gpu):
    gpu.memory_bytes = COUNT * (DIM + 8)
    index = load("ivf-sq8")
    index.search(QUERIES, 10)
    assert gpu.probes == [16]
    assert gpu.used_bytes == COUNT * DIM


def test_no_more_cells_are_asked_for_than_a_gpu_looks_into(load, folders, device, gpu):
    structure = FaissIndex.load(folders / "ivf-flat", DIM).structure
    structure.cells = 5000
    proposer = cells(device, structure)
    proposer.propose(QUERIES, 10, 4000)
    assert gpu.probes == [2048]


@pytest.mark.parametrize("name", ["faiss-flat", "ivf-pq", "hnsw"])
def test_what_does_not_fit_and_has_no_cells_that_a_gpu_knows_is_refused(load, gpu, name):
    gpu.memory_bytes = 1000
    with pytest.raises(RuntimeError, match=r"memory|no such structure"):
        load(name)
    assert gpu.used_bytes == 0


def test_rows_are_put_there_in_pieces(load, gpu, monkeypatch):
    monkeypatch.setattr(gpu_module, "_UPLOAD_BYTES", 4 * DIM * 999)
    assert_same(load().search(QUERIES, 10), FlatIndex.of(IDS, vectors()).search(QUERIES, 10))


def test_with_cuvs_many_rows_get_a_graph_if_searches_need_not_be_exact(load, folders, gpu, monkeypatch):
    gpu.install(monkeypatch, cuvs=True)
    monkeypatch.setattr(gpu_module, "_GRAPH_FROM", COUNT)
    assert load("hnsw")._built.proposer.rounding is None
    assert load("faiss-flat")._built.proposer.rounding > 0
    expected = FlatIndex.of(IDS, FaissIndex.load(folders / "hnsw", DIM).built_rows.take(np.arange(COUNT)))
    assert_same(load("hnsw").search(QUERIES, 10), expected.search(QUERIES, 10))


def test_a_graph_that_does_not_fit_gives_way_to_the_rows(load, device, folders, gpu, monkeypatch):
    gpu.install(monkeypatch, cuvs=True)
    monkeypatch.setattr(gpu_module, "_GRAPH_FROM", COUNT)
    gpu.memory_bytes = 3 * COUNT * DIM
    with pytest.raises(RuntimeError, match="memory"):
        graph(device, FaissIndex.load(folders / "hnsw", DIM).built_rows)
    assert load("hnsw")._built.proposer.rounding > 0


def test_a_mask_is_never_handed_to_it(load, device, folders):
    proposer = all_rows(device, FaissIndex.load(folders / "faiss-flat", DIM).built_rows)
    assert not proposer.takes_masks
    with pytest.raises(AssertionError, match="would ignore a mask"):
        proposer.propose(QUERIES, 10, 1, np.ones(COUNT, dtype=bool))


class OnGpu(FaissIndex):
    """Goes to the GPU, through files, at the first search after something was added."""

    folder: Path
    device: Device
    placed = None

    def __init__(self, dim):
        super().__init__(dim)
        self.lock = Lock()

    def add(self, ids, vectors):
        super().add(ids, vectors)
        self.placed = None

    def remove(self, ids):
        if self.placed:
            self.placed.remove(ids)
        return super().remove(ids)

    def search(self, queries, k, *, allowed=None):
        with self.lock:
            if self.placed is None and len(self):
                self.placed = self.on_gpu()
        return (self.placed or super()).search(queries, k, allowed=allowed)

    def on_gpu(self):
        folder = self.folder / str(next(NUMBERS))
        self.save(folder)
        index = FaissIndex.load(folder, self.dim)
        index = index.with_details(replace(index.details, costs=ALWAYS_ASK))
        return index.with_proposer(all_rows(self.device, index.built_rows))


@pytest.mark.parametrize("check", index_contract.CHECKS)
def test_contract(check, device, tmp_path, monkeypatch):
    monkeypatch.setattr(OnGpu, "folder", tmp_path, raising=False)
    monkeypatch.setattr(OnGpu, "device", device, raising=False)
    check(OnGpu)
