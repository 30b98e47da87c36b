"""What must stay true of the code as a whole."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mmsearch

PACKAGE = Path(mmsearch.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60  # without the signature, which for a command is the list of its options

SEARCH = """
import sys
import mmsearch

with mmsearch.open("photos", home=sys.argv[1]) as collection:
    (hit,) = collection.search("a dog")
    assert hit.text, hit
"""


def modules_after(program, *args):
    """The modules that a fresh process has loaded in the end, by the first part of their names."""
    program += "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    command = [sys.executable, "-c", program, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A collection of one text, embedded by the built-in model."""
    home = tmp_path_factory.mktemp("home")
    (home / "dog.txt").write_text("A dog runs along the beach.")
    with mmsearch.open("photos", home=home, model="builtin") as collection:
        assert collection.index(home / "dog.txt", workers=1).added == 1
    return home


def test_importing_mmsearch_loads_nothing_heavy():
    heavy = {"numpy", "sqlalchemy", "torch", "onnxruntime", "tokenizers", "faiss", "PIL", "typer", "rich", "alembic"}
    assert not heavy & modules_after("import mmsearch")


def test_a_builtin_search_loads_only_what_it_needs(home):
    """It re-ranks too: what reads the re-ranker's 100 kB (3 ms) is all that this may add."""
    loaded = modules_after(SEARCH, home)
    assert {"numpy", "sqlalchemy", "onnxruntime", "tokenizers", "safetensors"} <= loaded
    assert not loaded & {
        "torch",
        "open_clip",
        "alembic",
        "onnx",
        "timm",
        "PIL",
        "pooch",
        "faiss",
        "lark",
        "pathspec",
        "filelock",
        "typer",
        "rich",
        "huggingface_hub",
    }


def body_lines(tree):
    """Name and length of each function, docstring included."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name: node.end_lineno - node.body[0].lineno + 1 for node in functions}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_short(path):
    """What grows beyond this wants to be two ideas."""
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MAX_FILE_LINES
    assert {name: lines for name, lines in body_lines(ast.parse(source)).items() if lines > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_say_what_they_are_and_the_library_does_not_print(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    names = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not {"print", "input", "exit", "quit", "breakpoint", "eval", "exec"} & names


def test_no_file_is_a_junk_drawer():
    names = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "tools", "shared"}
    assert [path for path in SOURCES if path.stem in names] == []


def test_every_folder_is_a_package():
    folders = {path.parent for path in SOURCES}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []
