"""Sounds to vectors: YAMNet, ConSE and a correction learned from captioned sounds.

As a picture (image.py), a sound becomes the weighted mean of its classes' text vectors; here they are the 521 classes
of AudioSet (tools/build_builtin/sound_classes.py). To that unit vector sound_head.py adds a linear function of the
features below the classifier.

Sources: YAMNet (Plakal and Ellis, github.com/tensorflow/models, research/audioset/yamnet); Norouzi et al. 2014,
"Zero-Shot Learning by Convex Combination of Semantic Embeddings", section 3; Gemmeke et al. 2017, "Audio Set".
"""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mmsearch.encoders.builtin.patches import log_mel_patches
from mmsearch.encoders.builtin.session import make_session
from mmsearch.encoders.builtin.sound_head import SoundHead
from mmsearch.encoders.builtin.weights import HERE, SOUND_CLASSES, YAMNET, Tensor, Tensors, checkpoint, safetensors
from mmsearch.encoders.neighbours import average, equal_spans
from mmsearch.normalise import unit_rows
from mmsearch.types import Embedded, Features, Tokens, Vectors, Waveform

WINDOW_S, OVERLAP_S = 10.0, 1.0
CLASSES, POOLED = 521, 1024
BATCH = 8  # patches; single ones take half as long again
QUIETER = np.float32(0.1)  # patches 20 dB below the loudest are the silence around a sound
LIKELIEST = 20  # classes that count; the others' scores are noise, but there are 500 of them
SILENCE = 494
SILENCE_ABOVE = 0.5  # below, it is the silence around a click or a knock, which is not what one would call the sound
SPEECH = slice(0, 4)  # speech, a child's speech, conversation, narration; singing and shouting are further on
SPEECH_PATCHES = 3  # what somebody says lasts at least two seconds, and a window may hold much else
SPEECH_ABOVE = 0.4
PATCHES_A_TOKEN = 2  # 0.48 s lie between the beginnings of two, so a token is of about a second
CONVOLUTIONS, BATCH_NORM_EPSILON = 27, 1e-4


class Patches(NamedTuple):
    """What YAMNet makes of one sound, patch by patch.

    Attributes:
        scores: (patches, 521) float32: how sure it is to hear each class, in [0, 1].
        pooled: (patches, 1024) float32: the features below its classifier.
        loud: (patches,) bool: whether it is the sound, and not the silence around it.
    """

    scores: Tensor
    pooled: Tensor
    loud: npt.NDArray[np.bool_]


class Heard(NamedTuple):
    """What YAMNet makes of n sounds.

    Attributes:
        scores: (n, 521) float32: how much of the time it hears each class, in [0, 1].
        pooled: (n, 1024) float32: the features below its classifier.
        speech: (n,) float32: how sure it is that somebody speaks, in [0, 1].
    """

    scores: Tensor
    pooled: Tensor
    speech: Tensor


class SoundClassifier:
    """YAMNet and what its classes are called: the untrained part. Thread-safe."""

    def __init__(self) -> None:
        self._session = make_session(HERE / "sound.onnx", _graph_tensors(checkpoint(YAMNET, HERE / "yamnet.json")))
        self._class_vectors = safetensors(SOUND_CLASSES)["class_vectors"]  # (521, 384)

    def listen(self, waves: Sequence[Waveform]) -> Heard:
        """Classify sounds at 16 kHz, of at least one sample each; one does not depend on the others."""
        return summary([self.hear(wave) for wave in waves])

    def hear(self, wave: Waveform) -> Patches:
        """Classify each patch of a sound at 16 kHz, of at least one sample."""
        patches = log_mel_patches(wave)
        return Patches(*self._run(patches), _is_loud(patches))

    def conse(self, scores: Tensor) -> Vectors:
        """Return the unit vectors (n, 384) of sounds with such scores (n, 521).

        The square root lifts the rare and telling classes ("clarinet") beside the general ones ("music"), which are
        always surer.
        """
        least = np.partition(scores, -LIKELIEST, axis=1)[:, [-LIKELIEST]]
        weights = np.sqrt(np.where(scores >= least, scores, 0))
        weights[scores[:, SILENCE] < SILENCE_ABOVE, SILENCE] = 0
        return unit_rows(weights @ self._class_vectors)

    def _run(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (patches, 521) and features (patches, 1024)."""
        batches = [patches[start : start + BATCH] for start in range(0, len(patches), BATCH)]
        outputs = [self._session.run(["scores", "embedding"], {"patches": batch}) for batch in batches]
        scores, pooled = (np.concatenate(parts) for parts in zip(*outputs, strict=True))
        return scores, pooled


class SoundModel:
    """The classifier and its head, loaded. Thread-safe."""

    def __init__(self) -> None:
        self._classifier = SoundClassifier()
        self._head = SoundHead.load()

    def embed(self, waves: Sequence[Waveform], *, tokens: bool = False) -> Embedded:
        """Embed sounds at 16 kHz, each of 1 sample to 30 s: vectors (n, 384), not normalised, and all the rest.

        Tokens are what each second or so of a sound would be by itself, in order of time.
        """
        sounds = [self._classifier.hear(wave) for wave in waves]
        heard = summary(sounds)
        vectors, features = self._vectors(heard.scores, heard.pooled)
        spans = tuple(map(self._span_tokens, sounds)) if tokens else None
        return Embedded(vectors, features, heard.speech > SPEECH_ABOVE, spans)

    def _span_tokens(self, sound: Patches) -> Tokens:
        spans = equal_spans(len(sound.scores), ceil(len(sound.scores) / PATCHES_A_TOKEN))
        return self._vectors(average(sound.scores, spans), average(sound.pooled, spans))[0]

    def _vectors(self, scores: Tensor, pooled: Tensor) -> tuple[Vectors, Features]:
        features = self._head.features(pooled)
        return self._head.correct(self._classifier.conse(scores), features), features


def summary(sounds: Sequence[Patches]) -> Heard:
    """Put together what is heard in the patches of each sound."""
    heard = Heard(*(np.empty((len(sounds), *shape), dtype=np.float32) for shape in ((CLASSES,), (POOLED,), ())))
    for row, sound in enumerate(sounds):
        heard.scores[row] = sound.scores[sound.loud].mean(axis=0)
        heard.pooled[row] = sound.pooled[sound.loud].mean(axis=0)
        heard.speech[row] = np.sort(sound.scores[:, SPEECH].max(axis=1))[-SPEECH_PATCHES:].mean()
    return heard


def _is_loud(patches: Tensor) -> npt.NDArray[np.bool_]:
    """Tell sounds from the silence around them; if all is silent, all patches count."""
    loudness = np.exp(patches).mean(axis=(1, 2))
    return np.asarray(loudness >= QUIETER * loudness.max())


def _graph_tensors(tensors: Tensors) -> dict[str, Tensor]:
    """Fold each batch norm into its convolution; YAMNet's have no scale of their own."""
    folded = {name: tensors[name] for name in ("dense.kernel", "dense.bias")}
    for name in (f"conv{i}" for i in range(CONVOLUTIONS)):
        scale = 1 / np.sqrt(tensors[f"{name}.moving_variance"] + BATCH_NORM_EPSILON)
        weight = tensors[f"{name}.kernel"] * scale[:, None, None, None]
        bias = tensors[f"{name}.beta"] - tensors[f"{name}.moving_mean"] * scale
        folded |= {f"{name}.weight": weight.astype(np.float32), f"{name}.bias": bias.astype(np.float32)}
    return folded
