"""BLIP's image-text matching in two steps, so that each picture is seen once and only the rest is done for a query.

Two things differ from the `forward` of transformers:

- The first token of the text becomes [ENC]. The weights were trained so (salesforce/BLIP, models/blip_retrieval.py,
  "Image-text Matching"); transformers leaves [CLS] there, which asks the model for its text-only reading.
- Keys and values of the picture's 577 tokens are never made. A query has 3 to 35 tokens, so it is cheaper to bring
  its queries into the space of the picture's tokens, and what they found back: the same sums in another order.

Source: Li et al. 2022, "BLIP: Bootstrapping Language-Image Pre-training", section 3.1.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, BlipForImageTextRetrieval

from mmsearch.errors import ModelError, WeightsDamaged
from mmsearch.rerankers.blip_settings import BlipSettings
from mmsearch.rerankers.model_folder import COPY_MODEL, device_here, model_errors, no_progress_bar, readable
from mmsearch.rerankers.picture_cache import PictureTokens
from mmsearch.threads import set_up_torch
from mmsearch.types import Pixels

MATCHING_TOKEN = "[ENC]"
MAX_TOKENS = 35  # of a text, as in training


class FoldedCrossAttention(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Cross-attention of a few text tokens over many picture tokens, without keys and values.

    With x a picture token: q . (K x + k) = (q K) . x + q . k, whose last term is equal for all tokens and so drops
    out of the softmax; and sum_i p_i (V x_i + v) = V (sum_i p_i x_i) + v, since the p_i add up to 1.

    Args:
        original: A `BlipTextSelfAttention` over pictures; shares its weights.
    """

    def __init__(self, original: nn.Module) -> None:
        super().__init__()
        self.heads = original.num_attention_heads
        self.query, self.key, self.value = original.query, original.key, original.value

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        encoder_hidden_states: Tensor | None = None,
        **_: object,
    ) -> tuple[Tensor, Tensor]:
        """Attend from (b, l, w) over all of (b, t, d): there is no mask, and what else transformers gives is unused.

        Returns:
            What was found (b, l, w), and how much each head looked where (b, heads, l, t).
        """
        assert encoder_hidden_states is not None
        pictures = encoder_hidden_states
        b, length, width = hidden_states.shape
        per_head = (self.heads, width // self.heads, -1)
        asked = self.query(hidden_states).view(b, length, *per_head[:2])
        asked = torch.einsum("blhk,hkd->bhld", asked, self.key.weight.view(per_head)) / math.sqrt(per_head[1])
        looks = torch.matmul(asked.flatten(1, 2), pictures.transpose(1, 2)).softmax(dim=-1)  # (b, heads * l, t)
        found = torch.matmul(looks, pictures).view(b, self.heads, length, -1)
        context = torch.einsum("bhld,hkd->blhk", found, self.value.weight.view(per_head)).flatten(2)
        return context + self.value.bias, looks.view(b, self.heads, length, -1)


class BlipMatcher:
    """A BLIP model ready to run, on the GPU where torch sees one.

    Raises:
        ModelError: The files cannot be read, lack weights, or have no token for matching.
    """

    def __init__(self, folder: Path, settings: BlipSettings) -> None:
        self._settings = settings
        set_up_torch(torch)
        self._device = device_here()
        with model_errors(f"The model in {folder} cannot be loaded"), no_progress_bar():
            self.model = _load(folder).to(self._device)
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        self._matching_id = _matching_id(self._tokenizer, self.model.config.text_config.vocab_size)
        for layer in self.model.text_encoder.encoder.layer:
            layer.crossattention.self = FoldedCrossAttention(layer.crossattention.self)

    def see(self, pixels: Pixels) -> PictureTokens:
        """Return what the model sees in a picture, pixels (h, w, 3) of its size: (t, d)."""
        with torch.inference_mode():
            seen = self.model.vision_model(torch.from_numpy(self._settings.normalise(pixels)).to(self._device))
        # In half precision even if nothing is kept, so that a second look gives the same score.
        return np.asarray(seen.last_hidden_state[0].half().cpu().numpy(), dtype=np.float16)

    def match(self, text: str, pictures: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
        """Say how well a text fits pictures (n, t, d): the logit of "match" minus that of "no match", (n,)."""
        with torch.inference_mode():
            tokens = torch.from_numpy(pictures).to(self._device).float()
            ids = self.token_ids(text).to(self._device).expand(len(pictures), -1)
            seen = self.model.text_encoder(input_ids=ids, encoder_hidden_states=tokens)
            logits = self.model.itm_head(seen.last_hidden_state[:, 0])
        return np.asarray((logits[:, 1] - logits[:, 0]).cpu().numpy(), dtype=np.float32)

    def token_ids(self, text: str) -> Tensor:
        """Return the ids of a text (1, l), [ENC] first."""
        longest = min(MAX_TOKENS, self.model.config.text_config.max_position_embeddings)
        encoded = self._tokenizer(readable(text), truncation=True, max_length=longest, return_tensors="pt")
        ids: Tensor = encoded["input_ids"].clone()
        ids[:, 0] = self._matching_id
        return ids


def _load(folder: Path) -> Any:  # noqa: ANN401 - transformers is untyped here
    model, report = BlipForImageTextRetrieval.from_pretrained(
        folder,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
    )
    if missing := sorted(report["missing_keys"]):  # transformers would go on with random ones
        raise WeightsDamaged(f"The weights in {folder} lack {missing[0]}.", remedy=COPY_MODEL)
    return model.eval()


def _matching_id(tokenizer: Any, vocabulary: int) -> int:  # noqa: ANN401 - transformers is untyped here
    """Find [ENC]: BLIP put [DEC] and [ENC], in this order, behind the words of BERT.

    The published tokenizers are those of BERT and do not name the two, but the model has a row for each.
    """
    named = tokenizer.get_vocab().get(MATCHING_TOKEN, vocabulary - 1 if vocabulary == len(tokenizer) + 2 else None)
    if named is None or not 0 <= named < vocabulary:
        raise ModelError(
            f"The tokenizer of this model has no {MATCHING_TOKEN}, and the model none to spare.", remedy=COPY_MODEL
        )
    return int(named)
