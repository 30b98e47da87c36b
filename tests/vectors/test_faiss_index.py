import faiss
import numpy as np
import pytest

from mmsearch.errors import CollectionDamaged, StorageError
from mmsearch.normalise import unit_rows
from mmsearch.vectors.ann.build import build
from mmsearch.vectors.ann.structure import Structure
from mmsearch.vectors.faiss_index import FaissIndex
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.plan import Costs, Effort, Recipe

DIM = 32
COUNT = 6000
IDS = np.arange(10, 10 + 3 * COUNT, 3)
RECIPES = {
    "flat-f16": Recipe("flat-f16", half=True),
    "hnsw": Recipe("hnsw", "HNSW16,SQfp16", half=True),
    "ivf-flat": Recipe("ivf-flat", "IVF32,Flat"),
    "ivf-sq8": Recipe("ivf-sq8", "IVF32,SQ8", half=True),
    "ivf-pq": Recipe("ivf-pq", "IVF32,PQ16x4fs", half=True),
    "ivf-rabitq": Recipe("ivf-rabitq", "IVF32,RaBitQfs", half=True),
    "rotated": Recipe("factory", "RR32,IVF32,PQ16x4fs", half=True),
}
ALWAYS_ASK = Costs(gather_ns=1e6, scan_ns=1e6, structure_ns=0, structure_start_us=0)


def rows(count, dim=DIM, seed=0):
    """Unit rows in clusters, as embeddings lie."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((40, dim))
    return unit_rows(centres[random.integers(40, size=count)] + 0.7 * random.standard_normal((count, dim)))


def asked(index, **effort):
    """Let an index ask its structure whatever that costs; by default so hard that it finds all but little."""
    values = {"probes": 16, "candidates": 600, "factor": 3.0} | effort
    details = index.details
    return index.with_details(type(details)(details.recipe, Effort(**values), ALWAYS_ASK, details.trained_on))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Each kind, built once."""
    root = tmp_path_factory.mktemp("indexes")
    vectors = rows(COUNT)
    for name, recipe in RECIPES.items():
        build(root / name, IDS, [vectors[:2500], vectors[2500:]], recipe, dim=DIM)
    return root


@pytest.fixture(params=RECIPES)
def index(request, folders):
    return asked(FaissIndex.load(folders / request.param, DIM))


def reference(count=COUNT):
    return FlatIndex.of(IDS, rows(COUNT))


def recall(found, expected):
    return np.mean([np.isin(theirs.ids, ours.ids).mean() for ours, theirs in zip(found, expected, strict=True)])


def assert_true_scores(found, queries, ids, vectors):
    """Each score is the cosine with the stored vector, but for its rounding to 16 bits."""
    place = {id_: i for i, id_ in enumerate(ids)}
    for its, query in zip(found, unit_rows(queries), strict=True):
        cosines = vectors[[place[id_] for id_ in its.ids]] @ query
        assert np.abs(its.scores - cosines).max(initial=0) < 5e-4
        assert (np.diff(its.scores) <= 0).all()


def test_what_a_structure_finds_is_near_and_has_true_scores(index):
    queries = rows(40, seed=5)
    found = index.search(queries, 10)
    assert recall(found, reference().search(queries, 10)) >= 0.95
    assert_true_scores(found, queries, IDS, rows(COUNT))


def test_one_query_gets_what_it_gets_among_many(index):
    queries = rows(8, seed=6)
    for row, together in enumerate(index.search(queries, 10)):
        (alone,) = index.search(queries[row : row + 1], 10)
        assert np.array_equal(alone.ids, together.ids)
        assert np.array_equal(alone.scores, together.scores)


@pytest.mark.parametrize("share", [0.9, 0.3, 0.05, 0.004, 0.0005])
def test_a_filter_lets_through_only_what_is_allowed_and_k_of_it(index, share):
    queries = rows(20, seed=7)
    allowed = np.random.default_rng(3).permutation(IDS)[: max(1, int(share * COUNT))]
    found = index.search(queries, 10, allowed=allowed)
    assert all(np.isin(its.ids, allowed).all() for its in found)
    assert [len(its) for its in found] == [min(10, len(allowed))] * 20
    assert recall(found, reference().search(queries, 10, allowed=allowed)) >= 0.95
    assert_true_scores(found, queries, IDS, rows(COUNT))


def test_what_is_allowed_far_from_the_query_is_found_all_the_same(folders):
    vectors = rows(COUNT)
    query = vectors[:1]
    far = IDS[np.argsort(vectors @ query[0])[:700]]  # in cells that nobody would look into for this query
    for name in ("ivf-pq", "ivf-flat", "hnsw"):
        index = asked(FaissIndex.load(folders / name, DIM), probes=1, candidates=50)
        assert index._built.way(index._scopes.of(far), 10) == "structure"
        (found,) = index.search(query, 10, allowed=far)
        (expected,) = reference().search(query, 10, allowed=far)
        assert recall([found], [expected]) == 1


def test_cheap_ways_are_taken(folders):
    index = FaissIndex.load(folders / "ivf-pq", DIM)
    few, many = IDS[:50], IDS[: COUNT // 2]
    costs = Costs(gather_ns=300, scan_ns=70, structure_ns=25, structure_start_us=5)
    effort = Effort(probes=2, candidates=100)
    index = index.with_details(type(index.details)(index.details.recipe, effort, costs, COUNT))
    ways = {name: index._built.way(index._scopes.of(ids), 10) for name, ids in (("few", few), ("many", many))}
    assert ways == {"few": "gather", "many": "structure"}
    assert index._built.way(index._scopes.of(None), 10) == "structure"
    assert index._built.way(index._scopes.of(None), COUNT) == "gather", "everything is asked for"
    assert index._built.way(index._scopes.of(None), 5000) == "scan", "a structure does not propose so many"


def test_new_and_removed_vectors_count_at_once(index):
    late, queries = rows(300, seed=8), rows(10, seed=9)
    late_ids = np.arange(IDS[-1] + 1, IDS[-1] + 301)
    changed = index.fork()
    changed.add(late_ids, late)
    best = np.concatenate([its.ids[:2] for its in index.search(queries, 2)])
    assert changed.remove(best) == len(np.unique(best))
    left = ~np.isin(IDS, best)
    expected = FlatIndex.of(np.concatenate([IDS[left], late_ids]), np.concatenate([rows(COUNT)[left], late]))
    found = changed.search(queries, 10)
    assert recall(found, expected.search(queries, 10)) >= 0.95
    assert not np.isin(np.concatenate([its.ids for its in found]), best).any()
    assert len(changed) == len(expected)
    assert recall(changed.search(late[:20], 1), expected.search(late[:20], 1)) == 1
    assert len(index) == COUNT, "the index that was forked has changed"


@pytest.mark.parametrize("removed", [200, 3000])
def test_saving_takes_the_tail_in_without_training_again(index, tmp_path, monkeypatch, removed):
    late_ids, queries = np.arange(10**6, 10**6 + 300), rows(20, seed=11)
    index.add(late_ids, rows(300, seed=8))
    gone = np.random.default_rng(1).permutation(IDS)[:removed]
    index.remove(gone)
    monkeypatch.setattr(Structure, "train", lambda *_, **__: pytest.fail("it was trained again"))
    index.save(tmp_path / "new")
    loaded = FaissIndex.load(tmp_path / "new", DIM)
    assert (len(loaded), loaded.tail_size) == (len(index), 0)
    assert loaded.gone_count == (removed if removed < 0.2 * COUNT else 0), "many removed rows are left out"
    left = ~np.isin(IDS, gone)
    expected = FlatIndex.of(
        np.concatenate([IDS[left], late_ids]), np.concatenate([rows(COUNT)[left], rows(300, seed=8)])
    )
    found = loaded.search(queries, 10)
    assert recall(found, expected.search(queries, 10)) >= 0.95
    assert not np.isin(np.concatenate([its.ids for its in found]), gone).any()


def test_ids_that_come_back_are_put_in_order(folders, tmp_path):
    index = asked(FaissIndex.load(folders / "ivf-pq", DIM))
    other = rows(5, seed=20)
    index.remove(IDS[:5])
    index.add(IDS[:5], other)
    index.save(tmp_path / "new")
    loaded = asked(FaissIndex.load(tmp_path / "new", DIM))
    assert [its.ids[0] for its in loaded.search(other, 1)] == IDS[:5].tolist()
    assert len(loaded) == COUNT


def test_a_mapped_structure_refuses_to_be_changed(folders):
    structure = Structure.load(folders / "hnsw" / "structure.faiss", RECIPES["hnsw"].factory, dim=DIM, count=COUNT)
    with pytest.raises(RuntimeError, match="mapped"):
        structure.add(rows(3))


def test_rows_stay_on_disk(folders):
    index = FaissIndex.load(folders / "ivf-flat", DIM)
    assert not index.built_rows._index.codes.is_owned, "FAISS has copied the rows into memory"
    assert not index.built_rows._codes.flags.owndata
    assert not index.built_rows._codes.flags.writeable


def test_scans_are_those_of_the_reference_to_the_last_bit(tmp_path):
    vectors, queries = rows(5000, 48), rows(12, 48, seed=1)
    vectors[100:300] = vectors[0]
    queries[0] = vectors[0]
    ids = np.arange(5000)
    ours = build(tmp_path, ids, [vectors], Recipe("faiss-flat"), dim=48)
    for share in (1.0, 0.6, 0.1, 0.01):
        allowed = None if share == 1 else np.random.default_rng(2).permutation(ids)[: int(share * 5000)]
        expected = FlatIndex.of(ids, vectors).search(queries, 50, allowed=allowed)
        for found, its in zip(ours.search(queries, 50, allowed=allowed), expected, strict=True):
            assert np.array_equal(found.ids, its.ids)
            assert np.array_equal(found.scores, its.scores)


def test_a_full_disk_is_said(tmp_path, monkeypatch, folders):
    def fail(data):
        raise OSError(28, "No space left on device")

    writer = faiss.PyCallbackIOWriter
    monkeypatch.setattr(faiss, "PyCallbackIOWriter", lambda write: writer(fail))
    with pytest.raises(StorageError, match="No space left"):
        FaissIndex.load(folders / "ivf-pq", DIM).save(tmp_path / "new")


def test_any_path_can_be_saved_to(tmp_path, folders):
    path = tmp_path / "not utf-8 \udcff"
    FaissIndex.load(folders / "ivf-pq", DIM).save(path)
    assert len(FaissIndex.load(path, DIM)) == COUNT


@pytest.mark.parametrize("name", ["hnsw", "ivf-flat"])
def test_a_structure_of_something_else_is_refused(folders, tmp_path, name):
    other = faiss.index_factory(DIM, RECIPES[name].factory, faiss.METRIC_L2)
    other.train(rows(COUNT))
    other.add(rows(COUNT))
    FaissIndex.load(folders / name, DIM).save(tmp_path)
    faiss.write_index(other, str(tmp_path / "structure.faiss"))
    with pytest.raises(CollectionDamaged, match="not a structure"):
        FaissIndex.load(tmp_path, DIM)


def test_a_structure_that_names_rows_that_are_not_there_is_damage(folders):
    structure = Structure.load(folders / "ivf-pq" / "structure.faiss", RECIPES["ivf-pq"].factory, dim=DIM, count=COUNT)
    structure._index.ntotal = 10  # the ids in its lists go on to 6000
    with pytest.raises(CollectionDamaged, match="does not have"):
        structure.propose(rows(1), 50, 32)
