"""What is said: the rules are tested on words as faster-whisper gives them, the model on sounds without speech."""

import socket
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mmsearch.encoders.builtin.speech import PASSAGE_WORDS, SpeechModel
from mmsearch.errors import DependencyMissing


@pytest.fixture(scope="module")
def model():
    return SpeechModel()


def segment(text, start_s=0.0, *, likely=-0.2, repetitive=1.2):
    """Ten letters a second."""
    end_s = np.float64(start_s + (len(text) + 1) / 10)
    return SimpleNamespace(text=f" {text}", start=start_s, end=end_s, avg_logprob=likely, compression_ratio=repetitive)


def transcribe(model, monkeypatch, *segments):
    """What the model makes of segments that Whisper is said to have found."""
    found = iter(segments), SimpleNamespace(language="de")
    monkeypatch.setattr(model._model, "transcribe", lambda wave, **_: found)
    return model.transcribe(np.zeros(16_000, np.float32))


def test_a_short_utterance_is_one_passage(model, monkeypatch):
    (said,) = transcribe(model, monkeypatch, segment("guten Tag, Frau Meier", 3.0))
    assert (said.text, said.language) == ("guten Tag, Frau Meier", "de")
    assert (said.start_s, said.end_s) == pytest.approx((3.0, 5.2))
    assert type(said.end_s) is float


@pytest.mark.parametrize("count", [6, 7, 8, 9, 12, 30])
def test_passages_overlap_and_cover_every_run_of_five_words(model, monkeypatch, count):
    spoken = [f"w{i}" for i in range(count)]
    said = [each.text.split() for each in transcribe(model, monkeypatch, segment(" ".join(spoken)))]
    assert all(len(passage) == PASSAGE_WORDS for passage in said)
    assert (said[0][0], said[-1][-1]) == ("w0", spoken[-1])
    for start in range(count - 4):
        run = spoken[start : start + 5]
        assert any(" ".join(run) in " ".join(passage) for passage in said), run
    assert len(said) <= count / 2 - 1.5


def test_passages_go_over_the_end_of_a_sentence_but_not_over_a_pause(model, monkeypatch):
    first, second, late = segment("one two three.", 0.0), segment("Four five six.", 3.4), segment("seven eight", 9.0)
    said = transcribe(model, monkeypatch, first, second, late)
    assert [each.text for each in said] == ["one two three. Four five six.", "seven eight"]
    spans = [time for each in said for time in (each.start_s, each.end_s)]
    assert spans == pytest.approx([0.0, 4.9, 9.0, 10.2])


def test_words_are_timed_by_their_letters(model, monkeypatch):
    said = transcribe(model, monkeypatch, segment(" ".join(["abcd"] * 8), 2.0))
    assert [(each.start_s, each.end_s) for each in said] == [
        pytest.approx((2.0, 5.0)),
        pytest.approx((3.0, 6.0)),
    ]


def test_what_was_probably_made_up_is_left_out(model, monkeypatch):
    guess, loop = segment("thanks for watching", likely=-1.4), segment("ha " * 20, repetitive=6.0)
    assert transcribe(model, monkeypatch, guess, loop) == []
    assert [each.text for each in transcribe(model, monkeypatch, guess, segment("this is so"))] == ["this is so"]


def test_where_nobody_speaks_there_is_no_text_and_no_hub_is_asked(model, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was used"))
    fresh = SpeechModel()
    time = np.arange(48_000) / 16_000
    noise = np.random.default_rng(0).standard_normal(48_000)
    for wave in (np.zeros(1), 0.3 * np.sin(2 * np.pi * 440 * time), np.sign(noise)):
        assert fresh.transcribe(wave.astype(np.float32)) == []


def test_without_faster_whisper(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(DependencyMissing) as raised:
        SpeechModel()
    assert "mmsearch[speech]" in raised.value.remedy
