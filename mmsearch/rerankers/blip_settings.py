"""What a BLIP model's own files say of how it sees pictures: known without reading its weights."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mmsearch.errors import ModelError, WeightsDamaged
from mmsearch.rerankers.model_folder import CONFIG_FILE, COPY_MODEL, read_object
from mmsearch.types import ImageInput, Pixels

ARCHITECTURE = "BlipForImageTextRetrieval"
# Where published folders have it: transformers 4 wrote a file for pictures alone.
_PREPROCESSOR_FILE, _PROCESSOR_FILE = "preprocessor_config.json", "processor_config.json"
_RESAMPLE = {2: "bilinear", 3: "bicubic"}  # numbers of PIL.Image.Resampling
_MAX_SIDE_PX = 4096


@dataclass(frozen=True, slots=True)
class BlipSettings:
    """How pictures are prepared, and what comes of them.

    Attributes:
        mean: Of each channel, in [0, 1], to be subtracted; `std` is what the rest is divided by.
        tokens_shape: (t, d): a token for the whole picture and one for each of its patches.
    """

    image_input: ImageInput
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    tokens_shape: tuple[int, int]

    def normalise(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Bring pixels (h, w, 3) to what the model was trained on: (1, 3, h, w)."""
        scaled = pixels.astype(np.float32) / 255
        scaled -= np.array(self.mean, dtype=np.float32)
        scaled /= np.array(self.std, dtype=np.float32)
        return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def read_settings(folder: Path) -> BlipSettings:
    """Read them from the JSON files of a folder.

    Raises:
        WeightsDamaged: A file is missing or malformed.
        ModelError: It is another kind of model, or pictures are prepared in a way that is not known here.
    """
    config = read_object(folder / CONFIG_FILE)
    if ARCHITECTURE not in (config.get("architectures") or []):
        raise ModelError(
            f"The model in {folder} is no BLIP model for image-text matching ({ARCHITECTURE}).",
            remedy="Name one such as Salesforce/blip-itm-base-coco.",
        )
    try:
        return _settings(config["vision_config"], _picture_settings(folder))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise WeightsDamaged(f"The settings in {folder} cannot be used: {error!r}.", remedy=COPY_MODEL) from error


def _picture_settings(folder: Path) -> dict[str, Any]:
    if (folder / _PREPROCESSOR_FILE).is_file():
        return read_object(folder / _PREPROCESSOR_FILE)
    return dict(read_object(folder / _PROCESSOR_FILE)["image_processor"])


def _settings(vision: dict[str, Any], pictures: dict[str, Any]) -> BlipSettings:
    side, patch = int(vision.get("image_size", 384)), int(vision.get("patch_size", 16))
    height, width = int(pictures["size"]["height"]), int(pictures["size"]["width"])
    if not 0 < patch <= side <= _MAX_SIDE_PX or (height, width) != (side, side):
        raise ValueError(f"pictures of {width} x {height} px do not fit a model for {side} px")
    return BlipSettings(
        image_input=ImageInput(width, height, "squash", _RESAMPLE[pictures.get("resample", 3)]),  # type: ignore[arg-type]
        mean=_channels(pictures["image_mean"]),
        std=_channels(pictures["image_std"]),
        tokens_shape=((side // patch) ** 2 + 1, int(vision.get("hidden_size", 768))),
    )


def _channels(values: list[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    if not all(map(math.isfinite, (red, green, blue))):
        raise ValueError(f"{values} are not three numbers")
    return red, green, blue
