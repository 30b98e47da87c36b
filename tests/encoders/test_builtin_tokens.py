"""What the built-in model makes of words, cells and seconds."""

from itertools import permutations

import numpy as np
import pytest

from mmsearch.config import Limits
from mmsearch.encoders.builtin import cells, sound
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.encoders.builtin.image import ImageModel
from mmsearch.encoders.builtin.patches import RATE_HZ
from mmsearch.encoders.builtin.sound import SoundModel
from mmsearch.encoders.builtin.text import TextModel
from mmsearch.encoders.builtin.weights import ALL_FILES
from mmsearch.media.sources import image_from
from mmsearch.normalise import unit_rows
from mmsearch.testing.drawings import draw_samples
from mmsearch.types import ImageInput


@pytest.fixture(scope="module")
def encoder():
    return BuiltinEncoder()


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    limits = Limits().for_machine(workers=1)
    drawn = draw_samples(tmp_path_factory.mktemp("drawn"))
    return {path.stem: image_from(path, limits, ImageInput(224, 224)) for path in drawn}


def tone(pitch_hz, seconds):
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * pitch_hz * times) * (times * 2 % 1 < 0.3)).astype(np.float32)


def noise(seconds):
    return (0.3 * np.random.default_rng(0).standard_normal(int(seconds * RATE_HZ))).astype(np.float32)


# ---- the revision ----


def test_tokens_are_of_another_revision_if_anything_about_them_changes_but_the_space_is_not(monkeypatch):
    before = BuiltinEncoder().spec
    revisions = {before.tokens}
    for place, name, value in (
        (cells, "GRID", (3, 3)),
        (sound, "PATCHES_A_TOKEN", 1),
        ("mmsearch.encoders.builtin.encoder", "TOKENS", "another"),
        ("mmsearch.encoders.builtin.encoder", "MOST_TOKENS", 32),
    ):
        with monkeypatch.context() as changed:
            if isinstance(place, str):
                changed.setattr(f"{place}.{name}", value)
            else:
                changed.setattr(place, name, value)
            after = BuiltinEncoder().spec
        revisions.add(after.tokens)
        assert after.space == before.space
    others = (*ALL_FILES[1:], type(ALL_FILES[0])(ALL_FILES[0].name, "0" * 64))
    monkeypatch.setattr("mmsearch.encoders.builtin.encoder.ALL_FILES", others)
    revisions.add(BuiltinEncoder().spec.tokens)
    assert len(revisions) == 6


def test_collections_made_before_there_were_tokens_stay_valid():
    assert BuiltinEncoder().spec.space.space_id == "d9f1357e5dcce889"


# ---- words ----


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A brown dog!", ("A", "brown", "dog")),
        ("unbelievably unphotogenic", ("unbelievably", "unphotogenic")),
        ("don't, Maria\u2019s", ("don't", "Maria\u2019s")),
        ("well-known, 12.50", ("well", "known", "12", "50")),
        ("Zürich e\u0301clair", ("Zürich", "e\u0301clair")),
        ("海辺の犬", ("海", "辺", "の", "犬")),
        ("?!", ("?", "!")),
        ("🐕", ("🐕",)),
        ("", ("",)),
        ("'", ("'",)),
    ],
)
def test_words_are_those_that_are_written(encoder, text, words):
    asked = encoder.query_words(text)
    assert asked.words == words
    assert asked.tokens.shape == (len(words), 384)


def test_without_a_word_the_token_is_the_vector(encoder):
    np.testing.assert_allclose(encoder.query_words("").tokens, encoder.encode_texts([""], "query"), atol=1e-5)


def test_a_word_means_what_its_pieces_mean_and_all_pieces_make_the_vector():
    """In a text without punctuation: every state but the two outermost is of a word."""
    model, text = TextModel(), "unphotogenic dogs"
    encoding = model._tokenizer.encode(text)
    vectors, (states,) = model._run([encoding], "vectors", "hidden")
    pieces = encoding.word_ids
    assert pieces == [None, 0, 0, 0, 0, 1, None]
    expected = [states[1:5].mean(axis=0), states[5]]
    np.testing.assert_allclose(model.query_words(text).tokens, expected, atol=1e-5)
    np.testing.assert_allclose(states.mean(axis=0), vectors[0], atol=1e-5)
    np.testing.assert_allclose(model.embed_words([text]).tokens[0], expected, atol=1e-5)


def test_a_word_means_another_thing_in_another_text(encoder):
    river = unit_rows(encoder.query_words("the bank of the river").tokens)[1]
    money = unit_rows(encoder.query_words("the bank lent money").tokens)[1]
    shore, lender = unit_rows(encoder.encode_texts(["a river shore", "a financial institution"], "query"))
    assert river @ shore - river @ lender > money @ shore - money @ lender + 0.2


def test_long_texts_have_32_tokens_of_neighbouring_words(encoder):
    text = " ".join(["dog", "cat"] * 50 + ["ship", "harbour"] * 14)
    model = TextModel()
    every = model._describe([text])[0].tokens
    assert len(every) == 128
    (tokens,) = encoder.embed_texts([text], tokens=True).tokens
    np.testing.assert_allclose(tokens, every.reshape(32, 4, 384).mean(axis=1), atol=1e-5)


def test_a_plain_search_asks_the_graph_for_nothing_but_the_vector(encoder, monkeypatch):
    asked = []
    real = TextModel._run
    monkeypatch.setattr(TextModel, "_run", lambda self, some, *names: asked.append(names) or real(self, some, *names))
    encoder.encode_texts(["a dog"], "query")
    encoder.embed_texts(["a dog"])
    assert asked == [("vectors",), ("vectors",)]


# ---- cells ----


def test_the_cells_cover_the_picture_evenly():
    places = np.arange(49.0, dtype=np.float32).reshape(1, 1, 7, 7)
    found = cells.cell_features(np.concatenate([places, places + 100], axis=1))
    assert found.shape == (16, 2)
    np.testing.assert_allclose(found[:, 1], found[:, 0] + 100, rtol=1e-5)
    np.testing.assert_allclose(found[:, 0].mean(), 24, rtol=1e-5)
    # The first cell is 1.75 places wide and high: the first place counts whole, its neighbours three quarters.
    expected = (0 + 0.75 * (1 + 7) + 0.75**2 * 8) / 1.75**2
    np.testing.assert_allclose(found[0, 0], expected, rtol=1e-5)


def test_a_cell_is_what_it_would_be_as_a_picture(drawings):
    """A picture of one thing everywhere: every cell has the features of the whole, and its vector."""
    model = ImageModel()
    logits, pooled, _ = model._classifier.outputs_and_cells(drawings["daisy"][None])
    tokens, _ = model._vectors(model._classifier.classify(pooled), pooled)
    np.testing.assert_allclose(model._classifier.classify(pooled), logits, atol=1e-3)
    np.testing.assert_allclose(tokens, model.encode(drawings["daisy"][None]), atol=1e-4)


def test_a_word_is_nearest_to_the_half_that_shows_it(encoder, drawings):
    names = ("umbrella", "candle", "pumpkin", "envelope")
    pairs = list(permutations(names, 2))
    halves = {name: drawings[name][:, ::2] for name in names}
    pictures = np.stack([np.concatenate([halves[left], halves[right]], axis=1) for left, right in pairs])
    words = dict(zip(names, unit_rows(encoder.encode_texts([f"a {name}" for name in names], "query")), strict=True))
    for (left, right), tokens in zip(pairs, encoder.embed_images(pictures, tokens=True).tokens, strict=True):
        grid = unit_rows(tokens).reshape(4, 4, 384)
        for word, side, other in ((left, grid[:, :2], grid[:, 2:]), (right, grid[:, 2:], grid[:, :2])):
            assert (side @ words[word]).mean() > (other @ words[word]).mean() + 0.02, (left, right, word)


# ---- seconds ----


@pytest.mark.parametrize(("seconds", "tokens"), [(1 / RATE_HZ, 1), (0.5, 1), (1.2, 1), (2, 2), (5, 5), (10, 10)])
def test_a_sound_has_about_one_token_a_second(encoder, seconds, tokens):
    (found,) = encoder.embed_audio([tone(440, seconds)], tokens=True).tokens
    assert found.shape == (tokens, 384)


def test_a_sound_of_one_patch_is_its_only_token():
    embedded = SoundModel().embed([tone(440, 0.9)], tokens=True)
    np.testing.assert_allclose(embedded.tokens[0], embedded.vectors, atol=1e-6)


def test_tokens_come_in_order_of_time(encoder):
    beeping, rushing = tone(1000, 5), noise(5)
    first, second = unit_rows(encoder.encode_audio([beeping, rushing], "document"))
    (tokens,) = encoder.embed_audio([np.concatenate([beeping, rushing])], tokens=True).tokens
    beeps = unit_rows(tokens) @ first > unit_rows(tokens) @ second
    assert beeps.tolist() == [True] * 5 + [False] * 5


def test_the_network_listens_once(encoder, monkeypatch):
    heard = []
    real = sound.SoundClassifier._run
    monkeypatch.setattr(sound.SoundClassifier, "_run", lambda self, some: heard.append(len(some)) or real(self, some))
    encoder.embed_audio([tone(440, 10)], tokens=True)
    assert heard == [20]
