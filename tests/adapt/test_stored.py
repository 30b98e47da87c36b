"""Heads in use: what is stored stays as it is, and all that is read of it is adapted."""

import os
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from counting_encoder import CountingEncoder
from made_heads import install, make_head

import mmsearch
from mmsearch.adapt import stored
from mmsearch.adapt.stored import heads_in_use, pieces, stored_vectors
from mmsearch.errors import CollectionDamaged
from mmsearch.testing.media import write_image, write_text, write_wav
from mmsearch.testing.sounds import tone, write_sound

COLOURS = ("red", "green", "blue", "white")


@pytest.fixture
def filled(collection, folder):
    """Four pictures, two sounds of one and of three segments, and a text."""
    for colour in COLOURS:
        write_image(folder / f"{colour}.png", colour)
    write_wav(folder / "whistle.wav", seconds=1, pitch_hz=2_500)
    write_wav(folder / "hum.wav", seconds=10, pitch_hz=150)
    write_text(folder / "note.txt", "a red high tone")
    collection.index(folder)
    return collection


def ranking(collection, text="red high tone", **options):
    return [(hit.id, hit.cosine) for hit in collection.search(text, k=50, **options)]


def read(collection):
    """All vectors as searches see them, by id."""
    shelves = collection._storage.reading()
    ids, vectors = stored_vectors(shelves.catalog, shelves.store)
    return dict(zip(ids.tolist(), vectors, strict=True))


def by_modality(collection):
    shelves = collection._storage.reading()
    return {kind: set(shelves.catalog.segments_of(kind)[0].tolist()) for kind in ("text", "image", "audio")}


def vector_files(collection):
    return {path.name: path.read_bytes() for path in collection.folder.rglob("*.f32")}


def test_a_head_adapts_its_own_modality_and_nothing_else(filled, encoder):
    before, files = read(filled), vector_files(filled)
    head = make_head("image")
    assert install(filled, head) == 1
    after, kinds = read(filled), by_modality(filled)
    for id_ in kinds["text"] | kinds["audio"]:
        assert np.array_equal(after[id_], before[id_])
    pixels = np.full((1, 32, 32, 3), (255, 0, 0), np.uint8)
    (red,) = [hit.id for hit in filled.search(image=pixels[0], k=1)]
    embedded = encoder.embed_images(pixels)
    expected = head.apply(before[red][None], embedded.features)
    assert after[red] == pytest.approx(expected[0], abs=1e-6)
    assert all(np.abs(after[id_] - before[id_]).max() > 0.1 for id_ in kinds["image"])
    assert vector_files(filled) == files
    assert filled.status().adapted == {"image": 1}
    assert filled.verify() == []


def test_searches_by_words_pictures_sounds_and_items_are_all_adapted(filled, folder):
    """A file is its own best match by whatever way it is asked for: query and collection go through one head."""
    install(filled, make_head("image"), make_head("audio", 1))
    assert filled.search(image=folder / "red.png", k=1)[0].path.endswith("red.png")
    for path in (folder / "red.png", folder / "blue.png"):
        (hit,) = filled.search(image=path, k=1)
        assert (hit.path, round(hit.cosine, 5)) == (str(path), 1.0)
    (hit,) = filled.search(audio=folder / "whistle.wav", k=1)
    assert (hit.path, round(hit.cosine, 5)) == (str(folder / "whistle.wav"), 1.0)
    vectors = read(filled)
    shelves = filled._storage.reading()
    for path in ("red.png", "hum.wav"):
        (asset,) = shelves.catalog.find_assets(str(folder / path))
        mean = np.mean([vectors[id_] for id_ in shelves.catalog.asset_segments(asset.id).tolist()], axis=0)
        best = max(filled.search(like=folder / path, k=50), key=lambda hit: hit.cosine)
        assert best.cosine == pytest.approx(vectors[best.id] @ mean / np.linalg.norm(mean), abs=1e-5)


def test_embed_gives_what_the_collection_holds(filled, folder):
    plain = filled.embed(texts="red", images=folder / "red.png", sounds=folder / "whistle.wav")
    install(filled, make_head("image"), make_head("audio", 1))
    text, image, sound = filled.embed(texts="red", images=folder / "red.png", sounds=folder / "whistle.wav")
    assert np.array_equal(text, plain[0])
    vectors = read(filled)
    for name, vector, old in (("red.png", image, plain[1]), ("whistle.wav", sound, plain[2])):
        (hit,) = [hit for hit in filled.search("x", k=50) if hit.path.endswith(name)]
        assert vector == pytest.approx(vectors[hit.id], abs=1e-6)
        assert np.abs(vector - old).max() > 0.1


def test_undoing_gives_back_the_very_same_results(filled, folder):
    queries = [{"text": "red high tone"}, {"text": (), "image": folder / "red.png"}, {"text": (), "like": 1}]
    before = [ranking(filled, **query) for query in queries]
    install(filled, make_head("image"), make_head("audio", 1))
    assert all(ranking(filled, **query) != old for query, old in zip(queries, before, strict=True))
    assert filled.undo_adapt() == ("audio", "image")
    assert [ranking(filled, **query) for query in queries] == before
    assert filled.status().adapted == {}
    assert filled.undo_adapt() == ()
    assert [ranking(filled, **query) for query in queries] == before


def test_versions_are_undone_one_after_the_other(filled):
    states = [ranking(filled)]
    for heads in ([make_head("image")], [make_head("image", 2), make_head("audio", 3)], [make_head("audio", 4)]):
        install(filled, *heads)
        states.append(ranking(filled))
    assert filled.status().adapted == {"audio": 3, "image": 2}
    assert len({tuple(state) for state in states}) == 4
    for undone, state in zip((("audio",), ("audio", "image"), ("image",)), reversed(states[:-1]), strict=True):
        assert filled.undo_adapt() == undone
        assert ranking(filled) == state
    assert install(filled, make_head("image")) == 4  # numbers are not used again
    assert ranking(filled) == states[1]


def test_files_that_come_later_are_adapted_too(filled, folder, encoder):
    head = make_head("image")
    install(filled, head)
    path = write_image(folder / "late.png", "yellow")
    filled.index(folder)
    (hit,) = filled.search(image=path, k=1)
    assert (hit.path, round(hit.cosine, 5)) == (str(path), 1.0)
    filled.undo_adapt()
    (plain,) = filled.search(image=path, k=1)
    assert (plain.id, round(plain.cosine, 5)) == (hit.id, 1.0)
    assert filled.search("yellow", k=1)[0].id == hit.id


def test_a_rebuild_keeps_stored_rows_and_heads(filled):
    install(filled, make_head("image"), make_head("audio", 1))
    filled.remove(filled.search("white", k=1)[0].id)
    before, plain = ranking(filled), stored_rows(filled)
    filled.rebuild()
    assert ranking(filled) == [(id_, pytest.approx(cosine, abs=1e-6)) for id_, cosine in before]
    assert stored_rows(filled) == plain
    filled.undo_adapt()
    assert ranking(filled) != before


def stored_rows(collection):
    """Vectors and features as the encoder gave them, by id."""
    shelves = collection._storage.reading()
    places = shelves.catalog.locations()
    vectors = shelves.store.gather(places.files, places.rows)
    features = shelves.store.gather_features(places.files, places.rows)
    assert features.any()
    return {
        id_: (vector.tobytes(), feature.tobytes())
        for id_, vector, feature in zip(places.ids.tolist(), vectors, features, strict=True)
    }


def test_other_readers_see_the_change_at_once_and_as_a_whole(filled):
    """While heads for pictures and sounds come and go, every search is of one state or of the other."""
    with mmsearch.open(filled.folder, model=CountingEncoder()) as reader:
        plain = ranking(reader)
        install(filled, make_head("image"), make_head("audio", 1))
        adapted = ranking(reader)
        assert adapted == ranking(filled) != plain
        assert reader.status().adapted == {"image": 1, "audio": 1}
        seen, done = [], threading.Event()

        def look():
            while not done.is_set():
                seen.append(ranking(reader))

        looking = threading.Thread(target=look)
        looking.start()
        for _ in range(4):
            filled.undo_adapt()
            install(filled, make_head("image"), make_head("audio", 1))
        done.set()
        looking.join()
        assert all(each in (plain, adapted) for each in seen)
        assert ranking(reader) == adapted


def test_an_index_older_than_the_head_is_not_used(filled, monkeypatch):
    """The process ended after the head was committed and before the new index was published."""
    with filled._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer.put_heads({"image": make_head("image").to_bytes()}, {"image": {}})
    found = ranking(filled)
    assert filled.status().index.fresh is False
    filled.rebuild()
    assert filled.status().index.fresh
    assert ranking(filled) == found


def test_pieces_are_what_the_whole_is(filled, monkeypatch):
    install(filled, make_head("image"), make_head("audio", 1))
    shelves = filled._storage.reading()
    ids, vectors = stored_vectors(shelves.catalog, shelves.store)
    monkeypatch.setattr(stored, "PIECE_ROWS", 2)
    found = list(pieces(shelves.catalog, shelves.store, shelves.catalog.locations()))
    assert max(len(each) for each, _ in found) == 2
    assert np.array_equal(np.concatenate([each for each, _ in found]), ids)
    assert np.concatenate([each for _, each in found]) == pytest.approx(vectors, abs=1e-6)
    some_ids, some = stored_vectors(shelves.catalog, shelves.store, ids[::3])
    assert np.array_equal(some_ids, ids[::3])
    assert some == pytest.approx(vectors[::3], abs=1e-6)


def test_a_head_for_a_modality_that_is_not_there(filled, folder):
    before = ranking(filled, modality="text")
    for name in ("whistle.wav", "hum.wav"):
        (folder / name).unlink()
    filled.index(folder)
    install(filled, make_head("audio"))
    assert ranking(filled, modality="text") == before
    write_sound(folder / "new.wav", tone(1, 2_500))
    filled.index(folder)
    assert round(filled.search(audio=folder / "new.wav", k=1)[0].cosine, 4) == 1.0


# ---- damage ----


def harm(collection, change="weights = zeroblob(length(weights))", where="1"):
    collection.close()
    with closing(sqlite3.connect(collection.folder / "catalog.db")) as direct, direct:
        assert direct.execute(f"UPDATE heads SET {change} WHERE {where}").rowcount == 1


def test_a_damaged_head_is_found_and_a_repair_drops_it(filled, encoder, folder):
    before = ranking(filled)
    install(filled, make_head("image"))
    adapted = ranking(filled)
    harm(filled)
    with pytest.raises(CollectionDamaged, match=r"head for image, version 1.*repair"):
        filled.search(image=folder / "red.png")
    assert ranking(filled) == adapted  # the published index needs no head, and texts neither
    (problem,) = filled.verify()
    assert (problem.what, problem.repaired) == ("a head of `adapt` is damaged", False)
    assert "head for image, version 1" in problem.where
    encoder.images = encoder.sounds = 0
    (mended,) = filled.verify(repair=True)
    assert mended.repaired
    assert (encoder.images, encoder.sounds) == (0, 0)
    assert filled.verify() == []
    assert ranking(filled) == before
    assert filled.status().adapted == {}


def test_a_repair_goes_back_to_the_version_before(filled):
    install(filled, make_head("image"))
    first = ranking(filled)
    install(filled, make_head("image", 1))
    harm(filled, where="version = 2")
    assert all(problem.repaired for problem in filled.verify(repair=True))
    assert (ranking(filled), filled.status().adapted) == (first, {"image": 1})


def test_a_damaged_head_can_be_undone_too(filled):
    before = ranking(filled)
    install(filled, make_head("image"))
    harm(filled)
    assert filled.undo_adapt() == ("image",)
    assert ranking(filled) == before


def test_a_damaged_head_that_is_out_of_use_harms_nobody(filled):
    before = ranking(filled)
    install(filled, make_head("image"))
    filled.undo_adapt()
    harm(filled)
    assert filled.verify() == []
    assert ranking(filled) == before


def test_a_head_of_other_lengths_is_not_applied(filled):
    """Its checksum is right, but it was made for another model."""
    small = replace(make_head("image"), weight=np.zeros((38, 8), np.float32))
    with filled._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer.put_heads({"image": small.to_bytes()}, {"image": {}})
    with pytest.raises(CollectionDamaged, match="head cannot be read"):
        heads_in_use(filled._storage.reading().catalog)
    with pytest.raises(CollectionDamaged, match="adapt --undo"):
        filled.search("red")
    assert filled.undo_adapt() == ("image",)
    assert os.path.basename(filled.search("red", modality="image", k=1)[0].path) == "red.png"
