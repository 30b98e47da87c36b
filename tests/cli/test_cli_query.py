"""What `mmsearch search` can be asked besides words: filters, lists, modes, requests, explanations."""

import json
import os

import numpy as np
import pytest

import mmsearch
from mmsearch.cli.asking import described, merged


def names(ran):
    return [os.path.basename(hit["about"] or hit["path"]) for hit in ran.objects]


def test_a_filter_without_a_query_lists_and_counts(cli, shared):
    ran = cli("search", "--where", "ext = 'png'", "--sort", "name", "-k", "2")
    assert names(ran) == ["blue.png", "green.png"]
    assert {hit["score"] for hit in ran.objects} == {1.0}
    assert "1 to 2 of 3 files." in ran.stderr
    after = cli("search", "--where", "ext = 'png'", "--sort", "name", "-k", "2", "--offset", "2")
    assert [hit["rank"] for hit in after.objects] == [3]
    assert "3 to 3 of 3 files." in after.stderr


def test_a_filter_narrows_a_query(cli, shared):
    ran = cli("search", "red", "--where", "name != 'red.png' and modality = 'image'", "-k", "9")
    assert sorted(names(ran)) == ["blue.png", "green.png", "yellow.jpg"]
    assert cli("search", "red", "--where", "size > 1GB").objects == []
    assert "Nothing found" in cli("search", "red", "--where", "size > 1GB").stderr


def test_an_error_in_a_filter_points_at_the_place(cli, shared):
    ran = cli("search", "red", "--where", "size >")
    assert ran.exit_code == 2
    assert "size >" in ran.stderr
    assert "^" in ran.stderr
    unknown = cli("search", "--where", "sise > 5MB")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "size" in unknown.stderr


def test_results_of_a_query_can_be_sorted(cli, shared):
    ran = cli("search", "red", "-k", "4", "--sort", "name", "--modality", "image")
    assert names(ran) == sorted(names(ran))
    assert [hit["rank"] for hit in ran.objects] == [1, 2, 3, 4]


def test_modes(cli, shared):
    (hit,) = cli("search", '"flour, water"', "--mode", "text").objects
    assert (os.path.basename(hit["path"]), hit["cosine"]) == ("bread.md", None)
    assert cli("search", "zeppelin", "--mode", "text").objects == []
    assert names(cli("search", "bread", "-k", "1", "--mode", "hybrid")) == ["bread.md"]
    assert all(hit["cosine"] is not None for hit in cli("search", "bread", "--mode", "vector").objects)
    ran = cli("search", "bread", "--mode", "magic")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "vector, text, hybrid" in ran.stderr


def test_an_explanation_for_a_person_and_for_a_program(cli, shared):
    shown = cli("search", "2:red", "1:a dog", "--explain", "-k", "1", terminal=True).stdout
    for expected in ("red", "a dog", "weight 2", "together"):
        assert expected in shown
    (hit,) = cli("search", "red", "--explain", "-k", "1").objects
    assert hit["explain"]["vector"]["cosine"] == hit["cosine"]
    assert "explain" not in cli("search", "red", "-k", "1").objects[0]


def test_a_profile_goes_to_stderr(cli, shared):
    ran = cli("search", "red", "--profile", "-k", "1")
    assert len(ran.objects) == 1
    assert "Milliseconds: embed" in ran.stderr
    assert "together" in ran.stderr


def test_a_request_is_a_json_object_in_a_file(cli, shared, tmp_path):
    path = tmp_path / "query.json"
    parts = [{"text": "red"}, {"text": "a dog", "weight": -0.5}]
    path.write_text(json.dumps({"parts": parts, "k": 2, "mode": "vector"}))
    ran = cli("search", "--request", path)
    with mmsearch.open(home=shared) as collection:
        hits = collection.search(["red"], negative="0.5:a dog", k=2, mode="vector")
    assert names(ran) == [os.path.basename(hit.path) for hit in hits]
    assert len(cli("search", "--request", path, "-k", "1").objects) == 1


def test_options_join_a_request(cli, shared, tmp_path):
    path = tmp_path / "query.json"
    path.write_text(json.dumps({"text": "red", "group": False, "k": 3, "modality": ["image"]}))
    joined = cli("search", "blue", "--request", path, "--explain")
    assert len(joined.objects) == 3
    assert [part["part"] for part in joined.objects[0]["explain"]["parts"]] == ["blue", "red"]


def test_options_win_over_a_request_even_if_they_say_what_is_the_default(tmp_path):
    path = tmp_path / "query.json"
    from_file = {
        "log": True, "combine": "fuse", "offset": 5, "min_score": 0.5, "group": False, "dedupe": True,
        "where": "size > 1", "image": "a.jpg", "parts": [{"text": "red"}],
    }  # fmt: skip
    path.write_text(json.dumps(from_file))
    said = {"log": False, "combine": "add", "offset": 0, "min_score": 0.0, "group": True, "dedupe": False}
    unsaid = {"where": "", "mode": None, "quotas": []}
    asked = merged({**said, **unsaid, "image": ["b.jpg"], "parts": [{"text": "blue"}]}, path)
    assert asked == {
        **from_file, **said, "image": ["a.jpg", "b.jpg"], "parts": [{"text": "red"}, {"text": "blue"}]
    }  # fmt: skip
    assert merged(dict.fromkeys(from_file), path) == from_file
    assert merged({**said, **unsaid}, None) == said


def test_a_query_that_is_not_to_be_kept_is_not_kept(cli, own, tmp_path):
    path = tmp_path / "query.json"
    path.write_text(json.dumps({"text": "red", "log": True, "offset": 1, "group": False, "combine": "fuse"}))
    ran = cli("search", "--request", path, "--no-log", "--offset", "0", "--group", "--combine", "add", "-k", "3")
    assert ran.objects == cli("search", "red", "-k", "3").objects
    assert "Noted" not in ran.stderr
    assert cli("log", "show").objects == []


def test_the_settings_say_what_is_kept_unless_the_command_does(cli, own):
    (own / "mmsearch.toml").write_text("[search]\nlog = true\n")
    assert "Noted as query 1" in cli("search", "red", "-k", "1").stderr
    assert cli("search", "red", "-k", "1", "--no-log").stderr == ""
    assert len(cli("log", "show").objects) == 1


def test_a_query_that_cannot_be_kept_is_said(cli, own):
    ran = cli("search", "red " * 4_000, "--log", "-k", "1")
    assert (ran.exit_code, len(ran.objects)) == (0, 1)
    assert "The query could not be kept: it is too long" in ran.stderr
    assert "could not be kept: a list" in cli("search", "--modality", "image", "--log").stderr
    assert "kept" not in cli("search", "red " * 4_000, "-k", "1").stderr


def test_an_explanation_cannot_speak_to_the_terminal(cli, shared, tmp_path):
    path = tmp_path / "query.json"
    path.write_text(json.dumps({"parts": [{"text": "red\x1b]0;pwned\x07"}], "explain": True, "k": 1}))
    shown = cli("search", "--request", path, terminal=True).stdout
    assert "\x1b]0" not in shown
    assert "red\\x1b]0;pwned\\x07" in shown
    assert "together" not in cli("search", "--request", path, "--no-explain", terminal=True).stdout


def test_kinds_are_a_shorthand_of_the_command_line_only(cli, shared, media):
    picture = f"image:{media / 'red.png'}"
    assert names(cli("search", picture, "-k", "1")) == names(cli("search", "--image", media / "red.png", "-k", "1"))
    assert cli("search", "image:nowhere.png").exit_code == 8
    with mmsearch.open(home=shared) as collection:
        assert len(collection.search("image:nowhere.png", negative="audio:nowhere.wav", k=1)) == 1


@pytest.mark.parametrize("option", [("--dedupe",), ("--explain",), ("--quota", "image=1")])
def test_a_list_refuses_what_only_a_query_can_do(cli, shared, option):
    ran = cli("search", "--where", "ext = 'png'", *option)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "A list without a query" in ran.stderr
    assert len(cli("search", "--where", "ext = 'png'", "--min-score", "0.5", "--no-group").objects) == 3


def test_a_page_says_what_was_asked_for():
    asked = {"parts": [{"text": "cat", "weight": 2}, {"text": "dog", "weight": -1}], "image": "a.jpg", "where": "x = 1"}
    assert described(asked) == ["2:cat", "not dog", "image a.jpg", "where x = 1"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"k": "5"}', '{"texts": "red"}', "[" * 100_000])
def test_a_request_that_is_none_is_refused(cli, shared, tmp_path, content):
    path = tmp_path / "query.json"
    path.write_text(content)
    ran = cli("search", "--request", path)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert cli("search", "--request", tmp_path / "gone.json").exit_code == 2


def test_a_vector_in_a_file(cli, shared, tmp_path, media):
    with mmsearch.open(home=shared) as collection:
        np.save(tmp_path / "v.npy", collection.embed(images=media / "red.png"))
    assert names(cli("search", "--vector", tmp_path / "v.npy", "-k", "1")) == ["red.png"]
    assert cli("search", "--vector", media / "red.png").exit_code == 2


def test_parts_of_all_kinds_can_be_unwanted(cli, shared, media):
    ran = cli("search", "a picture", "--not", f"image:{media / 'red.png'}", "--not", f"0.5:item:{media / 'blue.png'}")
    assert ran.exit_code == 0
    assert "blue.png" not in names(ran)  # items are left out


def test_quotas_and_scores_limit_the_list(cli, shared):
    ran = cli("search", "red", "-k", "9", "--quota", "image=1", "--quota", "text=2")
    kinds = [hit["modality"] for hit in ran.objects]
    assert (kinds.count("image"), kinds.count("text")) == (1, 2)
    everything = cli("search", "red", "-k", "9").objects
    good = cli("search", "red", "-k", "9", "--min-score", "0.5").objects
    assert good == [hit for hit in everything if hit["score"] >= 0.5]
    assert 0 < len(good) < len(everything)
    assert cli("search", "red", "--quota", "image").exit_code == 2
    assert cli("search", "red", "--min-score", "1.5").exit_code == 2


def test_fused_parts(cli, shared):
    ran = cli("search", "2:red", "1:green", "--combine", "fuse", "-k", "2", "--modality", "image")
    assert names(ran)[0] == "red.png"
    assert all(hit["cosine"] is None for hit in ran.objects)


def test_a_query_is_noted_on_request(cli, own):
    ran = cli("search", "red", "--log", "-k", "1")
    assert "Noted as query 1" in ran.stderr
    assert "Noted" not in cli("search", "red", "-k", "1").stderr
    assert len(cli("log", "show").objects) == 1


def test_a_weight_that_has_no_effect_is_pointed_out(cli, shared):
    assert "write '1:12:30 train'" in cli("search", "12:30 train").stderr
    assert "weight" not in cli("search", "2:red", "1:green").stderr
    assert "weight" not in cli("search", "1:12:30 train").stderr


def test_an_unwanted_part_is_not_wanted_by_two_minuses(cli, shared):
    ran = cli("search", "red", "--not", "-0.5:green")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "above 0" in ran.stderr


def test_a_page_behind_the_end_of_a_list(cli, shared):
    ran = cli("search", "--where", "ext = png", "--offset", "50")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "The list has 3 files" in ran.stderr
