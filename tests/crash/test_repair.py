"""Damage on disk: `verify` names it, a repair mends it by reading the files again, a rebuild changes no result."""

import os

import pytest
from library import FIRST, make_first, texts

from mmsearch.errors import CollectionDamaged
from mmsearch.rerankers.fusion_model import FusionConfig, FusionModel, to_bytes
from mmsearch.testing.media import write_image, write_text

ROW_BYTES = 64 * 4 + 38 * 2  # a vector and its features


def the_file(collection, pattern):
    (path,) = collection.folder.rglob(pattern)
    return path


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def ranking(collection):
    return [(hit.path, round(hit.cosine, 5)) for hit in collection.search("word stays moved", k=50)]


def ranked_ids(collection):
    return [hit.id for hit in collection.search("word stays moved", k=50)]


def test_verify_finds_nothing_where_all_is_well(indexed):
    assert indexed.verify() == []
    assert indexed.verify(repair=True) == []


def test_a_flipped_bit_costs_only_the_files_of_its_block(indexed, encoder):
    expected, kept = ranking(indexed), {hit.path: hit.id for hit in indexed.search("word", k=50)}
    flip(the_file(indexed, "*.f32"), -1)  # in the last row
    (problem,) = indexed.verify()
    assert problem.what == "vectors are damaged"
    assert "do not match their checksum" in problem.where
    assert len(problem.items) == 2
    (mended,) = indexed.verify(repair=True)
    assert mended.repaired
    assert mended.items == problem.items
    assert len(encoder.texts) + encoder.images == 2
    assert indexed.verify() == []
    assert ranking(indexed) == expected
    now = {hit.path: hit.id for hit in indexed.search("word", k=50)}
    assert {path for path in kept if now[path] != kept[path]} == set(problem.items)


def test_a_flipped_bit_in_the_features_is_found_and_mended(indexed, folder, encoder):
    """Searches do not read them, `adapt` does."""
    write_image(folder / "blue.png", "blue")
    indexed.index(folder)
    expected, features = ranking(indexed), stored_features(indexed)
    encoder.images = 0
    flip(the_file(indexed, "*.f32"), -5)  # of the last row, which is the picture's
    assert ranking(indexed) == expected
    (problem,) = indexed.verify()
    assert (problem.what, problem.items) == ("vectors are damaged", (str(folder / "blue.png"),))
    assert all(mended.repaired for mended in indexed.verify(repair=True))
    assert encoder.images == 1
    assert indexed.verify() == []
    assert stored_features(indexed) == features


def stored_features(collection):
    """The features of all pictures; those of texts are zeros."""
    shelves = collection._storage.reading()
    places = shelves.catalog.locations(shelves.catalog.segments_of("image")[0])
    return {each.tobytes() for each in shelves.store.gather_features(places.files, places.rows)}


def test_a_rebuild_does_not_make_damaged_vectors_look_sound(indexed):
    flip(the_file(indexed, "*.f32"), -1)
    with pytest.raises(CollectionDamaged, match="do not match their checksum"):
        indexed.rebuild()
    assert len(indexed.verify()) == 1


@pytest.mark.parametrize("harm", ["delete", "empty", "header", "truncate", "replace"])
def test_a_vector_file_that_is_ruined(indexed, encoder, harm):
    expected = ranking(indexed)
    path = the_file(indexed, "*.f32")
    if harm == "delete":
        path.unlink()
    elif harm == "header":
        flip(path, 0)
    elif harm == "replace":
        path.write_bytes(os.urandom(path.stat().st_size))
    else:
        os.truncate(path, 0 if harm == "empty" else path.stat().st_size // 2)
    problems = indexed.verify()
    lost = {item for problem in problems for item in problem.items}
    assert len(lost) == (6 if harm == "truncate" else 8)
    with pytest.raises(CollectionDamaged, match=r"verify \(repair|verify --repair|repair"):
        indexed.rebuild()
    assert all(problem.repaired for problem in indexed.verify(repair=True))
    assert len(encoder.texts) + encoder.images == len(lost)
    assert indexed.verify() == []
    assert ranking(indexed) == expected


def test_files_that_are_gone_when_their_vectors_are_mended(indexed, encoder, folder):
    the_file(indexed, "*.f32").unlink()
    (folder / "goes.txt").unlink()
    assert all(problem.repaired for problem in indexed.verify(repair=True))
    assert texts(indexed) == {name: text for name, text in FIRST.items() if name != "goes.txt"}
    indexed.index(folder)
    assert indexed.verify() == []
    assert indexed.status().assets == 7


def test_copies_are_lost_and_mended_together(indexed, encoder, folder):
    write_text(folder / "copied.txt", FIRST["0.txt"])
    indexed.index(folder)
    assert encoder.texts == []
    the_file(indexed, "*.f32").unlink()
    assert sum(len(problem.items) for problem in indexed.verify()) == 9
    indexed.verify(repair=True)
    assert texts(indexed) == FIRST | {"copied.txt": FIRST["0.txt"]}
    assert indexed.verify() == []


@pytest.mark.parametrize("name", ["ids.npy", "rows.npy"])
@pytest.mark.parametrize("harm", ["delete", "flip", "truncate"])
def test_a_ruined_index_is_named_and_made_again_without_encoding(indexed, encoder, harm, name):
    expected = ranking(indexed)
    indexed.close()
    path = the_file(indexed, name)
    if harm == "delete":
        path.unlink()
    elif harm == "flip":
        flip(path, -1)
    else:
        os.truncate(path, path.stat().st_size - 1)
    if (harm, name) != ("flip", "rows.npy"):  # which is looked for by `verify` alone: to read all rows takes time
        assert ranking(indexed) == expected  # it is only a cache
    (problem,) = indexed.verify()
    assert problem.what == "the published index is damaged"
    assert str(path) in problem.where
    (mended,) = indexed.verify(repair=True)
    assert mended.repaired
    check_made_again(indexed, encoder, expected)


def check_made_again(collection, encoder, expected):
    """The index alone was made anew; this process and one that opens the collection now search in it."""
    assert (encoder.texts, encoder.images) == ([], 0)
    assert collection.verify() == []
    assert collection.status().index.fresh
    assert ranking(collection) == expected
    collection.close()
    assert ranking(collection) == expected


def change(collection, sql):
    with collection._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer._connection.exec_driver_sql(sql)


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("UPDATE generations SET last_id = last_id - 1", "has ids above 7"),
        ("UPDATE generations SET vectors = vectors - 1", "has 8 ids, not 7"),
        ("UPDATE generations SET kind = 'newest'", "kind 'newest'"),
        ("UPDATE generations SET kind = 'hnsw'", "index.json is missing"),
        ("UPDATE generations SET vectors = 'many'", "record of its index was changed"),
        ("UPDATE generation_files SET digest = '00000000'", "does not match its checksum"),
        ("UPDATE generation_files SET digest = 'no digest'", "names an index file"),
        ("UPDATE generation_files SET name = '../x' WHERE name = 'ids.npy'", "names an index file"),
        ("DELETE FROM generation_files WHERE name = 'ids.npy'", "cannot be an index of the files rows.npy"),
        (
            "INSERT INTO removed_vectors (space_id, segment_id) SELECT space_id, 3 FROM generations",
            "has 0 segments that are gone, and lacks 1",
        ),
    ],
)
def test_a_catalog_that_does_not_fit_its_index_is_found_and_mended(indexed, encoder, sql, reason):
    expected = ranking(indexed)
    change(indexed, sql)
    (problem,) = indexed.verify()
    assert problem.what == "the published index is damaged"
    assert reason in problem.where
    assert all(mended.repaired for mended in indexed.verify(repair=True))
    check_made_again(indexed, encoder, expected)


def test_removals_that_were_not_noted_are_found_and_mended(indexed, folder, encoder):
    (folder / "goes.txt").unlink()
    indexed.index(folder)
    expected = ranking(indexed)
    change(indexed, "DELETE FROM removed_vectors")
    (problem,) = indexed.verify()
    assert "has 1 segments that are gone, and lacks 0" in problem.where
    assert all(mended.repaired for mended in indexed.verify(repair=True))
    check_made_again(indexed, encoder, expected)


def test_a_repair_makes_no_roots_and_forgets_no_files(indexed, folder):
    roots = indexed.status().roots
    the_file(indexed, "*.f32").unlink()
    indexed.verify(repair=True)
    assert indexed.status().roots == roots == (str(folder),)
    assert indexed.index().unchanged == 8


@pytest.mark.parametrize("keep", [0, 50, 5_000, 20_000])
def test_a_catalog_that_is_cut_short_is_named_and_never_written_over(indexed, folder, keep):
    indexed.close()
    path = the_file(indexed, "catalog.db")
    os.truncate(path, keep)
    before = path.read_bytes()
    for use in (lambda: mend(indexed), lambda: indexed.index(folder), lambda: indexed.search("word")):
        with pytest.raises(CollectionDamaged, match=r"catalog\.db"):
            use()
    assert path.read_bytes() == before


def mend(collection):
    """Verify; a damage that is found but not mended counts as an error."""
    problems = collection.verify(repair=True)
    if any(not problem.repaired for problem in problems):
        raise CollectionDamaged(str(problems))


def test_a_rebuild_gives_back_the_room_of_what_was_deleted(indexed, encoder, folder):
    for number in range(30):
        write_text(folder / f"extra {number}.txt", f"extra number {number}")
    indexed.index(folder)
    for number in range(30):
        (folder / f"extra {number}.txt").unlink()
    indexed.index(folder)
    expected = [
        (hit.id, *each) for hit, each in zip(indexed.search("word stays moved", k=50), ranking(indexed), strict=True)
    ]
    before = the_file(indexed, "*.f32")
    size = before.stat().st_size
    encoder.texts.clear()
    assert indexed.rebuild().vectors == 8
    after = the_file(indexed, "*.f32")
    assert (size, after.stat().st_size) == (64 + 38 * ROW_BYTES, 64 + 8 * ROW_BYTES)
    assert after.name != before.name
    found = [
        (hit.id, *each) for hit, each in zip(indexed.search("word stays moved", k=50), ranking(indexed), strict=True)
    ]
    assert found == expected
    assert encoder.texts == []
    assert indexed.verify() == []
    write_text(folder / "more.txt", "one more after it")
    assert indexed.index(folder).encoded == 1
    assert texts(indexed) == FIRST | {"more.txt": "one more after it"}


def test_a_rebuild_keeps_copies_on_one_row(indexed, folder):
    write_text(folder / "copied.txt", FIRST["0.txt"])
    indexed.index(folder)
    indexed.rebuild()
    assert the_file(indexed, "*.f32").stat().st_size == 64 + 8 * ROW_BYTES
    assert texts(indexed) == FIRST | {"copied.txt": FIRST["0.txt"]}


def test_a_rebuild_of_nothing(indexed, folder):
    for path in folder.iterdir():
        path.unlink()
    assert indexed.index(folder).removed == 8
    assert indexed.rebuild().vectors == 0
    assert list(indexed.folder.rglob("*.f32")) == []
    assert indexed.verify() == []
    make_first(folder)
    assert indexed.index(folder).encoded == 8
    assert texts(indexed) == FIRST


def test_a_re_ranker_that_is_what_was_written_but_none_is_found_and_taken_out(collection, folder):
    """Of four, two are harmed: one is no model, and one is for vectors of another length. The others stay."""
    write_image(folder / "a.png", "red")
    collection.index(folder)
    dim = collection.status().dim
    with collection._storage.writing() as shelves, shelves.catalog.write() as writer:
        report = {"kinds": [], "tokens": shelves.catalog.token_revision()}
        for weights in (untrained(dim), untrained(dim + 1), b"garbage", untrained(dim)):
            writer.put_reranker(weights, report)
    problems = collection.verify()
    assert {problem.what for problem in problems} == {"a re-ranker of `train reranker` cannot be read"}
    assert ["trained 3" in problems[0].where, "trained 2" in problems[1].where] == [True, True]
    assert [problem.repaired for problem in collection.verify(repair=True)] == [True, True]
    assert collection.verify() == []
    assert [each.version for each in collection._storage.reading().catalog.rerankers()] == [4, 1]


def untrained(dim):
    return to_bytes(FusionModel(FusionConfig(dim)), {"image": 1.0})


def test_a_re_ranker_that_does_not_match_its_checksum_is_told_of_once(collection, folder):
    write_image(folder / "a.png", "red")
    collection.index(folder)
    with collection._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer.put_reranker(b"garbage", {})
        writer._connection.exec_driver_sql("UPDATE rerankers SET weights = x'00'")
    assert [problem.what for problem in collection.verify()] == ["a re-ranker of `train reranker` is damaged"]
    assert all(problem.repaired for problem in collection.verify(repair=True))
    assert collection.verify() == []


def test_a_head_that_is_what_was_written_but_no_head_is_found_and_taken_out(collection, folder):
    write_image(folder / "a.png", "red")
    collection.index(folder)
    before = collection.search("red")[0].cosine
    with collection._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer.put_heads({"image": b"garbage"}, {"image": {}})
    assert [problem.what for problem in collection.verify()] == ["a head of `adapt` cannot be read"]
    (problem,) = collection.verify(repair=True)
    assert problem.repaired
    assert collection.verify() == []
    assert collection.search("red")[0].cosine == before
