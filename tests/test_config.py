import dataclasses
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmsearch.config as config_module
from mmsearch.config import (
    FILE_NAME,
    Config,
    Limits,
    default_home,
    load_config,
    machine_memory_bytes,
    parse_size,
    setting_names,
)
from mmsearch.errors import ConfigError
from mmsearch.threads import machine_cores

GIB = 1 << 30


def load(home, toml=None, flags=None, **environ):
    if toml is not None:
        (home / FILE_NAME).write_text(toml, encoding="utf-8")
    return load_config({"home": str(home), **(flags or {})}, environ)


def test_defaults_without_any_file(tmp_path):
    assert load(tmp_path) == Config(home=tmp_path)
    assert load(tmp_path).search.k == 10


def test_each_source_beats_the_one_before(tmp_path):
    toml = "[search]\nk = 2\n[ingest]\nworkers = 2\nbatch_files = 2\n"
    found = load(
        tmp_path,
        toml,
        {"ingest.batch_files": 4},
        MMSEARCH_INGEST_WORKERS="3",
        MMSEARCH_INGEST_BATCH_FILES="3",
    )
    assert (found.search.k, found.ingest.workers, found.ingest.batch_files) == (2, 3, 4)


def test_flags_that_were_not_given_change_nothing(tmp_path):
    assert load(tmp_path, "collection = 'photos'\n", {"collection": None}).collection == "photos"


def test_every_setting_can_be_given_in_every_way(tmp_path):
    sample = {bool: ("true", True), int: ("7", 7), float: ("7.5", 7.5), str: ("x", "x")}
    shares = {"index.min_recall": ("0.75", 0.75)}
    for name in setting_names():
        section, _, key = name.rpartition(".")
        kind = type(getattr(getattr(Config(), section) if section else Config(), key))
        text, value = shares.get(name, sample[kind])
        quoted = f'"{text}"' if kind is str else text
        toml = f"[{section}]\n{key} = {quoted}\n" if section else f"{key} = {quoted}\n"
        variable = "MMSEARCH_" + name.replace(".", "_").upper()
        given = [
            load(tmp_path, toml),
            load(tmp_path, "", {name: value}),
            load(tmp_path, "", **{variable: text}),
        ]
        for found in given:
            assert getattr(getattr(found, section) if section else found, key) == value, name


def test_setting_names_are_unique_in_the_environment_too():
    variables = [name.replace(".", "_") for name in setting_names()]
    assert len(set(variables)) == len(variables)


def test_other_variables_are_left_alone(tmp_path):
    assert load(tmp_path, MMSEARCH_SOMETHING="1", PATH="/bin") == Config(home=tmp_path)


@pytest.mark.parametrize(
    "toml",
    [
        "colour = 1",
        "home = '/x'",
        "limits = 5",
        "[limits]\nmax_pixel = 1",
        "[limits.deep]\nx = 1",
        "[model]\nname = 'x'",
    ],
)
def test_unknown_settings_are_named(tmp_path, toml):
    with pytest.raises(ConfigError, match="There is no setting"):
        load(tmp_path, toml)


def test_unknown_flags_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"There is no setting 'ingest\.speed'"):
        load(tmp_path, flags={"ingest.speed": 1})


@pytest.mark.parametrize("name", ["limits", "search", "__class__", "limits.__class__", "", "."])
def test_names_that_are_no_settings_reach_no_attribute(tmp_path, name):
    with pytest.raises(ConfigError, match="There is no setting"):
        load(tmp_path, flags={name: "1"})


@pytest.mark.parametrize(
    ("toml", "match"),
    [
        ("[search]\nk = 'ten'", r"search\.k: 'ten' is not a whole number"),
        ("[search]\nk = -1", "whole number"),
        ("[search]\nk = 1.5", "whole number"),
        ("[search]\nk = true", "whole number"),
        ("[search]\nk = inf", "whole number"),
        ("[search]\nk = nan", "whole number"),
        ("[search]\nk = []", "whole number"),
        ("[search]\nk = 0", "at least 1"),
        ("[ingest]\nbatch_files = 0", "at least 1"),
        ("[ingest]\nhidden = 2", "true or false"),
        ("[ingest]\nhidden = 'maybe'", "true or false"),
        ("[limits]\ndecode_timeout_s = 'soon'", "a number above 0"),
        ("[limits]\ndecode_timeout_s = 0", "a number above 0"),
        ("[limits]\ndecode_timeout_s = -1", "a number above 0"),
        ("[limits]\ndecode_timeout_s = nan", "a number above 0"),
        ("[limits]\ndecode_timeout_s = inf", "a number above 0"),
        ("collection = 5", "a text in quotes"),
        ("model = ['builtin']", "a text in quotes"),
    ],
)
def test_values_of_the_wrong_type_are_named(tmp_path, toml, match):
    with pytest.raises(ConfigError, match=match):
        load(tmp_path, toml)


@pytest.mark.parametrize("text", ["true", "True", "1", "yes"])
def test_words_for_true(tmp_path, text):
    assert load(tmp_path, MMSEARCH_INGEST_HIDDEN=text).ingest.hidden is True


@pytest.mark.parametrize("text", ["false", "FALSE", "0", "no"])
def test_words_for_false(tmp_path, text):
    assert load(tmp_path, "[ingest]\nhidden = true", MMSEARCH_INGEST_HIDDEN=text).ingest.hidden is False


@pytest.mark.parametrize("content", [b"k = ", b"[search\n", b"\xff\xfe", b"k = 1\nk = 2"])
def test_a_file_that_is_not_toml_is_named(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ConfigError, match=f"Cannot read .*{FILE_NAME}"):
        load(tmp_path)


def test_a_byte_order_mark_is_no_error(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"\xef\xbb\xbfmodel = 'hashing'\n")
    assert load(tmp_path).model == "hashing"


def test_a_folder_in_place_of_the_file_is_an_error(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ConfigError, match="Cannot read"):
        load(tmp_path)


def test_a_file_as_home_is_an_error(tmp_path):
    (tmp_path / "home").write_bytes(b"")
    with pytest.raises(ConfigError, match="Cannot read"):
        load(tmp_path / "home")


def test_home_comes_from_the_flag_then_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_config({"home": "~/a"}, {"MMSEARCH_HOME": "/b"}).home == tmp_path / "a"
    assert load_config({"home": None}, {"MMSEARCH_HOME": "/b"}).home == Path("/b")
    assert load_config({"home": tmp_path / "a"}, {}).home == tmp_path / "a"


def test_a_home_of_nobody_is_an_error():
    with pytest.raises(ConfigError, match="no-such-user"):
        load_config({"home": "~no-such-user/x"}, {})


def test_a_relative_home_does_not_move_with_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_config({"home": "here"}, {}).home == tmp_path / "here"


def test_the_default_home_is_the_local_folder_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_home() != tmp_path / "indexes"
    assert default_home().name == "mmsearch"
    (tmp_path / "indexes").mkdir()
    assert default_home() == (tmp_path / "indexes").resolve()
    assert load_config({}, {"MMSEARCH_HOME": ""}).home == default_home()


def test_the_process_environment_is_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("MMSEARCH_SEARCH_K", "77")
    assert load_config({"home": tmp_path}).search.k == 77


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        (500, 500),
        ("4K", 4096),
        ("4k", 4096),
        ("1.5M", 3 << 19),
        ("4G", 4 * GIB),
        ("4GB", 4 * GIB),
        ("4GiB", 4 * GIB),
        (" 2 T ", 2 << 40),
        ("1e3", 1000),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "K", "-1", "-1K", "1.5", "four", "4X", "4KK", "inf", "nan", "1e999", None, "0x10"]
)
def test_what_is_no_size(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_size(text)


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=8))
def test_any_text_is_a_size_or_a_value_error(text):
    try:
        assert parse_size(text) >= 0
    except ValueError:
        pass


def test_limits_follow_from_memory_and_workers(monkeypatch):
    monkeypatch.setattr(config_module, "machine_memory_bytes", lambda: 64 * GIB)
    alone, many = Limits().for_machine(1), Limits().for_machine(15)
    assert alone.worker_memory_bytes == 32 * GIB
    assert many.worker_memory_bytes == 4 * GIB
    assert many.max_pixels == 4 * GIB // 24
    assert many.max_file_bytes == GIB
    assert alone.max_pixels == 500_000_000  # however much memory there is


def test_a_small_machine_can_still_read_a_photo(monkeypatch):
    monkeypatch.setattr(config_module, "machine_memory_bytes", lambda: GIB)
    assert Limits().for_machine(8).worker_memory_bytes == 2 * GIB
    assert Limits().for_machine(8).max_pixels > 48_000_000
    assert Limits().for_machine(0) == Limits().for_machine(1)


def test_limits_that_were_given_are_kept():
    given_limits = Limits(max_pixels=5, max_file_bytes=6, worker_memory_bytes=7, decode_timeout_s=8)
    assert given_limits.for_machine(4) == given_limits


@pytest.mark.parametrize(
    ("limit", "memory"), [("max", 8 * GIB), (str(3 * GIB), 3 * GIB), (str(1 << 62), 8 * GIB), (None, 8 * GIB)]
)
def test_memory_is_the_containers_where_that_is_less(monkeypatch, limit, memory):
    def read(path):
        if limit is None:
            raise FileNotFoundError(path)
        return f"{limit}\n"

    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 8 * GIB // 4096}[name])
    monkeypatch.setattr(Path, "read_text", read)
    assert machine_memory_bytes() == memory


def test_memory_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.delattr(os, "sysconf")
    assert machine_memory_bytes() == 4 * GIB


def test_cores_where_the_system_does_not_tell_of_affinity(monkeypatch):
    assert machine_cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine_cores() == 1


def test_workers_are_one_a_core_unless_said(tmp_path):
    assert load(tmp_path).ingest.worker_count == machine_cores()
    assert load(tmp_path, "[ingest]\nworkers = 3").ingest.worker_count == 3


def test_settings_cannot_be_changed_afterwards(tmp_path):
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(tmp_path).search.k = 5


def test_a_share_is_at_most_1(tmp_path):
    assert load(tmp_path, "[index]\nmin_recall = 1").index.min_recall == 1
    with pytest.raises(ConfigError, match="at most 1"):
        load(tmp_path, "[index]\nmin_recall = 98")


def test_an_index_may_take_a_quarter_of_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(config_module, "machine_memory_bytes", lambda: 8 * GIB)
    assert load(tmp_path).index.memory_bytes == 2 * GIB
    assert load(tmp_path, MMSEARCH_INDEX_MAX_MEMORY_BYTES="3G").index.memory_bytes == 3 * GIB
