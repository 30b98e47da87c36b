import pytest
import torch

from mmsearch import threads
from mmsearch.training.repeatable import repeatable


@pytest.fixture(autouse=True)
def few_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "machine_cores", lambda: 3)
    before = torch.get_num_threads()
    threads.set_up_torch(torch)
    yield
    torch.set_num_threads(before)


def test_the_same_seed_draws_the_same_and_leaves_the_callers_draws_alone():
    torch.manual_seed(7)
    expected = torch.rand(4)
    torch.manual_seed(7)
    drawn = []
    for seed in (1, 1, 2):
        with repeatable(seed):
            drawn.append(torch.rand(4))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.rand(4), expected)


def test_training_has_all_cores_while_it_lasts_though_a_search_has_one():
    assert torch.get_num_threads() == 1
    with repeatable(1):
        assert torch.get_num_threads() == 3
    with pytest.raises(ZeroDivisionError), repeatable(1):
        raise ZeroDivisionError
    assert torch.get_num_threads() == 1
    assert not torch.are_deterministic_algorithms_enabled()


def test_training_has_as_many_as_the_user_says(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with repeatable(1):
        assert torch.get_num_threads() == 2
