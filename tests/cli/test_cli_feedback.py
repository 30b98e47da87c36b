import json

import pytest

import mmsearch
from mmsearch.cli import log as log_module

DOG = {"parts": [{"text": "dog\x1b[31m", "weight": 1.0}, {"image": "/a.jpg", "weight": -0.5}], "where": "year > 2020"}


@pytest.fixture
def kept(own):
    """Two queries, of which one has a right result."""
    with mmsearch.open("default", home=own, model="hashing") as collection:
        collection.note_query(DOG, ())
        collection.note_query({"text": "cat"}, ())
        return [hit.id for hit in collection.search("dog", k=2)]


def test_feedback_is_kept(cli, kept, media):
    assert cli("feedback", 1, kept[0]).objects == [{"query": 1, "items": 1, "good": True}]
    assert "Noted: 1 result of query 1 wrong." in cli("feedback", 1, kept[1], "--bad", terminal=True).stdout
    second, first = cli("log").objects
    assert (second["query"], second["good"]) == ({"text": "cat"}, [])
    assert (first["query"], len(first["good"]), len(first["bad"])) == (DOG, 1, 1)


def test_feedback_on_what_is_not_there(cli, kept):
    ran = cli("feedback", 9, kept[0])
    assert (ran.exit_code, "No query 9 is kept" in ran.stderr) == (3, True)
    assert cli("feedback", 1, "nowhere.jpg").exit_code == 3
    assert cli("feedback", "one", kept[0]).exit_code == 2
    assert cli("feedback", 1).exit_code == 2


def test_the_log_on_a_terminal(cli, kept):
    cli("feedback", 1, *kept)
    lines = cli("log", "show", terminal=True).stdout.splitlines()
    assert lines[0].split() == ["query", "asked", "at", "for", "results", "right", "wrong"]
    assert lines[1].split()[0] == "2"
    assert r"dog\x1b[31m -0.5:image:/a.jpg where=year > 2020" in lines[2]
    assert lines[2].split()[-3:] == ["0", "2", "0"]
    assert len(cli("log", "show", "-n", 1).objects) == 1


def test_an_empty_log(cli, own):
    ran = cli("log")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "No query was kept" in ran.stderr


def test_an_export(cli, kept, tmp_path):
    cli("feedback", 2, kept[0])
    assert cli("log", "export", tmp_path / "judged.jsonl").objects == [{"exported": 1}]
    assert "Wrote 1 query with right" in cli("log", "export", tmp_path / "judged.jsonl", terminal=True).stdout
    (record,) = [json.loads(line) for line in (tmp_path / "judged.jsonl").read_text().splitlines()]
    assert (record["id"], record["text"], len(record["relevant"])) == (2, "cat", 1)


def test_an_export_to_standard_output(cli, kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli("feedback", 2, kept[0])
    ran = cli("log", "export", "-")
    assert ([each["text"] for each in ran.objects], ran.stderr) == (["cat"], "1 query with right results.\n")
    assert not (tmp_path / "-").exists()


def test_an_export_replaces_a_file_and_makes_no_folder(cli, kept, tmp_path):
    assert cli("log", "export", tmp_path / "judged.jsonl").stderr == ""
    assert "judged.jsonl was there and is replaced." in cli("log", "export", tmp_path / "judged.jsonl").stderr
    ran = cli("log", "export", tmp_path / "gone" / "judged.jsonl")
    assert (ran.exit_code, f"there is no folder {tmp_path / 'gone'}" in ran.stderr) == (7, True)
    assert not (tmp_path / "gone").exists()


def test_forgetting_asks_first(cli, kept, monkeypatch):
    ran = cli("log", "clear")
    assert (ran.exit_code, "--yes" in ran.stderr) == (2, True)
    monkeypatch.setattr(log_module, "_asks_a_person", lambda: True)
    assert cli("log", "clear").exit_code == 1  # nobody answers
    assert len(cli("log").objects) == 2
    assert cli("log", "clear", "--yes").objects == [{"forgotten": 2}]
    assert "Nothing was kept." in cli("log", "clear", "--yes", terminal=True).stdout
