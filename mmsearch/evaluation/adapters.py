"""Our encoders under the harnesses of others: clip_benchmark (LAION-AI/CLIP_benchmark) and mteb (2 or later).

model, transform, tokenizer = for_clip_benchmark(make_encoder("builtin"))
mteb.evaluate(MtebEncoder(make_encoder("builtin")), tasks=mteb.get_tasks(["Flickr30kT2IRetrieval"]))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mmsearch.config import Limits
from mmsearch.errors import DependencyMissing, ModalityUnsupported, UsageError
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.types import PixelBatch, Role, Vectors

if TYPE_CHECKING:
    from mmsearch.media.sources import ImageSource

Tensor: TypeAlias = Any  # torch has no types here
MAX_TEXT_BYTES = 100_000


def for_clip_benchmark(encoder: Encoder) -> tuple[ClipModel, Callable[[ImageSource], Tensor], Callable[..., Tensor]]:
    """Return (model, transform, tokenizer), as `clip_benchmark.models.load_clip` does.

    Raises:
        DependencyMissing: torch is not installed.
        ModalityUnsupported: The encoder takes no images.
    """
    model = ClipModel(encoder)
    return model, model.transform, model.tokenize


class ClipModel:
    """An encoder that speaks in tensors: images are their pixels, texts their UTF-8 bytes."""

    def __init__(self, encoder: Encoder) -> None:
        self._media = _Media(encoder)
        self._torch = _torch()
        self._media.image_input()

    def transform(self, image: ImageSource) -> Tensor:
        """Make the pixels (height, width, 3), uint8, that the encoder wants."""
        return self._torch.from_numpy(np.ascontiguousarray(self._media.pixels(image)))

    def tokenize(self, texts: str | Sequence[str]) -> Tensor:
        """Write texts as their bytes (n, longest), int64, filled up with 0."""
        encoded = [text.replace("\0", " ").encode()[:MAX_TEXT_BYTES] for text in _listed(texts)]
        tokens = np.zeros((len(encoded), max(map(len, encoded), default=0)), dtype=np.int64)
        for row, each in zip(tokens, encoded, strict=True):
            row[: len(each)] = np.frombuffer(each, dtype=np.uint8)
        return self._torch.from_numpy(tokens)

    def encode_image(self, images: Tensor) -> Tensor:
        """Embed what `transform` made, as a batch (n, height, width, 3): (n, d) float32, unit rows."""
        rows = self._media.images(images.cpu().numpy(), "document")
        return self._torch.from_numpy(rows).to(images.device)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Embed what `tokenize` made: (n, d) float32, unit rows."""
        texts = [bytes(row[row > 0].astype(np.uint8)).decode("utf-8", "ignore") for row in tokens.cpu().numpy()]
        return self._torch.from_numpy(self._media.texts(texts, "query")).to(tokens.device)

    def eval(self) -> ClipModel:
        """Do nothing: there is no other mode."""
        return self

    def to(self, *_: object) -> ClipModel:
        """Do nothing: the encoder runs where it runs, its rows go where the input is."""
        return self


class MtebEncoder:
    """An encoder as mteb wants it: its `EncoderProtocol`.

    A row with several kinds of input (a text about a picture, say) is the sum of their unit vectors. Of a sound the
    first minute counts, as in a search.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._media = _Media(encoder)

    @property
    def mteb_model_meta(self) -> Any:  # noqa: ANN401 - a mteb.ModelMeta
        """The model card: what is not known of any encoder is left open.

        Raises:
            DependencyMissing: mteb is not installed.
        """
        try:
            from mteb.models import ModelMeta
        except ImportError as error:
            raise DependencyMissing("mteb is not installed.", remedy="Run: pip install 'mteb>=2'") from error
        spec = self._media.encoder.spec
        unknown = (
            "loader release_date languages n_parameters memory_usage_mb max_tokens license open_weights "
            "public_training_code public_training_data training_datasets"
        )
        return ModelMeta(
            **dict.fromkeys(unknown.split()),
            name=f"mmsearch/{spec.space.model.replace('/', '__')}",
            revision=spec.space.revision,
            embed_dim=spec.space.dim,
            framework=[],
            similarity_fn_name="cosine",
            use_instructions=False,
            modalities=sorted(spec.modalities),
        )

    def encode(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        task_metadata: object = None,
        hf_split: str = "",
        hf_subset: str = "",
        prompt_type: Any = None,  # noqa: ANN401 - a mteb.PromptType
        **_: object,
    ) -> Vectors:
        """Embed the rows of a data loader, whose batches map "text", "image" and "audio" to lists: (n, d) float32.

        Args:
            inputs: Texts, PIL images, and sounds as {"array": samples, "sampling_rate": Hz}.
            task_metadata: Does not matter; nor do the split and the subset.
            hf_split: See above.
            hf_subset: See above.
            prompt_type: Whether the rows are queries or documents.

        Raises:
            ModalityUnsupported: The encoder does not take this kind of input, or there is none that it could take.
        """
        role: Role = "query" if getattr(prompt_type, "value", prompt_type) == "query" else "document"
        rows = [self._batch(batch, role) for batch in inputs]
        return np.concatenate(rows) if rows else np.empty((0, self._media.encoder.spec.space.dim), np.float32)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Vectors:  # noqa: ANN401 - arrays or tensors
        """Return the cosines of all pairs: (n, m)."""
        return _unit(embeddings1) @ _unit(embeddings2).T

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Vectors:  # noqa: ANN401 - arrays or tensors
        """Return the cosine of each row with the row of the same number: (n,)."""
        return np.asarray((_unit(embeddings1) * _unit(embeddings2)).sum(axis=1))

    def _batch(self, batch: Mapping[str, Any], role: Role) -> Vectors:
        read: dict[str, Callable[[Any, Role], Vectors]]
        read = {"text": self._media.texts, "image": self._pictures, "audio": self._media.sounds}
        rows = [embed(batch[kind], role) for kind, embed in read.items() if kind in batch]
        if not rows:
            raise ModalityUnsupported(f"There is no text, image or audio among {', '.join(map(str, batch))}.")
        return unit_rows(np.sum(rows, axis=0)) if len(rows) > 1 else rows[0]

    def _pictures(self, images: Sequence[ImageSource], role: Role) -> Vectors:
        return self._media.images(np.stack([self._media.pixels(image) for image in images]), role)


class _Media:
    """Inputs as harnesses have them, embedded: (n, d) float32, unit rows."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._limits = Limits().for_machine(workers=1)

    def image_input(self) -> Any:  # noqa: ANN401 - an ImageInput
        """Return what pictures must be made to."""
        spec = self.encoder.spec
        if spec.image_input is None:
            raise ModalityUnsupported(f"The model {spec.space.model} takes no images.")
        return spec.image_input

    def pixels(self, image: ImageSource) -> PixelBatch:
        from mmsearch.media.sources import image_from

        return image_from(image, self._limits, self.image_input())

    def texts(self, texts: Sequence[str], role: Role) -> Vectors:
        return unit_rows(self.encoder.encode_texts(list(texts), role))

    def images(self, pixels: PixelBatch, role: Role) -> Vectors:
        return unit_rows(self.encoder.encode_images(pixels, role))

    def sounds(self, sounds: Sequence[Mapping[str, Any]], role: Role) -> Vectors:
        """Embed sounds, each the mean of its windows."""
        from mmsearch.media.sound_sources import sound_from

        spec = self.encoder.spec
        if spec.audio_input is None or "audio" not in spec.modalities:
            raise ModalityUnsupported(f"The model {spec.space.model} takes no sounds.")
        rows = np.empty((len(sounds), spec.space.dim), dtype=np.float32)
        for row, sound in zip(rows, sounds, strict=True):
            samples = np.asarray(sound["array"], dtype=np.float32)
            waves = sound_from((samples, int(sound["sampling_rate"])), self._limits, spec.audio_input)
            row[:] = unit_rows(self.encoder.encode_audio(waves, role)).mean(axis=0)
        return unit_rows(rows)


def _listed(texts: str | Sequence[str]) -> Sequence[str]:
    return [texts] if isinstance(texts, str) else texts


def _unit(rows: Any) -> Vectors:  # noqa: ANN401 - an array or a tensor
    found = np.atleast_2d(np.asarray(rows, dtype=np.float32))
    if found.ndim != 2:
        raise UsageError(f"Embeddings must be (n, d), not {found.shape}.", remedy="")
    return unit_rows(found)


def _torch() -> Any:  # noqa: ANN401 - a module
    try:
        import torch
    except ImportError as error:
        raise DependencyMissing("torch is not installed.", remedy="Run: pip install torch") from error
    return torch
