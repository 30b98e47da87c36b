"""What a model is trained for: the right pair first in its list, and right told from wrong.

Sources: the listwise loss is ListNet's with one right document, Cao et al. 2007, "Learning to Rank: From Pairwise
Approach to Listwise Approach", section 4.2; image-text matching beside it, Li et al. 2022, "BLIP", section 3.2.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def listwise(logits: Tensor, valid: Tensor) -> Tensor:
    """Return the mean cross-entropy of the first column among the valid ones of each row (b, m)."""
    targets = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    return F.cross_entropy(logits.masked_fill(~valid, -torch.inf), targets)


def matching(logits: Tensor, valid: Tensor, threshold: Tensor) -> Tensor:
    """Return the mean binary cross-entropy of pairs (b, m), right ones and wrong ones counting alike.

    Args:
        logits: Of which the first column is right.
        valid: Which pairs count.
        threshold: The logit that is taken for neither right nor wrong.
    """
    margins = logits - threshold
    right = F.softplus(-margins[:, 0]).mean()
    wrong = valid[:, 1:]
    each = F.softplus(margins[:, 1:]) * wrong
    return (right + each.sum() / wrong.sum().clamp(min=1)) / 2
