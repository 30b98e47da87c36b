"""The public names, and that the example at the top of the package works as it stands."""

import inspect
import re
import subprocess
import sys
import textwrap

import pytest

import mmsearch
from mmsearch.testing.drawings import draw_samples

PUBLIC = [
    "AdaptReport",
    "BankReport",
    "ClickedQuery",
    "Collection",
    "DupeReport",
    "Evaluation",
    "Explanation",
    "FieldSummary",
    "FieldsReport",
    "Hit",
    "Hits",
    "IndexProgress",
    "IndexReport",
    "MmsearchError",
    "Moment",
    "Problem",
    "RerankerReport",
    "SaidField",
    "Status",
    "create",
    "open",
]
METHODS = [
    "adapt",
    "calibrate",
    "clear_log",
    "close",
    "dupes",
    "embed",
    "evaluate",
    "exists",
    "explain",
    "explain_hits",
    "export_log",
    "failures",
    "feedback",
    "fields",
    "fields_of",
    "index",
    "logged_queries",
    "note_query",
    "optimize",
    "rebuild",
    "remove",
    "search",
    "search_request",
    "searchable",
    "set_fields",
    "set_fields_from",
    "status",
    "train_reranker",
    "undo_adapt",
    "undo_calibrate",
    "undo_reranker",
    "verify",
]


def test_public_names_are_pinned():
    """A name that is taken away or renamed breaks somebody's program."""
    assert mmsearch.__all__ == PUBLIC
    assert sorted(name for name in dir(mmsearch.Collection) if not name.startswith("_")) == METHODS


def test_signatures_are_pinned():
    assert list(inspect.signature(mmsearch.open).parameters) == ["name", "home", "model"]
    assert list(inspect.signature(mmsearch.create).parameters) == ["name", "home", "model"]
    assert list(inspect.signature(mmsearch.Collection.search).parameters) == [
        "self",
        "text",
        "image",
        "audio",
        "like",
        "vector",
        "negative",
        "parts",
        "combine",
        "mode",
        "modality",
        "where",
        "sort",
        "k",
        "offset",
        "min_score",
        "group",
        "dedupe",
        "quotas",
        "explain",
        "log",
        "rerank",
        "reranker",
        "rerank_depth",
        "budget_ms",
    ]
    assert list(inspect.signature(mmsearch.Collection.index).parameters) == [
        "self",
        "paths",
        "include",
        "exclude",
        "hidden",
        "follow_symlinks",
        "dry_run",
        "transcribe",
        "tokens",
        "workers",
        "optimize",
        "on_progress",
    ]
    assert list(inspect.signature(mmsearch.Collection.optimize).parameters) == [
        "self",
        "asked",
        "max_memory",
        "max_latency_ms",
        "min_recall",
        "force",
        "on_progress",
    ]
    assert list(inspect.signature(mmsearch.Collection.embed).parameters) == ["self", "texts", "images", "sounds"]
    assert list(inspect.signature(mmsearch.Collection.adapt).parameters) == ["self", "pairs", "modality", "dry_run"]
    assert list(inspect.signature(mmsearch.Collection.explain).parameters) == ["self", "query", "item", "reranker"]
    assert list(inspect.signature(mmsearch.Collection.train_reranker).parameters) == [
        "self",
        "pairs",
        "modality",
        "dry_run",
        "depth",
        "seed",
        "max_minutes",
        "on_progress",
    ]


@pytest.mark.parametrize("name", PUBLIC)
def test_each_name_is_there_and_explained(name):
    value = getattr(mmsearch, name)
    assert inspect.getdoc(value)
    assert name in dir(mmsearch)


def test_each_name_is_the_one_that_type_checkers_see():
    """The lazy names and those under TYPE_CHECKING must be the same objects."""
    source = inspect.getsource(mmsearch)
    block = textwrap.dedent(source[source.index("if TYPE_CHECKING:\n") :].split("\n", 1)[1].split("\n\n")[0])
    eager = {}
    exec(block, eager)
    del eager["__builtins__"]
    assert sorted(eager) == PUBLIC
    assert all(eager[name] is getattr(mmsearch, name) for name in PUBLIC)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'index'"):
        mmsearch.index  # noqa: B018 - it is looked up
    assert not hasattr(mmsearch, "_anything")


def test_the_example_at_the_top_of_the_package_runs(tmp_path):
    pictures = tmp_path / "Pictures"
    pictures.mkdir()
    draw_samples(pictures)
    program = textwrap.dedent(re.search(r"\n\n((?:    .*\n|\n)+)", mmsearch.__doc__).group(1))
    assert "collection.index(" in program
    assert "collection.search(" in program
    environ = {"HOME": str(tmp_path), "MMSEARCH_HOME": str(tmp_path / "home"), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
    assert [int(rank) for rank, _, _ in lines] == list(range(1, 11))
    scores = [float(score) for _, score, _ in lines]
    assert scores == sorted(scores, reverse=True)
    assert {path.rsplit("/", 1)[0] for _, _, path in lines} == {str(pictures)}
