"""What every encoder must hold, as plain functions: run `CHECKS` over yours with any test runner.

    @pytest.mark.parametrize("check", encoder_contract.CHECKS)
    def test_my_encoder(check):
        check(MyEncoder)

Each check calls the given factory for an encoder (`check_instances_agree` calls it twice). Where loading is
slow, hand in a factory that goes round two instances: `itertools.cycle((MyEncoder(), MyEncoder())).__next__`.
"""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mmsearch.errors import ModalityUnsupported
from mmsearch.protocols import Encoder
from mmsearch.types import MODALITIES, PixelBatch, Role, Vectors

MakeEncoder = Callable[[], Encoder]

TOLERANCE = 1e-4
ROLES: tuple[Role, ...] = ("query", "document")
TEXTS: tuple[str, ...] = (
    "a dog",
    "a brown dog runs over the wet sand of a long beach while the sun goes down behind the hills",
    "red",
    "zwei Hunde am Strand, 海辺の犬",
    "invoice 2024-03-01, total 12.50",
)
ODD_TEXTS: tuple[str, ...] = (
    "",
    " \t\r\n",
    "\x00",
    "\ufeff\u200b\u202e",  # byte order mark, zero-width space, right-to-left override
    "👩‍👩‍👧‍👦 e\u0301 ﷽",
    "\udcff",  # a lone surrogate: how Python passes on command line bytes that are not UTF-8
    "word " * 20_000,
    "x" * 100_000,
    "🐕" * 25_000,
)


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
    for pair, score in spec.no_match_below.items():
        assert set(pair) <= spec.modalities, f"no_match_below names {pair}, which the encoder does not take"
        assert -1 <= score <= 1, f"no_match_below[{pair}] is {score}, not a cosine"
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
        _assert_rows(encoder, encoder.encode_images(_sample_images(encoder)[:0], "document"), 0)


def check_order(make: MakeEncoder) -> None:
    """Keep the order: the inputs backwards give the rows backwards."""
    encoder = make()
    if "text" in encoder.spec.modalities:
        forwards = encoder.encode_texts(list(TEXTS), "document")
        _assert_close(encoder.encode_texts(list(reversed(TEXTS)), "document")[::-1], forwards, "order of texts")
    if "image" in encoder.spec.modalities:
        images = _sample_images(encoder)
        forwards = encoder.encode_images(images, "document")
        _assert_close(encoder.encode_images(images[::-1], "document")[::-1], forwards, "order of images")


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
        images = _sample_images(encoder)
        together = encoder.encode_images(images, "document")
        alone = [encoder.encode_images(images[row : row + 1], "document") for row in range(len(images))]
        _assert_close(together, np.concatenate(alone), "images alone and in a batch")


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


def check_roles(make: MakeEncoder) -> None:
    """Accept both roles for every modality."""
    encoder = make()
    for role in ROLES:
        for vectors, count in _encode_samples(encoder, role):
            _assert_rows(encoder, vectors, count)


def check_input_is_left_alone(make: MakeEncoder) -> None:
    """Take read-only pixels, and leave them as they were."""
    encoder = make()
    if "image" not in encoder.spec.modalities:
        return
    images = _sample_images(encoder)
    before = images.copy()
    images.flags.writeable = False
    encoder.encode_images(images, "document")
    assert np.array_equal(images, before), "encode_images changed its input"


def check_unsupported_modality(make: MakeEncoder) -> None:
    """Refuse with ModalityUnsupported what the encoder cannot read."""
    encoder = make()
    if "text" not in encoder.spec.modalities:
        _assert_refused(lambda: encoder.encode_texts(["a dog"], "query"))
    if "image" not in encoder.spec.modalities:
        _assert_refused(lambda: encoder.encode_images(np.zeros((1, 32, 32, 3), dtype=np.uint8), "query"))


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
    check_roles,
    check_input_is_left_alone,
    check_unsupported_modality,
    check_threads,
)


def _encode_samples(encoder: Encoder, role: Role = "document") -> list[tuple[Vectors, int]]:
    """Embed a few inputs of each modality that the encoder takes: the vectors, and how many there must be."""
    samples: list[tuple[Vectors, int]] = []
    if "text" in encoder.spec.modalities:
        samples.append((encoder.encode_texts(list(TEXTS), role), len(TEXTS)))
    if "image" in encoder.spec.modalities:
        images = _sample_images(encoder)
        samples.append((encoder.encode_images(images, role), len(images)))
    return samples


def _sample_images(encoder: Encoder) -> PixelBatch:
    """Make four pictures of the encoder's size: black, red over white, a gradient, noise."""
    size = encoder.spec.image_input
    assert size is not None
    images = np.zeros((4, size.height_px, size.width_px, 3), dtype=np.uint8)
    images[1, : size.height_px // 2] = (220, 20, 20)
    images[1, size.height_px // 2 :] = 255
    images[2] = np.linspace(0, 255, size.width_px, dtype=np.uint8)[None, :, None]
    images[3] = np.random.default_rng(0).integers(0, 256, images[3].shape, dtype=np.uint8)
    return images


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


def _assert_refused(encode: Callable[[], Vectors]) -> None:
    try:
        encode()
    except ModalityUnsupported:
        return
    raise AssertionError("expected ModalityUnsupported")
