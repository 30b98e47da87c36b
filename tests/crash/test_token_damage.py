"""Damaged tokens are named and made again from the media; hits, their ids and their vectors do not notice."""

import os
from dataclasses import replace

import pytest
from library import FIRST
from stored_tokens import segment_ids, token_bytes, vector_bytes

import mmsearch
from mmsearch.catalog.tables import token_blocks
from mmsearch.errors import CollectionDamaged


@pytest.fixture
def rows(indexed):
    (path,) = indexed.folder.rglob("*.i8")
    return path


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def what_is_searched(collection):
    hits = [(hit.id, hit.path, hit.score) for hit in collection.search("word stays moved red", k=50)]
    return hits, segment_ids(collection), vector_bytes(collection)


def mended(collection):
    problems = collection.verify(repair=True)
    assert all(problem.repaired for problem in problems)
    assert collection.verify() == []
    return problems


def test_a_flipped_bit_costs_only_the_tokens_of_its_block(indexed, encoder, rows):
    searched, tokens = what_is_searched(indexed), token_bytes(indexed)
    flip(rows, -1)
    (problem,) = indexed.verify()
    assert problem.what == "tokens are damaged"
    assert "do not match their checksum" in problem.where
    assert len(problem.items) == 2
    with pytest.raises(CollectionDamaged, match="do not match their checksum"):
        indexed.rebuild()
    (found,) = mended(indexed)
    assert found.items == problem.items
    assert len(encoder.texts) + encoder.images == 2
    assert token_bytes(indexed) == tokens
    assert what_is_searched(indexed) == searched


@pytest.mark.parametrize("harm", ["delete", "empty", "header", "truncate", "replace"])
def test_a_token_file_that_is_ruined(indexed, encoder, rows, harm):
    searched, tokens = what_is_searched(indexed), token_bytes(indexed)
    if harm == "delete":
        rows.unlink()
    elif harm == "header":
        flip(rows, 0)
    elif harm == "replace":
        rows.write_bytes(os.urandom(rows.stat().st_size))
    else:
        os.truncate(rows, 0 if harm == "empty" else rows.stat().st_size // 2)
    lost = {item for problem in indexed.verify() for item in problem.items}
    assert 2 <= len(lost) <= 8
    assert len(lost) == 8 or harm == "truncate"
    mended(indexed)
    assert len(encoder.texts) + encoder.images == len(lost)
    assert token_bytes(indexed) == tokens
    assert what_is_searched(indexed) == searched
    assert len(list(indexed.folder.rglob("*.i8"))) == 1


def test_pictures_that_are_gone_can_still_be_found_without_tokens(indexed, folder, rows):
    searched, tokens = what_is_searched(indexed), token_bytes(indexed)
    rows.unlink()
    (folder / "red.png").unlink()
    mended(indexed)
    assert what_is_searched(indexed) == searched
    assert token_bytes(indexed) == {key: each for key, each in tokens.items() if key != ("red.png", 0)}


def test_vectors_and_tokens_that_are_damaged_together(indexed, encoder, rows):
    tokens = token_bytes(indexed)
    (vectors,) = indexed.folder.rglob("*.f32")
    flip(vectors, -1)
    rows.unlink()
    assert {problem.what for problem in mended(indexed)} == {"vectors are damaged", "tokens are damaged"}
    assert token_bytes(indexed) == tokens
    assert indexed.status().assets == len(FIRST) + 1


def test_tokens_that_no_block_covers_are_made_again(indexed, encoder):
    searched, tokens = what_is_searched(indexed), token_bytes(indexed)
    with indexed._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer._connection.execute(token_blocks.delete().where(token_blocks.c.first_row == 0))
    (problem,) = indexed.verify()
    assert (problem.what, len(problem.items)) == ("tokens lie in no committed block", 2)
    mended(indexed)
    assert len(encoder.texts) + encoder.images == 2
    assert token_bytes(indexed) == tokens
    assert what_is_searched(indexed) == searched


def test_a_model_of_another_revision_drops_what_is_damaged_and_no_more(indexed, encoder, rows):
    tokens = token_bytes(indexed)
    flip(rows, -1)
    (problem,) = indexed.verify()
    lost = {(os.path.basename(path), 0) for path in problem.items}
    encoder.spec = replace(encoder.spec, tokens="another")
    with mmsearch.open(indexed.folder, model=encoder) as later:
        mended(later)
        assert token_bytes(later) == {key: each for key, each in tokens.items() if key not in lost}
