import numpy as np
import pytest
from safetensors.numpy import save

from mmsearch.adapt import head as head_module
from mmsearch.adapt.head import Head
from mmsearch.adapt.ridge import decompose
from mmsearch.errors import CollectionDamaged
from mmsearch.normalise import unit_rows

OFFSET, WEIGHT = np.array([1.0, 0.0], np.float32), np.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.0]], np.float32)
HEAD = Head("image", OFFSET, WEIGHT)


def rows(n, dim, features, seed=0):
    random = np.random.default_rng(seed)
    vectors = unit_rows(random.standard_normal((n, dim)))
    return vectors, random.standard_normal((n, features)).astype(np.float16)


def test_apply_moves_a_vector_and_brings_it_to_unit_length():
    adapted = HEAD.apply(np.array([[1, 0, 0]], np.float32), np.array([[2, 0]], np.float16))
    assert adapted == pytest.approx(np.array([[1, 1, 0]]) / np.sqrt(2))
    assert adapted.dtype == np.float32


def test_rows_without_features_stay_as_they_are():
    vectors, features = rows(5, 3, 2)
    features[[1, 4]] = 0
    before = vectors.copy()
    adapted = HEAD.apply(vectors, features)
    assert (adapted[[1, 4]] == vectors[[1, 4]]).all()
    assert not np.isclose(adapted[[0, 2, 3]], vectors[[0, 2, 3]]).all(axis=1).any()
    assert (vectors == before).all()


def test_pieces_give_what_the_whole_gives(monkeypatch):
    vectors, features = rows(10, 3, 2)
    whole = HEAD.apply(vectors, features)
    monkeypatch.setattr(head_module, "PIECE_ROWS", 3)
    assert HEAD.apply(vectors, features) == pytest.approx(whole, abs=1e-6)
    assert HEAD.apply(vectors[:0], features[:0]).shape == (0, 3)


def test_bytes_bring_the_head_back():
    back = Head.from_bytes(HEAD.to_bytes(), dim=3, feature_dim=2)
    assert back.modality == "image"
    assert (back.offset == OFFSET).all()
    assert (back.weight == WEIGHT).all()
    assert back.weight.dtype == back.offset.dtype == np.float32


HALF = WEIGHT.astype(np.float16)


def tensors(offset=OFFSET, weight=HALF, modality="image", **more):
    return save({f"{modality}.offset": offset, f"{modality}.weight": weight, **more})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not safetensors at all",
        (1 << 63).to_bytes(8, "little") + b"{}",
        HEAD.to_bytes()[:-1],
        HEAD.to_bytes() + b"\0",
        HEAD.to_bytes().replace(b'"F16"', b'"XXX"'),
        HEAD.to_bytes().replace(b"[2,3]", b"[3,3]"),
        HEAD.to_bytes() + bytes(10_000),
        tensors(modality="smell"),
        tensors(extra=OFFSET),
        tensors(offset=OFFSET.astype(np.float64)),
        tensors(weight=WEIGHT),
        tensors(weight=WEIGHT.T.astype(np.float16).copy()),
        tensors(offset=OFFSET[:1]),
        tensors(offset=np.array([np.nan, 0], np.float32)),
        tensors(weight=np.full((2, 3), np.inf, np.float16)),
    ],
)
def test_hostile_bytes_are_damage(data):
    with pytest.raises(CollectionDamaged, match="head cannot be read") as raised:
        Head.from_bytes(data, dim=3, feature_dim=2)
    assert "--undo" in raised.value.remedy


def test_a_head_of_other_lengths_is_damage():
    for dim, feature_dim in ((4, 2), (3, 1)):
        with pytest.raises(CollectionDamaged):
            Head.from_bytes(HEAD.to_bytes(), dim=dim, feature_dim=feature_dim)


@pytest.mark.parametrize("n", [4, 30], ids=["fewer rows than features", "more rows"])
def test_ridge_solves_the_normal_equations_at_every_strength(n):
    random = np.random.default_rng(1)
    x, y = random.standard_normal((n, 10)), random.standard_normal((n, 3))
    ridge = decompose(x, y)
    for strength in (0.01, 1.0, 100.0):
        expected = np.linalg.solve(x.T @ x + strength * np.eye(10), x.T @ y)
        assert ridge.weight(strength) == pytest.approx(expected, abs=1e-9)


def test_ridge_of_equal_rows_is_finite():
    assert np.isfinite(decompose(np.zeros((3, 2)), np.zeros((3, 1))).weight(1e-6)).all()


@pytest.mark.parametrize(
    ("x", "y"), [(np.ones((2, 2)), np.ones((3, 1))), (np.ones((0, 2)), np.ones((0, 1))), ([[np.nan]], [[1.0]])]
)
def test_ridge_refuses_what_does_not_fit(x, y):
    with pytest.raises(ValueError, match=r"expected features|NaN"):
        decompose(x, y)
