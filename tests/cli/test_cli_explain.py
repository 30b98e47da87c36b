import pytest
from PIL import Image
from two_colours import halves, write_tones

import mmsearch
from mmsearch.testing.media import write_image, write_text


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    """A picture that is red and blue, tones of which one is high, and a note."""
    folder = tmp_path_factory.mktemp("looked")
    write_image(folder / "halves.png", halves())
    write_tones(folder / "tones.wav", 200, 200, 2_000, 200, 200)
    write_text(folder / "note.txt", "A dog runs along\n\n\tthe \x1b[31mred beach.")
    with mmsearch.open("default", home=folder / "home", model="hashing") as collection:
        collection.index(folder, workers=1, exclude=["home"])
    return folder


@pytest.fixture(autouse=True)
def home(looked, monkeypatch):
    monkeypatch.setenv("MMSEARCH_HOME", str(looked / "home"))
    monkeypatch.setenv("COLUMNS", "200")


def test_json_of_a_picture(cli, looked):
    ran = cli("explain", "red", "and", "blue", looked / "halves.png")
    (found,) = ran.objects
    assert ran.exit_code == 0
    assert (found["query"], found["path"], found["modality"]) == ("red and blue", str(looked / "halves.png"), "image")
    assert [word["word"] for word in found["words"]] == ["red", "and", "blue"]
    assert found["words"][0]["cells"] == [[1, 1, 0, 0]] * 4
    assert found["words"][0]["regions"] == [{"left": 0, "top": 0, "right": 60, "bottom": 60, "share": 1.0}]
    assert found["frame"] == {"width_px": 120, "height_px": 60, "covered": [0, 0, 120, 60]}
    assert not {"spans", "parts", "content_hash"} & {*found, *found["words"][0]}
    by_id = cli("explain", "red and blue", found["id"], "--json").objects
    assert by_id == [found]


def test_table_of_a_picture(cli, looked):
    text = cli("explain", "red and blue", looked / "halves.png", terminal=True).stdout
    assert "image, cosine 0." in text
    assert "as maxsim sees it" in text
    lines = text.splitlines()
    red = next(place for place, line in enumerate(lines) if line.startswith("red "))
    assert "left, 50% of the picture" in lines[red]
    assert [line.split()[-1] for line in lines[red : red + 4]] == ["████····"] * 4
    assert lines.index(next(line for line in lines if line.startswith("and "))) > red  # little words come last


def test_table_of_a_sound(cli, looked):
    text = cli("explain", "high", looked / "tones.wav", terminal=True).stdout
    line = next(line for line in text.splitlines() if line.startswith("high "))
    assert "100%" in line
    assert "0:04-0:06" in line
    assert line.split()[-1].count("█") >= 2


def test_table_of_a_note_shows_its_words_safely(cli, looked):
    text = cli("explain", "red dog", looked / "note.txt", terminal=True).stdout
    assert next(line for line in text.splitlines() if line.startswith("dog ")).split()[2] == "dog"
    assert "A dog runs along\n\n" in text
    assert "the \\x1b[31mred beach." in text
    assert "\x1b[31m" not in text


def test_what_was_found_nowhere_says_so(cli, looked):
    text = cli("explain", "dog", looked / "tones.wav", "--reranker", "maxsim", terminal=True).stdout
    assert "nowhere in particular" in cli("explain", "!?", looked / "halves.png", terminal=True).stdout
    assert "dog" in text


def test_many_words_are_cut_short(cli, looked):
    words = [f"word{place}" for place in range(20)]
    text = cli("explain", *words, looked / "halves.png", terminal=True).stdout
    assert "and 8 weaker words" in text


def test_picture_is_drawn(cli, looked, tmp_path):
    ran = cli("explain", "red", looked / "halves.png", "-o", tmp_path / "heat.png")
    assert ran.exit_code == 0
    assert len(ran.objects) == 1
    assert "Wrote" in ran.stderr
    with Image.open(tmp_path / "heat.png") as image:
        assert (image.format, image.height) == ("PNG", 174)
    assert cli("explain", "red", looked / "halves.png", "-o", tmp_path / "again.png", "-q").stderr == ""


@pytest.mark.parametrize(
    ("item", "output", "code", "told"),
    [
        ("halves.png", "heat.jpg", 2, "written as PNG"),
        ("note.txt", "heat.png", 2, "Leave out -o"),
        ("halves.png", "nowhere/heat.png", 7, "there is no folder"),
        ("gone.png", "heat.png", 3, "not in the collection"),
    ],
)
def test_what_cannot_be_drawn(cli, looked, tmp_path, item, output, code, told):
    ran = cli("explain", "red", looked / item, "-o", tmp_path / output)
    assert (ran.exit_code, ran.stdout) == (code, "")
    assert told in ran.stderr
    assert not (tmp_path / output).exists()


def test_the_item_is_not_written_over(cli, looked):
    before = (looked / "halves.png").read_bytes()
    ran = cli("explain", "red", looked / "halves.png", "-o", looked / "halves.png")
    assert ran.exit_code == 2
    assert (looked / "halves.png").read_bytes() == before


@pytest.mark.parametrize(
    ("given", "code"), [(("", "1"), 2), (("red", "999"), 3), (("red", "1", "--reranker", "none"), 6), (("red",), 2)]
)
def test_wrong_calls(cli, given, code):
    assert cli("explain", *given).exit_code == code
