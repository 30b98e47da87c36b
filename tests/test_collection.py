import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from counting_encoder import deaf
from made_heads import install, make_head

import mmsearch
from mmsearch.catalog import migrate
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import (
    CollectionError,
    CollectionExists,
    CollectionLocked,
    CollectionNotFound,
    ConfigError,
    ItemNotFound,
    MediaError,
    ModalityUnsupported,
    ModelMismatch,
    ModelNotFound,
    QueryError,
    StorageError,
    UsageError,
)
from mmsearch.files import WriterLock
from mmsearch.normalise import unit_rows
from mmsearch.queries import Hits
from mmsearch.reports import Failure, IndexStatus
from mmsearch.testing.media import four_colours, write_corrupt, write_image, write_text, write_wav
from mmsearch.testing.sounds import tone
from mmsearch.vectors.store import VectorStore


@pytest.fixture
def pictures(folder):
    """Three pictures in two folders, and a text of them."""
    (folder / "sub").mkdir()
    for name in ("red", "green", "sub/blue"):
        write_image(folder / f"{name}.png", name.split("/")[-1])
    write_text(folder / "notes.txt", "a green meadow")
    return folder


@pytest.fixture
def filled(collection, pictures):
    collection.index(pictures)
    return collection


def names(hits):
    return [os.path.basename(hit.path) for hit in hits]


def unit(vector):
    return vector / np.linalg.norm(vector)


# ---- open and create ----


def test_opening_makes_nothing(home):
    collection = mmsearch.open("photos", home=home)
    assert (collection.name, collection.folder, collection.exists) == ("photos", home / "photos", False)
    assert repr(collection) == f"Collection({str(home / 'photos')!r})"
    collection.close()
    assert not home.exists()


@pytest.mark.parametrize(
    "call",
    [
        lambda it: it.search("cat"),
        lambda it: it.search(like=1),
        lambda it: it.status(),
        lambda it: it.failures(),
        lambda it: it.verify(),
        lambda it: it.verify(repair=True),
        lambda it: it.rebuild(),
        lambda it: it.remove("/a.jpg"),
    ],
)
def test_only_index_makes_a_collection(collection, home, call):
    with pytest.raises(CollectionNotFound, match=r"no collection 'photos' in .*mmsearch index FOLDER"):
        call(collection)
    assert not home.exists()


def test_an_index_that_cannot_start_makes_nothing(home, folder, pictures):
    cases = [
        (UsageError, {}, [folder / "gone"]),
        (UsageError, {}, []),
        (UsageError, {}, [""]),
        (ModelNotFound, {"model": "of-the-future"}, [pictures]),
        (ConfigError, {"model": "hashing:7"}, [pictures]),
    ]
    for error, options, paths in cases:
        with pytest.raises(error):
            mmsearch.open("photos", home=home, **options).index(*paths)
        assert not home.exists()


def test_create(home):
    with mmsearch.create("photos", home=home, model="hashing") as collection:
        assert collection.exists
        assert collection.status().assets == 0
        assert collection.search("cat") == Hits((), None)
    with pytest.raises(CollectionExists, match="'photos'"):
        mmsearch.create("photos", home=home, model="hashing")
    with pytest.raises(CollectionExists):
        mmsearch.create("photos", home=home, model="no-such-model")
    with pytest.raises(ModelNotFound):
        mmsearch.create("other", home=home, model="no-such-model")
    assert sorted(path.name for path in home.iterdir()) == ["photos"]


def test_two_that_create_at_once(home):
    """Both saw that it is not there; the second finds out under the lock."""
    first, second = (mmsearch.open("photos", home=home, model="hashing") for _ in range(2))
    second._storage.encoder()
    first._storage.make()
    with pytest.raises(CollectionExists):
        second._storage.make()


def test_the_model_of_the_settings_is_for_new_collections(home, monkeypatch):
    monkeypatch.setenv("MMSEARCH_MODEL", "hashing:128")
    assert mmsearch.create("a", home=home).status().model == "hashing:128"
    monkeypatch.setenv("MMSEARCH_MODEL", "hashing")
    assert mmsearch.open("a", home=home).embed(texts="cat").shape == (1, 128)
    assert mmsearch.create("b", home=home).status().dim == 256


def test_names_and_paths(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    cases = {
        "photos": home / "photos",
        "": home / "default",
        "./photos": tmp_path / "photos",
        "photos/": tmp_path / "photos",
        "a/../photos": tmp_path / "photos",
        "~/photos": tmp_path / "photos",
        str(tmp_path / "x" / "photos"): tmp_path / "x" / "photos",
    }
    assert {name: mmsearch.open(name, home=home).folder for name in cases} == cases
    assert mmsearch.open(Path("photos"), home=home).folder == tmp_path / "photos"
    for name in (".", ".."):
        with pytest.raises(UsageError, match="cannot be named"):
            mmsearch.open(name, home=home)


def test_home_comes_from_the_environment_and_settings_from_its_file(home, pictures):
    home.mkdir()
    (home / "mmsearch.toml").write_text('collection = "family"\nmodel = "hashing:64"\n[search]\nk = 2\n')
    with mmsearch.open() as collection:
        assert collection.folder == home / "family"
        collection.index(pictures, workers=1)
        assert collection.status().model == "hashing:64"
        assert len(collection.search("green")) == 2
        assert len(collection.search("green", k=3)) == 3


def test_a_home_that_cannot_be_written(tmp_path, pictures):
    (tmp_path / "photos").write_text("a file where the folder should be")
    for name in ("photos", "x" * 300):
        with pytest.raises(StorageError, match="write in"):
            mmsearch.open(name, home=tmp_path, model="hashing").index(pictures)


def test_a_collection_moves_with_its_folder(filled, home):
    filled.close()
    moved = filled.folder.rename(home / "album")
    with mmsearch.open(moved) as collection:
        assert collection.name == "album"
        assert names(collection.search("green", k=2)) == ["green.png", "notes.txt"]


# ---- models ----


def test_another_model_is_refused_but_the_rest_works(filled, pictures):
    with mmsearch.open(filled.folder, model="hashing:128") as other:
        for call in (lambda: other.search("cat"), lambda: other.index(pictures), lambda: other.embed(texts="cat")):
            with pytest.raises(ModelMismatch, match="'photos' was made with hashing:64"):
                call()
        assert other.status().model == "hashing:64"
        assert other.failures() == []
        assert other.verify() == []
        assert other.remove(pictures / "red.png") == 1
        assert other.rebuild().vectors == 3


def test_a_collection_knows_its_model(filled, pictures):
    with mmsearch.open(filled.folder) as again:
        write_image(pictures / "white.png", "white")
        assert again.index(pictures).encoded == 1
        assert names(again.search("white", k=1)) == ["white.png"]


def test_an_encoder_of_the_callers_own_runs_in_this_process(filled, encoder):
    assert (encoder.images, encoder.texts) == (3, ["a green meadow"])
    assert filled._storage.model_name is None


def test_an_encoder_may_be_falsy(home, pictures):
    class Empty(HashingEncoder):
        def __len__(self):
            return 0

    with mmsearch.create("photos", home=home, model=Empty(64)) as collection:
        assert collection.status().dim == 64


def test_embed(collection, home, tmp_path):
    encoder = HashingEncoder(64)
    pixels = four_colours(32, 32)
    path = write_image(tmp_path / "a.png", pixels)
    expected = unit_rows(
        np.concatenate([encoder.encode_texts(["2:cat", "dog"], "query"), encoder.encode_images(pixels[None], "query")])
    )
    vectors = collection.embed(texts=["2:cat", "dog"], images=[path])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    np.testing.assert_allclose(collection.embed(texts="2:cat"), expected[:1], atol=1e-6)
    beep = write_wav(tmp_path / "a.wav", pitch_hz=2_500)
    (sound,) = unit_rows(encoder.encode_audio([tone(0.1, 2_500, 8_000)], "query"))
    vectors = collection.embed(texts="dog", images=path, sounds=[beep, beep.read_bytes()])
    np.testing.assert_allclose(vectors, [expected[1], expected[2], sound, sound], atol=1e-3)
    for image in (str(path), pixels, path.read_bytes()):
        np.testing.assert_allclose(collection.embed(images=image), expected[2:], atol=1e-6)
    assert collection.embed().shape == (0, 64)
    assert not home.exists()


# ---- search ----


def test_text_images_items_and_negatives_combine(filled, pictures, tmp_path):
    encoder = HashingEncoder(64)
    query_image = write_image(tmp_path / "query.png", "blue")
    (blue,) = encoder.encode_images(np.full((1, 32, 32, 3), (0, 0, 255), np.uint8), "query")
    red_vector, note_vector = filled.embed(images=pictures / "red.png")[0], filled.embed(texts="a green meadow")[0]
    meadow, cat, dog = (unit(vector) for vector in encoder.encode_texts(["meadow", "cat", "dog"], "query"))
    wanted = 2 * meadow + cat + 0.5 * unit(blue) + 0.25 * red_vector + unit(note_vector)
    total = unit(wanted - 1.5 / 2 * max(wanted @ dog, 0) * dog)  # relative to the strongest part
    hits = filled.search(
        ["2:meadow", "cat"],
        image=f"0.5:{query_image}",
        like=[f"0.25:{pictures / 'red.png'}", pictures / "notes.txt"],
        negative="1.5:dog",
    )
    assert hits.good_match is None
    expected = {name: filled.embed(images=pictures / name)[0] @ total for name in ("green.png", "sub/blue.png")}
    assert {os.path.relpath(hit.path, pictures) for hit in hits} == set(expected)
    for hit in hits:
        assert hit.cosine == pytest.approx(expected[os.path.relpath(hit.path, pictures)], abs=1e-5)


def test_like_leaves_the_item_out_and_still_gives_k(filled, pictures, monkeypatch):
    (green,) = filled.search("green", k=1)
    for item in (green.id, str(green.id), green.path, pictures / "green.png"):
        assert names(filled.search(like=item, k=1)) == ["notes.txt"]
        assert len(filled.search(like=item, k=3)) == 3
    monkeypatch.chdir(pictures)
    assert names(filled.search(like="green.png", k=1)) == ["notes.txt"]
    assert names(filled.search(like=["green.png", "notes.txt", "sub"])) == ["red.png"]
    assert filled.search(like=".") == Hits((), None)


def test_pictures_are_found_by_pictures(filled, pictures, tmp_path):
    picture = write_image(tmp_path / "q.jpg", "blue", size=(300, 20))
    for image in (picture, str(picture), picture.read_bytes(), np.uint8([[[0, 0, 254]]]), [picture, picture]):
        assert names(filled.search(image=image, k=1)) == ["blue.png"]


def test_modality(filled):
    assert names(filled.search("green", modality="text")) == ["notes.txt"]
    assert len(filled.search("green", modality="image")) == 3
    assert (
        len(filled.search("green", modality="image,text"))
        == len(filled.search("green", modality=["image", "text"]))
        == 4
    )
    assert filled.search("green", modality="audio") == Hits((), None)


def test_verdict(filled):
    assert filled.search("green").good_match is True
    assert filled.search("submarine").good_match is False
    assert filled.search(["green", "submarine"]).good_match is None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, QueryError, "nothing to search for"),
        ({"text": ""}, QueryError, "empty"),
        ({"text": ["cat", " "]}, QueryError, "empty"),
        ({"text": "0:cat"}, QueryError, "weight"),
        ({"text": "cat", "k": 0}, QueryError, "k must be at least 1"),
        ({"text": "cat", "k": -1}, QueryError, "k must be at least 1"),
        ({"text": "cat", "offset": -1}, QueryError, "offset at least 0"),
        ({"text": "cat", "modality": "smell"}, QueryError, "'smell'; known: text, image, audio, video"),
        ({"negative": "cat"}, QueryError, "nothing to search for"),
        ({"text": "cat", "negative": "cat"}, QueryError, "cancel"),
        ({"text": "cat", "negative": ""}, QueryError, "empty"),
        ({"like": 12345}, ItemNotFound, "12345"),
        ({"like": "/gone.jpg"}, ItemNotFound, "gone"),
        ({"like": ""}, QueryError, "empty"),
        ({"image": "/gone.jpg"}, MediaError, "gone"),
        ({"image": b"not a picture"}, MediaError, "picture"),
        ({"image": 3.5}, UsageError, "float"),
        ({"audio": "/gone.wav"}, MediaError, "gone"),
        ({"audio": b"not a sound"}, MediaError, "sound"),
        ({"audio": 3.5}, UsageError, "float"),
        ({"audio": np.zeros(0, np.float32)}, MediaError, "no time"),
        ({"text": "cat", "k": 2.5}, QueryError, "'k' of a query must be a whole number, not 2.5"),
        ({"text": "cat", "k": "3"}, QueryError, "'k'"),
        ({"text": "cat", "k": True}, QueryError, "'k'"),
        ({"text": "cat", "offset": 1.5}, QueryError, "'offset'"),
        ({"text": "cat", "min_score": "a"}, QueryError, "'min_score'"),
        ({"text": "cat", "quotas": 5}, QueryError, "'quotas'"),
        ({"text": "cat", "quotas": {"video": 1}}, QueryError, "image, audio, text"),
        ({"text": "cat", "quotas": "image=" + "9" * 5_000}, QueryError, "image=5"),
        ({"text": "cat", "group": "no"}, QueryError, "'group'"),
        ({"text": 7}, QueryError, "no text"),
        ({"like": 1.5}, QueryError, "id or its path"),
        ({"like": 10**5_000}, ItemNotFound, "so large an id"),
        ({"vector": [[1, 2], [3]]}, QueryError, "dimensions"),
        ({"vector": "/dev/zero"}, QueryError, "not a file"),
        ({"parts": {"text": "cat"}}, QueryError, "'parts' of a query must be a list"),
        ({"parts": [{"image": "/gone.jpg"}]}, MediaError, "gone"),
        ({"where": "size > 1", "dedupe": True}, QueryError, "leaves out no copies"),
        ({"where": "size > 1", "quotas": "image=1"}, QueryError, "no quotas"),
        ({"where": "size > 1", "explain": True}, QueryError, "no scores to explain"),
    ],
)
def test_searches_that_make_no_sense(filled, options, error, message):
    with pytest.raises(error, match=message):
        filled.search(**options)


def test_none_is_as_if_it_were_not_said(filled):
    asked = dict.fromkeys(("modality", "where", "sort", "k", "quotas", "min_score", "vector", "log"))
    assert filled.search("green", **asked) == filled.search("green")


@pytest.mark.parametrize("kind", ["image", "audio", "vector", "item"])
def test_a_text_never_names_a_file(filled, kind):
    asked = {"text": f"{kind}:/etc/passwd", "negative": f"0.5:{kind}:/etc/shadow"}
    assert len(filled.search(**asked)) == 4
    assert len(filled.search_request(asked)) == 4
    assert len(filled.search(parts=[{"text": f"{kind}:/etc/passwd"}])) == 4


def test_parts_hold_paths_and_data(filled, pictures):
    data = (pictures / "sub" / "blue.png").read_bytes()
    vector = filled.embed(images=data)
    for value in ({"image": str(pictures / "sub" / "blue.png")}, {"image": data}, {"vector": vector}, {"text": "blue"}):
        parts = [value, {"text": "green", "weight": -0.5}]
        assert names(filled.search(parts=parts, modality="image", k=1)) == ["blue.png"]
    assert filled.search(parts=[{"text": "blue"}], k=3) == filled.search_request({"parts": [{"text": "blue"}]}, k=3)


def test_a_model_that_takes_no_sounds_is_not_asked_for_any(home, pictures, encoder):
    with mmsearch.open("deaf", home=home, model=deaf(encoder)) as collection:
        collection.index(pictures)
        for call in (lambda: collection.search(audio="a.wav"), lambda: collection.embed(sounds="a.wav")):
            with pytest.raises(ModalityUnsupported, match="takes no sounds"):
                call()


def test_the_numbers_are_checked_before_anything_is_opened(collection):
    with pytest.raises(QueryError):
        collection.search("cat", k=0)
    with pytest.raises(QueryError):
        collection.search("cat", modality="smell")


# ---- status, failures ----


def test_status(filled, pictures, home):
    write_corrupt(pictures / "broken.jpg")
    write_wav(pictures / "bark.wav")
    filled.index()
    status = filled.status()
    assert (status.name, status.path, status.model, status.dim) == ("photos", str(home / "photos"), "hashing:64", 64)
    assert (status.assets, status.segments) == (5, {"image": 3, "text": 1, "audio": 1})
    assert (status.failed, status.waiting, status.adapted, status.roots) == (1, {}, {}, (str(pictures),))
    size = status.index.size_bytes
    index = IndexStatus(kind="flat", size_bytes=size, vectors=5, fresh=True, tail=1, bytes_per_vector=size // 4)
    assert status.index == index  # the sound came too late to be worth an index of its own
    assert size > 4 * 64 * 4
    files = [path for path in filled.folder.rglob("*") if path.is_file()]
    assert status.bytes_on_disk == sum(path.stat().st_size for path in files)
    assert status.last_indexed_at > "2024"


def test_status_of_an_index_that_is_behind(filled):
    with filled._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer.remove_assets([shelves.catalog.find_assets(filled.search("red", k=1)[0].path)[0].id])
    index = filled.status().index
    assert (index.vectors, index.removed, index.fresh) == (3, 1, True)
    assert len(filled.search("red")) == 3
    index = filled.rebuild()
    assert (index.vectors, index.removed, index.fresh) == (3, 0, True)
    install(filled, make_head("image"), published=False)
    assert filled.status().index.fresh is False
    assert len(filled.search("red")) == 3


def test_sizes_of_files_that_go_away_meanwhile(filled, monkeypatch):
    ghosts = [filled.folder / "lock", filled.folder / "gone.tmp"]
    monkeypatch.setattr(Path, "rglob", lambda *_: iter(ghosts))
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    assert filled.status().bytes_on_disk == 0


def test_failures(filled, pictures):
    for name in ("b.jpg", "a.jpg"):
        write_corrupt(pictures / name)
    filled.index()
    failures = filled.failures()
    assert [failure.path for failure in failures] == [str(pictures / "a.jpg"), str(pictures / "b.jpg")]
    assert all(isinstance(failure, Failure) and failure.code.startswith("media_") for failure in failures)
    assert filled.failures(limit=1) == failures[:1]
    (pictures / "a.jpg").unlink()
    write_image(pictures / "b.jpg", "white")
    filled.index()
    assert filled.failures() == []


# ---- remove ----


@pytest.mark.parametrize("by", ["id", "text id", "path", "relative", "home", "Path"])
def test_remove_a_file(filled, pictures, monkeypatch, by):
    (green,) = filled.search("green", k=1)
    monkeypatch.chdir(pictures)
    monkeypatch.setenv("HOME", str(pictures))
    item = {
        "id": green.id,
        "text id": str(green.id),
        "path": green.path,
        "relative": "sub/../green.png",
        "home": "~/green.png",
        "Path": pictures / "green.png",
    }[by]
    assert filled.remove(item) == 1
    assert sorted(names(filled.search("green"))) == ["blue.png", "notes.txt", "red.png"]
    assert (pictures / "green.png").exists()
    assert filled.verify() == []


def test_remove_a_folder_and_its_return(filled, pictures):
    assert filled.remove(pictures / "sub", pictures / "sub" / "blue.png", pictures / "red.png") == 2
    assert sorted(names(filled.search("green"))) == ["green.png", "notes.txt"]
    assert filled.index().added == 2
    assert filled.remove(pictures) == 4
    assert filled.search("green") == Hits((), None)


def test_remove_nothing_if_one_is_unknown(filled, pictures):
    for unknown in (99999, pictures / "gone.png", "", "gone"):
        with pytest.raises(ItemNotFound):
            filled.remove(pictures / "red.png", unknown)
    assert len(filled.search("green")) == 4
    assert filled.remove() == 0


# ---- dry run ----


def test_dry_run_of_a_new_collection_makes_nothing(collection, encoder, home, pictures):
    report = collection.index(pictures, dry_run=True)
    assert (report.added, report.encoded) == (4, 0)
    assert not home.exists()
    assert (encoder.images, encoder.texts) == (0, [])


def test_dry_run_of_an_existing_collection_changes_nothing(filled, encoder, pictures):
    (pictures / "red.png").unlink()
    write_text(pictures / "new.txt", "new")
    write_text(pictures / "notes.txt", "a brown meadow")
    before, encoded = filled.status(), list(encoder.texts)
    report = filled.index(dry_run=True)
    assert (report.added, report.updated, report.unchanged, report.removed) == (1, 1, 2, 1)
    assert filled.status() == before
    assert encoder.texts == encoded
    real = filled.index()
    assert (real.added, real.updated, real.unchanged, real.removed) == (1, 1, 2, 1)


def test_dry_run_beside_a_writer(filled, pictures):
    with WriterLock(filled.folder).held():
        assert filled.index(pictures, dry_run=True).unchanged == 4


# ---- roots ----


def test_a_hidden_folder_that_was_asked_for_stays(collection, pictures):
    (pictures / ".private").mkdir()
    write_image(pictures / ".private" / "white.png", "white")
    assert collection.index(pictures / ".private").added == 1
    assert collection.index(pictures).removed == 0
    assert collection.index().removed == 0
    assert names(collection.search("white", k=1)) == ["white.png"]
    (pictures / ".private" / "white.png").unlink()
    assert collection.index(pictures).removed == 1


def test_roots_that_are_away_are_passed_over(filled, pictures, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    write_text(disk / "a.txt", "on the disk")
    filled.index(disk)
    disk.rename(tmp_path / "away")
    assert filled.index().removed == 0
    with pytest.raises(UsageError, match="does not exist"):
        filled.index(disk)
    assert names(filled.search("on the disk", k=1)) == ["a.txt"]
    assert filled.remove(disk) == 1


# ---- verify, rebuild ----


def vector_file(collection):
    (path,) = collection.folder.glob("spaces/*/vectors/*.f32")
    return path


def damage_vectors(collection):
    path = vector_file(collection)
    data = bytearray(path.read_bytes())
    data[-1] ^= 0xFF
    path.write_bytes(data)


def test_verify_and_repair(filled, encoder, pictures):
    """One block holds all vectors; all its files are read again, except the one that is gone."""
    damage_vectors(filled)
    (pictures / "red.png").unlink()
    encoder.images = 0
    (problem,) = filled.verify()
    assert problem.what == "vectors are damaged"
    assert sorted(os.path.relpath(item, pictures) for item in problem.items) == [
        "green.png",
        "notes.txt",
        "red.png",
        "sub/blue.png",
    ]
    assert problem.repaired is False
    (repaired,) = filled.verify(repair=True)
    assert repaired.repaired is True
    assert filled.verify() == []
    assert encoder.images == 2
    assert sorted(names(filled.search("green"))) == ["blue.png", "green.png", "notes.txt"]
    status = filled.status()
    assert (status.roots, status.index.fresh) == ((str(pictures),), True)
    assert filled.index().encoded == 0


def test_repair_of_a_sound_collection_does_nothing(filled, encoder):
    before = filled.status()
    assert filled.verify(repair=True) == []
    assert filled.status() == before
    assert encoder.images == 3


@pytest.mark.parametrize("disturbance", ["index", "rebuild"])
def test_verify_beside_a_writer_that_replaces_files(filled, pictures, monkeypatch, disturbance):
    """Before the files are looked at, the ones that the catalog named a moment ago are gone."""
    damaged_blocks = VectorStore.damaged_blocks

    def too_late(self, blocks):
        monkeypatch.undo()
        write_image(pictures / "white.png", "white")
        with mmsearch.open(filled.folder) as writer:
            writer.index(pictures, workers=1) if disturbance == "index" else writer.rebuild()
        return damaged_blocks(self, blocks)

    monkeypatch.setattr(VectorStore, "damaged_blocks", too_late)
    assert filled.verify() == []


def test_a_repair_needs_no_model_if_nothing_is_lost(filled):
    (path,) = filled.folder.glob("spaces/*/generations/*/rows.npy")
    path.write_bytes(b"damaged")
    with mmsearch.open(filled.folder, model="no-such-model") as collection:
        assert [problem.repaired for problem in collection.verify(repair=True)] == [True]
        assert collection.verify() == []


def test_rebuild_compacts_and_keeps_every_answer(filled, pictures):
    filled.remove(pictures / "red.png")
    before = filled.search("green")
    size = vector_file(filled).stat().st_size
    assert filled.rebuild().vectors == 3
    assert vector_file(filled).stat().st_size < size
    assert filled.search("green") == before
    assert filled.verify() == []


# ---- one writer, older versions ----


def test_one_writer_at_a_time(filled, pictures):
    with WriterLock(filled.folder).held():
        for call in (
            lambda: filled.index(pictures),
            lambda: filled.remove(pictures / "red.png"),
            filled.rebuild,
            lambda: filled.verify(repair=True),
        ):
            with pytest.raises(CollectionLocked, match=f"process {os.getpid()}"):
                call()
        assert len(filled.search("green")) == 4
        assert filled.verify() == []
        assert filled.status().assets == 4


@pytest.fixture
def older(home):
    """An empty collection as revision 0001 left it."""
    space = HashingEncoder(64).spec.space
    path = home / "photos" / "catalog.db"
    path.parent.mkdir(parents=True)
    path.touch()
    migrate.upgrade(path, "0001")
    with closing(sqlite3.connect(path)) as old, old:
        row = [space.space_id, space.model, space.revision, space.preprocessing, space.dim, "2024-01-01"]
        old.execute("INSERT INTO spaces VALUES (?, ?, ?, ?, ?, ?)", row)
        old.execute("INSERT INTO collection VALUES (1, 'photos', '2024-01-01', ?, 7)", [space.space_id])
    return path


def test_reading_an_older_collection_says_what_to_do(older, collection):
    for call in (lambda: collection.search("cat"), collection.status):
        with pytest.raises(CollectionError, match=r"older version.*mmsearch verify"):
            call()
    assert migrate.stored_revision(older) == "0001"


@pytest.mark.parametrize("call", ["index", "verify", "repair", "rebuild"])
def test_writing_and_verify_bring_an_older_collection_up_to_date(older, collection, pictures, call):
    {
        "index": lambda: collection.index(pictures),
        "verify": collection.verify,
        "repair": lambda: collection.verify(repair=True),
        "rebuild": collection.rebuild,
    }[call]()
    assert migrate.stored_revision(older) == migrate.HEAD
    assert collection.status().assets == (4 if call == "index" else 0)


def test_verify_does_not_migrate_under_the_feet_of_a_writer(older, collection):
    with WriterLock(older.parent).held(), pytest.raises(CollectionLocked):
        collection.verify()
    assert migrate.stored_revision(older) == "0001"


# ---- life of an object ----


def test_a_closed_collection_opens_anew(filled, pictures):
    with filled as same:
        assert same is filled
        assert len(same.search("green")) == 4
    write_image(pictures / "white.png", "white")
    assert filled.index(pictures).added == 1
    filled.close()
    filled.close()
    assert len(filled.search("green")) == 5


def test_many_threads_share_a_collection(home, pictures, monkeypatch):
    with mmsearch.open("photos", home=home, model="hashing:64") as writer:
        writer.index(pictures, workers=1)
        expected = writer.search("green")
    made = []
    init = HashingEncoder.__init__
    monkeypatch.setattr(HashingEncoder, "__init__", lambda self, dim: made.append(dim) or init(self, dim))
    with mmsearch.open("photos", home=home) as collection, ThreadPoolExecutor(max_workers=8) as pool:
        start = threading.Barrier(8)

        def work(_):
            start.wait()
            return [collection.search("green") for _ in range(5)]

        for results in pool.map(work, range(8)):
            assert results == [expected] * 5
    assert made == ["64"]


def test_searching_while_indexing(filled, pictures):
    for number in range(40):
        write_text(pictures / f"{number:02d}.txt", f"note {number}")
    counts = []
    with mmsearch.open(filled.folder) as reader:

        def look(progress):
            counts.append(len(reader.search("note", modality="text", k=100)))

        assert filled.index(on_progress=look).added == 40
        assert len(reader.search("note", modality="text", k=100)) == 41
    assert counts == sorted(counts)
    assert set(counts) <= {1, 33, 41}  # whole batches only


def test_an_encoder_that_was_made_too_early_is_held_against_the_collection(home, folder, monkeypatch):
    """Another process made the collection meanwhile, with another model of the same dimension."""
    write_text(folder / "a.txt", "some words")
    early = mmsearch.open("photos", home=home, model="hashing:64")
    early.embed(texts="a word")
    with mmsearch.open("photos", home=home, model=OtherHashing(64)) as other:
        other.index(folder)
    with pytest.raises(ModelMismatch):
        early.search("some words")
    with pytest.raises(ModelMismatch):
        early.index(folder)


class OtherHashing(HashingEncoder):
    """Vectors of the same dimension that mean something else."""

    def __init__(self, dim):
        super().__init__(dim)
        self.spec = replace(self.spec, space=replace(self.spec.space, revision="other"))


def test_a_folder_that_is_removed_by_name_stays_away(collection, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    write_text(folder / "a.txt", "some words")
    write_text(other / "b.txt", "other words")
    collection.index(folder, other)
    assert collection.remove(other) == 1
    assert collection.status().roots == (str(folder),)
    assert collection.index().unchanged == 1
    assert [hit.path for hit in collection.search("words")] == [str(folder / "a.txt")]
    assert collection.index(other).added == 1


def test_a_file_that_is_gone_can_be_forgotten_as_a_root(collection, folder):
    path = write_text(folder / "a.txt", "some words")
    collection.index(path)
    path.unlink()
    collection.index(write_text(folder / "b.txt", "other words"))
    collection.remove(path)
    assert collection.status().roots == (str(folder / "b.txt"),)
    with pytest.raises(ItemNotFound):
        collection.remove(path)


def test_a_model_that_moved_is_found_at_its_new_place(home, folder):
    write_text(folder / "a.txt", "some words")
    with mmsearch.open("photos", home=home, model="hashing:64") as collection:
        collection.index(folder)

    class Moved(HashingEncoder):
        def __init__(self):
            super().__init__(64)
            self.spec = replace(self.spec, space=replace(self.spec.space, model="hashing:64 elsewhere"))

    with mmsearch.open("photos", home=home, model=Moved()) as collection:
        assert collection.index(folder).unchanged == 1
    assert mmsearch.open("photos", home=home).status().model == "hashing:64 elsewhere"


def test_touched_captions_are_read_anew(collection, encoder, folder):
    caption = write_text(folder / "a.txt", "some words")
    collection.index(folder)
    assert collection.search("some words", k=1)[0].about is None
    write_image(folder / "a.jpg", "red")
    os.utime(caption, ns=(1, 1))
    collection.index(folder)
    assert collection.search("some words", k=1, group=False)[0].about == str(folder / "a.jpg")
