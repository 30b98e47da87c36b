import json
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError
from transformers.utils import logging

from mmsearch.errors import DependencyMissing, ModelError, ModelNotFound, WeightsDamaged
from mmsearch.rerankers import model_folder
from mmsearch.rerankers.model_folder import ModelFolder, model_errors, no_progress_bar, read_object, read_objects


def write_weights(folder, name="model.safetensors"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"weights")
    return folder


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub with one model; the list of what was asked of it."""
    asked = []
    cached = tmp_path / "hub" / "snapshot"

    def snapshot_download(name, *, allow_patterns, local_files_only=False):
        asked.append((name, "cache" if local_files_only else "network"))
        assert not [pattern for pattern in allow_patterns if pattern.endswith((".bin", ".pt", ".py", "*"))]
        if local_files_only and not cached.exists():
            raise LocalEntryNotFoundError("not there")
        if name != "owner/model":
            raise OSError("404")
        return str(cached if local_files_only else write_weights(cached))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return asked


def test_a_folder_is_used_as_it_is(tmp_path, hub):
    assert ModelFolder(str(write_weights(tmp_path / "model"))).path() == tmp_path / "model"
    assert hub == []


def test_a_folder_is_never_taken_for_a_hub_name(tmp_path, hub, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_weights(Path("owner/model"))
    assert ModelFolder("owner/model").path() == tmp_path / "owner" / "model"
    assert hub == []


@pytest.mark.parametrize(
    "source", ["nowhere", "./owner/model", "/owner/model", "~/model", "a/b/c", "owner/", "..", "é/b"]
)
def test_what_is_neither_a_folder_nor_a_hub_name_is_refused(source, hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path / "hub" if (tmp_path / "hub").exists() else tmp_path)
    with pytest.raises((ModelNotFound, WeightsDamaged)) as caught:
        ModelFolder(source).path()
    assert caught.value.remedy
    assert hub == []


def test_a_model_of_the_hub_is_fetched_once(hub):
    model = ModelFolder("owner/model")
    assert hub == []  # naming it fetches nothing
    folder = model.path()
    assert hub == [("owner/model", "cache"), ("owner/model", "network")]
    assert ModelFolder("owner/model").path() == folder
    assert hub[2:] == [("owner/model", "cache")]


def test_a_download_that_was_cut_short_is_taken_up(hub):
    folder = ModelFolder("owner/model").path()
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    write_weights(folder, "model-1.safetensors")
    ModelFolder("owner/model").path()
    assert hub[-1] == ("owner/model", "network")
    write_weights(folder, "model-2.safetensors")
    ModelFolder("owner/model").path()
    assert hub[-1] == ("owner/model", "cache")


def test_a_model_that_the_hub_does_not_have(hub):
    with pytest.raises(ModelError, match="owner/other cannot be fetched: 404") as caught:
        ModelFolder("owner/other").path()
    assert "network" in caught.value.remedy


@pytest.mark.parametrize("part", [".", "1_Dense"])
def test_pickles_are_refused(tmp_path, part):
    if part != ".":
        write_weights(tmp_path)
    (tmp_path / part).mkdir(exist_ok=True)
    (tmp_path / part / "pytorch_model.bin").write_bytes(b"\x80")
    with pytest.raises(WeightsDamaged, match="pickle") as caught:
        ModelFolder(str(tmp_path)).path()
    assert "safetensors" in caught.value.remedy
    write_weights(tmp_path / part)  # published beside safetensors, a pickle does no harm: it is not read
    assert ModelFolder(str(tmp_path)).path() == tmp_path


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(WeightsDamaged, match="no safetensors"):
        ModelFolder(str(tmp_path)).path()


def test_errors_of_libraries_become_errors_with_a_remedy():
    with pytest.raises(ModelError, match=r"It failed: 'no such key'\.") as caught, model_errors("It failed"):
        raise KeyError("no such key")
    assert caught.value.remedy
    with pytest.raises(DependencyMissing, match="pip install qwen_vl"), model_errors("It failed"):
        raise ImportError("no", name="qwen_vl")
    with pytest.raises(ModelError, match="code that comes with the model"), model_errors("It failed"):
        raise ValueError("please set trust_remote_code=True")
    for own in (MemoryError("full"), ModelNotFound("gone")):
        with pytest.raises(type(own)), model_errors("It failed"):
            raise own


@pytest.mark.parametrize(
    "content", ["", "[", "[1]", '"text"', "[" * 100_000, '{"a": "' + "x" * (1 << 20) + '"}', "\udcff"]
)
def test_settings_that_are_no_object_are_refused(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    for read in (read_object, read_objects):
        with pytest.raises(WeightsDamaged, match=r"config\.json"):
            read(tmp_path / "config.json")


def test_settings_are_read(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"a": 1}))
    assert read_object(tmp_path / "config.json") == {"a": 1}
    (tmp_path / "modules.json").write_text(json.dumps([{"a": 1}]))
    assert read_objects(tmp_path / "modules.json") == [{"a": 1}]


def test_texts_are_bounded_and_can_be_written_as_utf_8():
    assert model_folder.readable("a dog") == "a dog"
    assert len(model_folder.readable("x" * 1_000_000)) == 20_000
    assert model_folder.readable("a\udcff") == "a?"


@pytest.mark.parametrize("drawn", [True, False])
def test_the_progress_bar_is_left_as_it_was(drawn):
    (logging.enable_progress_bar if drawn else logging.disable_progress_bar)()
    with no_progress_bar():
        assert not logging.is_progress_bar_enabled()
    assert logging.is_progress_bar_enabled() == drawn


def test_missing_packages_name_the_extra(monkeypatch):
    monkeypatch.setattr(model_folder, "find_spec", lambda _: None)
    with pytest.raises(DependencyMissing, match=r"pip install 'mmsearch\[rerankers\]'"):
        model_folder.require_packages("torch")
