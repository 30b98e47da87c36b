"""Token files go while a reader is about to open them: it answers from the state that replaced its own."""

from dataclasses import replace

import pytest
from counting_encoder import CountingEncoder

import mmsearch
from mmsearch.testing.media import write_image, write_text
from mmsearch.vectors.tokens import TokenStore


def no_tokens(other):
    other.index(tokens=False)


def other_tokens(other):
    encoder = other._storage.encoder()
    encoder.spec = replace(encoder.spec, tokens="another")
    other.index(tokens=True)


def rebuilt(other):
    other.rebuild(tokens=True)


def rebuilt_with_others(other):
    encoder = other._storage.encoder()
    encoder.spec = replace(encoder.spec, tokens="another")
    other.rebuild(tokens=True)


CHANGES = [no_tokens, other_tokens, rebuilt, rebuilt_with_others]


@pytest.fixture
def filled(collection, folder):
    for colour in ("red", "blue"):  # two of a kind, else there is nothing to re-rank
        write_image(folder / f"{colour}.png", colour)
    write_text(folder / "sea.txt", "a red boat on the sea")
    collection.index(folder)
    return collection


@pytest.fixture
def meanwhile(filled, monkeypatch):
    """Let another connection change the collection once, between the look-up of tokens and the reading of them."""
    gather = TokenStore.gather

    def change_first(change):
        def too_late(self, *places):
            monkeypatch.setattr(TokenStore, "gather", gather)
            before = token_files(filled)
            with mmsearch.open(filled.folder, model=CountingEncoder()) as other:
                change(other)
            assert not before & token_files(filled)
            return gather(self, *places)

        monkeypatch.setattr(TokenStore, "gather", too_late)

    yield change_first
    assert TokenStore.gather is gather, "nothing read any tokens"


def token_files(collection):
    return {path.name for path in collection.folder.rglob("*.i8")}


@pytest.mark.parametrize("change", CHANGES)
def test_a_search_does_not_take_it_for_damage(filled, meanwhile, change):
    plain = filled.search("red boat", rerank=False)
    meanwhile(change)
    hits = filled.search("red boat", reranker="maxsim")
    assert {hit.id for hit in hits} == {hit.id for hit in plain}
    assert not [notice for notice in hits.notices if "verify" in notice]
    if change is rebuilt:
        assert hits.notices == ()


@pytest.mark.parametrize("change", CHANGES)
def test_explain_does_not_take_it_for_damage(filled, folder, meanwhile, change):
    before = filled.explain("red", folder / "red.png")
    meanwhile(change)
    after = filled.explain("red", folder / "red.png")
    assert (after.id, after.words[0].regions) == (before.id, before.words[0].regions)


def test_the_maps_of_a_page_do_not_either(filled, meanwhile):
    ids = [hit.id for hit in filled.search("red", modality="image", rerank=False)]
    assert set(filled.explain_hits("red", ids)) == set(ids)
    meanwhile(no_tokens)
    assert filled.explain_hits("red", ids) == {}


@pytest.mark.parametrize("change", CHANGES)
def test_the_index_stays_current(filled, change):
    catalog = filled._storage.reading().catalog
    revision, index = catalog.revision(), filled._storage.reading().indexes.current()
    change(filled)
    assert catalog.revision() > revision  # for those who are about to open files of tokens
    assert len(filled._storage.reading().indexes.current()) == len(index)
    assert filled.status().index.fresh


@pytest.mark.parametrize("kept", [True, False])
def test_where_nothing_is_forgotten_the_index_stays(filled, kept):
    filled.index(tokens=kept)
    catalog = filled._storage.reading().catalog
    before, revision = catalog.generation().number, catalog.revision()
    filled.index(tokens=kept)
    assert (catalog.generation().number, catalog.revision()) == (before, revision)
