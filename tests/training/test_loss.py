import math

import pytest
import torch

from mmsearch.training.loss import listwise, matching

LOGITS = torch.tensor([[2.0, 1.0, 5.0], [0.0, 0.0, 3.0]])
VALID = torch.tensor([[True, True, False], [True, True, True]])


def test_listwise_is_the_cross_entropy_among_what_counts():
    first = -math.log(math.exp(2) / (math.exp(2) + math.exp(1)))
    second = -math.log(1 / (1 + 1 + math.exp(3)))
    assert listwise(LOGITS, VALID).item() == pytest.approx((first + second) / 2)


def test_matching_weighs_right_and_wrong_alike():
    def wrong_side(margin):
        return math.log(1 + math.exp(margin))

    right = (wrong_side(-1) + wrong_side(1)) / 2
    wrong = (wrong_side(0) + wrong_side(-1) + wrong_side(2)) / 3
    assert matching(LOGITS, VALID, torch.tensor(1.0)).item() == pytest.approx((right + wrong) / 2)


def test_what_does_not_count_has_no_gradient():
    logits = LOGITS.clone().requires_grad_()
    (listwise(logits, VALID) + matching(logits, VALID, torch.tensor(0.0))).backward()
    assert logits.grad[0, 2] == 0
    assert (logits.grad[VALID] != 0).all()


def test_a_pair_alone_is_no_mistake():
    alone = torch.tensor([[True, False, False]])
    assert listwise(LOGITS[:1], alone).item() == 0
    assert matching(LOGITS[:1], alone, torch.tensor(0.0)).isfinite()
