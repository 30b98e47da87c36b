"""Sounds to vectors: Whisper-base's encoder, and a linear head that tools/train_builtin fits.

A clip is described by the mean and the standard deviation, over its own frames, of the output of each of the encoder's
6 layers: lower ones know how it sounds, upper ones what is said. It is not padded to Whisper's 30 s, which would cost
several times the time and drown short clips in silence.

Source: Gong et al. 2023, "Whisper-AT: Noise-Robust Automatic Speech Recognizers are Also Strong General Audio Event
Taggers", section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from mmsearch.encoders.builtin import whisper
from mmsearch.encoders.builtin.mel import HOP, RATE_HZ, log_mel
from mmsearch.encoders.builtin.session import make_session
from mmsearch.encoders.builtin.weights import AUDIO_HEAD, HERE, Tensor, Tensors, safetensors
from mmsearch.normalise import unit_rows
from mmsearch.types import Embedded, Features, Waveform

WINDOW_S, OVERLAP_S = 10.0, 1.0
SHORTEST_S = 2.0  # shorter clips get silence behind them, which is not counted
FRAME = 2 * HOP  # samples that become one frame of the encoder: 20 ms
LAYERS, WIDTH, HEAD_DIM = 6, 512, 64
STATISTICS = 2 * LAYERS * WIDTH


class WhisperEncoder:
    """Whisper-base's encoder, loaded. Thread-safe."""

    def __init__(self) -> None:
        self._session = make_session(HERE / "audio.onnx", _graph_tensors(whisper.encoder_tensors()))

    def statistics(self, waves: Sequence[Waveform]) -> Tensor:
        """Describe sounds at 16 kHz, each of 1 sample to 30 s: (n, 6144) float32.

        A row holds [mean of layer 1, standard deviation of layer 1, mean of layer 2, ...], 512 each. One clip at a
        time: on one thread a batch is no faster, and so a clip's row cannot depend on its neighbours.
        """
        rows = np.empty((len(waves), STATISTICS), dtype=np.float32)
        for row, wave in zip(rows, waves, strict=True):
            frames = ceil(len(wave) / FRAME)
            samples = max(frames * FRAME, int(SHORTEST_S * RATE_HZ))
            mel = log_mel(np.pad(wave, (0, samples - len(wave))))
            inputs = {"mel": mel[None], "valid": np.array([frames], dtype=np.int64)}
            row[:] = self._session.run(None, inputs)[0][0]
        return rows


@dataclass(frozen=True, slots=True)
class AudioHead:
    """What is fitted on top of the encoder: x' = (x - mean) / scale, and three linear maps of x'.

    Attributes:
        mean: (6144,), as is `scale`.
        weight: (384, 6144); with `bias` (384,) the map into the text space.
        centre: (384,): the mean of the training sounds' unit vectors, taken off each.
        compression: (6144, F): what of x' is kept as features.
        speech_weight: (6144,); with `speech_bias` (1,) the logit that somebody speaks.
    """

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor
    centre: Tensor
    compression: Tensor
    speech_weight: Tensor
    speech_bias: Tensor

    def apply(self, statistics: Tensor) -> Embedded:
        """Turn statistics (n, 6144) into vectors, features and whether somebody speaks."""
        x = (statistics - self.mean) / self.scale
        vectors = unit_rows(x @ self.weight.T + self.bias) - self.centre
        features: Features = (x @ self.compression).astype(np.float16)
        speech = x @ self.speech_weight + self.speech_bias > 0
        return Embedded(vectors=vectors, features=features, speech=speech)


class AudioModel:
    """The encoder with its head, loaded. Thread-safe."""

    def __init__(self) -> None:
        self._head = AudioHead(**safetensors(AUDIO_HEAD))
        self._encoder = WhisperEncoder()

    def statistics(self, waves: Sequence[Waveform]) -> Tensor:
        """Describe sounds; see `WhisperEncoder.statistics`."""
        return self._encoder.statistics(waves)

    def embed(self, waves: Sequence[Waveform]) -> Embedded:
        """Embed sounds at 16 kHz, each of 1 sample to 30 s: vectors (n, 384), not normalised, and all the rest."""
        return self._head.apply(self.statistics(waves))


def _graph_tensors(tensors: Tensors) -> dict[str, Tensor]:
    """Rename CTranslate2's tensors to the graph's; attention's division by sqrt(64) is folded into the query."""
    renamed = {"positions": tensors["position_encodings/encodings"]}
    for name in ("conv1", "conv2"):
        renamed.update(_pair(tensors, name, name))
    for layer in range(LAYERS):
        old, new = f"layer_{layer}", f"layer.{layer}"
        renamed.update(_pair(tensors, f"{old}/self_attention/layer_norm", f"{new}.attention.norm"))
        for name, tensor in _pair(tensors, f"{old}/self_attention/linear_0", f"{new}.qkv").items():
            query, key, value = np.split(tensor, 3)
            renamed[name] = np.concatenate([query / np.float32(sqrt(HEAD_DIM)), key, value])
        renamed.update(_pair(tensors, f"{old}/self_attention/linear_1", f"{new}.attention.out"))
        renamed.update(_pair(tensors, f"{old}/ffn/layer_norm", f"{new}.norm"))
        renamed.update(_pair(tensors, f"{old}/ffn/linear_0", f"{new}.inner"))
        renamed.update(_pair(tensors, f"{old}/ffn/linear_1", f"{new}.outer"))
    return renamed


def _pair(tensors: Tensors, old: str, new: str) -> dict[str, Tensor]:
    """Weight and bias of a layer; a norm's are called gamma and beta."""
    weight, bias = ("gamma", "beta") if old.endswith("layer_norm") else ("weight", "bias")
    return {f"{new}.weight": tensors[f"{old}/{weight}"], f"{new}.bias": tensors[f"{old}/{bias}"]}
