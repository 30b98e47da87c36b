import json

import pytest

from mmsearch.adapt import pairs as pairs_module
from mmsearch.adapt.pairs import Pair, read_pairs
from mmsearch.config import Limits
from mmsearch.errors import FileUnreadable, MediaDamaged, MediaTooLarge, UsageError

LIMITS = Limits()


def pairs_of(folder, name, content):
    (folder / name).write_text(content, encoding="utf-8", newline="")
    return [(pair.path, pair.captions) for pair in read_pairs(folder / name, LIMITS)]


@pytest.mark.parametrize("key", ["file", "path", "image", "audio", "filename", "file_name", "File "])
@pytest.mark.parametrize(
    ("said", "captions"),
    [
        ({"caption": "a dog"}, ("a dog",)),
        ({"captions": ["a dog", " a cat ", "a dog"]}, ("a dog", "a cat")),
        ({"text": "a dog"}, ("a dog",)),
        ({"captions": [], "label": "dog"}, ("dog",)),
        ({"caption": "a dog", "labels": ["x", "y"]}, ("a dog", "x", "y")),
    ],
)
def test_json_lines(tmp_path, key, said, captions):
    line = json.dumps({key: "sub/../dog.jpg", **said})
    assert pairs_of(tmp_path, "pairs.jsonl", f"\n{line}\r\n") == [(str(tmp_path / "dog.jpg"), captions)]


@pytest.mark.parametrize(("name", "delimiter"), [("pairs.csv", ","), ("pairs.csv", ";"), ("PAIRS.TSV", "\t")])
def test_tables(tmp_path, name, delimiter):
    table = f'\ufeffFile{delimiter}nr{delimiter}Label\nbark.wav{delimiter}1{delimiter}"a ""big"" dog"\n'
    assert pairs_of(tmp_path, name, table) == [(str(tmp_path / "bark.wav"), ('a "big" dog',))]


def test_rows_about_one_file_are_merged_in_order(tmp_path):
    table = "file,caption\nb.jpg,one\na.jpg,two\n./b.jpg,three\nb.jpg,one\nc.jpg,\n"
    found = pairs_of(tmp_path, "pairs.csv", table)
    assert found == [(str(tmp_path / "b.jpg"), ("one", "three")), (str(tmp_path / "a.jpg"), ("two",))]


def test_paths_are_relative_to_the_table_or_absolute(tmp_path, monkeypatch):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "p.csv").write_text("path,label\n../dog.jpg,dog\n/far/cat.png,cat\n")
    monkeypatch.chdir(tmp_path)
    found = read_pairs("tables/p.csv", LIMITS)
    assert found == [Pair(str(tmp_path / "dog.jpg"), ("dog",)), Pair("/far/cat.png", ("cat",))]


def test_a_line_break_sign_inside_a_caption_parts_no_lines(tmp_path):
    found = pairs_of(tmp_path, "p.jsonl", '{"file": "a.jpg", "caption": "one\u2028two"}\n')
    assert found == [(str(tmp_path / "a.jpg"), ("one\u2028two",))]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.jsonl", '{"file": "a.jpg", "caption": "a"}\n\n{"file": ', "line 3: not valid JSON"),
        ("p.jsonl", "[" * 100_000, "line 1: not valid JSON"),
        ("p.jsonl", '{"caption": "a"}', "line 1: names no picture"),
        ("p.jsonl", '["a.jpg", "a"]', "line 1: names no picture"),
        ("p.jsonl", '{"file": "a\\u0000.jpg", "caption": "a"}', "line 1: names no picture"),
        ("p.csv", "file,caption\na.jpg,a\nnotes.txt,b\n", "line 3: names no picture"),
        ("p.csv", f"file,caption\na.jpg,{'a' * 200_000}\n", "line 2: field larger"),
        ("p.csv", "file,caption\na.jpg,\n", "has no captions"),
        ("p.csv", "file,caption\n", "has no captions"),
        ("p.txt", "file,caption\na.jpg,a\n", "neither JSON lines nor a table"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(tmp_path, name, content, message):
    with pytest.raises(UsageError, match=message) as raised:
        pairs_of(tmp_path, name, content)
    assert raised.value.remedy


def test_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(pairs_module, "MAX_ROWS", 2)
    monkeypatch.setattr(pairs_module, "MAX_CAPTIONS", 1)
    table = "file,caption\na.jpg,a\na.jpg,b\n"
    assert pairs_of(tmp_path, "p.csv", table) == [(str(tmp_path / "a.jpg"), ("a",))]
    with pytest.raises(UsageError, match="more than 2 rows"):
        pairs_of(tmp_path, "p.csv", table + "a.jpg,c\n")
    with pytest.raises(MediaTooLarge):
        read_pairs(tmp_path / "p.csv", Limits(max_text_bytes=10))


def test_files_that_are_no_text(tmp_path):
    with pytest.raises(FileUnreadable):
        read_pairs(tmp_path / "missing.csv", LIMITS)
    (tmp_path / "p.csv").write_bytes(b"\0\1\2")
    with pytest.raises(MediaDamaged):
        read_pairs(tmp_path / "p.csv", LIMITS)
