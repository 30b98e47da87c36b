import re
import subprocess
import sys
from pathlib import Path

import pytest

from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.errors import DependencyMissing, ModelError, ModelNotFound, UsageError
from mmsearch.registry import BUILTIN_ENCODERS, EXTRAS, encoder_names, make_encoder
from mmsearch.testing import encoder_contract

GUIDE = Path(__file__).parents[1] / "docs" / "add-an-encoder.md"
EXAMPLE = re.search(r"<!-- example.*?-->\n```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[1]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Lay out a package as an installer would: a module and the entry points that name it."""
    monkeypatch.syspath_prepend(tmp_path)

    def lay_out(package, code, **names):
        (tmp_path / f"{package}.py").write_text(code, encoding="utf-8")
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {package}:{target}" for name, target in names.items()]
        (info / "entry_points.txt").write_text("\n".join(["[mmsearch.encoders]", *lines, ""]))
        monkeypatch.delitem(sys.modules, package, raising=False)

    yield lay_out
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def letters(install):
    install("letters_plugin", EXAMPLE, letters="LettersEncoder")


def test_built_in_names_come_first():
    assert encoder_names()[: len(BUILTIN_ENCODERS)] == ["builtin", "hashing", "open_clip"]


def test_built_in_names_are_strings_to_modules_that_exist():
    root = Path(__file__).parents[1]
    for target in BUILTIN_ENCODERS.values():
        module, _, attribute = target.partition(":")
        source = (root / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
        assert f"class {attribute}" in source


def test_extras_are_those_of_the_package():
    pyproject = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert EXTRAS <= set(BUILTIN_ENCODERS)
    assert all(re.search(rf"^{extra} = \[", pyproject, re.MULTILINE) for extra in EXTRAS)


def test_a_name_makes_an_encoder():
    encoder = make_encoder("hashing")
    assert isinstance(encoder, HashingEncoder)
    assert make_encoder("hashing") is not encoder


@pytest.mark.parametrize(("model", "dim"), [("hashing", 256), ("hashing:", 256), ("hashing:64", 64)])
def test_what_follows_the_colon_is_the_argument(model, dim):
    assert make_encoder(model).spec.space.dim == dim


def test_only_the_first_colon_parts(install):
    install("echo_plugin", "class Echo:\n    def __init__(self, text):\n        self.text = text\n", echo="Echo")
    assert make_encoder("echo:C:\\models:1").text == "C:\\models:1"


@pytest.mark.parametrize(
    "model", ["", ":", "unknown", "Hashing", "hashing ", "mmsearch.encoders.hashing:HashingEncoder"]
)
def test_an_unknown_name_is_answered_with_the_known_ones(model):
    with pytest.raises(ModelNotFound, match="builtin, hashing, open_clip"):
        make_encoder(model)


def test_an_argument_that_is_needed(install):
    install("echo_plugin", "class Echo:\n    def __init__(self, text):\n        self.text = text\n", echo="Echo")
    with pytest.raises(UsageError, match="'echo:ARGUMENT', with an argument"):
        make_encoder("echo")


def test_an_argument_that_is_not_taken(letters):
    with pytest.raises(UsageError, match="'letters', without an argument"):
        make_encoder("letters:x")


def test_a_third_party_is_listed_and_made(letters):
    assert encoder_names() == [*BUILTIN_ENCODERS, "letters"]
    assert make_encoder("letters").spec.space.model == "letters"


@pytest.mark.parametrize("check", encoder_contract.CHECKS, ids=lambda check: check.__name__)
def test_the_example_in_the_guide_keeps_the_contract(letters, check):
    check(lambda: make_encoder("letters"))


def test_the_example_in_the_guide_finds_the_like(letters):
    vectors = make_encoder("letters").encode_texts(["Abba", "abba", "xyz"], "query")
    assert vectors[0].tolist() == vectors[1].tolist()
    assert vectors[0] @ vectors[2] == 0


def test_two_packages_with_one_name_are_an_error(install):
    for package in ("one_plugin", "other_plugin"):
        install(package, EXAMPLE, letters="LettersEncoder")
    with pytest.raises(ModelNotFound, match="Two packages offer an encoder named 'letters'"):
        make_encoder("letters")
    with pytest.raises(ModelNotFound, match="Uninstall one of them"):
        encoder_names()


def test_a_built_in_name_cannot_be_taken_over(install):
    install("thief_plugin", EXAMPLE, hashing="LettersEncoder")
    with pytest.raises(ModelNotFound, match="'hashing'"):
        encoder_names()
    assert isinstance(make_encoder("hashing"), HashingEncoder)


def test_a_third_party_is_not_imported_before_it_is_asked_for(install):
    install("bomb_plugin", "raise RuntimeError('imported')", bomb="Bomb")
    assert "bomb" in encoder_names()
    assert isinstance(make_encoder("hashing"), HashingEncoder)


def test_a_package_that_is_missing_is_named(install):
    install("needy_plugin", "import no_such_package.part", needy="Needy")
    with pytest.raises(DependencyMissing, match="no_such_package") as caught:
        make_encoder("needy")
    assert caught.value.remedy == "Try: pip install no_such_package."


def test_an_entry_point_that_names_nothing_is_a_model_error(install):
    install("empty_plugin", "", empty="Nothing")
    with pytest.raises(ModelError, match=r"'empty' is broken: .*Nothing"):
        make_encoder("empty")


@pytest.mark.parametrize("package", ["torch", "open_clip"])
def test_open_clip_without_its_packages_names_the_extra(monkeypatch, tmp_path, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DependencyMissing, match=package) as caught:
        make_encoder(f"open_clip:{tmp_path}")
    assert caught.value.remedy == "Install it with: pip install 'mmsearch[open_clip]'."


def test_the_registry_loads_no_heavy_library():
    code = (
        "import sys, mmsearch.registry as r; r.encoder_names(); r.make_encoder('hashing');"
        "import mmsearch.encoders.open_clip;"
        "print(sorted({'torch', 'open_clip', 'onnxruntime', 'faiss', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
