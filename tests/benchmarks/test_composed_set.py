"""The set of composed queries, and how a ranking is judged."""

import json

import numpy as np
import pytest

from benchmarks.composed import QUERIES, best_success, interval
from benchmarks.composed_set import ComposedQuery, Part, files_below, name_of, read_set, success


def a_query(**changes):
    given = {"kind": "text + text", "parts": (Part("text", "a dog"),), "modality": "image", "answers": frozenset("ad")}
    return ComposedQuery(**{**given, **changes})


def written(tmp_path, *rows):
    path = tmp_path / "queries.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_the_set_is_whole_and_says_nothing_twice():
    names, queries = read_set(QUERIES)
    assert len(names) == 537
    assert len(queries) >= 60
    assert len({(query.parts, query.modality) for query in queries}) == len(queries)
    assert not any(query.answers & query.doubtful for query in queries)
    assert all(any(part.argument != "negative" for part in query.parts) for query in queries)


def test_parts_have_weights_and_kinds(tmp_path):
    row = {"kind": "weights", "text": ["2:a dog"], "negative": ["snow"], "image": ["0.5:b"], "modality": "image"}
    path = written(tmp_path, {"collection": "C", "names": ["a", "b", "c"]}, row | {"answers": ["a"], "doubtful": ["c"]})
    names, (query,) = read_set(path)
    assert names == {"a", "b", "c"}
    assert query.parts == (Part("text", "a dog", 2.0), Part("negative", "snow"), Part("image", "b", 0.5))
    assert query.left_out == {"b", "c"}
    assert query.values("negative") == ["snow"]


@pytest.mark.parametrize("wrong", [{"answers": ["z"]}, {"answers": ["a"], "doubtful": ["a"]}, {"like": ["z"]}])
def test_a_query_without_a_known_answer_is_refused(tmp_path, wrong):
    row = {"kind": "k", "text": ["x"], "modality": "image", "answers": ["a"]}
    with pytest.raises(ValueError, match="wrong names or no answer"):
        read_set(written(tmp_path, {"collection": "C", "names": ["a"]}, row | wrong))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/p/000000011813.jpg", "000000011813"),
        ("/p/1000268201_693b08cb0e.jpg", "1000268201_693b08cb0e"),
        ("/s/cat__1-47819-A.ogg", "1-47819-A"),
        ("/s/1-47819-A-5.wav", "1-47819-A"),
        ("/s/lion__aslan_11.wav", "aslan_11"),
    ],
)
def test_names_are_the_same_in_any_copy_of_a_set(path, name):
    assert name_of(path) == name


def test_files_are_found_below_folders(tmp_path):
    (tmp_path / "deep").mkdir()
    for file in ("a.jpg", "deep/cow__b.wav", "deep/other.jpg"):
        (tmp_path / file).touch()
    found = files_below([tmp_path], frozenset("ab"))
    assert found == {"a": str(tmp_path / "a.jpg"), "b": str(tmp_path / "deep" / "cow__b.wav")}
    with pytest.raises(FileNotFoundError, match="1 of 2 media are not there, such as c"):
        files_below([tmp_path], frozenset("ac"))


def test_success_counts_answers_and_leaves_out_what_is_doubtful():
    query = a_query(doubtful=frozenset("x"))
    assert success(["x", "a", "b", "c", "d"], query).tolist() == [1, 1, pytest.approx((1 + 2 / 4) / 2)]
    assert success(["b", "a", "d"], query).tolist() == [0, 1, pytest.approx((1 / 2 + 2 / 3) / 2)]
    assert success([*"bcefg", "a", "d"], query).tolist() == [0, 0, pytest.approx((1 / 6 + 2 / 7) / 2)]


def test_the_best_of_several_rankings_counts():
    query = a_query(answers=frozenset("a"))
    assert best_success([["b", "a"], ["a", "b"]], query).tolist() == [1, 1, 1]


def test_an_interval_holds_the_mean_of_paired_differences():
    assert interval(np.full(7, 0.25)) == (0.25, 0.25, 0.25)
    mean, low, high = interval(np.array([0.0, 0.1] * 50))
    assert mean == pytest.approx(0.05)
    assert 0.035 < low < 0.045 < 0.055 < high < 0.065
