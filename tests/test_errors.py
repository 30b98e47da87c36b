import pickle
import re

import pytest

import mmsearch.errors as errors
from mmsearch.errors import ConfigError, MediaError, MmsearchError, StorageError, UsageError

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, MmsearchError)]
LEAVES = [cls for cls in CLASSES if not cls.__subclasses__()]
DRAWN = re.compile(r"^ *[│├└─ ]*(?P<name>\w+) +(?P<exit>\d) +(?P<http>\d{3})\b", re.MULTILINE)


def test_the_tree_in_the_docstring_is_the_tree():
    drawn = {found["name"]: (int(found["exit"]), int(found["http"])) for found in DRAWN.finditer(errors.__doc__)}
    real = {cls.__name__: (cls.exit_code, cls.http_status) for cls in CLASSES if cls is not MmsearchError}
    assert drawn == real


def test_the_branches_in_the_docstring_are_the_base_classes():
    depths = {}
    for line in errors.__doc__.splitlines():
        if found := re.match(r"^( *[│├└─ ]*)(\w+) +\d +\d{3}\b", line):
            depths[found[2]] = (len(found[1]) - 4) // 4
    assert depths == {cls.__name__: len(cls.__mro__) - 4 for cls in CLASSES if cls is not MmsearchError}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_has_its_own_code(cls):
    assert re.fullmatch(r"[a-z_]+", cls.code)
    assert [other for other in CLASSES if other.code == cls.code] == [cls]


@pytest.mark.parametrize("cls", CLASSES)
def test_exit_codes_leave_0_and_130_alone(cls):
    assert 1 <= cls.exit_code <= 9
    assert (cls.exit_code == 1) == (cls is MmsearchError)
    assert 400 <= cls.http_status < 600


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_says_what_it_means(cls):
    assert cls.__doc__
    assert "." in cls.__doc__


@pytest.mark.parametrize("cls", LEAVES)
def test_remedies_are_sentences(cls):
    assert cls.default_remedy == "" or cls.default_remedy.endswith(".")


def test_text_is_what_happened_and_what_to_do():
    assert str(StorageError("The disk is full.")).startswith("The disk is full. Free some space")
    assert str(ConfigError("No such setting.", remedy="Look again.")) == "No such setting. Look again."


def test_an_empty_remedy_replaces_the_default():
    error = UsageError("That is wrong.", remedy="")
    assert error.remedy == ""
    assert str(error) == "That is wrong."


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_cross_a_process_boundary_whole(cls, protocol):
    error = pickle.loads(pickle.dumps(cls("It broke: ünïcode.", remedy="Mend it."), protocol))
    assert type(error) is cls
    assert (error.message, error.remedy) == ("It broke: ünïcode.", "Mend it.")
    assert str(error) == "It broke: ünïcode. Mend it."
    assert error.args == ("It broke: ünïcode.",)


def test_one_except_catches_a_family():
    with pytest.raises(MediaError):
        raise errors.MediaTooLarge("Too many pixels.")
    with pytest.raises(MmsearchError):
        raise errors.WeightsDamaged("Wrong digest.")
