"""The wheel, installed where the checkout is out of sight: all that it needs at run time is in it."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import mmsearch
from mmsearch.testing.drawings import draw_samples

ROOT = Path(__file__).parents[1]

INDEX_AND_SEARCH = """
import sys
import mmsearch

assert mmsearch.__file__.startswith(sys.prefix), mmsearch.__file__
with mmsearch.create("photos") as collection:
    report = collection.index("pictures")
    assert (report.added, report.failed) == (2, 0), (report, collection.failures())
    (first, second) = collection.search("a burning candle")
    assert first.path.endswith("candle.jpg"), first
    assert first.cosine > second.cosine + 0.1
    assert collection.verify() == []
"""

MIGRATE = """
import sys
from pathlib import Path
from mmsearch.catalog import migrate

assert migrate.scripts_folder().is_relative_to(sys.prefix), migrate.scripts_folder()
path = Path("old.db")
path.touch()
migrate.upgrade(path, "0001")
assert migrate.stored_revision(path) == "0001"
migrate.upgrade(path)
assert migrate.stored_revision(path) == migrate.HEAD
"""

ENTRY_POINT = """
import sys
from importlib.metadata import entry_points

(script,) = entry_points(group="console_scripts", name="mmsearch")
sys.argv = ["mmsearch", "status", "-c", "photos", "--json"]
sys.exit(script.load()())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build it as pip would, but with the build tools of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An environment with the wheel in it; other packages are those of this environment, but not its checkout."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    names = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", vars=names))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # A path in a .pth file is searched, but the .pth files there, such as the one of the checkout, are not read.
    shared = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    (packages / "shared.pth").write_text("\n".join(sorted(shared)))
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def run(python, tmp_path_factory):
    """Run a program in that environment, in a folder with two pictures."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "pictures").mkdir()
    for path in draw_samples(folder / "pictures"):
        if path.stem not in {"candle", "clock"}:
            path.unlink()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MMSEARCH"))}
    environ["MMSEARCH_HOME"] = str(folder / "home")

    def run(program):
        command = [str(python), "-c", program]
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_wheel_holds_what_is_needed_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        "mmsearch/py.typed",
        "mmsearch/encoders/builtin/text.onnx",
        "mmsearch/encoders/builtin/image.onnx",
        "mmsearch/encoders/builtin/sound.onnx",
        "mmsearch/encoders/builtin/classes.safetensors",
        "mmsearch/encoders/builtin/sound-classes.safetensors",
        "mmsearch/encoders/builtin/image-head.safetensors",
        "mmsearch/encoders/builtin/sound-head.safetensors",
        "mmsearch/encoders/builtin/yamnet.json",
        "mmsearch/encoders/builtin/efficientnet-lite0.json",
        "mmsearch/encoders/builtin/weights/minilm.safetensors",
        "mmsearch/encoders/builtin/weights/efficientnet-lite0.pth",
        "mmsearch/encoders/builtin/weights/tokenizer.json",
        "mmsearch/encoders/builtin/weights/yamnet.ckpt",
        "mmsearch/migrations/env.py",
        "mmsearch/migrations/versions/0001_collection.py",
    } <= names
    assert not {name for name in names if "__pycache__" in name or name.endswith(".tmp")}
    assert {name.split("/")[0] for name in names} == {"mmsearch", f"mmsearch-{mmsearch.__version__}.dist-info"}


def test_it_indexes_and_searches_and_its_command_works(run):
    run(INDEX_AND_SEARCH)
    assert '"assets": 2' in run(ENTRY_POINT)


def test_it_brings_its_migrations(run):
    run(MIGRATE)
