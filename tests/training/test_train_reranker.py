"""`Collection.train_reranker` from the table of pairs to other results, on pictures of which vectors tell little."""

import json
import shutil
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import mmsearch
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import DependencyMissing, MediaError, ModalityUnsupported, UsageError
from mmsearch.rerankers import fusion_model
from mmsearch.rerankers.fusion import FusionReranker
from mmsearch.rerankers.fusion_model import FusionConfig, FusionModel
from mmsearch.testing.media import write_image, write_text, write_wav
from mmsearch.training import early_stop, train_reranker
from mmsearch.training.learner import Recipe
from mmsearch.vectors.tokens import TokenStore

SHADES = {
    **{"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0)},
    **{"orange": (255, 165, 0), "purple": (128, 0, 128), "pink": (255, 105, 180), "black": (0, 0, 0)},
}
BACKGROUNDS = [(110, 70, 40), (255, 255, 255), (128, 128, 128)]
SIDE_PX = 32


def write_patches(path, colours, random):
    """A plain picture with a small patch of each colour somewhere: one of the encoder's 16 cells each."""
    pixels = np.empty((SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    pixels[:] = BACKGROUNDS[random.integers(len(BACKGROUNDS))]
    for colour, cell in zip(colours, random.choice(16, len(colours), replace=False).tolist(), strict=True):
        y, x = 8 * (cell // 4), 8 * (cell % 4)
        pixels[y : y + 8, x : x + 8] = SHADES[colour]
    write_image(path, pixels)


def write_pairs(path, rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def write_pictures(folder):
    """A picture of every three colours, and a table that names them."""
    random = np.random.default_rng(0)
    rows = []
    for colours in combinations(SHADES, 3):
        name = f"{'-'.join(colours)}.png"
        write_patches(folder / name, colours, random)
        rows.append({"file": name, "caption": " ".join(random.permutation(colours))})
    return write_pairs(folder / "pairs.jsonl", rows)


def short(monkeypatch):
    """Make trainings of a second, of few steps with few pairs each."""
    monkeypatch.setattr(early_stop, "ROUND", 8)
    monkeypatch.setattr(early_stop, "ROUNDS", 2)
    recipe = Recipe(pairs=8, hard=8, easy=2, texts=3, alone=5, average=0.8)
    monkeypatch.setattr(train_reranker, "Recipe", lambda: recipe)
    monkeypatch.setattr(train_reranker, "ONWARD", replace(recipe, few_rate=0.02, alone=0, rate=1e-3))


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    short(monkeypatch)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A collection with a re-ranker, its table, what was reported and told, and the rankings before."""
    folder = tmp_path_factory.mktemp("patches")
    pairs = write_pictures(folder)
    told = []
    with (
        pytest.MonkeyPatch.context() as patch,
        mmsearch.open("patches", home=tmp_path_factory.mktemp("home"), model=HashingEncoder(64)) as collection,
    ):
        short(patch)
        collection.index(folder, include="*.png", workers=1)
        before = rankings(collection)
        reports = collection.train_reranker(pairs, depth=30, on_progress=lambda *now: told.append(now))
        yield collection, pairs, reports, before, told


@pytest.fixture
def own(trained, home):
    """A copy of it, to write to."""
    home.mkdir()
    shutil.copytree(trained[0].folder, home / "own")
    with mmsearch.open("own", home=home, model=HashingEncoder(64)) as opened:
        yield opened


def rankings(collection, **options):
    asked = [" ".join(colours) for colours in combinations(SHADES, 3)][:12]
    return {text: [hit.path for hit in collection.search(text, mode="vector", k=56, **options)] for text in asked}


def found_first(found):
    return sum(paths[0].endswith(f"{text.replace(' ', '-')}.png") for text, paths in found.items())


def test_what_helps_is_installed_and_used(trained):
    collection, _, (report,), before, told = trained
    assert (report.modality, report.items, report.queries, report.others, report.folds) == ("image", 56, 56, 0, 5)
    assert (report.helps, report.depth, report.unknown) == (True, 30, 0)
    assert report.weight > 0
    assert report.difference["mAP"].low > 0
    assert set(report.difference) == {"R@1", "R@5", "R@10", "mAP", "MRR"}
    assert report.after["MRR"] == pytest.approx(report.after["mAP"])  # a file a caption
    assert found_first(rankings(collection)) > found_first(before)
    assert rankings(collection, rerank=False) == before
    assert collection.verify() == []
    assert told[-1] == (1, 1)


def test_status_tells_of_it(trained):
    collection, _, (report,), *_ = trained
    own = collection.status().reranker
    assert (own.version, own.gains) == (1, {"image": report.difference["mAP"].value})


def test_undoing_and_training_again(own, trained):
    after = rankings(own)
    assert own.undo_reranker()
    assert own.status().reranker is None
    assert rankings(own) == trained[3]
    (report,) = own.train_reranker(trained[1], depth=30)
    assert own.status().reranker.version == 2
    assert report.difference == trained[2][0].difference
    assert rankings(own) == after
    assert own.undo_reranker()
    assert not own.undo_reranker()


def test_a_dry_run_with_another_seed(own, trained):
    own.undo_reranker()
    (report,) = own.train_reranker(trained[1], depth=30, seed=5, dry_run=True)
    assert report.helps
    assert report.difference != trained[2][0].difference
    assert own.status().reranker is None
    assert rankings(own) == trained[3]


def test_what_does_not_help_is_not_installed(own, trained, tmp_path):
    """Labels that have nothing to do with what is to be seen."""
    own.undo_reranker()
    random = np.random.default_rng(0)
    files = sorted(trained[1].parent.glob("*.png"))
    rows = [{"file": str(path), "label": f"{random.choice(list(SHADES))} thing"} for path in files]
    (report,) = own.train_reranker(write_pairs(tmp_path / "noise.jsonl", rows))
    assert not report.helps
    assert own.status().reranker is None
    assert rankings(own) == trained[3]


def test_training_again_is_held_against_what_is_in_use_and_refused_if_it_is_no_better(own, trained, monkeypatch):
    monkeypatch.setattr(early_stop, "ROUNDS", 0)  # so that it stays what it begins as
    (report,) = own.train_reranker(trained[1], depth=30)
    (first,) = trained[2]
    assert report.before["mAP"] > first.before["mAP"] + first.difference["mAP"].low
    assert report.difference["mAP"].low <= 0
    assert not report.helps
    assert own.status().reranker.version == 1


def test_one_for_sounds_leaves_pictures_to_the_one_before(own, trained):
    after = rankings(own)
    shelves = own._storage.reading()
    stored = shelves.catalog.reranker()
    first = FusionReranker.from_bytes(stored.weights, name="first", dim=64)
    for_sounds = fusion_model.to_bytes(FusionModel(FusionConfig(64)), {"audio": 2.0})
    own._use(train_reranker.Trained([], for_sounds, stored.report["tokens"]))
    in_use = shelves.indexes.rerankers.in_use(shelves.space)
    assert {kind: (judge.name, judge.weights[kind]) for kind, judge in in_use.items()} == {
        "image": ("trained 1", first.weights["image"]),
        "audio": ("trained 2", 2.0),
    }
    assert rankings(own) == after
    assert own.undo_reranker()
    assert own.status().reranker.version == 1
    assert rankings(own) == after


def test_a_rebuild_while_the_tokens_are_read(own, trained, monkeypatch):
    own.undo_reranker()
    gather = TokenStore.gather_coded
    rebuilt = []

    def moved_meanwhile(self, files, rows, counts):
        if not rebuilt:
            rebuilt.append(True)
            own.rebuild()
        return gather(self, files, rows, counts)

    monkeypatch.setattr(early_stop, "ROUNDS", 1)
    monkeypatch.setattr(TokenStore, "gather_coded", moved_meanwhile)
    (report,) = own.train_reranker(trained[1], depth=30, dry_run=True)
    assert rebuilt
    assert (report.items, report.before) == (56, trained[2][0].before)


def test_files_without_captions_are_searched_among_too(own, trained):
    rows = [json.loads(line) for line in trained[1].read_text().splitlines()]
    some = write_pairs(trained[1].with_name("some.jsonl"), [*rows[::2], {"file": "stranger.png", "caption": "red"}])
    (report,) = own.train_reranker(some, dry_run=True)
    assert (report.items, report.others, report.unknown) == (28, 28, 1)


def test_a_collection_that_keeps_no_tokens(own, trained):
    with own._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer.forget_tokens()
    with pytest.raises(UsageError, match="keeps no tokens") as raised:
        own.train_reranker(trained[1])
    assert "mmsearch rebuild --tokens" in raised.value.remedy


def test_tokens_that_most_files_lack(own, trained):
    with own._storage.writing() as shelves, shelves.catalog.write() as writer:
        writer.forget_tokens()
        writer.keep_tokens(own._storage.encoder().spec.tokens)
    with pytest.raises(UsageError, match="Most image files with captions have no tokens") as raised:
        own.train_reranker(trained[1])
    assert "mmsearch rebuild --tokens" in raised.value.remedy


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"modality": "text"}, ModalityUnsupported, "No re-ranker can be trained for text"),
        ({"modality": "audio"}, UsageError, "Training for audio needs at least 10 different files"),
        ({"modality": "smell"}, UsageError, "smell"),
        ({"depth": 1}, UsageError, "depth must be between 2 and 1,000"),
        ({"seed": -1}, UsageError, "seed"),
        ({"max_minutes": 0}, UsageError, "0 minutes are no time"),
        ({"max_minutes": float("nan")}, UsageError, "nan minutes"),
    ],
)
def test_wishes_that_cannot_be_met(own, trained, options, error, message):
    with pytest.raises(error, match=message):
        own.train_reranker(trained[1], **options)
    assert own.status().reranker.version == 1


def test_pairs_that_cannot_be_used(own, trained, tmp_path):
    with pytest.raises(MediaError, match="nowhere"):
        own.train_reranker(tmp_path / "nowhere.jsonl")
    with pytest.raises(UsageError, match="neither JSON lines nor a table"):
        own.train_reranker(write_text(tmp_path / "pairs.txt"))
    with pytest.raises(UsageError, match=r"None of the 1 files in the table is in the collection.*nobody\.png"):
        own.train_reranker(write_pairs(tmp_path / "strangers.jsonl", [{"file": "nobody.png", "caption": "red"}]))
    rows = [json.loads(line) for line in trained[1].read_text().splitlines()][:9]
    with pytest.raises(UsageError, match="needs at least 10 different files with captions; there are 9"):
        own.train_reranker(write_pairs(trained[1].with_name("few.jsonl"), rows))


def test_a_re_ranker_for_other_tokens_than_those_that_are_kept_is_not_installed(own):
    with pytest.raises(UsageError, match="made anew"):
        own._use(train_reranker.Trained([], b"weights", "another revision"))
    assert own.status().reranker.version == 1


def test_without_torch(own, trained, monkeypatch):
    monkeypatch.setattr("mmsearch.collection.training.find_spec", lambda name: None)
    with pytest.raises(DependencyMissing, match="needs torch") as raised:
        own.train_reranker(trained[1])
    assert "mmsearch[train-reranker]" in raised.value.remedy


def test_a_model_without_tokens(home, folder, encoder, trained):
    encoder.spec = replace(encoder.spec, tokens="")
    write_text(folder / "a.txt")
    with mmsearch.open("plain", home=home, model=encoder) as collection:
        collection.index(folder)
        with pytest.raises(ModalityUnsupported, match="gives no tokens"):
            collection.train_reranker(trained[1])


def test_sounds_and_pictures_share_a_model(own, trained, tmp_path):
    rows = [json.loads(line) for line in trained[1].read_text().splitlines()]
    rows = [{**row, "file": str(trained[1].parent / row["file"])} for row in rows]
    for number in range(20):
        write_wav(
            tmp_path / f"{number}.wav", seconds=0.5 + number / 20, pitch_hz=(110, 700, 2_500)[number % 3] + number
        )
        said = ("low", "middle", "high")[number % 3]
        rows.append({"file": str(tmp_path / f"{number}.wav"), "caption": f"{said} tone {number}"})
    own.index(tmp_path, include="*.wav", workers=1)
    own.undo_reranker()
    image, audio = own.train_reranker(write_pairs(tmp_path / "all.jsonl", rows), depth=30)
    assert (image.modality, image.items, audio.modality, audio.items) == ("image", 56, "audio", 20)
    assert image.helps
    assert set(own.status().reranker.gains) == {each.modality for each in (image, audio) if each.helps}
