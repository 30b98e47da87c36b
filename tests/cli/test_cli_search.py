import json
import os

import pytest

import mmsearch
from mmsearch.cli.asking import phrases
from mmsearch.testing.media import write_image, write_text, write_wav
from mmsearch.testing.sounds import tone, write_sound


def names(paths):
    return [os.path.basename(path) for path in paths]


def test_a_pipe_gets_one_object_a_line(cli, shared, media):
    ran = cli("search", "red", "-k", "2")
    assert ran.exit_code == 0
    best, second = ran.objects
    assert (best["rank"], best["path"], best["modality"]) == (1, str(media / "red.png"), "image")
    assert best["score"] > second["score"]
    assert {"id", "start_s", "end_s", "text", "char_start", "about", "media_type", "width_px"} <= set(best)
    with mmsearch.open(home=shared) as collection:
        hits = [hit.to_dict() for hit in collection.search("red", k=2)]
        assert ran.objects == json.loads(json.dumps(hits))


def test_a_terminal_gets_a_table(cli, shared, monkeypatch, media):
    monkeypatch.chdir(media)
    ran = cli("search", "red", "-k", "1", terminal=True)
    header, row = ran.stdout.splitlines()
    assert header.split() == ["rank", "score", "id", "kind", "what"]
    assert row.split()[0] == "1"
    assert row.split()[3:] == ["image", "red.png"]


def test_json_on_a_terminal(cli, shared):
    assert cli("search", "red", "--json", terminal=True).stdout == cli("search", "red").stdout


def test_table_shows_passages_and_captions(cli, shared, monkeypatch, media):
    monkeypatch.chdir(media)
    out = cli("search", "a dog on the beach", "--modality", "text", "-k", "1", terminal=True).stdout
    assert "“A dog runs along the beach.”" in out
    assert "dog.txt" in out
    out = cli("search", "ripe lemon", "--modality", "text", "-k", "1", terminal=True).stdout
    assert "“A ripe lemon on a plate.”" in out
    assert "caption of yellow.jpg" in out


def test_words_without_quotes_are_one_phrase(cli, shared):
    assert cli("search", "a", "dog", "runs").stdout == cli("search", "a dog runs").stdout


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ((), []),
        (("a", "dog"), ["a dog"]),
        (("2:cat", "1:sofa"), ["2:cat", "1:sofa"]),
        (("a", "dog", "2:cat", "on", "a", "sofa"), ["a dog", "2:cat", "on a sofa"]),
        (("1:12:30 train",), ["1:12:30 train"]),
        (("like", "image:a.jpg", "at", "night"), ["like", "image:a.jpg", "at night"]),
    ],
)
def test_phrases(words, parts):
    assert phrases(words) == parts


def test_weights_and_not(cli, shared, media):
    heavy = cli("search", "5:red", "1:green", "-k", "1", "-f")
    assert names(heavy.stdout.splitlines()) == ["red.png"]
    without = cli("search", "red", "green", "--not", "3:red", "-k", "1", "-f")
    assert names(without.stdout.splitlines()) == ["green.png"]


def test_by_picture_and_by_item(cli, shared, media, tmp_path):
    picture = write_image(tmp_path / "other.png", "blue", (30, 30))
    assert cli("search", "--image", picture, "-k", "1").objects[0]["path"] == str(media / "blue.png")
    blue = cli("search", "blue", "-k", "1").objects[0]
    like = cli("search", "--like", blue["id"], "-k", "50").objects
    assert str(media / "blue.png") not in [hit["path"] for hit in like]
    assert cli("search", "--like", media / "blue.png", "-k", "50").objects == like


def test_modality_k_and_offset(cli, shared):
    assert {hit["modality"] for hit in cli("search", "red", "--modality", "text").objects} == {"text"}
    everything = cli("search", "red").objects
    assert len(everything) > 3
    assert cli("search", "red", "--offset", "2", "-k", "1").objects == everything[2:3]


def test_paths_are_plain_and_unique(cli, home, tmp_path):
    folder = tmp_path / "long"
    folder.mkdir()
    write_text(folder / "long.txt", "\n\n".join(f"Paragraph {n}. " + "dog " * 300 for n in range(8)))
    cli("index", folder, "--model", "hashing", "--workers", "1")
    (hit,) = cli("search", "dog", "-k", "5").objects
    assert len(hit["more"]) > 1
    assert len(cli("search", "dog", "-k", "5", "--no-group").objects) > 1
    path = os.fsencode(folder / "long.txt")
    assert cli("search", "dog", "-k", "5", "-f", "--no-group").stdout_bytes == path + b"\n"
    assert cli("search", "dog", "-k", "5", "--paths", terminal=True).stdout_bytes == path + b"\n"
    assert cli("search", "dog", "-k", "5", "-0").stdout_bytes == path + b"\0"


def test_common_options_before_and_after_the_name(cli, stored, home):
    after = cli("search", "red", "--home", stored, "-c", "default")
    before = cli("--home", stored, "-c", "default", "search", "red")
    by_path = cli("-c", stored / "default", "search", "red")
    assert after.exit_code == 0
    assert after.stdout == before.stdout == by_path.stdout
    assert cli("-c", "other", "search", "red", "--home", stored).exit_code == 3
    assert cli("-c", "other", "search", "red", "--home", stored, "-c", "default").exit_code == 0


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ((), 2, "nothing to search for"),
        (("",), 2, "empty"),
        (("--not", "red"), 2, "nothing to search for"),
        (("red", "--modality", "smell"), 2, "smell"),
        (("--like", "nowhere.jpg"), 3, "nowhere.jpg"),
        (("--image", "nowhere.jpg"), 8, "nowhere.jpg"),
        (("red", "-c", "missing"), 3, "mmsearch index"),
    ],
    ids=str,
)
def test_errors_say_what_to_do(args, code, says, cli, shared):
    ran = cli("search", *args)
    assert ran.exit_code == code
    assert ran.stdout == ""
    assert ran.stderr.startswith("Error: ")
    assert says in ran.stderr


def test_nothing_found_is_no_error(cli, shared):
    ran = cli("search", "red", "--offset", "1000")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", "Nothing found.\n")
    assert cli("search", "red", "--offset", "1000", "-q").stderr == ""
    assert cli("search", "red", "--offset", "1000", terminal=True).stdout == ""


@pytest.fixture
def hostile(tmp_path, cli, home):
    """A folder with names that a terminal or Rich could obey, indexed."""
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in (b"\x1b[31mred\x07.png", b"[bold]red[link=x].png", b"caf\xe9.png", b"line\nbreak.png"):
        source = write_image(tmp_path / "source.png", "red", (20 + len(name), 20))
        os.rename(source, os.path.join(os.fsencode(folder), name))
    write_text(folder / "evil.txt", "red \x1b]0;title\x07 [red]text[/red]\n")
    assert cli("index", folder, "--model", "hashing", "--workers", "1").objects[-1]["added"] == 5
    return folder


def test_names_reach_the_terminal_harmless(cli, hostile, monkeypatch):
    monkeypatch.chdir(hostile)
    out = cli("search", "red", terminal=True).stdout
    assert "\x1b" not in out
    assert "\x07" not in out
    for shown in ("\\x1b[31mred\\x07.png", "[bold]red[link=x].png", "caf\\xe9.png", "line\\x0abreak.png"):
        assert shown in out
    assert "[red]text[/red]" in out


def test_names_survive_json_and_paths(cli, hostile):
    ran = cli("search", "red")
    assert ran.stdout.isascii()
    assert os.fsencode(hostile) + b"/caf\xe9.png" in [os.fsencode(hit["path"]) for hit in ran.objects]
    raw = cli("search", "red", "-0").stdout_bytes.split(b"\0")
    assert os.fsencode(hostile) + b"/caf\xe9.png" in raw
    assert os.fsencode(hostile) + b"/line\nbreak.png" in raw


def test_page_of_odd_names(cli, hostile, tmp_path):
    assert cli("search", "red", "--html", tmp_path / "page.html").exit_code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "\x1b" not in page
    assert "[bold]red[link=x].png" in page


def test_preview_needs_a_terminal(cli, shared):
    ran = cli("search", "red", "-p")
    assert ran.stdout == cli("search", "red").stdout
    assert "--preview needs a terminal" in ran.stderr


@pytest.mark.filterwarnings("ignore:Image.Image.getdata:DeprecationWarning")  # textual-image with Pillow 13
def test_preview_shows_pictures(cli, shared):
    ran = cli("search", "red", "-p", "-k", "1", terminal=True)
    assert ran.exit_code == 0, ran.stderr
    assert "red.png" in ran.stdout
    assert len(ran.stdout.splitlines()) > 5


def test_preview_without_the_package(cli, shared, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "textual_image.renderable", None)
    ran = cli("search", "red", "-p", terminal=True)
    assert ran.exit_code == 6
    assert "pip install 'mmsearch[preview]'" in ran.stderr


@pytest.fixture
def sounds(tmp_path, cli, home):
    """A whistle, a hum of some length and a film that whistles, indexed."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    write_wav(folder / "whistle.wav", seconds=1, pitch_hz=2_500)
    write_wav(folder / "hum.wav", seconds=10, pitch_hz=150)
    write_sound(folder / "film.mp4", tone(2, pitch_hz=2_500))
    ran = cli("index", folder, "--model", "hashing", "--workers", "1", "--no-transcribe")
    assert (ran.objects[-1]["added"], ran.objects[-1]["segments"]) == (3, 5)
    return folder


def test_sounds_by_words(cli, sounds):
    best, second = cli("search", "high tone", "-k", "2").objects
    assert {best["path"], second["path"]} == {str(sounds / "whistle.wav"), str(sounds / "film.mp4")}
    assert {hit["modality"] for hit in (best, second)} == {"audio"}
    spans = sorted((hit["start_s"], hit["end_s"]) for hit in cli("search", "low", "-k", "3", "--no-group").objects)
    assert spans == [(0.0, 4.0), (3.0, 7.0), (6.0, 10.0)]


def test_sounds_by_sounds(cli, sounds, tmp_path):
    query = write_sound(tmp_path / "query.flac", tone(3, pitch_hz=2_450))
    assert names(cli("search", "--audio", query, "-k", "2", "-f").stdout.splitlines())[0] in {"whistle.wav", "film.mp4"}
    assert names(cli("search", "--audio", sounds / "hum.wav", "-f", "-k", "1").stdout.splitlines()) == ["hum.wav"]
    assert names(cli("search", "low", "--audio", f"0.1:{query}", "-k", "1", "-f").stdout.splitlines()) == ["hum.wav"]
    ran = cli("search", "--audio", "nowhere.wav")
    assert (ran.exit_code, ran.stdout) == (8, "")
    assert "nowhere.wav" in ran.stderr


def test_sounds_in_a_table_and_on_a_page(cli, sounds, tmp_path, monkeypatch):
    monkeypatch.chdir(sounds)
    out = cli("search", "low", "-k", "1", terminal=True).stdout
    assert "audio" in out
    assert "hum.wav" in out
    assert cli("search", "high tone", "--html", tmp_path / "page.html").exit_code == 0
    assert "whistle.wav" in (tmp_path / "page.html").read_text(encoding="utf-8")
