import os
import sqlite3
import threading
from contextlib import closing

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.catalog import migrate
from mmsearch.catalog.catalog import Catalog
from mmsearch.catalog.folding import indexed
from mmsearch.catalog.records import WordTerm
from mmsearch.errors import CollectionDamaged
from mmsearch.types import FailedFile, FileStat, KnownFile, Segment


def passage(text, about=None):
    return Segment("text", text=text, about=about)


def term(text, **kinds):
    return WordTerm((tuple(indexed(text).split()),), **kinds)


@pytest.fixture
def note(put, make_file, catalog):
    """Commit a file of passages; answers with the ids of its segments."""

    def commit(path, *texts, about=None):
        parts = tuple(passage(text, about) for text in texts)
        return catalog.asset_segments(put(make_file(path, modality="text", segments=parts))[path]).tolist()

    return commit


@pytest.fixture
def photo(put, catalog):
    return lambda path: catalog.asset_segments(put(path)[path]).tolist()[0]


@pytest.fixture
def find(catalog):
    """Look for words; answers with ids, best first."""
    return lambda *words, **kinds: catalog.find_words([term(word, **kinds) for word in words]).ids.tolist()


def rename(catalog, old, new):
    state = catalog.lookup([old])[old]
    file = KnownFile(FileStat(new, state.size_bytes, 2), state.content_hash)
    with catalog.write() as writer:
        assert writer.put_known(file, exists=lambda path: path != old) == "renamed"


def test_a_segment_has_the_words_of_its_text_its_name_and_its_folder(note, photo, find):
    first, second = note("/home/Trip to Rome/diary.txt", "We saw a fountain.", "Then it rained.")
    beach = photo("/home/2019/IMG_2034_beachSunset.jpg")
    photo("/home/other/b.jpg")
    assert find("fountain") == [first]
    assert sorted(find("rome")) == [first, second]
    assert find("diary", "rained") == [second, first]
    for word in ("2034", "beach", "Sunset", "BEACHSUNSET", "2019"):
        assert find(word) == [beach]
    assert find("nothing") == []


def test_a_caption_and_what_it_describes_have_each_other_s_words(note, photo, find):
    caption = note("/photos/2019/a.txt", "a dog on the beach", about="/photos/2019/a.jpg")
    picture = photo("/photos/2019/a.jpg")
    photo("/photos/2020/b.jpg")
    photo("/photos/2021/c.jpg")
    row = note("/photos/captions.csv", "a lighthouse", about="/photos/2020/b.jpg")
    assert sorted(find("beach")) == [*caption, picture]
    assert sorted(find("lighthouse", "2020"))[-1:] == row
    assert find("captions") == []


@pytest.mark.parametrize("picture_first", [True, False])
def test_it_does_not_matter_which_comes_first(note, photo, find, picture_first):
    if picture_first:
        photo("/a.jpg")
    captions = note("/a.txt", "a dog", about="/a.jpg") + note("/b.csv", "a hound", about="/a.jpg")
    picture = photo("/a.jpg")
    assert picture in find("dog")
    assert picture in find("hound")
    assert set(find("dog", "hound")) == {picture, *captions}
    assert find("dog hound") == []  # no phrase goes from one caption into the next


def test_captions_that_go_take_their_words_along(note, photo, find, catalog):
    picture = photo("/a.jpg")
    note("/a.txt", "a dog", about="/a.jpg")
    (hound,) = note("/b.csv", "a hound", about="/a.jpg")
    with catalog.write() as writer:
        writer.remove_assets([catalog.lookup(["/a.txt"])["/a.txt"].id])
    assert find("dog") == []
    assert sorted(find("hound")) == sorted([picture, hound])
    assert catalog.check() == ()


def test_only_so_many_captions_of_one_file_count(note, photo, find, catalog):
    picture = photo("/a.jpg")
    rows = note("/table.csv", *(f"row{number}" for number in range(30)), about="/a.jpg")
    assert picture in find("row19")
    assert find("row20") == [rows[20]]
    with catalog.write() as writer:
        writer.remove_assets([catalog.lookup(["/table.csv"])["/table.csv"].id])
    assert find("row19") == []
    assert catalog.check() == ()


def test_what_is_removed_swept_replaced_or_cannot_be_read_any_more_is_not_found(note, photo, find, catalog):
    for path in ("/removed.jpg", "/swept.jpg", "/failed.jpg", "/again.jpg", "/kept.jpg"):
        photo(path)
    note("/replaced.txt", "old words")
    (replaced,) = note("/replaced.txt", "new words")
    with catalog.seen() as seen, catalog.write() as writer:
        seen.add(state.id for path, state in catalog.lookup(["/kept.jpg", "/replaced.txt"]).items())
        writer.remove_assets([catalog.lookup(["/removed.jpg"])["/removed.jpg"].id])
        writer.put_failed(FailedFile(FileStat("/failed.jpg", 1, 2), "media_damaged", "no"))
        writer.requeue([catalog.lookup(["/again.jpg"])["/again.jpg"].id])
        writer.sweep("/swept.jpg", seen, ())
    assert [find(word) for word in ("removed", "swept", "failed", "again", "old")] == [[]] * 5
    assert find("new") == [replaced]
    assert len(find("kept")) == 1
    assert catalog.check() == ()


def test_a_renamed_file_is_found_by_its_new_name_with_its_new_captions(note, photo, find, catalog):
    note("/here/b.txt", "a dog", about="/here/b.jpg")
    picture = photo("/there/beach.jpg")
    rename(catalog, "/there/beach.jpg", "/here/b.jpg")
    assert find("beach") == find("there") == []
    assert picture in find("here")
    assert picture in find("dog")
    assert catalog.check() == ()


def test_a_copy_has_its_own_names(note, find, catalog):
    (first,) = note("/one/diary.txt", "a fountain")
    state = catalog.lookup(["/one/diary.txt"])["/one/diary.txt"]
    with catalog.write() as writer:
        writer.put_known(KnownFile(FileStat("/two/copy.txt", 100, 1), state.content_hash), exists=lambda _: True)
    (second,) = find("two")
    assert find("one") == [first]
    assert find("fountain") == [first, second]


def test_the_rare_word_decides_and_a_score_says_how_much_is_there(note, catalog):
    ids = [note(f"/{name}.txt", f"a dog in the {name}")[0] for name in ("snow", "sand", "sea", "sun", "rain")]
    note("/other.txt", "nothing of all that")
    found = catalog.find_words([term("dog"), term("sand")])
    assert found.ids.tolist() == [ids[1]]  # "dog" tells nothing: most have it
    assert found.scores[0] == pytest.approx(0.9, abs=0.05)
    half = catalog.find_words([term("sand"), term("nowhere")])
    assert half.scores[0] == pytest.approx(found.scores[0] * 0.38, abs=0.05)


def test_a_word_that_many_have_comes_to_little(note, catalog):
    for number in range(30):
        note(f"/{number}.txt", "a dog" if number % 3 else "a cat")
    note("/x.txt", "a zebra")
    scores = {word: catalog.find_words([term(word)]).scores for word in ("zebra", "cat", "dog")}
    assert scores["zebra"][0] > 0.8
    assert 0 < scores["cat"].max() < 0.4
    assert 0 < scores["dog"].max() < 0.2
    assert len(scores["dog"]) == 20  # the only word there is, though most have it


def test_a_phrase_is_found_only_in_that_order(note, find):
    exact, turned, *_ = note("/a.txt", "a red car", "a car, red", "a bus", "a tram", "a bike")
    assert find("red car") == [exact]
    assert find("red car", "car") == [exact, turned]
    assert find("red car", required=True) == [exact]


def test_what_is_required_must_be_there_and_a_prefix_stands_for_its_words(note, find, catalog):
    ship, house = note("/a.txt", "Donaudampfschiff auf der Donau", "Haus an der Donau")
    assert find("donaud", prefix=True) == [ship]
    assert sorted(find("dona", prefix=True)) == [ship, house]
    wanted = [term("haus", required=True), term("donaudampfschiff")]
    assert catalog.find_words(wanted).ids.tolist() == [house]
    assert catalog.find_words([term("haus"), term("nowhere", required=True)]).ids.tolist() == []


def test_several_spellings_count_as_one_word(note, find, catalog):
    joined, parted, _ = note("/x.txt", "img2034", "img 2034", "neither")
    either = WordTerm((("img2034",), ("img", "2034")))
    found = catalog.find_words([either])
    assert found.ids.tolist() == [joined, parted]
    assert found.scores[0] == found.scores[1]


def test_only_what_is_allowed_is_found(note, catalog):
    ids = note("/x.txt", *(f"dog {number}" for number in range(5)))
    allowed = np.array([ids[3], ids[1], 999], dtype=np.int64)
    assert catalog.find_words([term("dog")], allowed).ids.tolist() == [ids[1], ids[3]]
    assert len(catalog.find_words([term("dog")], np.empty(0, dtype=np.int64))) == 0


def test_frequent_words_are_found_too(note, catalog, monkeypatch):
    ids = note("/x.txt", *(["a dog"] * 5), *(["a cat"] * 6))
    exact = catalog.find_words([term("dog")])
    monkeypatch.setattr("mmsearch.catalog.word_search._MAX_BM25", 3)
    rough = catalog.find_words([term("dog")])
    assert rough.ids.tolist() == exact.ids.tolist() == ids[:5]
    assert rough.scores == pytest.approx(exact.scores, rel=0.1)


def test_the_first_words_of_a_catalog_are_found(note, find, catalog):
    assert find("anything") == []
    (only,) = note("/beach.txt", "sand")
    assert find("sand") == find("beach") == [only]
    assert catalog.find_words([term("sand")]).scores[0] > 0.5
    assert catalog.find_words([]).ids.tolist() == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=200), name=st.binary(max_size=40))
def test_any_text_is_found_again_by_its_own_words(note, find, text, name):
    readable = os.fsdecode(name.replace(b"/", b" ").replace(b"\0", b" "))
    (id_,) = note(f"/{readable} marker.txt", text)
    assert id_ in find("marker")
    for token in set(indexed(text).split()):
        assert id_ in find(token)
    if indexed(text):
        assert id_ in find(text)  # as one phrase


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("東京タワーの夜", "タワー"),
        ("ทะเลสวยมาก", "สวย"),
        ("كِتَابٌ جديد", "كتاب"),
        ("Ёлка в лесу", "елка"),
        ("한국 바다", "바다"),
    ],
)
def test_any_script_is_found_by_its_words(note, find, text, part):
    (id_,) = note("/x.txt", f"before {text} after")
    assert find(part) == [id_]


def damaged(path, *statements):
    with closing(sqlite3.connect(path)) as direct, direct:
        for statement in statements:
            direct.execute(statement)


DAMAGES = {
    "a row is missing": "DELETE FROM segment_words WHERE rowid = 1",
    "a row is too much": "INSERT INTO segment_words (rowid, text) VALUES (99, 'dog')",
    "other words": "UPDATE segment_words SET text = 'cat' WHERE rowid = 1",
    "stored but not indexed": "UPDATE segment_words_content SET c2 = 'cat' WHERE id = 1",
    "indexed but not stored": "DELETE FROM segment_words_content",
    "no index": "DELETE FROM segment_words_data WHERE id > 10",
    "no lengths": "DELETE FROM segment_words_docsize",
    "garbage": "UPDATE segment_words_data SET block = x'00ff00ff00ff00ff' WHERE id > 10",
}


@pytest.mark.parametrize("statement", DAMAGES.values(), ids=DAMAGES)
def test_a_check_notices_damage_and_a_rebuild_mends_it(note, find, catalog, catalog_path, statement):
    (id_,) = note("/x.txt", "a dog")
    damaged(catalog_path, statement)
    (problem,) = catalog.check()
    assert "index of words" in problem.what
    assert problem.items == ()
    with catalog.write() as writer:
        writer.rebuild_words()
        revision = catalog.revision()
    assert catalog.check() == ()
    assert catalog.revision() == revision
    assert find("dog") == [id_]


def test_a_search_in_a_damaged_index_says_how_to_mend_it(note, catalog, catalog_path):
    note("/x.txt", *(f"dog{number}" for number in range(2_000)))
    damaged(catalog_path, "UPDATE segment_words_data SET block = x'00ff00ff00ff00ff' WHERE id > 10")
    with pytest.raises(CollectionDamaged, match=r"index of words.*verify --repair"):
        catalog.find_words([term("dog7")])


def test_an_older_catalog_gets_its_words_when_it_is_migrated(tmp_path, space):
    path = tmp_path / "catalog.db"
    path.touch()
    migrate.upgrade(path, "0003")
    damaged(
        path,
        f"INSERT INTO spaces VALUES ('{space.space_id}', 'hashing', 'r1', 'p1', 4, '2024', 0)",
        f"INSERT INTO collection VALUES (1, 'photos', '2024', '{space.space_id}', 7)",
        "INSERT INTO assets (id, path, modality, size_bytes, mtime_ns, content_hash, status, updated_at)"
        " VALUES (5, '/2019/beachSunset.jpg', 'image', 9, 1, 'aa', 'ready', '2024'),"
        " (6, '/2019/beachSunset.txt', 'text', 9, 1, 'bb', 'ready', '2024')",
        "INSERT INTO segments (id, asset_id, ordinal, modality, text, about)"
        " VALUES (9, 5, 0, 'image', NULL, NULL), (10, 6, 0, 'text', 'Zwei Füße', '/2019/beachSunset.jpg')",
    )
    with Catalog.open(path, write=True) as catalog:
        assert sorted(catalog.find_words([term("fusse")]).ids.tolist()) == [9, 10]
        assert sorted(catalog.find_words([term("sunset")]).ids.tolist()) == [9, 10]
        assert not any("words" in problem.what for problem in catalog.check())


def test_readers_see_the_words_of_one_state(note, catalog, catalog_path):
    (old,) = note("/x.txt", "a dog")
    with Catalog.open(catalog_path, write=False) as reader, reader.snapshot():
        written = threading.Thread(target=lambda: note("/x.txt", "a cat"))
        written.start()
        written.join()
        assert reader.find_words([term("dog")]).ids.tolist() == [old]
        assert reader.find_words([term("cat")]).ids.tolist() == []
        rebuilding = threading.Thread(target=lambda: rebuild_words(catalog))
        rebuilding.start()
        rebuilding.join()
        assert reader.find_words([term("dog")]).ids.tolist() == [old]
    assert catalog.find_words([term("dog")]).ids.tolist() == []


def rebuild_words(catalog):
    with catalog.write() as writer:
        writer.rebuild_words()
