import numpy as np
import pytest
from safetensors.numpy import save

from mmsearch.errors import CollectionDamaged
from mmsearch.hubness import bank as bank_module
from mmsearch.hubness.bank import Bank, from_bytes, rounded, to_bytes
from mmsearch.normalise import unit_rows

DIM = 8


def unit(n, seed=0):
    return unit_rows(np.random.default_rng(seed).standard_normal((n, DIM)))


BANK = Bank("image", rounded(unit(6)), k=3, weight=0.5, mean=0.25)
OTHER = Bank("audio", rounded(unit(2, 1)), k=128, weight=0.25, mean=-0.125)


def test_penalties_are_the_means_of_the_nearest_queries():
    vectors = unit(5, 7)
    nearest = np.sort(vectors @ BANK.queries.T, axis=1)[:, -3:].mean(axis=1)
    assert BANK.penalties(vectors) == pytest.approx(0.5 * (nearest - 0.25), abs=1e-6)
    assert BANK.penalties(vectors).dtype == np.float32
    assert OTHER.penalties(vectors) == pytest.approx(
        0.25 * ((vectors @ OTHER.queries.T).mean(axis=1) + 0.125), abs=1e-6
    )
    assert BANK.penalties(vectors[:0]).shape == (0,)


def test_bytes_bring_banks_back():
    back = from_bytes(to_bytes({"image": BANK, "audio": OTHER}), DIM)
    assert set(back) == {"image", "audio"}
    for bank in (BANK, OTHER):
        again = back[bank.modality]
        assert (again.queries == bank.queries).all()
        assert (again.modality, again.k, again.weight, again.mean) == (bank.modality, bank.k, bank.weight, bank.mean)
    assert from_bytes(to_bytes({}), DIM) == {}


HALF = BANK.queries.astype(np.float16)
SETTINGS = np.array([3, 0.5, 0.25], np.float32)


def tensors(queries=HALF, settings=SETTINGS, modality="image", **more):
    return save({f"{modality}.queries": queries, f"{modality}.settings": settings, **more})


def changed(place, value):
    settings = SETTINGS.copy()
    settings[place] = value
    return tensors(settings=settings)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not safetensors at all",
        (1 << 63).to_bytes(8, "little") + b"{}",
        tensors()[:-1],
        tensors() + b"\0",
        tensors() + bytes(1 << 20),
        tensors().replace(b'"F16"', b'"XXX"'),
        tensors().replace(b"[6,8]", b"[8,6]"),
        tensors(modality="smell"),
        tensors(extra=SETTINGS),
        save({"image.queries": HALF}),
        save({"image.settings": SETTINGS}),
        tensors(queries=BANK.queries),
        tensors(queries=HALF[:0]),
        tensors(queries=HALF[:, :4].copy()),
        tensors(queries=HALF.ravel().copy()),
        tensors(queries=np.full((6, DIM), np.nan, np.float16)),
        tensors(queries=np.full((6, DIM), 2, np.float16)),
        tensors(settings=SETTINGS[:2]),
        tensors(settings=SETTINGS.astype(np.float64)),
        *(changed(0, value) for value in (0, -1, 2.5, 5_000, np.nan, np.inf)),
        *(changed(1, value) for value in (0, -1, 11, np.nan, np.inf)),
        *(changed(2, value) for value in (-2, 2, np.nan, np.inf)),
    ],
)
def test_hostile_bytes_are_damage(data):
    with pytest.raises(CollectionDamaged, match="bank of queries cannot be read") as raised:
        from_bytes(data, DIM)
    assert "--undo" in raised.value.remedy


def test_too_many_queries_are_damage(monkeypatch):
    monkeypatch.setattr(bank_module, "MAX_QUERIES", 5)
    with pytest.raises(CollectionDamaged, match="its queries are"):
        from_bytes(tensors(), DIM)


def test_a_bank_for_another_model_is_damage():
    with pytest.raises(CollectionDamaged):
        from_bytes(tensors(), DIM + 1)
