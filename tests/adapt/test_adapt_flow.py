"""`Collection.adapt` from the table of pairs to other results, with words that the model does not know."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from counting_encoder import CountingEncoder

import mmsearch
from mmsearch.adapt.flow import adapt
from mmsearch.errors import CollectionNotFound, MediaError, ModalityUnsupported, UsageError
from mmsearch.testing.media import write_image, write_text, write_wav

WORDS = {"red": "poppies", "green": "lawn", "blue": "lagoon", "yellow": "lemon", "pink": "flamingo", "black": "coal"}
SHADES = {
    **{"red": (230, 20, 20), "green": (20, 210, 20), "blue": (20, 20, 230)},
    **{"yellow": (235, 235, 20), "pink": (235, 190, 200), "black": (20, 20, 20)},
}
PITCHES = {"kettle": 2_500, "fridge": 110, "horn": 700, "gnat": 3_400, "flute": 1_200}


def write_pictures(folder, each, seed=0):
    """So many pictures of each colour, and a table that calls them by other words."""
    random = np.random.default_rng(seed)
    rows = []
    for colour, word in WORDS.items():
        for number in range(each):
            name = f"{colour} {seed} {number}.png"
            noise = random.integers(-20, 20, (32, 32, 3))
            write_image(folder / name, np.clip(SHADES[colour] + noise, 0, 255).astype(np.uint8))
            rows.append({"file": name, "label": word})
    return write_pairs(folder / f"pairs {seed}.jsonl", rows)


def write_pairs(path, rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def ranking(collection, text):
    return [(hit.path, hit.cosine) for hit in collection.search(text, modality="image", k=100)]


def best(collection, word, k=4):
    return {hit.path.rsplit("/", 1)[1].split()[0] for hit in collection.search(word, modality="image", k=k)}


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A collection that was adapted to 24 pictures, its table, what was reported, and the rankings before."""
    folder = tmp_path_factory.mktemp("taught")
    pairs = write_pictures(folder, 4)
    encoder = CountingEncoder()
    with mmsearch.open("taught", home=tmp_path_factory.mktemp("home"), model=encoder) as collection:
        collection.index(folder, include="*.png")
        before = {word: ranking(collection, word) for word in WORDS.values()}
        encoder.images = 0
        yield collection, pairs, collection.adapt(pairs), before, encoder


@pytest.fixture
def own(taught, home):
    """A copy of it, to write to."""
    collection = taught[0]
    home.mkdir()
    shutil.copytree(collection.folder, home / "own")
    with mmsearch.open("own", home=home, model=CountingEncoder()) as opened:
        yield opened


def test_what_helps_is_installed(taught):
    collection, _, (report,), before, _ = taught
    assert (report.modality, report.items, report.queries, report.others, report.helps) == ("image", 24, 6, 0, True)
    assert report.difference["mAP"].low > 0
    assert collection.status().adapted == {"image": 1}
    for colour, word in WORDS.items():
        assert best(collection, word) == {colour}
        assert ranking(collection, word) != before[word]
    assert collection.verify() == []


def test_nothing_is_decoded_or_embedded_again(taught):
    assert taught[4].images == 0


def test_no_media_file_need_be_there(own, taught, monkeypatch):
    def fail(*_):
        raise AssertionError("a media file was opened")

    for name in ("mmsearch.ingest.decode.read_bytes", "mmsearch.ingest.listen.open_regular"):
        monkeypatch.setattr(name, fail)
    monkeypatch.setattr("mmsearch.ingest.decode.read_image", fail)
    own.undo_adapt()
    assert own.adapt(taught[1])[0].helps


def test_new_pictures_are_found_by_the_words_that_were_learnt(own, tmp_path):
    late = tmp_path / "late"
    late.mkdir()
    write_pictures(late, 2, seed=7)
    own.index(late, include="*.png")
    for colour, word in WORDS.items():
        assert best(own, word, k=6) == {colour}


def test_undoing_and_adapting_again_give_equal_results(own, taught):
    _, pairs, _, before, _ = taught
    adapted = {word: ranking(own, word) for word in WORDS.values()}
    assert own.undo_adapt() == ("image",)
    assert {word: ranking(own, word) for word in WORDS.values()} == before
    own.adapt(pairs)
    assert own.status().adapted == {"image": 2}
    assert {word: ranking(own, word) for word in WORDS.values()} == adapted


def test_a_head_is_fitted_to_what_is_stored_and_not_to_what_another_head_made_of_it(own, taught):
    """Adapting twice to the same pairs changes nothing more."""
    adapted = {word: ranking(own, word) for word in WORDS.values()}
    own.adapt(taught[1])
    assert own.status().adapted == {"image": 2}
    assert {word: ranking(own, word) for word in WORDS.values()} == adapted


def test_a_dry_run_installs_nothing(own, taught):
    own.undo_adapt()
    (report,) = own.adapt(taught[1], dry_run=True)
    assert report.helps
    assert own.status().adapted == {}
    assert {word: ranking(own, word) for word in WORDS.values()} == taught[3]


def test_what_does_not_help_is_not_installed(own, taught, tmp_path):
    """Labels that have nothing to do with what is to be seen."""
    own.undo_adapt()
    files = sorted({path for path, _ in taught[3]["lawn"]})
    random = np.random.default_rng(0)
    rows = [{"file": path, "label": str(random.choice(["this", "that", "other", "these", "those"]))} for path in files]
    (report,) = own.adapt(write_pairs(tmp_path / "noise.jsonl", rows))
    assert not report.helps
    assert own.status().adapted == {}
    assert {word: ranking(own, word) for word in WORDS.values()} == taught[3]


def test_pairs_of_files_that_are_not_in_the_collection_are_passed_over(own, taught):
    folder = taught[1].parent
    rows = [json.loads(line) for line in taught[1].read_text().splitlines()]
    strangers = [{"file": f"stranger {number}.png", "label": "lawn"} for number in range(30)]
    (report,) = own.adapt(write_pairs(folder / "more.jsonl", [*strangers, *rows]), dry_run=True)
    assert report.items == 24


@pytest.mark.parametrize("kept", [0, 9])
def test_too_few_pairs(own, taught, kept):
    rows = [json.loads(line) for line in taught[1].read_text().splitlines()][:kept]
    pairs = write_pairs(taught[1].parent / "few.jsonl", [*rows, {"file": "stranger.png", "label": "lawn"}])
    with pytest.raises(UsageError, match=rf"At least 10 pictures, .*{kept} are in the collection"):
        own.adapt(pairs)
    with pytest.raises(UsageError, match=rf"Adapting image needs at least 10 .*there are {kept}"):
        own.adapt(pairs, modality="image")
    assert own.status().adapted == {"image": 1}


def test_copies_do_not_make_up_for_too_few(own, taught, tmp_path):
    (tmp_path / "copies").mkdir()
    source = taught[1].parent / "red 0 0.png"
    rows = []
    for number in range(12):
        shutil.copy(source, tmp_path / "copies" / f"{number}.png")
        rows.append({"file": f"{number}.png", "label": "poppies"})
    own.index(tmp_path / "copies")
    with pytest.raises(UsageError, match="there are 1"):
        own.adapt(write_pairs(tmp_path / "copies" / "pairs.jsonl", rows), modality="image")


def test_copies_of_captioned_files_are_not_searched_among(own, taught, tmp_path):
    """They would be found rightly, and count as mistakes."""
    own.undo_adapt()
    (before,) = own.adapt(taught[1], dry_run=True)
    (tmp_path / "more").mkdir()
    write_pictures(tmp_path / "more", 1, seed=9)
    for number in range(4):
        shutil.copy(taught[1].parent / f"red 0 {number}.png", tmp_path / "more" / f"copy {number}.png")
    own.index(tmp_path / "more", include="*.png")
    (report,) = own.adapt(taught[1], dry_run=True)
    assert (before.others, report.others) == (0, 6)


def test_too_few_labels_are_told(own, taught):
    rows = [json.loads(line) for line in taught[1].read_text().splitlines()]
    four = [row for row in rows if row["label"] in list(WORDS.values())[:4]]
    with pytest.raises(UsageError, match=r"by labels needs at least 5 .*there are 4"):
        own.adapt(write_pairs(taught[1].parent / "four.jsonl", four))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"modality": "text"}, ModalityUnsupported, "text cannot be adapted"),
        ({"modality": "image,video"}, ModalityUnsupported, "video cannot be adapted"),
        ({"modality": "audio"}, UsageError, "Adapting audio needs at least 10 different files"),
        ({"modality": "smell"}, UsageError, "smell"),
    ],
)
def test_wishes_that_cannot_be_met(own, taught, options, error, message):
    with pytest.raises(error, match=message):
        own.adapt(taught[1], **options)
    assert own.status().adapted == {"image": 1}


def test_a_table_that_cannot_be_read(own, tmp_path):
    with pytest.raises(MediaError, match="nowhere"):
        own.adapt(tmp_path / "nowhere.jsonl")
    with pytest.raises(UsageError, match="neither JSON lines nor a table"):
        own.adapt(write_text(tmp_path / "pairs.txt"))


def test_a_collection_that_is_not_there(collection, home, tmp_path):
    for call in (lambda: collection.adapt(tmp_path / "pairs.csv"), collection.undo_adapt):
        with pytest.raises(CollectionNotFound):
            call()
    assert not home.exists()


def test_a_model_without_features_cannot_be_adapted(home, folder, encoder, taught):
    encoder.spec = replace(encoder.spec, feature_dim=0)
    write_text(folder / "a.txt")
    with mmsearch.open("plain", home=home, model=encoder) as collection:
        collection.index(folder)
        with pytest.raises(ModalityUnsupported, match="gives no features"):
            collection.adapt(taught[1])


def test_sounds_are_adapted_along_with_pictures(home, encoder, folder):
    pairs = write_pictures(folder, 4)
    rows = [json.loads(line) for line in pairs.read_text().splitlines()]
    for number in range(25):
        word, pitch_hz = list(PITCHES.items())[number % 5]
        write_wav(folder / f"{number}.wav", seconds=0.5 + number / 25, pitch_hz=pitch_hz + number)
        rows.append({"file": f"{number}.wav", "label": word})
    write_wav(folder / "later.wav", seconds=1, pitch_hz=2_520)
    write_pairs(pairs, rows)
    with mmsearch.open("all", home=home, model=encoder) as collection:
        collection.index(folder, include=["*.png", "*.wav"])
        (sound,) = collection.adapt(pairs, modality="audio", dry_run=True)
        image, audio = collection.adapt(pairs)
        assert (image.modality, audio.modality, audio.items, audio.queries, audio.others) == (
            "image",
            "audio",
            25,
            5,
            1,
        )
        assert sound.after == audio.after
        for report in (image, audio):
            assert collection.status().adapted.get(report.modality) == (1 if report.helps else None)
        assert audio.helps
        kettles = collection.search("kettle", modality="audio", k=6)
        boiling = [f"{number}.wav" for number in range(25) if list(PITCHES)[number % 5] == "kettle"]
        assert {hit.path.rsplit("/", 1)[1] for hit in kettles} == {*boiling, "later.wav"}
        assert collection.undo_adapt() == ("audio", "image")


def test_a_dry_run_needs_no_writer(taught, own):
    """The flow itself, over a collection that is open for reading."""
    shelves = own._storage.reading()
    (report,) = adapt(taught[1], shelves.catalog, shelves.store, CountingEncoder(), own._limits(), dry_run=True)
    assert (report.items, report.helps) == (24, True)
