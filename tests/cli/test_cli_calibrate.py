import pytest

from mmsearch.cli.options import GlobalOptions
from mmsearch.gain_reports import BankReport, Interval


def report(modality, helps):
    gain = Interval(0.1, 0.05, 0.15) if helps else Interval(-0.01, -0.03, 0.02)
    return BankReport(
        modality=modality,
        queries=1_480,
        items=296,
        asked=1_475,
        others=43,
        folds=5,
        k=32,
        weight=0.5,
        before={"R@1": 0.25, "mAP": 0.4},
        after={"R@1": 0.35, "mAP": 0.5},
        difference={"R@1": gain, "mAP": gain},
        helps=helps,
        seconds=1.25,
        unknown=3,
    )


class FakeCollection:
    def __init__(self):
        self.calls = []
        self.undone = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def calibrate(self, pairs, *, queries, from_log, modality, dry_run):
        self.calls.append((pairs and str(pairs), queries and str(queries), from_log, modality, dry_run))
        return [report("image", True), report("audio", False)]

    def undo_calibrate(self):
        return self.undone


@pytest.fixture
def collection(monkeypatch):
    fake = FakeCollection()
    monkeypatch.setattr(GlobalOptions, "open", lambda self: fake)
    return fake


def test_a_pipe_gets_a_line_each(cli, collection):
    ran = cli("calibrate", "p.csv", "--queries", "q.txt", "--modality", "image,audio")
    assert collection.calls == [("p.csv", "q.txt", False, "image,audio", False)]
    assert [(each["modality"], each["helps"], each["installed"]) for each in ran.objects] == [
        ("image", True, True),
        ("audio", False, False),
    ]
    assert ran.objects[0]["difference"]["mAP"] == {"value": 0.1, "low": 0.05, "high": 0.15}
    assert "3 files with right answers are not in the collection" in ran.stderr
    assert "`mmsearch calibrate --undo` takes it back." in ran.stderr


def test_a_terminal_gets_tables_and_verdicts(cli, collection):
    ran = cli("calibrate", "--from-log", terminal=True)
    assert collection.calls == [(None, None, True, "", False)]
    assert ["R@1", "25.0%", "35.0%", "+10.0", "+5.0", "to", "+15.0"] in [
        line.split() for line in ran.stdout.splitlines()
    ]
    assert "A bank of 1,480 queries (k 32, weight 0.5), measured with 1,475 texts on 296 files" in ran.stdout
    assert "It helps: searches for image by text use it from now on." in ran.stdout
    assert "It does not help for certain, so nothing was installed." in ran.stdout


def test_a_dry_run_installs_nothing_and_says_so(cli, collection):
    ran = cli("calibrate", "p.csv", "--dry-run", terminal=True)
    assert "It helps. Nothing was installed: this was a dry run." in ran.stdout
    assert "--undo" not in ran.stderr
    assert not any(each["installed"] for each in cli("calibrate", "p.csv", "--dry-run").objects)


def test_undo(cli, collection):
    assert cli("calibrate", "--undo").objects == [{"undone": True}]
    assert "as before the last time" in cli("calibrate", "--undo", terminal=True).stdout
    collection.undone = False
    assert "nothing to undo" in cli("calibrate", "--undo", terminal=True).stdout
    assert collection.calls == []


@pytest.mark.parametrize("args", [(), ("p.csv", "--undo"), ("--from-log", "--undo"), ("--undo", "--dry-run")])
def test_calls_that_make_no_sense(cli, collection, args):
    ran = cli("calibrate", *args)
    assert ran.exit_code == 2
    assert "--undo" in ran.stderr
