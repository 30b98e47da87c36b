import pytest
from made_files import ENCODER

from mmsearch.cli.options import GlobalOptions
from mmsearch.gain_reports import Interval, RerankerReport


def report(modality, helps):
    gain = Interval(0.1, 0.05, 0.15) if helps else Interval(-0.01, -0.03, 0.02)
    return RerankerReport(
        modality=modality,
        items=296,
        queries=1480,
        others=43,
        folds=5,
        depth=100,
        weight=0.5,
        before={"R@1": 0.25, "mAP": 0.4},
        after={"R@1": 0.35, "mAP": 0.5},
        difference={"R@1": gain, "mAP": gain},
        helps=helps,
        seconds=61.25,
        unknown=3,
    )


class FakeCollection:
    def __init__(self):
        self.calls = []
        self.undone = True
        self.reports = [report("image", True), report("audio", False)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def train_reranker(self, pairs, **options):
        options.pop("on_progress")(1, 2)
        self.calls.append((str(pairs), options))
        return self.reports

    def undo_reranker(self):
        return self.undone


@pytest.fixture
def collection(monkeypatch):
    fake = FakeCollection()
    monkeypatch.setattr(GlobalOptions, "open", lambda self: fake)
    return fake


def test_a_pipe_gets_a_line_each(cli, collection):
    ran = cli("train", "reranker", "p.csv", "--modality", "image,audio", "--seed", 3, "--depth", 50, "--max-minutes", 2)
    options = {"modality": "image,audio", "dry_run": False, "depth": 50, "seed": 3, "max_minutes": 2.0}
    assert collection.calls == [("p.csv", options)]
    assert [(each["modality"], each["helps"], each["installed"]) for each in ran.objects] == [
        ("image", True, True),
        ("audio", False, False),
    ]
    assert ran.objects[0]["weight"] == 0.5
    assert "`mmsearch train reranker --undo` takes it back." in ran.stderr
    assert "3 files of the table are not in the collection" in ran.stderr


def test_a_terminal_gets_tables_and_verdicts(cli, collection):
    ran = cli("train", "reranker", "p.csv", terminal=True)
    assert ran.exit_code == 0
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert ["mAP", "40.0%", "50.0%", "+10.0", "+5.0", "to", "+15.0"] in lines
    assert "The best 100 re-ranked with weight 0.5, measured with 1,480 texts on 296 files held out" in ran.stdout
    assert "It helps: searches for image use it from now on." in ran.stdout
    assert "It does not help for certain, so nothing was installed." in ran.stdout


def test_a_dry_run_installs_nothing_and_says_so(cli, collection):
    ran = cli("train", "reranker", "p.csv", "--dry-run", terminal=True)
    assert collection.calls[0][1]["dry_run"]
    assert "It helps. Nothing was installed: this was a dry run." in ran.stdout
    assert "--undo" not in ran.stderr


def test_a_process_that_helps_another_says_nothing(cli, collection, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    collection.reports = []
    ran = cli("train", "reranker", "p.csv")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, "", "")


def test_undo(cli, collection):
    assert cli("train", "reranker", "--undo").objects == [{"undone": True}]
    assert "as before the last time" in cli("train", "reranker", "--undo", terminal=True).stdout
    collection.undone = False
    assert "nothing to undo" in cli("train", "reranker", "--undo", terminal=True).stdout
    assert collection.calls == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "either PAIRS or --undo"),
        (("p.csv", "--undo"), "either PAIRS or --undo"),
        (("--undo", "--dry-run"), "goes with neither"),
        (("--undo", "--modality", "image"), "goes with neither"),
    ],
)
def test_either_pairs_or_undo(cli, collection, args, said):
    ran = cli("train", "reranker", *args)
    assert ran.exit_code == 2
    assert said in ran.stderr


def test_status_shows_what_is_in_use(cli, own):
    from mmsearch import open as open_collection

    with open_collection("default", home=own) as collection:
        with collection._storage.writing() as shelves, shelves.catalog.write() as writer:
            kinds = [report("image", True).to_dict(), report("audio", False).to_dict()]
            report_of = {"kinds": kinds, "tokens": shelves.catalog.token_revision()}
            writer.put_reranker(b"weights", report_of)
    assert "trained, version 1: image +10.0 mAP" in cli("status", terminal=True).stdout
    (status,) = cli("status").objects
    assert status["reranker"] == {"version": 1, "gains": {"image": 0.1}, "used": True, "unused_because": ""}


def test_status_shows_the_newest_gain_of_each_kind(cli, own):
    from mmsearch import open as open_collection

    with open_collection("default", home=own) as collection, collection._storage.writing() as shelves:
        for tokens, *helped in ((ENCODER.spec.tokens, "audio"), (ENCODER.spec.tokens, "image"), ("others", "text")):
            with shelves.catalog.write() as writer:
                writer.put_reranker(b"", {"kinds": [report(kind, True).to_dict() for kind in helped], "tokens": tokens})
    assert "trained, version 2: audio +10.0 mAP, image +10.0 mAP" in cli("status", terminal=True).stdout


def keep_other_tokens(catalog):
    with catalog.write() as writer:
        writer.keep_tokens("of another model")


def keep_no_tokens(catalog):
    with catalog.write() as writer:
        writer.forget_tokens()


def damage(catalog):
    with catalog.write() as writer:
        writer._connection.exec_driver_sql("UPDATE rerankers SET weights = x'00'")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (keep_other_tokens, "the tokens were made anew by another model; train it again"),
        (keep_no_tokens, "the collection keeps no tokens now; run `mmsearch rebuild --tokens`"),
        (damage, "one is damaged; run `mmsearch verify`"),
    ],
)
def test_status_says_if_it_is_not_used_and_why(cli, own, harm, why):
    from mmsearch import open as open_collection

    with open_collection("default", home=own) as collection, collection._storage.writing() as shelves:
        with shelves.catalog.write() as writer:
            writer.put_reranker(b"weights", {"kinds": [report("image", True).to_dict()], "tokens": ENCODER.spec.tokens})
        harm(shelves.catalog)
    assert f"trained, version 1: not used, since {why}" in cli("status", terminal=True).stdout
    (status,) = cli("status").objects
    assert (status["reranker"]["used"], status["reranker"]["unused_because"]) == (False, why)
