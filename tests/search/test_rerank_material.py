"""What re-rankers are given: tokens, vectors, pixels; and which one is taken if nobody names one."""

import os
import sqlite3
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from made_files import ENCODER, indexed_file
from rerank_fakes import FAKES, Reversing

from mmsearch import registry
from mmsearch.errors import FileUnreadable, ModelError, ModelNotFound, UsageError
from mmsearch.ingest.commit import Committer, Tally
from mmsearch.queries import Rerank
from mmsearch.rerankers.maxsim import MaxSimReranker
from mmsearch.testing.media import write_image
from mmsearch.types import IndexedFile
from mmsearch.vectors.tokens import quantise

TOKENS = ENCODER.spec.tokens


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    for name, target in FAKES.items():
        monkeypatch.setitem(registry.BUILTIN_RERANKERS, name, target)


def with_tokens(path, modality, *texts):
    file = indexed_file(path, modality, texts)
    tokens = tuple(map(quantise, ENCODER.embed_texts(texts, tokens=True).tokens))
    values = {name: getattr(file, name) for name in IndexedFile.__slots__}
    return IndexedFile(**{**values, "tokens": tokens})


def put(library, *files):
    Committer(library.catalog, library.shelves.store, Tally(), library.shelves.tokens).commit(files)


@pytest.fixture
def kept(library):
    """A library that keeps tokens: of "red boat" one has both words far apart, others one of them often."""
    with library.catalog.write() as writer:
        writer.keep_tokens(TOKENS)
    put(
        library,
        with_tokens("/far.jpg", "image", "red house and a field of corn and a lake with a boat"),
        with_tokens("/red.jpg", "image", "red red red"),
        with_tokens("/boat.txt", "text", "boat boat boat", "a boat on the red sea"),
    )
    library.commit(indexed_file("/plain.jpg", "image", ["red boat rred"]))
    return library


def by(model, **options):
    return Rerank(model, wanted=True, **options)


def test_late_interaction_over_stored_tokens(kept, reader, monkeypatch):
    """A word that stands there once counts as much as one that fills the picture; by one vector it does not."""
    monkeypatch.setattr(MaxSimReranker, "weights", {"image": 100.0, "text": 100.0})
    plain = reader.search("red boat")
    assert order(plain, "image") == ["/plain.jpg", "/red.jpg", "/far.jpg"]
    assert texts(plain) == ["boat boat boat", "a boat on the red sea"]
    again = reader.search("red boat", rerank=by("maxsim"), explain=True)
    assert again.notices == ()
    assert texts(again) == ["a boat on the red sea", "boat boat boat"]
    assert order(again, "image") == ["/far.jpg", "/plain.jpg", "/red.jpg"]  # what has no tokens counts as average
    said = {hit.path: hit.explain["rerank"] for hit in again if hit.modality == "image"}
    assert [said[path]["judged"] for path in ("/far.jpg", "/plain.jpg", "/red.jpg")] == [True, False, True]
    assert said["/far.jpg"]["score"] == pytest.approx(1, abs=0.01)  # both words are there
    assert said["/red.jpg"]["score"] < 0.8


def order(hits, modality):
    return [hit.path for hit in hits if hit.modality == modality]


def texts(hits):
    return [hit.text for hit in hits if hit.modality == "text"]


def test_documents_have_the_vectors_and_tokens_that_are_stored(kept, reader, monkeypatch):
    given = []

    class Curious(Reversing):
        needs_tokens = True

        def score(self, asked, documents):
            given.append((asked, documents))
            return super().score(asked, documents)

    monkeypatch.setitem(reader.shelves.indexes.rerankers._named, "curious", Curious())
    hits = {hit.id: hit for hit in reader.search("red boat", rerank=by("curious"))}
    asked = given[0][0]
    assert (asked.text, asked.words.words) == ("red boat", ("red", "boat"))
    assert np.array_equal(asked.words.tokens, ENCODER.query_words("red boat").tokens)
    documents = [document for _, some in given for document in some]
    assert {document.id for document in documents} == {hit.id for hit in hits.values() if hit.path != "/plain.jpg"}
    for document in documents:
        hit = hits[document.id]
        assert (document.modality, document.text, document.cosine) == (hit.modality, hit.text, hit.cosine)
        assert document.vector @ asked.vector == pytest.approx(hit.cosine, abs=1e-5)
        assert document.pixels is None
    (passage,) = [document for document in documents if document.text == "boat boat boat"]
    assert passage.tokens == pytest.approx(ENCODER.query_words("boat boat boat").tokens, abs=0.01)


def test_without_tokens_the_user_is_told_how_to_get_them(library, reader):
    library.put("/a.jpg", "image", "red")
    library.put("/b.jpg", "image", "red boat")
    plain = reader.search("red boat")
    assert reader.search("red boat", rerank=Rerank("maxsim")) == plain
    again = reader.search("red boat", rerank=by("maxsim"))
    assert again.hits == plain.hits
    made = "Not re-ranked: this collection keeps no tokens; `mmsearch rebuild --tokens` makes them."
    assert again.notices == (made,)


def test_tokens_of_another_revision_are_not_used(kept, reader):
    with kept.catalog.write() as writer:
        writer.keep_tokens("another")
    assert "outdated" in reader.search("red boat", rerank=by("maxsim")).notices[0]


def test_damaged_tokens_cost_only_the_second_stage(kept, reader):
    plain = reader.search("red boat")
    for path in kept.folder.rglob("tokens/*"):
        path.write_bytes(b"")
    again = reader.search("red boat", rerank=Rerank("maxsim"))
    assert again.hits == plain.hits
    (notice,) = again.notices
    assert notice.startswith("Not re-ranked: ")
    assert "mmsearch verify --repair" in notice


@pytest.mark.parametrize(("model", "error"), [("no_such", ModelNotFound), ("reversing:with", UsageError)])
def test_a_name_that_is_none(kept, reader, model, error):
    """An error for those who named it; but a setting must not stop all searches."""
    with pytest.raises(error):
        reader.search("red boat", rerank=by(model))
    assert reader.search("red boat", rerank=Rerank(model)).notices[0].startswith("Not re-ranked: The")


class Trained(Reversing):
    """Stands for the re-ranker that is trained for a collection: its bytes are its name, and the kinds it judges."""

    made = 0

    @classmethod
    def from_bytes(cls, data, *, name, dim):
        if data == b"broken":
            raise ModelError("These are no weights of a re-ranker.")
        cls.made += 1
        made = cls()
        text, _, kinds = data.decode().partition(":")
        made.name = f"{name} {text} {dim}"
        if kinds:
            made.weights = {kind: float(10 * cls.made) for kind in kinds.split(",")}
        return made


@pytest.fixture
def trained(monkeypatch):
    monkeypatch.setitem(sys.modules, "mmsearch.rerankers.fusion", SimpleNamespace(FusionReranker=Trained))
    monkeypatch.setattr(Trained, "made", 0)


def put_reranker(library, data, tokens=None):
    with library.catalog.write() as writer:
        writer.put_reranker(data, {"tokens": tokens or library.catalog.token_revision()})


def model_of(hits):
    return {hit.explain["rerank"] and hit.explain["rerank"]["model"] for hit in hits if hit.modality == "text"}


def test_the_collections_own_re_ranker_is_used_by_default(kept, reader, trained):
    assert model_of(reader.search("red boat", rerank=Rerank(), explain=True)) == {None}
    put_reranker(kept, b"one")
    for _ in range(3):
        assert model_of(reader.search("red boat", rerank=Rerank(), explain=True)) == {"trained 1 one 64"}
    assert Trained.made == 1
    put_reranker(kept, b"two")
    assert model_of(reader.search("red boat", rerank=Rerank(), explain=True)) == {"trained 2 two 64"}
    with kept.catalog.write() as writer:
        writer.undo_reranker()
        writer.undo_reranker()
    assert model_of(reader.search("red boat", rerank=Rerank(), explain=True)) == {None}


def test_one_that_was_trained_on_other_tokens_is_not_used(kept, reader, trained):
    put_reranker(kept, b"one", tokens="older")
    assert model_of(reader.search("red boat", rerank=Rerank(), explain=True)) == {None}
    assert Trained.made == 0


def judges(reader):
    in_use = reader.shelves.indexes.rerankers.in_use(reader.shelves.space)
    return {kind: judge.name for kind, judge in in_use.items()}


def test_each_kind_is_judged_by_the_newest_that_was_trained_for_it(kept, reader, trained):
    put_reranker(kept, b"one:image,text")
    put_reranker(kept, b"two:audio")
    assert judges(reader) == {"image": "trained 1 one 64", "text": "trained 1 one 64", "audio": "trained 2 two 64"}
    put_reranker(kept, b"three:image")
    put_reranker(kept, b"four:text", tokens="older")
    assert judges(reader) == {"image": "trained 3 three 64", "text": "trained 1 one 64", "audio": "trained 2 two 64"}
    usual = reader.shelves.indexes.rerankers.usual(reader.shelves.space)
    assert set(usual.name.split(", ")) == set(judges(reader).values())
    assert usual.weights == {kind: judge.weights[kind] for kind, judge in usual._judges.items()}
    with kept.catalog.write() as writer:
        writer.undo_reranker()
        writer.undo_reranker()
    assert judges(reader)["image"] == "trained 1 one 64"


def test_the_one_built_in_judges_what_none_was_trained_for(kept, reader, trained, monkeypatch):
    rerankers, space = reader.shelves.indexes.rerankers, reader.shelves.space
    builtin = Trained.from_bytes(b"builtin:image,audio", name="of", dim=64)
    monkeypatch.setitem(rerankers._named, "builtin", builtin)
    put_reranker(kept, b"one:audio")
    assert judges(reader) == {"audio": "trained 1 one 64"}
    assert rerankers.usual(space).name == "trained 1 one 64"
    space = replace(space, model="builtin")
    assert rerankers.in_use(space)["image"] is builtin
    assert rerankers.usual(space).name == "of builtin 64, trained 1 one 64"
    put_reranker(kept, b"two:image,audio")
    assert rerankers.usual(space).name == "trained 2 two 64"


def test_a_name_goes_before_the_collections_own(kept, reader, trained):
    put_reranker(kept, b"one")
    assert model_of(reader.search("red boat", rerank=by("reversing"), explain=True)) == {"reversing"}
    assert model_of(reader.search("red boat", explain=True)) == {None}


@pytest.mark.parametrize("data", [b"broken", b"damaged"])
def test_a_damaged_re_ranker_is_told_of_and_passed_over(kept, reader, trained, data):
    put_reranker(kept, data)
    if data == b"damaged":
        with sqlite3.connect(kept.folder / "catalog.db") as connection:
            connection.execute("UPDATE rerankers SET weights = x'00'")
        connection.close()
    plain = reader.search("red boat")
    for _ in range(2):
        again = reader.search("red boat", rerank=Rerank())
        assert again.hits == plain.hits
        assert again.notices[0].startswith("Not re-ranked: The")


# Pixels: of files that are there.


@pytest.fixture
def pictures(collection, folder):
    for name, colour in (("grey", "grey"), ("dark", "black"), ("white", "white"), ("gone", "red")):
        write_image(folder / f"{name}.png", colour)
    (folder / "grey.txt").write_text("grey and black and white")
    (folder / "pink.txt").write_text("pink")
    collection.index(folder)
    return collection


def seen(collection):
    return collection._storage.reading().indexes.rerankers.named("seeing").seen


def names(hits):
    return [os.path.basename(hit.path) for hit in hits]


def test_pictures_are_decoded_as_the_re_ranker_wants_them(pictures, folder):
    hits = pictures.search("white", reranker="seeing", modality="image")
    assert names(hits) == ["dark.png", "gone.png", "grey.png", "white.png"]
    assert hits.notices == ()
    documents = seen(pictures)
    assert {document.pixels().shape for document in documents} == {(8, 8, 3)}
    assert len({document.content_hash for document in documents}) == 4
    assert all(len(document.content_hash) > 16 and document.tokens is None for document in documents)


def test_a_picture_that_has_changed_is_not_judged(pictures, folder):
    (folder / "gone.png").unlink()
    write_image(folder / "dark.png", "yellow", size=(9, 9))
    hits = pictures.search("white", reranker="seeing", modality="image", explain=True)
    judged = {os.path.basename(hit.path): hit.explain["rerank"]["judged"] for hit in hits}
    assert judged == {"grey.png": True, "white.png": True, "dark.png": False, "gone.png": False}
    raised = {}
    for document in seen(pictures):
        try:
            document.pixels()
        except FileUnreadable as error:
            raised[document.id] = error.message
    assert sorted(raised.values()) == [
        f"{folder / 'dark.png'} has changed since it was indexed.",
        f"{folder / 'gone.png'}: No such file or directory.",
    ]


def test_texts_are_judged_by_their_words(pictures):
    pictures.search("grey", reranker="seeing", group=False)
    texts = [document for document in seen(pictures) if document.modality == "text"]
    assert [(text.text, text.pixels) for text in texts] == [("grey and black and white", None), ("pink", None)]
