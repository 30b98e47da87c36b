"""The model's files, checked against their pinned SHA-256 and mapped into memory.

A file is mapped once, hashed, and its tensors are views into that same mapping: what was checked is what is used.
"""

import hashlib
import json
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mmsearch.errors import WeightsDamaged
from mmsearch.files import map_readonly

Tensor = npt.NDArray[np.float32]
Tensors = Mapping[str, Tensor]

HERE = Path(str(files("mmsearch.encoders.builtin")))


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file of the built-in model and the SHA-256 it must have."""

    name: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it is installed."""
        return HERE / self.name

    def map(self) -> mmap.mmap:
        """Map the file and check it.

        Raises:
            WeightsDamaged: It is missing, or its SHA-256 differs.
        """
        try:
            with open(self.path, "rb") as file:
                mapped = map_readonly(file)
        except (OSError, ValueError) as error:
            raise WeightsDamaged(f"The built-in model's file {self.path} is missing or empty.") from error
        # hashlib releases the GIL: other threads go on importing meanwhile.
        if hashlib.sha256(mapped).hexdigest() != self.sha256:
            raise WeightsDamaged(f"The built-in model's file {self.path} is not the one that mmsearch was made with.")
        return mapped


MINILM = PinnedFile("weights/minilm.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db")
TOKENIZER = PinnedFile("weights/tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037")
EFFICIENTNET = PinnedFile(
    "weights/efficientnet-lite0.pth", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
)
YAMNET = PinnedFile("weights/yamnet.ckpt", "e2d7db5a31a3756256fcbf821f7e41ea26921c85fcde7a71108541749295b9a5")
CLASSES = PinnedFile("classes.safetensors", "1c837334327d518400508ff85f2af77594ae2014b68aa31637c78e09c182637b")
SOUND_CLASSES = PinnedFile(
    "sound-classes.safetensors", "651baf798533a0e823159bb9a85df56659b88caaf994b7a973a76740117dfb42"
)
IMAGE_HEAD = PinnedFile("image-head.safetensors", "c1f2ccbea88ee22f9835459476750f132e5633f05813f53a1ca101b1cb8f107e")
SOUND_HEAD = PinnedFile("sound-head.safetensors", "50ce6e82810f3cd39395c28f7b2679951f458719d5de2ab995749739fdbf51d1")
ALL_FILES = (MINILM, TOKENIZER, EFFICIENTNET, YAMNET, CLASSES, SOUND_CLASSES, IMAGE_HEAD, SOUND_HEAD)


def safetensors(file: PinnedFile) -> dict[str, Tensor]:
    """Read a checked .safetensors file; float16 is widened, other types than floats are left out.

    The layout (8 bytes of header length, a JSON header, then raw tensors) is read here rather than by the
    safetensors package because that copies 90 MB at each start; the pinned digest makes the header trustworthy.
    """
    mapped = file.map()
    header_bytes = int.from_bytes(mapped[:8], "little")
    header = json.loads(mapped[8 : 8 + header_bytes])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] in {"F32", "F16"}:
            start = 8 + header_bytes + entry["data_offsets"][0]
            view = _view(mapped, start, entry["shape"], "<f4" if entry["dtype"] == "F32" else "<f2")
            tensors[name] = np.asarray(view, dtype=np.float32)
    return tensors


def checkpoint(file: PinnedFile, table: Path) -> dict[str, Tensor]:
    """Read a checked PyTorch checkpoint without unpickling it: the table says where each tensor lies."""
    mapped = file.map()
    places = json.loads(table.read_text(encoding="utf-8"))
    return {
        name: np.lib.stride_tricks.as_strided(
            _view(mapped, offset, [prod(shape)], "<f4"),
            shape,
            [4 * stride for stride in strides],
            writeable=False,
        )
        for name, (offset, shape, strides) in places.items()
    }


def _view(mapped: mmap.mmap, offset: int, shape: list[int], dtype: str) -> Tensor:
    return np.frombuffer(mapped, dtype, count=prod(shape), offset=offset).reshape(shape)
