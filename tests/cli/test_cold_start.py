"""What is slow to import stays out until it is needed."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "open_clip", "timm", "alembic"}
PROGRAM = """
import sys
def loaded(): return sorted(set(sys.argv[1].split(",")) & set(sys.modules))
{program}
print("LOADED", *loaded(), file=sys.stderr)
"""
RUN = """
sys.argv[1:], forbidden = sys.argv[2:], sys.argv[1]
from mmsearch.cli.app import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
sys.argv = [sys.argv[0], forbidden]
"""


def loaded(program, forbidden, *args):
    command = [sys.executable, "-c", PROGRAM.format(program=program), ",".join(forbidden), *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[-1].split()[1:], done.stdout


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    import mmsearch

    folder = tmp_path_factory.mktemp("cold")
    (folder / "dog.txt").write_text("A dog runs along the beach.\n")
    with mmsearch.open("default", home=folder / "home", model="builtin") as collection:
        collection.index(folder / "dog.txt")
    return folder / "home"


def test_import_is_light():
    assert loaded("import mmsearch", HEAVY | {"numpy", "sqlalchemy", "typer", "PIL"}) == ([], "")


def test_help_is_light():
    names, out = loaded(RUN, HEAVY | {"numpy", "sqlalchemy", "onnxruntime", "faiss", "PIL"}, "--help")
    assert names == []
    assert "Usage: mmsearch" in out


def test_builtin_search_is_light(indexed):
    names, out = loaded(RUN, HEAVY | {"PIL", "rich.table"}, "search", "a dog", "--home", indexed)
    assert names == []
    assert '"path"' in out
