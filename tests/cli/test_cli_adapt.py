import pytest

from mmsearch.cli.options import GlobalOptions
from mmsearch.gain_reports import AdaptReport, Interval


def report(modality, helps):
    gain = Interval(0.1, 0.05, 0.15) if helps else Interval(-0.01, -0.03, 0.02)
    return AdaptReport(
        modality=modality,
        items=296,
        queries=1480,
        others=43,
        folds=5,
        strength=3.0,
        before={"R@1": 0.25, "mAP": 0.4},
        after={"R@1": 0.35, "mAP": 0.5},
        difference={"R@1": gain, "mAP": gain},
        helps=helps,
        seconds=1.25,
    )


class FakeCollection:
    def __init__(self):
        self.calls = []
        self.undone = ["audio", "image"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def adapt(self, pairs, *, modality=(), dry_run=False):
        self.calls.append((str(pairs), modality, dry_run))
        return [report("image", True), report("audio", False)]

    def undo_adapt(self):
        return self.undone


@pytest.fixture
def collection(monkeypatch):
    fake = FakeCollection()
    monkeypatch.setattr(GlobalOptions, "open", lambda self: fake)
    return fake


def test_a_pipe_gets_a_line_each(cli, collection):
    ran = cli("adapt", "p.csv", "--modality", "image,audio")
    assert collection.calls == [("p.csv", "image,audio", False)]
    assert [(each["modality"], each["helps"], each["installed"]) for each in ran.objects] == [
        ("image", True, True),
        ("audio", False, False),
    ]
    assert ran.objects[0]["difference"]["mAP"] == {"value": 0.1, "low": 0.05, "high": 0.15}
    assert "`mmsearch adapt --undo` takes it back." in ran.stderr


def test_a_terminal_gets_tables_and_verdicts(cli, collection):
    ran = cli("adapt", "p.csv", terminal=True)
    assert ran.exit_code == 0
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert ["R@1", "25.0%", "35.0%", "+10.0", "+5.0", "to", "+15.0"] in lines
    assert ["mAP", "40.0%", "50.0%", "-1.0", "-3.0", "to", "+2.0"] in lines
    assert "1,480 texts on 296 files held out in 5 parts, among 43 other files" in ran.stdout
    assert "It helps: searches for image use it from now on." in ran.stdout
    assert "It does not help for certain, so nothing was installed." in ran.stdout


def test_a_dry_run_installs_nothing_and_says_so(cli, collection):
    ran = cli("adapt", "p.csv", "--dry-run", terminal=True)
    assert collection.calls == [("p.csv", "", True)]
    assert "It helps. Nothing was installed: this was a dry run." in ran.stdout
    assert "--undo" not in ran.stderr
    assert not any(each["installed"] for each in cli("adapt", "p.csv", "--dry-run").objects)


def test_undo(cli, collection):
    assert cli("adapt", "--undo").objects == [{"undone": ["audio", "image"]}]
    assert "Searches for audio and image are as before" in cli("adapt", "--undo", terminal=True).stdout
    collection.undone = []
    assert "nothing to undo" in cli("adapt", "--undo", terminal=True).stdout
    assert collection.calls == []


@pytest.mark.parametrize("args", [(), ("p.csv", "--undo")])
def test_either_pairs_or_undo(cli, collection, args):
    ran = cli("adapt", *args)
    assert ran.exit_code == 2
    assert "either PAIRS or --undo" in ran.stderr
