"""Names of re-rankers; what they share with those of encoders is tested in tests/test_registry.py."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from mmsearch import registry
from mmsearch.errors import DependencyMissing, ModelNotFound, UsageError
from mmsearch.registry import BUILTIN_RERANKERS, RERANKER_EXTRAS, check_reranker_name, make_reranker, reranker_names
from mmsearch.rerankers.maxsim import MaxSimReranker

ROOT = Path(__file__).parents[2]


@pytest.fixture
def third_party(monkeypatch):
    """Let packages offer re-rankers."""

    def offer(*entries):
        made = [EntryPoint(name, target, registry.RERANKER_GROUP) for name, target in entries]
        monkeypatch.setattr(registry, "entry_points", lambda *, group: made if group == registry.RERANKER_GROUP else [])

    return offer


def test_built_in_names_come_first():
    assert reranker_names()[:4] == ["builtin", "maxsim", "blip", "cross_encoder"]


@pytest.mark.parametrize("target", BUILTIN_RERANKERS.values())
def test_built_in_names_are_strings_to_modules_that_exist(target):
    module, _, attribute = target.partition(":")
    assert f"class {attribute}" in (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")


def test_the_extra_is_one_of_the_package():
    assert set(RERANKER_EXTRAS) <= set(BUILTIN_RERANKERS)
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f"\n{extra} = [" in pyproject for extra in set(RERANKER_EXTRAS.values()))


def test_a_name_makes_a_re_ranker():
    assert isinstance(make_reranker("maxsim"), MaxSimReranker)


def test_an_unknown_name_is_answered_with_the_known_ones():
    for refuse in (make_reranker, check_reranker_name):
        with pytest.raises(ModelNotFound, match=r"no re-ranker 'psychic'; known: builtin, maxsim, blip, cross_encoder"):
            refuse("psychic:x")


def test_arguments_are_those_that_the_class_takes(third_party):
    with pytest.raises(UsageError, match="re-ranker is to be named 'maxsim', without an argument"):
        make_reranker("maxsim:x")
    third_party(("spelled", "builtins:ord"))
    assert make_reranker("spelled:x") == ord("x")
    with pytest.raises(UsageError, match="'spelled:ARGUMENT', with an argument"):
        make_reranker("spelled")


def test_third_parties_are_listed_and_made(third_party):
    third_party(("mine", "mmsearch.rerankers.maxsim:MaxSimReranker"))
    assert reranker_names() == [*BUILTIN_RERANKERS, "mine"]
    assert isinstance(make_reranker("mine"), MaxSimReranker)
    check_reranker_name("mine:argument")


def test_two_with_one_name_are_an_error(third_party):
    third_party(("mine", "a:A"), ("mine", "b:B"))
    with pytest.raises(ModelNotFound, match="Two packages offer a re-ranker named 'mine'"):
        reranker_names()
    third_party(("maxsim", "a:A"))
    with pytest.raises(ModelNotFound, match="Two packages offer a re-ranker named 'maxsim'"):
        reranker_names()


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "mmsearch.rerankers.blip", None)  # as if it could not be imported
    with pytest.raises(DependencyMissing) as caught:
        make_reranker("blip:/somewhere")
    assert "The re-ranker 'blip' cannot be imported" in caught.value.message
    assert caught.value.remedy == "Try: pip install 'mmsearch[rerankers]'."
