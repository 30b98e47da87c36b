import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

import mmsearch
from mmsearch.cli import progress
from mmsearch.cli.index import summary, waiting_line
from mmsearch.errors import MmsearchError
from mmsearch.reports import IndexProgress, IndexReport
from mmsearch.testing.media import write_text


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for name in ("one", "two", "three"):
        write_text(folder / f"{name}.txt", f"This is note {name}.\n")
    write_text(folder / ".hidden.txt", "A secret.\n")
    return folder


def index(cli, *args, **options):
    return cli("index", *args, "--workers", "1", **options)


def test_index_and_index_again(cli, notes):
    ran = index(cli, notes, "--model", "hashing")
    assert ran.exit_code == 0
    (report,) = ran.objects
    assert {name: report[name] for name in ("added", "updated", "unchanged", "removed", "failed")} == {
        **{"added": 3, "updated": 0, "unchanged": 0, "removed": 0, "failed": 0}
    }
    assert report["seconds"] > 0
    write_text(notes / "one.txt", "This is another note.\n")
    (notes / "two.txt").unlink()
    (report,) = index(cli).objects
    assert (report["added"], report["updated"], report["unchanged"], report["removed"]) == (0, 1, 1, 1)


def test_summary_on_a_terminal(cli, notes):
    ran = index(cli, notes, "--model", "hashing", terminal=True)
    first, second = ran.stdout.splitlines()
    assert first.startswith("3 files read and embedded in ")
    assert second == "3 added, 0 updated, 0 unchanged, 0 removed, 0 failed"


def test_failures_and_waiting_files_are_named(cli, deaf, media, home):
    ran = cli("index", media, "--home", home, "-c", "mine", "--model", "hashing", "--workers", "1")
    (report,) = ran.objects
    assert (report["added"], report["failed"], report["waiting"]) == (7, 2, 1)
    assert "1 audio file waits for a model that takes sounds" in ran.stderr
    assert f"2 files could not be read; see `mmsearch errors --home {home} -c mine`." in ran.stderr
    assert index(cli, media, "--home", home, "-c", "quiet", "--model", "hashing", "-q").stderr == ""


def test_options_reach_the_scan(cli, notes):
    def counted(*args):
        return index(cli, notes, "--model", "hashing", "--dry-run", *args).objects[0]["added"]

    assert counted() == 3
    assert counted("--hidden") == 4
    assert counted("--exclude", "one*", "--exclude", "two*") == 1
    assert counted("--include", "t*") == 2


def test_follow_symlinks(cli, notes, tmp_path):
    links = tmp_path / "links"
    links.mkdir()
    (links / "there").symlink_to(notes)
    args = (links, "--model", "hashing", "--dry-run")
    assert index(cli, *args).objects[0]["added"] == 0
    assert index(cli, *args, "--follow-symlinks").objects[0]["added"] == 3


def test_dry_run_changes_nothing(cli, notes, home):
    ran = index(cli, notes, "--model", "hashing", "--dry-run")
    assert (ran.objects[0]["added"], ran.objects[0]["dry_run"]) == (3, True)
    assert cli("status").exit_code == 3
    assert "Nothing was done" in index(cli, notes, "--model", "hashing", "--dry-run", terminal=True).stdout


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ((), 2, "mmsearch index ~/Pictures"),
        (("/no/such/folder",), 2, "/no/such/folder does not exist"),
        ((".", "--model", "nonsense"), 6, "nonsense"),
    ],
    ids=str,
)
def test_errors(args, code, says, cli):
    ran = index(cli, *args)
    assert (ran.exit_code, ran.stdout) == (code, "")
    assert says in ran.stderr


def test_another_model_is_refused(cli, own, media):
    ran = index(cli, media, "--model", "hashing:64")
    assert ran.exit_code == 6
    assert "hashing" in ran.stderr


def test_a_folder_that_is_away_is_named(cli, notes, tmp_path):
    other = shutil.copytree(notes, tmp_path / "other")
    write_text(other / "one.txt", "Something else.\n")
    index(cli, notes, other, "--model", "hashing")
    shutil.rmtree(other)
    ran = index(cli)
    assert f"{other} is not there now" in ran.stderr
    assert (ran.objects[0]["unchanged"], ran.objects[0]["removed"]) == (3, 0)


def test_locked(cli, own, media):
    from mmsearch.files import WriterLock

    with WriterLock(own / "default").held():
        ran = index(cli, media)
    assert ran.exit_code == 4
    assert str(os.getpid()) in ran.stderr


def test_progress_lines(monkeypatch, capsys):
    now = 100.0
    monkeypatch.setattr(progress, "monotonic", lambda: now)
    lines = progress.ProgressLines()
    lines(IndexProgress(5, 4000))
    now += 10
    lines(IndexProgress(1000, 4000, failed=2))
    lines(IndexProgress(1001, 4000))
    now += 10
    lines(IndexProgress(4000, 4000))
    assert capsys.readouterr().err.splitlines() == [
        "1,000 of 4,000 files, 100 a second, 0:30 left, 2 failed",
        "4,000 of 4,000 files, 200 a second, 0:00 left",
    ]


def test_progress_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress.progress_shown(quiet=False) as on_progress:
        on_progress(IndexProgress(0, 200))
        on_progress(IndexProgress(50, 200, failed=3))
    shown = capsys.readouterr().err
    assert "50/200" in shown
    assert "3 failed" in shown


def test_summary_names_renames_and_empty_files():
    report = IndexReport(added=1200, renamed=7, waiting=2, skipped=1, encoded=1193, seconds=10.0)
    assert summary(report) == (
        "1,193 files read and embedded in 10.0 s, 119 a second.\n"
        "1,200 added (7 renamed), 0 updated, 0 unchanged, 0 removed, 0 failed, 2 waiting, "
        "1 without anything to search"
    )


def test_waiting_line():
    assert waiting_line({"audio": 3, "video": 1}) == (
        "3 audio files and 1 video file wait for a model that takes sounds, as the built-in one does."
    )
    assert waiting_line({"video": 1}).startswith("1 video file waits for")


def test_ctrl_c_keeps_what_was_finished(tmp_path, home):
    """A real process, a real signal: exit code 130, a message, and the next run goes on."""
    folder = tmp_path / "many"
    folder.mkdir()
    total = 1500
    for number in range(total):
        write_text(folder / f"{number}.txt", f"Note number {number}.\n")
    command = [sys.executable, "-m", "mmsearch", "index", str(folder), "--model", "hashing", "--workers", "1"]
    environ = os.environ | {"MMSEARCH_INGEST_BATCH_FILES": "1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        _wait_for_commits(home)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, ""), err
    assert err == "Stopped. What was finished is kept; run the same command again to go on.\n"
    with mmsearch.open("default") as collection:
        kept = collection.status().assets
        assert 0 < kept < total
        assert collection.verify() == []
        report = collection.index(workers=1)
    assert (report.unchanged, report.added) == (kept, total - kept)


def _wait_for_commits(home, timeout_s=20):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        try:
            with mmsearch.open("default", home=home) as collection:
                if collection.status().assets > 3:
                    return
        except MmsearchError:
            pass  # not made yet
        time.sleep(0.02)
    raise AssertionError("nothing was committed")
