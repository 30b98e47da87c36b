"""What an encoder with tokens must hold besides; `encoder_contract.CHECKS` has these checks too.

Each does nothing for an encoder whose `spec.tokens` is empty.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np

from mmsearch.protocols import Encoder, TokenEncoder
from mmsearch.testing.encoder_samples import ODD_TEXTS, TEXTS, odd_waves, sample_images, sample_waves
from mmsearch.types import Embedded, Tokens, Vectors

MakeEncoder = Callable[[], Encoder]
Inputs = Any  # texts, a batch of pixels, or waves: what can be cut and turned round

VECTOR_TOLERANCE = 1e-5
TOKEN_TOLERANCE = 1e-4
MOST_TOKENS = 64  # of a query
_MOST = {"text": 32, "audio": 64}  # of what is kept; of a picture there is one a cell


class _Kind(NamedTuple):
    """One modality: some inputs, how to embed them with tokens or without, and how to encode them."""

    name: str
    inputs: Inputs
    embed: Callable[..., Embedded]
    encode: Callable[[Inputs], Vectors]


def check_token_spec(make: MakeEncoder) -> None:
    """Say of which cells the tokens of pictures are."""
    spec = make().spec
    if spec.tokens and "image" in spec.modalities:
        assert spec.token_grid is not None, "the encoder gives tokens of pictures, but no token_grid"
        assert min(spec.token_grid) > 0, f"token_grid is {spec.token_grid}, not rows and columns"


def check_token_shapes(make: MakeEncoder) -> None:
    """Give finite float32 tokens (t, d) for each input: a picture's cells, 1 to 32 of texts, 1 to 64 of sounds."""
    encoder = make()
    for kind in _kinds(encoder):
        _assert_tokens(encoder, kind, _tokens(kind.embed(kind.inputs, tokens=True)), len(kind.inputs))
        assert _tokens(kind.embed(kind.inputs[:0], tokens=True)) == (), f"{kind.name}: tokens of no input"


def check_tokens_must_be_asked_for(make: MakeEncoder) -> None:
    """Give tokens to those who ask, and everything else is the same for those who do not."""
    for kind in _kinds(make()):
        plain, full = kind.embed(kind.inputs), kind.embed(kind.inputs, tokens=True)
        assert plain.tokens is None, f"{kind.name}: tokens that nobody asked for"
        for vectors in (plain.vectors, full.vectors):
            _assert_close(vectors, kind.encode(kind.inputs), VECTOR_TOLERANCE, f"{kind.name}: vectors")
        for one, other in ((plain.features, full.features), (plain.speech, full.speech)):
            assert (one is None) == (other is None), f"{kind.name}: tokens decide whether there are features"
            if one is not None and other is not None:
                np.testing.assert_allclose(other.astype(float), one.astype(float), rtol=2e-3, atol=2e-3)


def check_tokens_in_any_batch(make: MakeEncoder) -> None:
    """Give an input the same tokens alone, among others and in another order."""
    for kind in _kinds(make()):
        together = _tokens(kind.embed(kind.inputs, tokens=True))
        backwards = _tokens(kind.embed(kind.inputs[::-1], tokens=True))[::-1]
        for row, expected in enumerate(together):
            (alone,) = _tokens(kind.embed(kind.inputs[row : row + 1], tokens=True))
            _assert_close(alone, expected, TOKEN_TOLERANCE, f"{kind.name}: tokens alone and in a batch")
            _assert_close(backwards[row], expected, TOKEN_TOLERANCE, f"{kind.name}: order of tokens")


def check_instances_agree_on_tokens(make: MakeEncoder) -> None:
    """Make a second encoder: it gives the same tokens."""
    first, second = make(), make()
    for one, other in zip(_kinds(first), _kinds(second), strict=True):
        pairs = zip(
            _tokens(one.embed(one.inputs, tokens=True)), _tokens(other.embed(other.inputs, tokens=True)), strict=True
        )
        for tokens, expected in pairs:
            _assert_close(tokens, expected, TOKEN_TOLERANCE, f"{one.name}: tokens of two instances")


def check_tokens_of_odd_inputs(make: MakeEncoder) -> None:
    """Give tokens of empty, very long and strange texts and sounds."""
    encoder = make()
    for kind in _kinds(encoder):
        if kind.name != "image":
            odd = list(ODD_TEXTS) if kind.name == "text" else odd_waves(encoder)
            _assert_tokens(encoder, kind, _tokens(kind.embed(odd, tokens=True)), len(odd))


def check_query_words(make: MakeEncoder) -> None:
    """Give a token for each word of a query, and the words as they are written, in order."""
    encoder = make()
    if not _has_text_tokens(encoder):
        return
    for text in TEXTS:
        asked = cast("TokenEncoder", encoder).query_words(text)
        end = 0
        for word in asked.words:
            assert word in text[end:], f"{word!r} of {asked.words} is not in {text!r}, or not in this order"
            end = text.index(word, end) + len(word)
    for text in (*TEXTS, *ODD_TEXTS):
        asked = cast("TokenEncoder", encoder).query_words(text)
        assert len(asked.words) == len(asked.tokens), f"{len(asked.words)} words, {len(asked.tokens)} tokens"
        _assert_some_tokens(encoder, asked.tokens, f"words of {text[:20]!r}")


CHECKS: tuple[Callable[[MakeEncoder], None], ...] = (
    check_token_spec,
    check_token_shapes,
    check_tokens_must_be_asked_for,
    check_tokens_in_any_batch,
    check_instances_agree_on_tokens,
    check_tokens_of_odd_inputs,
    check_query_words,
)


def _kinds(encoder: Encoder) -> Iterator[_Kind]:
    """Yield each modality that the encoder gives tokens of."""
    spec, tokenizing = encoder.spec, cast("TokenEncoder", encoder)
    if _has_text_tokens(encoder):
        yield _Kind("text", list(TEXTS), tokenizing.embed_texts, lambda texts: encoder.encode_texts(texts, "document"))
    if spec.tokens and "image" in spec.modalities:
        images = sample_images(encoder)
        yield _Kind("image", images, tokenizing.embed_images, lambda some: encoder.encode_images(some, "document"))
    if spec.tokens and "audio" in spec.modalities:
        waves = sample_waves(encoder)
        yield _Kind("audio", waves, tokenizing.embed_audio, lambda some: encoder.encode_audio(some, "document"))


def _has_text_tokens(encoder: Encoder) -> bool:
    return bool(encoder.spec.tokens) and "text" in encoder.spec.modalities


def _tokens(embedded: Embedded) -> tuple[Tokens, ...]:
    assert isinstance(embedded.tokens, tuple), f"expected a tuple of tokens, got {type(embedded.tokens).__name__}"
    return embedded.tokens


def _assert_tokens(encoder: Encoder, kind: _Kind, tokens: tuple[Tokens, ...], count: int) -> None:
    assert len(tokens) == count, f"{kind.name}: tokens of {len(tokens)} inputs, not of {count}"
    for each in tokens:
        _assert_some_tokens(encoder, each, kind.name, most=_MOST.get(kind.name))
        if kind.name == "image" and encoder.spec.token_grid is not None:
            rows, columns = encoder.spec.token_grid
            assert len(each) == rows * columns, f"{len(each)} tokens of a picture, but {rows} x {columns} cells"


def _assert_some_tokens(encoder: Encoder, tokens: Tokens, what: str, most: int | None = MOST_TOKENS) -> None:
    assert isinstance(tokens, np.ndarray), f"{what}: expected a numpy array, got {type(tokens).__name__}"
    assert tokens.ndim == 2, f"{what}: expected tokens of shape (t, d), got {tokens.shape}"
    assert tokens.shape[1] == encoder.spec.space.dim, f"{what}: tokens have {tokens.shape[1]} values"
    assert tokens.dtype == np.float32, f"{what}: expected float32, got {tokens.dtype}"
    assert len(tokens) > 0, f"{what}: no token"
    assert most is None or len(tokens) <= most, f"{what}: {len(tokens)} tokens, more than {most}"
    assert np.isfinite(tokens).all(), f"{what}: a token holds NaN or infinity"


def _assert_close(found: Vectors, expected: Vectors, tolerance: float, what: str) -> None:
    """Compare with a tolerance that is relative to the longest row, since lengths are free."""
    assert found.shape == expected.shape, f"{what}: {found.shape} against {expected.shape}"
    scale = float(np.linalg.norm(expected, axis=1).max(initial=0.0)) or 1.0
    worst = float(np.abs(found - expected).max(initial=0.0)) / scale
    assert worst <= tolerance, f"{what} differ by {worst:.2g}, more than {tolerance}"
