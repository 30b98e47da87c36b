"""The built-in model as an Encoder."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import blake2b
from threading import Lock

import numpy as np

from mmsearch.encoders.builtin import cells, image, sound, text, whisper
from mmsearch.encoders.builtin.head import FEATURE_DIM
from mmsearch.encoders.builtin.patches import RATE_HZ
from mmsearch.encoders.builtin.speech import SpeechModel
from mmsearch.encoders.builtin.weights import ALL_FILES
from mmsearch.encoders.neighbours import MOST_OF_A_TEXT, MOST_TOKENS
from mmsearch.types import (
    AudioInput,
    Embedded,
    EmbeddingSpace,
    EncoderSpec,
    ImageInput,
    Levels,
    Modality,
    PixelBatch,
    QueryWords,
    Role,
    Utterance,
    Vectors,
    Waveform,
)

# Measured by benchmarks/no_match.py on one half of the photos, sounds and queries; docs/benchmarks.md has the figures
# of the other half. Pictures and sounds always find something that looks or sounds alike, so there is no verdict.
LEVELS: dict[tuple[Modality, Modality], Levels] = {
    ("text", "image"): Levels(0.20, 0.37),
    ("text", "text"): Levels(0.32, 0.53),
    ("text", "audio"): Levels(0.27, 0.56),
    ("image", "image"): Levels(0.65, 0.86, verdict=False),
    ("image", "text"): Levels(0.27, 0.43, verdict=False),
    ("image", "audio"): Levels(0.37, 0.69, verdict=False),
    ("audio", "audio"): Levels(0.70, 0.94, verdict=False),
    ("audio", "text"): Levels(0.36, 0.57, verdict=False),
    ("audio", "image"): Levels(0.32, 0.63, verdict=False),
}

TOKENS = "1"  # another number whenever the same input would give other tokens


class BuiltinEncoder:
    """Text, images and sounds in MiniLM's own 384-d space, offline, on one core.

    Text vectors are exactly MiniLM's. A small model: good at objects, animals, vehicles, food and places, weak
    at people, actions and counts; of sounds it knows 521 kinds. Speech is written down if the extra `speech` is
    installed; the space is the same with and without it. Thread-safe; each part is loaded when it is first needed.
    """

    def __init__(self) -> None:
        self.spec = EncoderSpec(
            space=EmbeddingSpace(
                model="builtin",
                revision=_revision(),
                preprocessing=f"squash {image.SIZE_PX} bilinear; {text.MAX_TOKENS} tokens; {RATE_HZ} Hz",
                dim=text.DIM,
            ),
            modalities=frozenset({"text", "image", "audio"}),
            image_input=ImageInput(width_px=image.SIZE_PX, height_px=image.SIZE_PX),
            audio_input=AudioInput(RATE_HZ, sound.WINDOW_S, sound.OVERLAP_S),
            feature_dim=FEATURE_DIM,
            transcribes=whisper.is_installed(),
            levels=dict(LEVELS),
            tokens=_tokens_revision(),
            token_grid=cells.GRID,
        )
        self._loading = Lock()
        self._loading_speech = Lock()

    @cached_property
    def _text(self) -> text.TextModel:
        return text.TextModel()

    @cached_property
    def _image(self) -> image.ImageModel:
        return image.ImageModel()

    @cached_property
    def _sound(self) -> sound.SoundModel:
        return sound.SoundModel()

    @cached_property
    def _speech(self) -> SpeechModel:
        return SpeechModel()

    def load(self) -> None:
        """Load all but Whisper, whose files are only checked: it is loaded when somebody speaks.

        Raises:
            WeightsDamaged: A file is missing or is not the pinned one.
        """
        self.load_text()
        with self._loading:
            _ = self._image, self._sound
        if self.spec.transcribes:
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
        """Embed sounds of up to 10 s at 16 kHz: (n, 384) float32."""
        return self.embed_audio(waves).vectors

    def embed_texts(self, texts: Sequence[str], *, tokens: bool = False) -> Embedded:
        """Embed texts; their tokens are MiniLM's last states, which the vectors are the mean of, word by word."""
        if not tokens or not texts:
            return Embedded(self.encode_texts(texts, "document"), tokens=() if tokens else None)
        self.load_text()
        return self._text.embed_words(texts)

    def embed_images(self, images: PixelBatch, *, tokens: bool = False) -> Embedded:
        """Embed images as `encode_images` does, with features (n, 256); tokens are of 4 x 4 cells."""
        if not len(images):
            return _nothing(tokens)
        with self._loading:
            model = self._image
        return model.embed_cells(images) if tokens else Embedded(*model.embed(images))

    def embed_audio(self, waves: Sequence[Waveform], *, tokens: bool = False) -> Embedded:
        """Embed sounds as `encode_audio` does, with features (n, 256), and tell whether somebody speaks.

        Tokens are of about a second each.
        """
        if not waves:
            return _nothing(tokens)
        with self._loading:
            model = self._sound
        return model.embed(waves, tokens=tokens)

    def query_words(self, text: str) -> QueryWords:
        """Say what each word of a query means in it."""
        self.load_text()
        return self._text.query_words(text)

    def transcribe(self, wave: Waveform) -> list[Utterance]:
        """Write down a sound of up to 30 s at 16 kHz, in overlapping passages; nothing if nothing is said.

        Raises:
            DependencyMissing: The extra `speech` is not installed.
        """
        with self._loading_speech:  # another lock, for this takes seconds
            model = self._speech
        return model.transcribe(wave)


def _revision() -> str:
    """Digest of everything that decides what the vectors are."""
    choices = image.TEMPERATURE, sound.WINDOW_S, sound.OVERLAP_S, sound.QUIETER, sound.LIKELIEST, sound.SILENCE_ABOVE
    digests = [*(file.sha256 for file in ALL_FILES), *(f"{float(choice):g}" for choice in choices)]
    return blake2b("\n".join(digests).encode(), digest_size=8).hexdigest()


def _tokens_revision() -> str:
    """Digest of everything that decides what the tokens are."""
    choices = (TOKENS, _revision(), cells.GRID, sound.PATCHES_A_TOKEN, MOST_TOKENS, MOST_OF_A_TEXT)
    return blake2b(repr(choices).encode(), digest_size=8).hexdigest()


def _nothing(tokens: bool) -> Embedded:
    """Return what no inputs give."""
    return Embedded(
        vectors=np.empty((0, text.DIM), dtype=np.float32),
        features=np.empty((0, FEATURE_DIM), dtype=np.float16),
        speech=np.empty(0, dtype=np.bool_),
        tokens=() if tokens else None,
    )
