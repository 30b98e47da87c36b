"""Reading `open_clip_config.json`: checked before use, and refused if building from it needs a network."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from mmsearch.errors import ModelError, WeightsDamaged
from mmsearch.types import ImageInput

CONFIG_FILE = "open_clip_config.json"
_MAX_CONFIG_BYTES = 1 << 20
_MAX_DIM = 1 << 14
_MAX_IMAGE_PX = 1 << 12
_MAX_CONTEXT = 1 << 12
_MAX_NUMBER = 1 << 20  # the largest number in a published config is a vocabulary of 256,206

# open_clip's own defaults, constants.py
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
_REMEDY = "Copy the config from where the model was published."
_FITS: dict[str, Literal["crop", "squash", "pad"]] = {
    "shortest": "crop",
    "squash": "squash",
    "longest": "pad",
}
_WHITE = 255
_CLIP_VOCABULARY = 49408
_CLEANINGS = {"lower", "whitespace", "canonicalize"}
# Others are refused: `reduction_mask` would pick tokens by chance, `bpe_path` would read any file.
_CLIP_TOKENIZER_OPTIONS = {"clean"}
_HF_TOKENIZER_OPTIONS = {"clean", "strip_sep_token", "language"}

# What the last states of these trunks look like is known, and each can go through the trunk's head by itself.
_TOKEN_TRUNKS = ("convnext", "eva", "fastvit", "vit")
_MOST_CELLS = 7  # a side: a finer grid would only fill the disk

_Section = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenClipConfig:
    """What the encoder needs to know before the weights are loaded.

    Attributes:
        mean: Of red, green and blue, for pixels in [0, 1]; likewise `std`.
        hf_tokenizer: The Hugging Face tokenizer that the model uses; empty for CLIP's own.
        least_parameters: The towers have at least so many, going by the config.
        token_grid: The cells that a picture's tokens are of; None if the towers' parts cannot be put into the space.
    """

    dim: int
    image_input: ImageInput
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    context_length: int
    hf_tokenizer: str
    least_parameters: int
    tokenizer_kwargs: dict[str, Any] = field(default_factory=dict)
    token_grid: tuple[int, int] | None = None

    @property
    def preprocessing(self) -> str:
        """Everything that happens to a picture before the model sees it, in words."""
        image = self.image_input
        return f"{image.width_px}x{image.height_px} {image.fit} {image.resample} mean {self.mean} std {self.std}"


def read_config(folder: Path) -> OpenClipConfig:
    """Read and check the config of a model folder.

    Raises:
        WeightsDamaged: The file is missing, too large, or not JSON of the expected form.
        ModelError: It asks for what would need a network, or for preprocessing that cannot be done here.
    """
    document = _read_json(folder / CONFIG_FILE)
    model = _section(document, "model_cfg")
    if _largest_number(model) > _MAX_NUMBER:
        raise ModelError(f"{CONFIG_FILE} holds a number above {_MAX_NUMBER}.", remedy=_REMEDY)
    vision, text = _section(model, "vision_cfg"), _section(model, "text_cfg")
    _refuse_network(vision, text)
    preprocess = _section({"preprocess_cfg": document.get("preprocess_cfg", {})}, "preprocess_cfg")
    image_input = _image_input(vision, preprocess)
    hf_tokenizer = str(text.get("hf_tokenizer_name") or "")
    if not hf_tokenizer and _whole(text, "vocab_size", _CLIP_VOCABULARY, _MAX_NUMBER) < _CLIP_VOCABULARY:
        raise ModelError(f"text_cfg.vocab_size in {CONFIG_FILE} is smaller than CLIP's.", remedy=_REMEDY)
    return OpenClipConfig(
        dim=_whole(model, "embed_dim", None, _MAX_DIM),
        image_input=image_input,
        mean=_per_channel(preprocess, "mean", _MEAN),
        std=_per_channel(preprocess, "std", _STD),
        context_length=_whole(text, "context_length", 77, _MAX_CONTEXT),
        hf_tokenizer=hf_tokenizer,
        least_parameters=_least_parameters(vision, text),
        tokenizer_kwargs=_tokenizer_kwargs(text, hf_tokenizer),
        token_grid=_token_grid(model, image_input),
    )


def _read_json(path: Path) -> _Section:
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_CONFIG_BYTES + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WeightsDamaged(f"Cannot read {path}: {reason}.", remedy=_REMEDY) from error
    if len(data) > _MAX_CONFIG_BYTES:
        raise WeightsDamaged(f"{path} is larger than {_MAX_CONFIG_BYTES} bytes.", remedy=_REMEDY)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WeightsDamaged(f"{path} is not JSON: {error}.", remedy=_REMEDY) from error
    if not isinstance(document, dict):
        raise WeightsDamaged(f"{path} is not a JSON object.", remedy=_REMEDY)
    return document


def _section(holder: _Section, key: str) -> _Section:
    value = holder.get(key)
    if not isinstance(value, dict):
        raise WeightsDamaged(f"{CONFIG_FILE} has no section {key!r}.", remedy=_REMEDY)
    return value


def _whole(holder: _Section, key: str, default: int | None, most: int) -> int:
    value = holder.get(key, default)
    if type(value) is not int or not 1 <= value <= most:
        raise ModelError(f"{key} in {CONFIG_FILE} is {value!r}, not from 1 to {most}.", remedy=_REMEDY)
    return value


def _largest_number(value: object) -> float:
    if isinstance(value, dict):
        return max(map(_largest_number, value.values()), default=0)
    if isinstance(value, list):
        return max(map(_largest_number, value), default=0)
    return value if isinstance(value, int | float) else 0


def _refuse_network(vision: _Section, text: _Section) -> None:
    """Refuse towers that only a hub can describe: the folder alone is not enough to build them."""
    timm_name = str(vision.get("timm_model_name") or "")
    hf_name = str(text.get("hf_model_name") or "")
    if ":" in timm_name or hf_name:
        raise ModelError(
            f"The tower {timm_name if ':' in timm_name else hf_name!r} would be fetched from a model hub.",
            remedy="Use a model whose towers are built into open_clip or timm.",
        )


def _image_input(vision: _Section, preprocess: _Section) -> ImageInput:
    """Turn open_clip's terms into ours. The size is the vision tower's, as in open_clip itself."""
    size = vision.get("image_size", 224)
    height, width = size if isinstance(size, list) and len(size) == 2 else (size, size)
    mode = str(preprocess.get("resize_mode") or "shortest")
    if mode not in _FITS:
        raise ModelError(f"resize_mode in {CONFIG_FILE} is {mode!r}, which is not known.", remedy=_REMEDY)
    if mode == "longest" and preprocess.get("fill_color") != _WHITE:
        raise ModelError("The model was trained on pictures padded with another colour than white.")
    return ImageInput(
        width_px=_whole({"image_size": width}, "image_size", None, _MAX_IMAGE_PX),
        height_px=_whole({"image_size": height}, "image_size", None, _MAX_IMAGE_PX),
        fit=_FITS[mode],
        resample="bilinear" if preprocess.get("interpolation") == "bilinear" else "bicubic",
    )


def _token_grid(model: _Section, image: ImageInput) -> tuple[int, int] | None:
    vision, text = model["vision_cfg"], model["text_cfg"]
    if model.get("multimodal_cfg") or text.get("embed_cls"):
        return None
    if trunk := str(vision.get("timm_model_name") or ""):
        pooled_alone = vision.get("timm_pool") not in ("abs_attn", "rot_attn")  # which know their places by number
        return (_MOST_CELLS, _MOST_CELLS) if trunk.startswith(_TOKEN_TRUNKS) and pooled_alone else None
    if vision.get("attentional_pool") or isinstance(vision.get("layers"), list):
        return None
    patch = vision.get("patch_size", 16)
    height, width = patch if isinstance(patch, list) and len(patch) == 2 else (patch, patch)
    if (
        type(height) is not int
        or type(width) is not int
        or not (0 < height <= image.height_px and 0 < width <= image.width_px)
    ):
        return None
    return min(image.height_px // height, _MOST_CELLS), min(image.width_px // width, _MOST_CELLS)


def _per_channel(preprocess: _Section, key: str, default: tuple[float, float, float]) -> tuple[float, float, float]:
    value = preprocess.get(key) or default
    channels = value if isinstance(value, list | tuple) else [value] * 3
    if len(channels) != 3 or not all(isinstance(number, int | float) for number in channels):
        raise ModelError(f"{key} in {CONFIG_FILE} is {value!r}, not three numbers.", remedy=_REMEDY)
    red, green, blue = map(float, channels)
    if not isfinite(red + green + blue) or (key == "std" and min(red, green, blue) <= 0):
        raise ModelError(f"{key} in {CONFIG_FILE} is {value!r}, which cannot be.", remedy=_REMEDY)
    return red, green, blue


def _tokenizer_kwargs(text: _Section, hf_tokenizer: str) -> dict[str, Any]:
    known = _HF_TOKENIZER_OPTIONS if hf_tokenizer else _CLIP_TOKENIZER_OPTIONS
    given = text.get("tokenizer_kwargs") or {}
    if not isinstance(given, dict) or not set(given) <= known or str(given.get("clean", "lower")) not in _CLEANINGS:
        raise ModelError(
            f"tokenizer_kwargs in {CONFIG_FILE} are {given!r}, of which not all can be used.",
            remedy=_REMEDY,
        )
    return dict(given)


def _least_parameters(vision: _Section, text: _Section) -> int:
    """Count roughly, from below, so that a config cannot allocate far more than the weights file holds."""
    tokens = _whole(text, "vocab_size", _CLIP_VOCABULARY, _MAX_NUMBER)
    width = _whole(text, "width", 512, _MAX_DIM)
    parameters = tokens * width + _layers(text) * 4 * width**2
    if vision.get("timm_model_name"):
        return parameters  # the name decides about the rest
    return parameters + _layers(vision) * 4 * _whole(vision, "width", 768, _MAX_DIM) ** 2


def _layers(tower: _Section) -> int:
    """Layers of a transformer (12 unless it says otherwise), or of all four stages of a ResNet."""
    layers = tower.get("layers", 12)
    stages = layers if isinstance(layers, list) else [layers]
    return sum(_whole({"layers": stage}, "layers", None, _MAX_NUMBER) for stage in stages)
