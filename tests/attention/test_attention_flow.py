from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from two_colours import halves, write_tones

import mmsearch
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import (
    CollectionDamaged,
    FileUnreadable,
    ItemNotFound,
    ModalityUnsupported,
    ModelError,
    ModelNotFound,
    QueryError,
    UsageError,
)
from mmsearch.rerankers.maxsim import MaxSimReranker
from mmsearch.testing.media import write_image, write_text, write_turned

LEFT = ((1, 1, 0, 0),) * 4
RIGHT = ((0, 0, 1, 1),) * 4


def words_of(explanation):
    return {word.word: word for word in explanation.words}


def test_each_colour_is_found_on_its_side(collection, folder, halved):
    collection.index(folder)
    explanation = collection.explain("red and blue", halved)
    words = words_of(explanation)
    assert (words["red"].cells, words["blue"].cells) == (LEFT, RIGHT)
    (region,) = words["red"].regions
    assert (region.left, region.top, region.right, region.bottom, region.share) == (0, 0, 60, 60, 1.0)
    assert [word.word for word in explanation.strongest()] in (["red", "blue"], ["blue", "red"])
    assert words["red"].strength == pytest.approx(words["blue"].strength, abs=0.05)
    assert words["and"].minor
    assert words["and"].strength < 0.2
    assert (explanation.path, explanation.modality, explanation.model) == (str(halved), "image", "maxsim")
    assert explanation.cosine == pytest.approx(collection.search("red and blue", k=1)[0].cosine, abs=1e-3)
    assert explanation.together.word == "red and blue"


def test_the_id_of_a_search_says_the_same_as_the_path(collection, folder, halved):
    collection.index(folder)
    (hit,) = collection.search("red")
    assert collection.explain("red", hit.id) == collection.explain("red", halved)
    assert collection.explain("red", str(hit.id)).id == hit.id


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_are_of_the_upright_picture(collection, folder, orientation):
    path = write_turned(folder / "turned.jpg", halves(size=(128, 64)), orientation)
    collection.index(folder)
    explanation = collection.explain("red", path)
    assert (explanation.frame.width_px, explanation.frame.height_px) == (128, 64)
    (region,) = explanation.words[0].regions
    assert (region.left, region.top, region.right, region.bottom) == (0, 0, 64, 64)


def test_stored_tokens_need_no_file(collection, folder, halved):
    collection.index(folder)
    before = collection.explain("red", halved)
    halved.unlink()
    assert collection.explain("red", halved) == before


@pytest.mark.parametrize("query", ["red", "high"])
def test_without_stored_tokens_they_are_made_of_the_file(collection, folder, halved, query):
    sound = write_tones(folder / "tones.wav", 200, 2_000, 2_000, 200)
    item = halved if query == "red" else sound
    collection.index(folder, tokens=True)
    stored = collection.explain(query, item)
    collection.index(folder, tokens=False)
    made = collection.explain(query, item)
    assert made.words[0].strength == 1
    values = [np.array(each.cells or [span.value for span in each.spans]) for each in (*stored.words, *made.words)]
    np.testing.assert_allclose(values[0], values[1], atol=0.02)  # what is stored is rounded
    assert made.words[0].regions == stored.words[0].regions


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_tokens_that_are_no_numbers_are_the_models_fault(collection, encoder, folder, halved, value, monkeypatch):
    embedded = encoder.embed_images(np.zeros((1, 32, 32, 3), np.uint8), tokens=True)
    bad = replace(embedded, tokens=tuple(np.full_like(each, value) for each in embedded.tokens))
    monkeypatch.setattr(encoder, "embed_images", lambda images, *, tokens: bad)
    assert collection.index(folder).added == 1  # without them
    with pytest.raises(ModelError, match="gives no usable tokens: a token is NaN or infinite"):
        collection.explain("red", halved)


def test_without_stored_tokens_the_file_must_be_there_and_as_it_was(collection, folder, halved):
    sound = write_tones(folder / "tones.wav", 200, 2_000)
    collection.index(folder, tokens=False)
    write_image(halved, halves()[:, ::-1])
    write_tones(sound, 2_000, 200)
    for changed in (halved, sound):
        with pytest.raises(FileUnreadable, match="has changed since it was indexed"):
            collection.explain("red", changed)
        changed.unlink()
        with pytest.raises(FileUnreadable, match=r"cannot be read: No such file"):
            collection.explain("red", changed)


def test_tokens_of_another_revision_are_not_used(collection, encoder, folder, halved):
    collection.index(folder)
    encoder.spec = replace(encoder.spec, tokens="newer")
    before = encoder.images
    encoder.embed_images = lambda images, *, tokens: made(encoder, images)
    assert words_of(collection.explain("red", halved))["red"].cells == RIGHT
    assert encoder.images == before


def made(encoder, images):
    """As if the next version of the model saw everything the other way round."""
    return HashingEncoder.embed_images(HashingEncoder(64), images[:, :, ::-1], tokens=True)


def test_seconds_of_a_sound(collection, folder):
    path = write_tones(folder / "tones.wav", 200, 200, 2_000, 200, 200)
    collection.index(folder)
    explanation = collection.explain("high", path)
    assert (explanation.modality, explanation.start_s, explanation.end_s) == ("audio", 0, 10)
    (best,) = explanation.words[0].best
    assert (best.start_s, best.end_s, best.value) == (4, 6, 1)
    spans = explanation.words[0].spans
    assert (spans[0].start_s, spans[-1].end_s) == (0, 10)
    assert [each.start_s for each in spans[1:]] == [each.end_s for each in spans[:-1]]
    low = collection.explain("low", path).words[0].best
    assert [(each.start_s, each.end_s) for each in low] == [(0, 4), (6, 10)]


def test_a_moment_of_a_sound_by_its_id(collection, folder):
    write_tones(folder / "tones.wav", 200, 200, 200, 2_000)
    collection.index(folder)
    (hit,) = collection.search("high", k=1)
    explanation = collection.explain("high", hit.id)
    assert (explanation.id, explanation.start_s, explanation.end_s) == (hit.id, hit.start_s, hit.end_s)


def test_a_sound_that_is_the_same_all_along_has_no_best_second(collection, folder):
    path = write_tones(folder / "hum.wav", 200, 200)
    collection.index(folder)
    assert collection.explain("low", path).words[0].best == ()


def test_of_a_long_sound_the_nearest_windows_are_looked_at(collection, folder, monkeypatch):
    monkeypatch.setattr("mmsearch.attention.subject.MOST_WINDOWS", 2)
    path = write_tones(folder / "tones.wav", *[200] * 6, 2_000, 2_000, *[200] * 6)
    collection.index(folder)
    explanation = collection.explain("high", path)
    assert 8 <= explanation.start_s < explanation.end_s <= 20
    assert (explanation.words[0].best[0].start_s, explanation.words[0].best[0].end_s) == (12, 16)


def test_words_of_the_nearest_passage(collection, folder):
    text = "Nothing here is of any interest. " * 60 + "\n\nThe Red dog, barks."
    path = write_text(folder / "long.txt", text)
    collection.index(folder)
    explanation = collection.explain("red dog", path)
    red, dog = explanation.words
    assert "Red dog" in explanation.text
    best = max(red.parts, key=lambda part: part.value)
    assert (best.text, best.value) == ("Red", 1)
    assert explanation.text[best.char_start :].startswith("Red dog")
    assert max(dog.parts, key=lambda part: part.value).text == "dog"
    assert explanation.frame is None


def test_explain_hits_reads_no_file_and_leaves_out_texts(collection, folder, halved, note):
    sound = write_tones(folder / "tones.wav", 200, 2_000)
    collection.index(folder)
    ids = [hit.id for hit in collection.search("red", group=False)]
    for path in (halved, sound, note):
        path.unlink()
    found = collection.explain_hits("red", [*ids, 999, -1, 2**70])
    assert {explanation.path for explanation in found.values()} == {str(halved), str(sound)}
    assert all(explanation.id == id_ for id_, explanation in found.items())


@pytest.mark.parametrize(
    ("query", "item", "error"),
    [
        ("", 1, QueryError),
        (" \n", 1, QueryError),
        ("x" * 100_001, 1, QueryError),
        (7, 1, QueryError),
        ("red", 999, ItemNotFound),
        ("red", "9" * 30, ItemNotFound),
        ("red", -1, ItemNotFound),
        ("red", "/nowhere/a.png", ItemNotFound),
        ("red", "a\0b\udcff", ItemNotFound),
        ("red", "", QueryError),
        ("red", None, QueryError),
        ("red", 1.5, QueryError),
    ],
)
def test_what_cannot_be_asked(collection, folder, halved, query, item, error):
    collection.index(folder)
    with pytest.raises(error):
        collection.explain(query, item)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(min_size=1, max_size=60).filter(str.strip))
def test_any_query_has_an_answer(collection, folder, halved, query):
    if not collection.exists:
        collection.index(folder)
    explanation = collection.explain(query, halved)
    assert explanation.query == query
    assert sum(word.strength for word in explanation.words) == pytest.approx(explanation.together.strength, abs=0.01)


def test_a_long_query_is_answered_with_a_bounded_number_of_words(collection, folder, halved):
    collection.index(folder)
    explanation = collection.explain("red " * 12_500, halved)
    assert 1 <= len(explanation.words) <= 64


def test_a_folder_and_a_failed_file_are_refused(collection, folder, halved, note):
    (folder / "broken.png").write_bytes(b"no picture")
    collection.index(folder)
    with pytest.raises(QueryError, match="is a folder of 3 files"):
        collection.explain("red", folder)
    with pytest.raises(ItemNotFound, match="could not be indexed"):
        collection.explain("red", folder / "broken.png")


def test_a_model_without_tokens_is_refused(home, folder, halved):
    encoder = HashingEncoder(64)
    encoder.spec = replace(encoder.spec, tokens="", token_grid=None)
    with mmsearch.open("photos", home=home, model=encoder) as collection:
        collection.index(folder)
        with pytest.raises(ModalityUnsupported, match="says nothing of the parts"):
            collection.explain("red", halved)


def test_damaged_tokens_are_told_of(collection, folder, halved):
    collection.index(folder)
    (stored,) = (collection.folder / "spaces").glob("*/tokens/*.i8")
    stored.write_bytes(stored.read_bytes()[:100])
    with pytest.raises(CollectionDamaged, match=r"verify --repair"):
        collection.explain("red", halved)


def test_the_reranker_by_name(collection, folder, halved, monkeypatch):
    collection.index(folder)
    assert collection.explain("red", halved, reranker="maxsim").model == "maxsim"
    with pytest.raises(ModelNotFound):
        collection.explain("red", halved, reranker="nothing")
    monkeypatch.setattr(MaxSimReranker, "relevance", None)
    with pytest.raises(UsageError, match="cannot say where it looked"):
        collection.explain("red", halved, reranker="maxsim")


@pytest.mark.parametrize("given", [np.zeros((1, 3)), np.full((1, 16), -1.0), np.full((1, 16), np.nan)])
def test_a_reranker_that_answers_nonsense_is_told_of(collection, folder, halved, monkeypatch, given):
    collection.index(folder)
    monkeypatch.setattr(MaxSimReranker, "relevance", lambda *_: given)
    with pytest.raises(ModelError, match="should say with numbers from 0"):
        collection.explain("red", halved)


class Usual(MaxSimReranker):
    """As if it were the one of the collection: it judges pictures only, and looks at the upper left."""

    name = "usual"
    weights = {"image": 0.5}  # noqa: RUF012

    def relevance(self, asked, document):
        return np.eye(len(asked.words.words), len(document.tokens), dtype=np.float32)


def test_the_usual_reranker_looks_at_what_it_judges_and_maxsim_at_the_rest(
    collection, folder, halved, note, monkeypatch
):
    collection.index(folder)
    monkeypatch.setattr("mmsearch.search.rerankers.RerankerCache.usual", lambda *_: Usual())
    explanation = collection.explain("red", halved)
    assert (explanation.model, explanation.words[0].cells[0]) == ("usual", (1, 0, 0, 0))
    assert collection.explain("dog", note).model == "maxsim"


def test_a_usual_reranker_that_cannot_be_loaded_is_done_without(collection, folder, halved, monkeypatch):
    def fail(*_):
        raise ModelError("no weights")

    collection.index(folder)
    monkeypatch.setattr("mmsearch.search.rerankers.RerankerCache.usual", fail)
    assert collection.explain("red", halved).model == "maxsim"
