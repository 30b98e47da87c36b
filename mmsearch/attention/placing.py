"""Stage 4: where the tokens of an item are, in its picture, its sound or its words."""

from __future__ import annotations

import numpy as np

from mmsearch.attention.explanation import Frame
from mmsearch.attention.maps import Place, Relevance, in_passage, in_picture, in_sound, parted
from mmsearch.attention.subject import Subject
from mmsearch.errors import ModelError
from mmsearch.types import EncoderSpec


def frame_of(subject: Subject, spec: EncoderSpec) -> Frame | None:
    """Say where in a picture its cells lie; None for all else."""
    shown = subject.segments[0]
    if subject.modality != "image" or spec.image_input is None:
        return None
    from mmsearch.media.fit import covered  # Pillow, which sounds and texts can do without

    size = shown.width_px or spec.image_input.width_px, shown.height_px or spec.image_input.height_px
    return Frame(*size, covered=covered(size, spec.image_input))


def placed(subject: Subject, relevance: Relevance, frame: Frame | None, spec: EncoderSpec) -> tuple[Relevance, Place]:
    """Return what is to be placed, (words, t), and what places it; tokens of no extent are left out.

    Raises:
        ModelError: The model does not say of which cells its tokens are.
    """
    if frame is not None:
        return relevance, in_picture(_grid(spec, relevance.shape[1]), frame)
    if subject.modality == "text":
        return relevance, in_passage(subject.segments[0].text or "", subject.parts)
    assert subject.tokens is not None
    spans = [(segment.start_s or 0.0, segment.end_s or 0.0) for segment in subject.segments]
    times = parted(spans, [len(tokens) for tokens in subject.tokens])
    lasting = np.flatnonzero(times[:, 1] > times[:, 0])
    return relevance[:, lasting], in_sound(times[lasting])


def _grid(spec: EncoderSpec, tokens: int) -> tuple[int, int]:
    grid = spec.token_grid
    if grid is None or grid[0] * grid[1] != tokens:
        raise ModelError(f"The model {spec.space.model} does not say where the {tokens} parts of a picture lie.")
    return grid
