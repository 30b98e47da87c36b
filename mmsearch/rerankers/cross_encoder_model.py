"""A CrossEncoder of sentence-transformers, loaded and asked so that texts are texts and nothing else."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from sentence_transformers import CrossEncoder

from mmsearch.errors import ModelError
from mmsearch.rerankers.model_folder import device_here, model_errors, no_progress_bar, readable
from mmsearch.threads import set_up_torch
from mmsearch.types import Pixels


class PairScorer:
    """A cross-encoder ready to run, on the GPU where torch sees one.

    Args:
        folder: Holds the model.
        pictures: Whether it is to read pictures.

    Raises:
        ModelError: It cannot be loaded, or does not give one score a pair.
    """

    def __init__(self, folder: Path, *, pictures: bool) -> None:
        set_up_torch(torch)
        device = device_here()
        with model_errors(f"The model in {folder} cannot be loaded"), no_progress_bar():
            self.model = CrossEncoder(
                str(folder),
                device=device,
                trust_remote_code=False,
                local_files_only=True,
                # Few CPUs are fast in half precision, in which many models are published.
                model_kwargs={"use_safetensors": True, "dtype": "auto" if device == "cuda" else torch.float32},
            ).eval()
            self._kinds = set(self.model.modalities)
        if self.model.num_labels != 1:
            raise ModelError(
                f"The model in {folder} gives {self.model.num_labels} numbers a pair, not one score.",
                remedy="Choose a model for re-ranking.",
            )
        if pictures and not {"image", "message"} <= self._kinds:
            raise ModelError(f"The model in {folder} does not read pictures, though its settings say so.", remedy="")
        self._signals = _signals(self.model.tokenizer)

    def score(self, query: str, contents: Sequence[str | Pixels]) -> npt.NDArray[np.float32]:
        """Return the logits (n,) that texts or pictures (h, w, 3), all of one kind, fit a query."""
        pairs = [(self._part(query), self._part(content)) for content in contents]
        logits = self.model.predict(
            pairs, batch_size=len(pairs), show_progress_bar=False, activation_fn=torch.nn.Identity()
        )
        return np.asarray(logits, dtype=np.float32)

    def _part(self, content: str | Pixels) -> Any:  # noqa: ANN401 - half a pair, as sentence-transformers takes it
        """Say of a half of a pair what it is.

        A bare text that looks like the address or the path of a picture would be opened as one by models that read
        messages, so there a text is called a text.
        """
        if not isinstance(content, str):
            return {"image": Image.fromarray(content)}
        text = self._signals.sub(" ", readable(content))
        return {"text": text} if self._reads_parts else text

    @property
    def _reads_parts(self) -> bool:
        return "message" in self._kinds and self.model[0].input_formatter.message_format == "structured"


def _signals(tokenizer: Any) -> re.Pattern[str]:  # noqa: ANN401 - transformers is untyped here
    """Match what a model takes for a signal, such as "<|im_end|>": in a passage it is no more than its letters."""
    signals = sorted(map(str, tokenizer.get_added_vocab()), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, signals)) or r"(?!)")
