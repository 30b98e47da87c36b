"""Writing what a training gave: the head and its card."""

import hashlib
import json
from dataclasses import asdict

import numpy as np
from safetensors.numpy import save

from mmsearch.encoders.builtin.head import FeatureHead


def write_head(head: FeatureHead) -> str:
    """Write a head where it is installed, in float16. Returns its SHA-256, which is to be pinned."""
    data = save({name: tensor.astype(np.float16) for name, tensor in asdict(head).items()})
    head.file.path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    print(f"{head.file.name}: {len(data)} bytes; set its SHA-256 in mmsearch/encoders/builtin/weights.py:\n{digest}")
    return digest


def write_card(head: FeatureHead, card: dict[str, object]) -> None:
    """Write the card beside the head."""
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    head.file.path.with_suffix(".json").write_text(text, encoding="utf-8")
