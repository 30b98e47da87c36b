"""The fusion re-ranker: each word of a query attends to the cells of a picture, or to the moments of a sound.

One layer of cross-attention in the space that the first stage searches in. Words and tokens lie there already, so
nothing has to be learned to compare them: the projections begin as the identity, each head with a sharpness of its own,
from an even look at everything to a look at the best place only. Learned are low-rank corrections of the projections,
the sharpness, the weight of each head and each word, and a gate through which all of it enters the score. The gate
begins closed: an untrained model is the first stage. The parameters are few, since users have hundreds of pairs, not
millions: a network on top of what the words find learned them by heart (docs/decisions/0019-fusion.md).

fusion.py does the same in numpy, since torch takes a second to import; tests hold the two together.

Sources: cross-attention, Vaswani et al. 2017, "Attention Is All You Need", section 3.2; a word looks for its best
place, Yao et al. 2021, "FILIP", section 3.1; low-rank corrections, Hu et al. 2021, "LoRA", section 4.1; a gate that
begins closed, Bachlechner et al. 2020, "ReZero", section 3.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from mmsearch.rerankers.fusion import FORMAT, KINDS, FusionReranker
from mmsearch.types import Modality

SHARPNESS = (3.0, 10.0, 30.0)  # of each head at first: 30 all but picks the best token
SCALE = 20.0  # from cosines to logits
NOWHERE = -1e9  # a logit that takes no part


class Batch(NamedTuple):
    """b queries with m candidates each.

    Attributes:
        query: (b, d) unit vectors.
        words: (b, w, d), any length.
        word_mask: (b, w) bool: which words there are, at least one a query.
        vectors: (b, m, d) unit vectors of the candidates.
        tokens: (b, m, t, d), any length.
        token_mask: (b, m, t) bool: which tokens there are, at least one a candidate.
        kind: (b, m) int64, places in `KINDS`.
    """

    query: Tensor
    words: Tensor
    word_mask: Tensor
    vectors: Tensor
    tokens: Tensor
    token_mask: Tensor
    kind: Tensor


@dataclass(frozen=True, slots=True)
class FusionConfig:
    """Sizes of a model.

    Attributes:
        dim: Of the space.
        rank: Of the learned corrections.
        dropout: Share of what these find that training drops.
    """

    dim: int
    rank: int = 16
    dropout: float = 0.3


class LowRank(nn.Module):  # type: ignore[misc]
    """x + x A B, where B begins as zeros."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        self.down = nn.Parameter(torch.randn(config.dim, config.rank) * config.dim**-0.5)
        self.up = nn.Parameter(torch.zeros(config.rank, config.dim))

    def forward(self, x: Tensor) -> Tensor:
        """Correct rows (..., d)."""
        return x + self.dropout(x @ self.down) @ self.up


class FusionModel(nn.Module):  # type: ignore[misc]
    """Scores candidates for queries; some 27,000 parameters in 384 dimensions."""

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = config
        self.word_centre = nn.Parameter(torch.zeros(config.dim))
        self.token_centre = nn.Parameter(torch.zeros(len(KINDS), config.dim))
        self.ask, self.offer = LowRank(config), LowRank(config)
        self.log_sharpness = nn.Parameter(torch.tensor(SHARPNESS).log())
        self.head_weight = nn.Parameter(torch.zeros(len(SHARPNESS)))
        self.word_weight = nn.Parameter(torch.zeros(config.dim))
        self.gate = nn.Parameter(torch.zeros(len(KINDS)))
        self.log_scale = nn.Parameter(torch.tensor(SCALE).log())

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits (b, m) that each candidate is what its query means."""
        cosines = torch.einsum("bd,bmd->bm", batch.query, batch.vectors)
        return self.log_scale.exp() * (cosines + self.gate[batch.kind] * self.match(batch))

    def match(self, batch: Batch) -> Tensor:
        """Say how well the words find what they ask for: (b, m), the weighted mean of cosines."""
        asked, offered = self.project(batch)
        looks = self.attention(asked, offered, batch.token_mask)
        found = torch.einsum("bmwt,bmtd->bmwd", looks, offered)
        likeness = torch.einsum("bwd,bmwd->bmw", asked, found)
        return torch.einsum("bw,bmw->bm", self.weigh(batch), likeness)

    def project(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Put words (b, w, d) and tokens (b, m, t, d) where they are compared: unit vectors."""
        words = F.normalize(batch.words, dim=-1) - self.word_centre
        tokens = F.normalize(batch.tokens, dim=-1) - self.token_centre[batch.kind][:, :, None]
        return F.normalize(self.ask(words), dim=-1), F.normalize(self.offer(tokens), dim=-1)

    def attention(self, asked: Tensor, offered: Tensor, token_mask: Tensor) -> Tensor:
        """Say how much each word looks at each token: (b, m, w, t), the mean over heads by their weight."""
        likeness = torch.einsum("bwd,bmtd->bmwt", asked, offered)
        logits = self.log_sharpness.exp()[:, None] * likeness[:, :, :, None]  # (b, m, w, heads, t)
        looks = logits.masked_fill(~token_mask[:, :, None, None], NOWHERE).softmax(dim=-1)
        return torch.einsum("h,bmwht->bmwt", self.head_weight.softmax(dim=0), looks)

    def weigh(self, batch: Batch) -> Tensor:
        """Say how much each word counts: (b, w), of sum 1."""
        weights = F.normalize(batch.words, dim=-1) @ self.word_weight
        return weights.masked_fill(~batch.word_mask, NOWHERE).softmax(dim=-1)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def centre(self, words: Tensor, tokens: Tensor, kind: Tensor) -> None:
        """Begin with the means of some words (n, d), and of tokens (t, d) by their kind (t,), as what they share."""
        self.word_centre.copy_(F.normalize(words, dim=-1).mean(dim=0))
        for number in kind.unique().tolist():
            self.token_centre[number] = F.normalize(tokens[kind == number], dim=-1).mean(dim=0)

    @property
    def few(self) -> list[nn.Parameter]:
        """The parameters that any number of pairs can fit: they take a much greater learning rate than the others."""
        return [self.gate, self.head_weight, self.log_sharpness, self.log_scale]


def from_reranker(reranker: FusionReranker) -> FusionModel:
    """Return the model behind a trained re-ranker, to be trained on."""
    named = ((field.name, getattr(reranker.tensors, field.name)) for field in fields(reranker.tensors))
    tensors = {name: torch.from_numpy(value) for name, value in named}
    dim, rank = tensors["ask_down"].shape
    model = FusionModel(FusionConfig(dim, rank))
    model.load_state_dict({name: tensors[name.replace(".", "_")] for name in model.state_dict()})
    return model


def to_bytes(model: FusionModel, weights: Mapping[Modality, float]) -> bytes:
    """Write a model as safetensors, float32, with the weight that each kind's scores have beside the first stage."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    about = {"format": FORMAT, "weights": dict(sorted(weights.items()))}
    return save(tensors, {"mmsearch": json.dumps(about)})
