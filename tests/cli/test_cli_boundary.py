import errno
import os
import subprocess
import sys

import pytest

from mmsearch import errors
from mmsearch.cli import boundary, output
from mmsearch.collection import Collection


def every_error(kind=errors.MmsearchError):
    yield kind
    for child in kind.__subclasses__():
        yield from every_error(child)


@pytest.mark.parametrize("kind", tuple(every_error()), ids=lambda kind: kind.__name__)
def test_each_error_has_its_exit_code(kind, cli, shared, monkeypatch):
    def fail(*_, **__):
        raise kind("It broke.", remedy="Mend it.")

    monkeypatch.setattr(Collection, "status", fail)
    ran = cli("status")
    assert (ran.exit_code, ran.stdout, ran.stderr) == (kind.exit_code, "", "Error: It broke.\nMend it.\n")


def test_traceback_only_with_v(cli, shared, monkeypatch):
    def fail(*_, **__):
        raise errors.CollectionDamaged("It broke.")

    monkeypatch.setattr(Collection, "status", fail)
    assert "Traceback" not in cli("status").stderr
    assert "Traceback" in cli("status", "-v").stderr
    assert "Traceback" in cli("-v", "status").stderr


def test_a_bug_says_so(cli, shared, monkeypatch):
    def fail(*_, **__):
        raise KeyError("missing")

    monkeypatch.setattr(Collection, "status", fail)
    ran = cli("status")
    assert ran.exit_code == 1
    assert ran.stderr == (
        "Error: KeyError: 'missing'\nThis is a bug in mmsearch; run it again with -v to see where it happened.\n"
    )
    assert "Traceback" in cli("status", "-v").stderr


def test_ctrl_c(cli, shared, monkeypatch):
    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Collection, "search_request", fail)
    ran = cli("search", "red")
    assert ran.exit_code == 130
    assert "run the same command again to go on" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_messages_are_safe_to_show(cli):
    ran = cli("status", "-c", "evil\x1b[31m")
    assert ran.exit_code == 3
    assert "\x1b" not in ran.stderr
    assert "evil\\x1b[31m" in ran.stderr


def test_settings_that_are_wrong(cli, home):
    home.mkdir()
    (home / "mmsearch.toml").write_text("colour = 'red'\n")
    ran = cli("status")
    assert ran.exit_code == 2
    assert "colour" in ran.stderr


def test_full_disk_behind_stdout(monkeypatch):
    class Full:
        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(errors.StorageError, match="No space left"):
        output.flush()


def test_reader_that_goes_away(stored):
    """`mmsearch ... | head -1`: silent, and no error."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "mmsearch", "status", "--home", str(stored)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [bold] ünï 犬 \u200d", "plain [bold] ünï 犬 \u200d"),
        ("\x1b[2J\x07\r\n\t", "\\x1b[2J\\x07\\x0d\\x0a\\x09"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud83d", "\\ud83d"),
        ("a\u2028b\ufeff", "a\\u2028b\\ufeff"),
    ],
)
def test_printable(text, shown):
    assert output.printable(text) == shown


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (3 << 50, "3072.0 TiB")],
)
def test_size(count, words):
    assert output.size(count) == words


def test_counted():
    assert [output.counted(n, "file") for n in (0, 1, 1200)] == ["0 files", "1 file", "1,200 files"]


def test_short_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert output.short_path(str(tmp_path / "a.png")) == "a.png"
    assert output.short_path(str(tmp_path / "a.png"), tmp_path.parent) == f"{tmp_path.name}/a.png"
    assert output.short_path(str(tmp_path.parent / "a.png")) == str(tmp_path.parent / "a.png")


def test_exit_codes_of_the_boundary():
    assert (boundary.BUG, boundary.INTERRUPTED) == (1, 130)
