"""What every encoder must hold, as plain functions: run `CHECKS` over yours with any test runner.

    @pytest.mark.parametrize("check", encoder_contract.CHECKS)
    def test_my_encoder(check):
        check(MyEncoder)

Each check calls the given factory for an encoder (`check_instances_agree` calls it twice). Where loading is
slow, hand in a factory that goes round two instances: `itertools.cycle((MyEncoder(), MyEncoder())).__next__`.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np

from mmsearch.errors import ModalityUnsupported
from mmsearch.protocols import AdaptableEncoder, Encoder, Transcriber
from mmsearch.testing import token_contract
from mmsearch.testing.encoder_samples import ODD_TEXTS, TEXTS, odd_waves, sample_images, sample_waves
from mmsearch.types import MODALITIES, Embedded, Features, Role, Vectors

MakeEncoder = Callable[[], Encoder]

TOLERANCE = 1e-4
FEATURE_TOLERANCE = 2e-3
ROLES: tuple[Role, ...] = ("query", "document")


def check_spec_is_sound(make: MakeEncoder) -> None:
    """Say in the spec what the encoder is, and go on saying it after the weights are loaded."""
    encoder = make()
    spec = encoder.spec
    assert spec.space.model, "space.model is empty"
    assert spec.space.revision, "space.revision is empty"
    assert spec.space.dim > 0, "space.dim is not positive"
    assert re.fullmatch(r"[0-9a-f]{16}", spec.space.space_id), "space_id is not 16 hexadecimal digits"
    assert spec.modalities, "the encoder takes no modality"
    assert spec.modalities <= set(MODALITIES), f"unknown modalities: {set(spec.modalities) - set(MODALITIES)}"
    assert (spec.image_input is not None) == ("image" in spec.modalities), (
        "image_input belongs to an encoder that takes images, and to no other"
    )
    assert (spec.audio_input is not None) == ("audio" in spec.modalities), (
        "audio_input belongs to an encoder that takes audio, and to no other"
    )
    assert spec.feature_dim >= 0, "feature_dim is negative"
    assert not spec.transcribes or "audio" in spec.modalities, "an encoder that takes no audio cannot transcribe"
    for pair, levels in spec.levels.items():
        assert set(pair) <= spec.modalities, f"levels names {pair}, which the encoder does not take"
        assert -1 <= levels.doubtful < levels.typical <= 1, f"levels[{pair}] is {levels}, not two cosines that rise"
    encoder.load()
    assert encoder.spec == spec, "load() changed the spec"


def check_shape_and_dtype(make: MakeEncoder) -> None:
    """Give one float32 row of `space.dim` values an input, all finite and not all zero."""
    encoder = make()
    for vectors, count in _encode_samples(encoder):
        _assert_rows(encoder, vectors, count)
        assert np.abs(vectors).max(axis=1).all(), "an ordinary input gave a vector of zeros"


def check_empty_batch(make: MakeEncoder) -> None:
    """Give an array of shape (0, d) for no input."""
    encoder = make()
    if "text" in encoder.spec.modalities:
        _assert_rows(encoder, encoder.encode_texts([], "document"), 0)
    if "image" in encoder.spec.modalities:
        _assert_rows(encoder, encoder.encode_images(sample_images(encoder)[:0], "document"), 0)
    if "audio" in encoder.spec.modalities:
        _assert_rows(encoder, encoder.encode_audio([], "document"), 0)


def check_order(make: MakeEncoder) -> None:
    """Keep the order: the inputs backwards give the rows backwards."""
    encoder = make()
    if "text" in encoder.spec.modalities:
        forwards = encoder.encode_texts(list(TEXTS), "document")
        _assert_close(encoder.encode_texts(list(reversed(TEXTS)), "document")[::-1], forwards, "order of texts")
    if "image" in encoder.spec.modalities:
        images = sample_images(encoder)
        forwards = encoder.encode_images(images, "document")
        _assert_close(encoder.encode_images(images[::-1], "document")[::-1], forwards, "order of images")
    if "audio" in encoder.spec.modalities:
        waves = sample_waves(encoder)
        forwards = encoder.encode_audio(waves, "document")
        _assert_close(encoder.encode_audio(waves[::-1], "document")[::-1], forwards, "order of sounds")


def check_different_inputs_differ(make: MakeEncoder) -> None:
    """Give different vectors for inputs that have nothing in common."""
    for vectors, count in _encode_samples(make()):
        for one in range(count):
            for other in range(one):
                assert not np.allclose(vectors[one], vectors[other], atol=TOLERANCE), (
                    f"inputs {other} and {one} have the same vector"
                )


def check_batch_independence(make: MakeEncoder) -> None:
    """Give an input the same vector alone and among shorter and longer ones."""
    encoder = make()
    if "text" in encoder.spec.modalities:
        together = encoder.encode_texts([*TEXTS, "word " * 5_000], "document")
        alone = [encoder.encode_texts([text], "document") for text in TEXTS]
        _assert_close(together[:-1], np.concatenate(alone), "texts alone and in a batch")
    if "image" in encoder.spec.modalities:
        images = sample_images(encoder)
        together = encoder.encode_images(images, "document")
        alone = [encoder.encode_images(images[row : row + 1], "document") for row in range(len(images))]
        _assert_close(together, np.concatenate(alone), "images alone and in a batch")
    if "audio" in encoder.spec.modalities:
        waves = sample_waves(encoder)
        together = encoder.encode_audio(waves, "document")
        alone = [encoder.encode_audio([wave], "document") for wave in waves]
        _assert_close(together, np.concatenate(alone), "sounds alone and in a batch")


def check_instances_agree(make: MakeEncoder) -> None:
    """Make a second encoder: it is in the same space and gives the same vectors."""
    first, second = make(), make()
    assert first.spec == second.spec, "two instances have different specs"
    assert first.spec.space.space_id == second.spec.space.space_id, "two instances have different space ids"
    for (one, _), (other, _) in zip(_encode_samples(first), _encode_samples(second), strict=True):
        _assert_close(one, other, "two instances")


def check_odd_texts(make: MakeEncoder) -> None:
    """Embed empty, very long and strange texts rather than refuse them."""
    encoder = make()
    if "text" not in encoder.spec.modalities:
        return
    for role in ROLES:
        _assert_rows(encoder, encoder.encode_texts(list(ODD_TEXTS), role), len(ODD_TEXTS))


def check_odd_sounds(make: MakeEncoder) -> None:
    """Embed and transcribe silence, single samples and clipped sounds rather than refuse them."""
    encoder = make()
    if "audio" not in encoder.spec.modalities:
        return
    waves = odd_waves(encoder)
    for role in ROLES:
        _assert_rows(encoder, encoder.encode_audio(waves, role), len(waves))
    if encoder.spec.feature_dim:
        _assert_features(encoder, cast("AdaptableEncoder", encoder).embed_audio(waves), len(waves))
    if encoder.spec.transcribes:
        said = cast("Transcriber", encoder).transcribe(waves[0])
        assert not said, f"silence was transcribed as {said[0].text!r}"


def check_features(make: MakeEncoder) -> None:
    """Give features with the same vectors as without, one row an input, in order, whatever else is in the batch."""
    encoder = make()
    for inputs, embed, encode in _embedders(encoder):
        together = embed(inputs)
        _assert_features(encoder, together, len(inputs))
        _assert_close(together.vectors, encode(inputs), "vectors with features and without")
        _assert_features(encoder, embed(inputs[:0]), 0)
        features = _features(together)
        _assert_same_features(_features(embed(inputs[::-1]))[::-1], features, "order of features")
        alone = [_features(embed(inputs[row : row + 1])) for row in range(len(inputs))]
        _assert_same_features(np.concatenate(alone), features, "features alone and in a batch")


def check_roles(make: MakeEncoder) -> None:
    """Accept both roles for every modality."""
    encoder = make()
    for role in ROLES:
        for vectors, count in _encode_samples(encoder, role):
            _assert_rows(encoder, vectors, count)


def check_input_is_left_alone(make: MakeEncoder) -> None:
    """Take read-only pixels and samples, and leave them as they were."""
    encoder = make()
    if "image" in encoder.spec.modalities:
        images = sample_images(encoder)
        before = images.copy()
        images.flags.writeable = False
        encoder.encode_images(images, "document")
        assert np.array_equal(images, before), "encode_images changed its input"
    if "audio" in encoder.spec.modalities:
        wave = sample_waves(encoder)[0]
        heard = wave.copy()
        wave.flags.writeable = False
        encoder.encode_audio([wave], "document")
        assert np.array_equal(wave, heard), "encode_audio changed its input"


def check_unsupported_modality(make: MakeEncoder) -> None:
    """Refuse with ModalityUnsupported what the encoder cannot read."""
    encoder = make()
    if "text" not in encoder.spec.modalities:
        _assert_refused(lambda: encoder.encode_texts(["a dog"], "query"))
    if "image" not in encoder.spec.modalities:
        _assert_refused(lambda: encoder.encode_images(np.zeros((1, 32, 32, 3), dtype=np.uint8), "query"))
    if "audio" not in encoder.spec.modalities and hasattr(encoder, "encode_audio"):
        _assert_refused(lambda: encoder.encode_audio([np.zeros(16_000, dtype=np.float32)], "query"))


def check_threads(make: MakeEncoder) -> None:
    """Let several threads use one encoder at once, from the first call on."""
    encoder = make()
    with ThreadPoolExecutor(max_workers=4) as pool:
        runs = list(pool.map(lambda _: _encode_samples(encoder), range(8)))
    for run in runs:
        for (vectors, _), (expected, _) in zip(run, _encode_samples(encoder), strict=True):
            _assert_close(vectors, expected, "several threads")


CHECKS: tuple[Callable[[MakeEncoder], None], ...] = (
    check_spec_is_sound,
    check_shape_and_dtype,
    check_empty_batch,
    check_order,
    check_different_inputs_differ,
    check_batch_independence,
    check_instances_agree,
    check_odd_texts,
    check_odd_sounds,
    check_features,
    check_roles,
    check_input_is_left_alone,
    check_unsupported_modality,
    check_threads,
    *token_contract.CHECKS,
)


def _encode_samples(encoder: Encoder, role: Role = "document") -> list[tuple[Vectors, int]]:
    """Embed a few inputs of each modality that the encoder takes: the vectors, and how many there must be."""
    samples: list[tuple[Vectors, int]] = []
    if "text" in encoder.spec.modalities:
        samples.append((encoder.encode_texts(list(TEXTS), role), len(TEXTS)))
    if "image" in encoder.spec.modalities:
        images = sample_images(encoder)
        samples.append((encoder.encode_images(images, role), len(images)))
    if "audio" in encoder.spec.modalities:
        waves = sample_waves(encoder)
        samples.append((encoder.encode_audio(waves, role), len(waves)))
    return samples


def _embedders(encoder: Encoder) -> Iterator[tuple[Any, Callable[[Any], Embedded], Callable[[Any], Vectors]]]:
    """Yield inputs of each modality that has features, and the two ways to embed them."""
    if not encoder.spec.feature_dim:
        return
    adaptable = cast("AdaptableEncoder", encoder)
    if "image" in encoder.spec.modalities:
        yield sample_images(encoder), adaptable.embed_images, lambda images: encoder.encode_images(images, "document")
    if "audio" in encoder.spec.modalities:
        yield sample_waves(encoder), adaptable.embed_audio, lambda waves: encoder.encode_audio(waves, "document")


def _assert_rows(encoder: Encoder, vectors: Vectors, count: int) -> None:
    expected = (count, encoder.spec.space.dim)
    assert isinstance(vectors, np.ndarray), f"expected a numpy array, got {type(vectors).__name__}"
    assert vectors.shape == expected, f"expected shape {expected}, got {vectors.shape}"
    assert vectors.dtype == np.float32, f"expected float32, got {vectors.dtype}"
    assert np.isfinite(vectors).all(), "a vector holds NaN or infinity"


def _assert_close(vectors: Vectors, expected: Vectors, what: str) -> None:
    """Compare with a tolerance that is relative to the longest vector, since lengths are free."""
    assert vectors.shape == expected.shape, f"{what}: {vectors.shape} against {expected.shape}"
    scale = float(np.linalg.norm(expected, axis=1).max(initial=0.0)) or 1.0
    worst = float(np.abs(vectors - expected).max(initial=0.0)) / scale
    assert worst <= TOLERANCE, f"{what}: vectors differ by {worst:.2g}, more than {TOLERANCE}"


def _features(embedded: Embedded) -> Features:
    assert embedded.features is not None, "feature_dim is above 0, but there are no features"
    return embedded.features


def _assert_features(encoder: Encoder, embedded: Embedded, count: int) -> None:
    _assert_rows(encoder, embedded.vectors, count)
    features, expected = _features(embedded), (count, encoder.spec.feature_dim)
    assert features.shape == expected, f"expected features of shape {expected}, got {features.shape}"
    assert features.dtype == np.float16, f"expected features of float16, got {features.dtype}"
    assert np.isfinite(features).all(), "a feature is NaN or infinite"
    if embedded.speech is not None:
        assert embedded.speech.shape == (count,), f"expected speech of shape {(count,)}, got {embedded.speech.shape}"
        assert embedded.speech.dtype == np.bool_, f"expected speech to be boolean, got {embedded.speech.dtype}"


def _assert_same_features(features: Features, expected: Features, what: str) -> None:
    """Compare with a tolerance of float16's last bits, relative to the largest value."""
    assert features.shape == expected.shape, f"{what}: {features.shape} against {expected.shape}"
    scale = float(np.abs(expected).max(initial=0.0)) or 1.0
    worst = float(np.abs(features.astype(np.float32) - expected.astype(np.float32)).max(initial=0.0)) / scale
    assert worst <= FEATURE_TOLERANCE, f"{what}: features differ by {worst:.2g}, more than {FEATURE_TOLERANCE}"


def _assert_refused(encode: Callable[[], Vectors]) -> None:
    try:
        encode()
    except ModalityUnsupported:
        return
    raise AssertionError("expected ModalityUnsupported")
