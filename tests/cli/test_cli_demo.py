"""The first thing that a person sees, with the real built-in model."""

import pytest

from mmsearch.cli import samples


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


def test_demo_finds_what_it_shows(cli, kept):
    ran = cli("demo", "--keep", kept)
    assert ran.exit_code == 0, ran.stderr
    blocks = [block.splitlines() for block in ran.stdout.split("\n$ mmsearch search '")[1:]]
    best = {command.partition("'")[0]: row for command, _, row, *_ in blocks}
    assert "balloon.jpg" in best["a hot-air balloon"]
    assert "tomatoes" in best["vegetables in the garden"]
    if samples._copy_photos(kept):
        assert "coffee.png" in best["a cup of coffee"]
        assert "chelsea.png" in best["a cat"]
    assert "waves.wav" in best["waves on a beach"]
    assert "telephone.wav" in best["a ringing telephone"]
    assert ran.stdout.endswith("  mmsearch index ~/Pictures\n  mmsearch search 'a dog on the beach'\n")


def test_kept_demo_can_be_searched_on(cli, kept):
    args = ("--home", kept / "home", "-c", "demo")
    (hit,) = cli("search", "a red umbrella", *args, "-k", "1").objects
    assert hit["path"] == str(kept / "samples" / "umbrella.jpg")
    ran = cli("search", "the trial balance of a bankrupt bank", "--modality", "image", *args)
    assert ran.exit_code == 0
    assert "No good match: the best score is " in ran.stderr
    assert cli("search", "a hot-air balloon", "--modality", "image", *args).stderr == ""


def test_samples_without_scikit_image(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "find_spec", lambda _: None)
    monkeypatch.setattr(samples, "draw_samples", lambda _: {})
    assert samples.write_samples(tmp_path / "new") == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "allotment.txt",
        "minutes.md",
        "siren.wav",
        "telephone.wav",
        "waves.wav",
        "whistle.wav",
    }
