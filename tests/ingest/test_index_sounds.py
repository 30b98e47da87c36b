"""Sounds and the sound tracks of videos: cut into windows, embedded, found by words and by other sounds."""

import itertools
import os
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest

import mmsearch
from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import ModelError
from mmsearch.ingest.batches import in_batches
from mmsearch.ingest.listen import _spans
from mmsearch.ingest.plan import Work
from mmsearch.testing.media import write_corrupt, write_image, write_text, write_wav
from mmsearch.testing.sounds import tone, write_sound
from mmsearch.types import Embedded, FileStat, Utterance

RATE_HZ = 8_000

NOTHING = Embedded(np.ones((0, 64), np.float32), np.zeros((0, 38), np.float16))


def counts(report):
    return {name: value for name, value in asdict(report).items() if value and name != "seconds"}


def names(hits):
    return [os.path.basename(hit.path) for hit in hits]


def failures(collection):
    return {os.path.basename(each.path): (each.code, each.reason) for each in collection.failures()}


def rows(collection):
    """Where the vectors of all segments lie, and the features beside them."""
    shelves = collection._storage.reading()
    places = shelves.catalog.locations()
    features = shelves.store.gather_features(places.files, places.rows)
    return [
        (file, row, feature.tobytes())
        for file, row, feature in zip(places.files.tolist(), places.rows.tolist(), features, strict=True)
    ]


def spans(collection, text, **options):
    """The spans of time of all segments, in order."""
    return sorted(
        (hit.start_s, hit.end_s) for hit in collection.search(text, k=100, modality="audio", group=False, **options)
    )


@pytest.fixture
def tones(folder):
    """A whistle, a hum, noise and silence."""
    write_wav(folder / "whistle.wav", seconds=1, pitch_hz=2_500)
    write_sound(folder / "hum.mp3", tone(2, pitch_hz=150))
    noise = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 48_000)).astype(np.float32)
    write_sound(folder / "rain.flac", noise)
    write_sound(folder / "nothing.m4a", np.zeros(48_000, np.float32))
    return folder


def test_sounds_are_found_by_words(collection, encoder, tones):
    assert counts(collection.index(tones)) == {"added": 4, "encoded": 4, "segments": 4}
    assert encoder.sounds == 4
    for words, name in (
        ("high tone", "whistle.wav"),
        ("low tone", "hum.mp3"),
        ("loud noise", "rain.flac"),
        ("silence", "nothing.m4a"),
    ):
        found = collection.search(words, k=1)
        assert (names(found), found.good_match) == ([name], True)
    (hit,) = collection.search("high tone", k=1)
    assert (hit.modality, hit.start_s, hit.end_s, hit.text) == ("audio", 0.0, 1.0, None)
    assert hit.media_type.startswith("audio/")
    assert collection.status().segments == {"audio": 4}
    assert collection.verify() == []


def test_sounds_are_found_by_sounds_of_any_source(collection, tones, tmp_path):
    collection.index(tones)
    query = write_sound(tmp_path / "query.opus", tone(9, pitch_hz=2_400))
    for sound in (query, str(query), query.read_bytes(), (tone(1, 2_400, 44_100), 44_100), tone(1, 2_400, RATE_HZ)):
        assert names(collection.search(audio=sound, k=1)) == ["whistle.wav"]
    assert names(collection.search(audio=[query, tones / "hum.mp3"], negative="high", k=1)) == ["hum.mp3"]
    assert names(collection.search("low", audio=f"0.1:{query}", k=1)) == ["hum.mp3"]


def test_items_stand_for_the_mean_of_their_segments(collection, tones):
    collection.index(tones)
    write_wav(tones / "other whistle.wav", seconds=9, pitch_hz=2_600)
    collection.index(tones)
    assert names(collection.search(like=tones / "other whistle.wav", k=1)) == ["whistle.wav"]
    assert names(collection.search(like=tones / "whistle.wav", k=3, group=False)) == ["other whistle.wav"] * 3


def test_sounds_and_pictures_and_texts_share_one_space(collection, tones):
    write_image(tones / "red.png", "red")
    write_text(tones / "note.txt", "a high tone")
    collection.index(tones)
    assert names(collection.search("high tone", k=2)) == ["note.txt", "whistle.wav"]
    assert names(collection.search(audio=tones / "whistle.wav", modality="text")) == ["note.txt"]
    assert {hit.modality for hit in collection.search("high tone", modality="audio,image")} == {"audio", "image"}


def test_a_long_sound_is_cut_into_windows_that_overlap_and_cover_it(collection, encoder, folder):
    halves = np.concatenate([tone(10, 150, RATE_HZ), tone(10, 2_500, RATE_HZ)])
    write_sound(folder / "a.wav", halves, RATE_HZ)
    report = collection.index(folder)
    found = spans(collection, "tone")
    assert report.segments == encoder.sounds == len(found) == 7
    assert (found[0][0], found[-1][1]) == (0.0, 20.0)
    assert all(end - start == pytest.approx(4.0, abs=0.002) for start, end in found)
    assert all(1.0 <= before[1] - after[0] <= 1.5 for before, after in itertools.pairwise(found))
    for words, first, last in (("low", 0, 10), ("high", 10, 20)):
        best = collection.search(f"{words} tone", k=3)
        assert all(first <= hit.start_s < hit.end_s <= last for hit in best)


def test_windows_of_a_sound_of_several_pieces_keep_their_place(collection, folder):
    """Pieces last half a minute at most, and are cut where it is quiet: here at 25 s."""
    sound = tone(65, 700, RATE_HZ)
    sound[round(24.5 * RATE_HZ) : round(25.5 * RATE_HZ)] = 0
    sound[round(60 * RATE_HZ) :] = tone(5, 2_500, RATE_HZ)
    write_sound(folder / "a.wav", sound, RATE_HZ)
    collection.index(folder)
    found = spans(collection, "tone")
    assert (found[0][0], found[-1][1]) == (0.0, 65.0)
    assert all(after[0] <= before[1] for before, after in itertools.pairwise(found))
    (cut,) = [before[1] for before, after in itertools.pairwise(found) if before[1] == after[0] < 30]
    assert 24.5 <= cut <= 25.5
    (best,) = collection.search("high tone", k=1)
    assert best.start_s >= 59


def test_the_shortest_sound(collection, folder):
    write_wav(folder / "click.wav", seconds=1 / RATE_HZ, rate_hz=RATE_HZ)
    collection.index(folder)
    assert spans(collection, "quiet") == [(0.0, 0.0)]


def test_the_sound_of_a_video(collection, folder):
    write_sound(folder / "film.mp4", tone(5, pitch_hz=2_500))
    write_sound(folder / "late.mkv", tone(2, pitch_hz=150), start_s=3.0)
    assert counts(collection.index(folder)) == {"added": 2, "encoded": 2, "segments": 4}
    (hit,) = collection.search("high tone", k=1)
    assert (os.path.basename(hit.path), hit.modality, hit.media_type) == ("film.mp4", "audio", "video/mp4")
    assert 0 <= hit.start_s < hit.end_s <= 5.1
    late = [hit for hit in collection.search("low tone", k=9, group=False) if hit.path.endswith("late.mkv")]
    assert min(hit.start_s for hit in late) == 0.0  # times are those of the film, not of its sound
    assert max(hit.end_s for hit in late) == pytest.approx(5.0, abs=0.1)
    assert collection.status().segments == {"audio": 4}
    assert counts(collection.index(folder)) == {"unchanged": 2}


def write_mute_film(path):
    import av

    with av.open(str(path), "w") as out:
        track = out.add_stream("mpeg4", rate=10)
        track.width, track.height = 64, 48
        out.mux(track.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        out.mux(track.encode(None))


def test_sounds_that_cannot_be_read_fail_with_a_reason_and_stop_nothing(home, folder, encoder, monkeypatch):
    monkeypatch.setenv("MMSEARCH_LIMITS_MAX_AUDIO_S", "3")
    write_wav(folder / "good.wav", seconds=1, pitch_hz=2_500)
    write_corrupt(folder / "damaged.mp3")
    (folder / "empty.flac").touch()
    write_wav(folder / "instant.wav", seconds=0)
    write_wav(folder / "too long.wav", seconds=4)
    write_mute_film(folder / "mute.mp4")
    write_image(folder / "picture.jpg", "red").rename(folder / "picture.wav")
    with mmsearch.open("sounds", home=home, model=encoder) as collection:
        assert counts(collection.index(folder)) == {"added": 1, "failed": 6, "encoded": 1, "segments": 1}
        reasons = failures(collection)
        assert {name: code for name, (code, _) in reasons.items()} == {
            "damaged.mp3": "media_damaged",
            "empty.flac": "media_empty",
            "instant.wav": "media_empty",
            "too long.wav": "media_too_large",
            "mute.mp4": "media_empty",
            "picture.wav": "media_unsupported",
        }
        assert "longer than 3 seconds. Raise limits.max_audio_s" in reasons["too long.wav"][1]
        assert "The video has no sound track." in reasons["mute.mp4"][1]
        assert names(collection.search("high tone")) == ["good.wav"]
        assert counts(collection.index(folder)) == {"unchanged": 7}
        assert collection.verify() == []


def test_a_sound_that_was_too_long_is_read_once_the_limit_is_raised(home, folder, encoder, monkeypatch):
    write_wav(folder / "long.wav", seconds=4)
    monkeypatch.setenv("MMSEARCH_LIMITS_MAX_AUDIO_S", "3")
    with mmsearch.open("sounds", home=home, model=encoder) as collection:
        assert collection.index(folder).failed == 1
    monkeypatch.setenv("MMSEARCH_LIMITS_MAX_AUDIO_S", "5")
    with mmsearch.open("sounds", home=home, model=encoder) as collection:
        assert collection.index(folder).added == 1
        assert collection.failures() == []


def test_what_comes_before_the_damage_is_no_excuse_to_keep_half_a_sound(collection, encoder, folder, monkeypatch):
    """The model fails on the second piece: nothing of the file is kept, and its neighbours are."""
    write_wav(folder / "a.wav", seconds=40)
    write_wav(folder / "b.wav", seconds=1)
    real = encoder.embed_audio

    def embed_audio(waves, **asked):
        embedded = real(waves, **asked)
        if encoder.sounds > 10:
            encoder.sounds = 0
            return replace(embedded, vectors=np.full_like(embedded.vectors, np.nan))
        return embedded

    monkeypatch.setattr(encoder, "embed_audio", embed_audio)
    assert counts(collection.index(folder)) == {"added": 1, "failed": 1, "encoded": 1, "segments": 1}
    assert failures(collection) == {
        "a.wav": ("media_damaged", "The model gives no usable vector for this file (it holds NaN or infinity).")
    }
    assert names(collection.search("tone")) == ["b.wav"]


def test_a_model_that_gives_too_few_vectors_for_a_sound_ends_the_run(collection, encoder, folder, monkeypatch):
    write_wav(folder / "a.wav")
    monkeypatch.setattr(encoder, "embed_audio", lambda waves, **_: NOTHING)
    with pytest.raises(ModelError, match="0 vectors for 1 inputs"):
        collection.index(folder)
    assert collection.status().assets == 0


def test_a_model_without_features(home, encoder, tones):
    encoder.spec = replace(encoder.spec, feature_dim=0)
    with mmsearch.open("plain", home=home, model=encoder) as collection:
        collection.index(tones)
        assert names(collection.search("high tone", k=1)) == ["whistle.wav"]
        assert names(collection.search(audio=tones / "hum.mp3", k=1)) == ["hum.mp3"]
        assert collection.verify() == []


def test_a_renamed_sound_keeps_its_ids_vectors_and_features(collection, encoder, folder):
    path = write_wav(folder / "a.wav", seconds=9)
    collection.index(folder)
    before, hits = rows(collection), collection.search("tone")
    assert len(before) == 3
    path.rename(folder / "b.wav")
    assert counts(collection.index(folder)) == {"added": 1, "removed": 1, "renamed": 1}
    after = collection.search("tone")
    assert (rows(collection), encoder.sounds) == (before, 3)
    assert [replace(hit, path=str(path)) for hit in after] == list(hits)
    assert set(names(after)) == {"b.wav"}


def test_copies_of_a_sound_share_its_rows(collection, encoder, folder):
    write_wav(folder / "a.wav", seconds=9)
    write_sound(folder / "film.mp4", tone(2, 150))
    collection.index(folder)
    before = rows(collection)
    shutil.copy(folder / "a.wav", folder / "b.wav")
    shutil.copy(folder / "film.mp4", folder / "copy.mp4")
    assert counts(collection.index(folder)) == {"added": 2, "unchanged": 2}
    assert encoder.sounds == 4
    assert sorted(rows(collection)) == sorted(before * 2)
    assert sorted(spans(collection, "tone"))[::2] == sorted(spans(collection, "tone"))[1::2]
    with Catalog.open(collection.folder / "catalog.db", write=False) as catalog:
        assert len(np.unique(catalog.locations().ids)) == 8


def test_a_sound_that_changes_or_goes(collection, folder):
    path = write_wav(folder / "a.wav", seconds=9, pitch_hz=150)
    collection.index(folder)
    write_wav(path, seconds=1, pitch_hz=2_500)
    assert counts(collection.index(folder)) == {"updated": 1, "encoded": 1, "segments": 1}
    assert [(hit.start_s, hit.end_s) for hit in collection.search("high tone")] == [(0.0, 1.0)]
    path.unlink()
    assert counts(collection.index(folder)) == {"removed": 1}
    assert len(collection.search("tone")) == 0
    assert collection.verify() == []


def test_a_dry_run_counts_sounds_without_reading_them(collection, encoder, tones):
    write_corrupt(tones / "damaged.mp3")
    assert counts(collection.index(tones, dry_run=True)) == {"added": 5}
    assert encoder.sounds == 0


def test_a_file_that_claims_to_be_huge_is_not_even_hashed(home, folder, encoder, monkeypatch):
    monkeypatch.setenv("MMSEARCH_LIMITS_MAX_AUDIO_BYTES", "1M")
    with (folder / "holes.mp3").open("wb") as file:
        file.truncate(1 << 40)
    monkeypatch.setattr("mmsearch.ingest.listen.blake2_stream", lambda *_: pytest.fail("it was hashed"))
    with mmsearch.open("huge", home=home, model=encoder) as collection:
        assert collection.index(folder).failed == 1
        (failure,) = collection.failures()
    assert failure.code == "media_too_large"
    assert "limits.max_audio_bytes" in failure.reason


def test_a_batch_of_sounds_is_cut_short():
    works = (Work(FileStat(f"/{n}.mp3", 3 << 20, 1), "audio") for n in range(10))
    assert [len(batch) for batch in in_batches(works, 32)] == [2, 2, 2, 2, 2]


def test_what_is_said_ends_with_the_piece_it_is_said_in():
    (span,) = _spans([Utterance("so", 1.0, 2.0, "en")], start_s=30.0, length_s=1.55)
    assert (span.start_s, span.end_s, span.language) == (31.0, 31.55, "en")
