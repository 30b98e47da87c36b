"""Building an open_clip model and its tokenizer from a folder: the one place that calls open_clip."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

from mmsearch.encoders.open_clip_config import CONFIG_FILE, OpenClipConfig
from mmsearch.errors import DependencyMissing, ModelError, WeightsDamaged
from mmsearch.threads import set_up_torch

WEIGHTS_FILE = "open_clip_model.safetensors"
COPY_MODEL = "Copy the model's files again from where it was published."
COPY_TOKENIZER = "Copy tokenizer.json and tokenizer_config.json from where the model was published."


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to run.

    Attributes:
        model: An open_clip model in evaluation mode, on `device`.
        tokenize: Texts to token ids (n, context), int64.
    """

    model: Any
    tokenize: Callable[[list[str]], Any]
    device: str


def load_model_folder(folder: Path, config: OpenClipConfig) -> LoadedModel:
    """Build the model and its tokenizer, on the GPU where torch sees one.

    Raises:
        WeightsDamaged: The weights or the tokenizer cannot be read, or do not fit the config.
        ModelError: open_clip does not know the architecture.
        DependencyMissing: The tokenizer needs transformers, which is not installed.
    """
    import torch

    if config.least_parameters > (folder / WEIGHTS_FILE).stat().st_size:
        raise WeightsDamaged(
            f"{CONFIG_FILE} in {folder} describes a far larger model than {WEIGHTS_FILE} holds.",
            remedy=COPY_MODEL,
        )
    set_up_torch(torch)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return LoadedModel(_load_model(folder, device), _load_tokenizer(folder, config), device)


def _load_model(folder: Path, device: str) -> Any:  # noqa: ANN401 - an open_clip model is untyped
    import open_clip
    from safetensors import SafetensorError

    try:
        # Given safetensors of this name, open_clip takes them before anything else in the folder.
        model = open_clip.create_model(f"local-dir:{folder}", precision="fp32", device=device)
    except (SafetensorError, RuntimeError, OSError, StopIteration) as error:
        if "can't allocate memory" in str(error):  # torch has no error of its own for it
            raise MemoryError(str(error)) from error
        reason = shorten(str(error), 300)
        raise WeightsDamaged(
            f"{WEIGHTS_FILE} in {folder} cannot be loaded into the architecture of {CONFIG_FILE}: {reason}.",
            remedy=COPY_MODEL,
        ) from error
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = shorten(str(error), 300)
        raise ModelError(
            f"open_clip cannot build the architecture of {folder / CONFIG_FILE}: {reason}.",
            remedy="Upgrade open_clip_torch if the model is newer.",
        ) from error
    return model.eval()


def _load_tokenizer(folder: Path, config: OpenClipConfig) -> Callable[[list[str]], Any]:
    import open_clip

    if not config.hf_tokenizer:
        tokenizer = open_clip.SimpleTokenizer(context_length=config.context_length, **config.tokenizer_kwargs)
        return tokenizer  # type: ignore[no-any-return]
    try:
        # The folder's own files are used; `local_files_only` keeps transformers from asking a hub for more.
        return open_clip.get_tokenizer(f"local-dir:{folder}", local_files_only=True)  # type: ignore[no-any-return]
    except ImportError as error:
        raise DependencyMissing(
            f"The model in {folder} uses a Hugging Face tokenizer, which needs the package 'transformers'.",
            remedy="Install it with: pip install transformers.",
        ) from error
    except (LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsDamaged(
            f"The tokenizer in {folder} cannot be read: {shorten(str(error), 300)}.",
            remedy=COPY_TOKENIZER,
        ) from error
