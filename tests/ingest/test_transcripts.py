"""What is said in a recording becomes text segments with the times at which it is said."""

import os
from dataclasses import asdict, replace

import numpy as np
import pytest
from counting_encoder import CountingEncoder

import mmsearch
from mmsearch.testing.media import write_wav
from mmsearch.testing.sounds import tone, write_sound
from mmsearch.types import Utterance

RATE_HZ = 8_000


class Listener(CountingEncoder):
    """Takes every tone for speech, and hears the words that it was told to, piece by piece."""

    def __init__(self):
        super().__init__()
        self.spec = replace(self.spec, transcribes=True)
        self.words = [[Utterance("wild geese over the marsh", 0.25, 1.75, "en")]]
        self.heard_s = []
        self.can_tell_speech = True

    def embed_audio(self, waves, **asked):
        embedded = super().embed_audio(waves, **asked)
        loud = np.array([float(np.abs(wave).mean()) > 0.01 for wave in waves])
        return replace(embedded, speech=loud if self.can_tell_speech else None)

    def transcribe(self, wave):
        self.heard_s.append(len(wave) / RATE_HZ)
        return self.words[(len(self.heard_s) - 1) % len(self.words)]


@pytest.fixture
def encoder():
    return Listener()


def counts(report):
    return {name: value for name, value in asdict(report).items() if value and name != "seconds"}


def said(collection, text="x"):
    """All that was written down: file, words, span."""
    return sorted(
        (os.path.basename(hit.path), hit.text, hit.start_s, hit.end_s)
        for hit in collection.search(text, modality="text", k=50, group=False)
    )


def test_what_is_said_is_found_by_its_words_with_its_time(collection, encoder, folder):
    write_wav(folder / "talk.wav", seconds=3)
    write_wav(folder / "other.wav", seconds=0.5)
    geese = encoder.words[0]
    encoder.transcribe = lambda wave: geese if len(wave) > RATE_HZ else [Utterance("nothing much", 0.0, 0.5, "en")]
    assert counts(collection.index(folder)) == {"added": 2, "encoded": 2, "segments": 4}
    (hit,) = collection.search("wild geese over the marsh", k=1)
    assert (os.path.basename(hit.path), hit.modality, hit.cosine) == ("talk.wav", "text", pytest.approx(1.0, abs=1e-5))
    assert (hit.text, hit.start_s, hit.end_s) == ("wild geese over the marsh", 0.25, 1.75)
    assert (hit.char_start, hit.about, hit.media_type) == (None, None, "audio/wav")
    assert collection.status().segments == {"audio": 2, "text": 2}
    assert sorted(encoder.texts) == ["nothing much", "wild geese over the marsh"]
    assert collection.verify() == []


def test_times_count_from_the_start_of_the_file(collection, encoder, folder):
    """A long recording is heard in pieces of half a minute at most."""
    encoder.words = [[Utterance(f"part {n}", 0.5, 1.0, "en"), Utterance(f"end {n}", 2.0, 3.125, "en")] for n in "abc"]
    write_sound(folder / "talk.wav", tone(70, 440, RATE_HZ), RATE_HZ)
    collection.index(folder)
    assert len(encoder.heard_s) == 3
    assert max(encoder.heard_s) <= 30
    assert sum(encoder.heard_s) == pytest.approx(70)
    begins = np.cumsum([0.0, *encoder.heard_s[:-1]])
    expected = [("talk.wav", f"end {n}", begin + 2.0, begin + 3.125) for n, begin in zip("abc", begins, strict=True)]
    expected += [("talk.wav", f"part {n}", begin + 0.5, begin + 1.0) for n, begin in zip("abc", begins, strict=True)]
    found = said(collection)
    assert [each[:2] for each in found] == [each[:2] for each in expected]
    for each, other in zip(found, expected, strict=True):
        assert each[2:] == pytest.approx(other[2:], abs=0.002)


def test_the_sound_track_of_a_video_is_written_down_too(collection, folder):
    write_sound(folder / "film.mp4", tone(2))
    collection.index(folder)
    (hit,) = collection.search("wild geese over the marsh", k=1)
    assert (os.path.basename(hit.path), hit.modality, hit.start_s) == ("film.mp4", "text", 0.25)


@pytest.mark.parametrize("by", ["argument", "setting"])
def test_transcripts_may_be_left_out(home, folder, encoder, monkeypatch, by):
    write_wav(folder / "talk.wav")
    monkeypatch.setenv("MMSEARCH_INGEST_TRANSCRIBE", "true" if by == "argument" else "false")
    with mmsearch.open("talks", home=home, model=encoder) as collection:
        report = collection.index(folder, transcribe=False if by == "argument" else None)
        assert counts(report) == {"added": 1, "encoded": 1, "segments": 1}
        assert (encoder.heard_s, encoder.texts) == ([], [])


def test_the_argument_overrules_the_setting(home, folder, encoder, monkeypatch):
    write_wav(folder / "talk.wav")
    monkeypatch.setenv("MMSEARCH_INGEST_TRANSCRIBE", "false")
    with mmsearch.open("talks", home=home, model=encoder) as collection:
        assert collection.index(folder, transcribe=True).segments == 2


def test_only_pieces_in_which_somebody_speaks_are_transcribed(collection, encoder, folder):
    write_sound(folder / "silence.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    spoken_at_the_end = np.concatenate([np.zeros(40 * RATE_HZ, np.float32), tone(5, 440, RATE_HZ)])
    write_sound(folder / "talk.wav", spoken_at_the_end, RATE_HZ)
    collection.index(folder)
    ((name, _, start, _),) = said(collection)
    assert name == "talk.wav"
    assert len(encoder.heard_s) == 1
    assert start == pytest.approx(45 - encoder.heard_s[0] + 0.25, abs=0.002)


def test_an_encoder_that_cannot_tell_speech_transcribes_everything(collection, encoder, folder):
    encoder.can_tell_speech = False
    write_sound(folder / "silence.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    collection.index(folder)
    assert [name for name, *_ in said(collection)] == ["silence.wav"]


def test_where_nothing_is_said_there_is_no_text(collection, encoder, folder):
    encoder.words = [[]]
    write_wav(folder / "hum.wav")
    assert collection.index(folder).segments == 1
    assert (len(encoder.heard_s), said(collection)) == (1, [])


def test_a_transcriber_that_fails_costs_only_its_file(collection, encoder, folder):
    def transcribe(wave):
        if len(wave) < RATE_HZ:
            raise RuntimeError("out of order")
        return encoder.words[0]

    encoder.transcribe = transcribe
    write_wav(folder / "a.wav")
    write_wav(folder / "b.wav", seconds=2)
    assert counts(collection.index(folder)) == {"added": 1, "failed": 1, "encoded": 1, "segments": 2}
    (failure,) = collection.failures()
    assert (os.path.basename(failure.path), failure.code) == ("a.wav", "media_damaged")
    assert "out of order" in failure.reason


def test_a_copy_shares_the_transcript(collection, encoder, folder):
    path = write_wav(folder / "talk.wav")
    collection.index(folder)
    path.rename(folder / "b.wav")
    (folder / "c.wav").write_bytes((folder / "b.wav").read_bytes())
    collection.index(folder)
    assert len(encoder.heard_s) == 1
    assert [(name, text) for name, text, *_ in said(collection)] == [
        ("b.wav", "wild geese over the marsh"),
        ("c.wav", "wild geese over the marsh"),
    ]


def test_a_moment_is_one_hit_however_many_passages_tell_of_it(collection, encoder, folder):
    """Passages overlap, so that a sentence is whole in one of them."""
    spans = [(0.0, 2.0), (1.0, 3.0), (2.5, 4.0), (5.0, 6.0)]
    encoder.words = [[Utterance(f"geese number {n}", *span, "en") for n, span in enumerate(spans)]]
    write_wav(folder / "talk.wav", seconds=7)
    collection.index(folder)
    hits = collection.search("geese number 1", modality="text", k=3, group=False)
    assert (hits[0].start_s, hits[0].end_s) == (1.0, 3.0)
    assert [hit.start_s for hit in hits[1:]] == [5.0]
    assert [hit.rank for hit in hits] == [1, 2]
    assert len(collection.search("geese", modality="text,audio", k=10, group=False)) >= 3
