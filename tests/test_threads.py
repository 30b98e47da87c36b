"""Numbers of threads, spinning, and that nothing but `mmsearch.threads` sets either."""

import ast
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

import mmsearch
from mmsearch import threads
from mmsearch.encoders.hashing import HashingEncoder

ROOT = Path(__file__).parents[1]
HOME_OF_THREADS = ROOT / "mmsearch" / "threads.py"
PACKAGE = sorted((ROOT / "mmsearch").rglob("*.py"))
ALL = sorted(path for folder in ("mmsearch", "tests", "benchmarks", "tools") for path in (ROOT / folder).rglob("*.py"))
FORK_ON_PURPOSE = {
    Path(__file__),  # names what it looks for
    ROOT / "tests" / "crash" / "kill_at_moments.py",  # hundreds of children, from a process that has run no threads
    ROOT / "tests" / "vectors" / "fuzz_structure.py",  # each change in a child, which FAISS may end
    ROOT / "tests" / "vectors" / "test_gpu_queue.py",  # what happens to a user who forks
}

# ---- what nobody else may do ----

SETTERS = {
    *("set_num_threads", "set_num_interop_threads", "omp_set_num_threads", "set_tune_threads", "threadpool_limits"),
    *("intra_op_num_threads", "inter_op_num_threads", "distance_compute_blas_threshold"),
}
NUMBERS = {"cpu_threads", "intra_threads", "inter_threads", "num_threads"}
VARIABLES = ("NUM_THREADS", "GOMP_", "OMP_WAIT", "KMP_", "THREAD_TIMEOUT", "TOKENIZERS_PARALLELISM", "allow_spinning")


def docstrings(tree):
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    return {id(node.body[0].value) for node in nodes if node.body and isinstance(node.body[0], ast.Expr)}


def thread_settings(source):
    """What a source sets of the threads of libraries, by names, numbers and variables of the environment."""
    tree = ast.parse(source)
    spoken = docstrings(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name) if name in SETTERS:
                yield name
            case ast.keyword(arg=name, value=ast.Constant()) if name in NUMBERS:
                yield name
            case ast.Constant(value=str(text)) if id(node) not in spoken:
                yield from (variable for variable in VARIABLES if variable in text)


def forks(source):
    """What a source does that forks, or may: `multiprocessing` and its pools do, unless told to spawn."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="os" | "pty"), attr="fork" | "forkpty" as name):
                yield name
            case ast.ImportFrom(module="os" | "pty", names=names):
                yield from (each.name for each in names if each.name in {"fork", "forkpty"})
            case ast.Import(names=names):
                yield from (each.name for each in names if may_fork(each.name))
            case ast.ImportFrom(module=str(module), names=names):
                yield from (each.name for each in names if may_fork(module) and each.name not in SPAWNS)
            case ast.Attribute(attr="multiprocessing"):
                yield "multiprocessing"
            case ast.Call() if called(node) == "get_context":
                yield from () if [getattr(each, "value", None) for each in node.args] == ["spawn"] else ("get_context",)
            case ast.Call() if called(node) == "ProcessPoolExecutor":
                yield from () if "mp_context" in {each.arg for each in node.keywords} else ("ProcessPoolExecutor",)
            case ast.keyword(arg="preexec_fn"):
                yield "preexec_fn"


SPAWNS = {"get_context", "connection", "resource_tracker"}


def called(node):
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def may_fork(module):
    return "multiprocessing" in module.split(".") and module != "multiprocessing.connection"


@pytest.mark.parametrize("path", [path for path in PACKAGE if path != HOME_OF_THREADS], ids=str)
def test_threads_are_set_in_one_place(path):
    assert list(thread_settings(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", [path for path in ALL if path not in FORK_ON_PURPOSE], ids=str)
def test_nothing_forks(path):
    assert list(forks(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "torch.set_num_threads(2)",
        "from torch import set_num_threads",
        "options.intra_op_num_threads = 4",
        "faiss.cvar.distance_compute_blas_threshold = 1",
        "WhisperModel('base', cpu_threads=4)",
        "os.environ['OMP_NUM_THREADS'] = '1'",
        "env = {'GOMP_SPINCOUNT': '0'}",
        "options.add_session_config_entry('session.intra_op.allow_spinning', '1')",
    ],
)
def test_the_search_for_settings_finds_them(source):
    assert list(thread_settings(source))


@pytest.mark.parametrize(
    "source",
    [
        "os.fork()",
        "from os import fork",
        "import multiprocessing",
        "import multiprocessing.pool as pool",
        "import torch.multiprocessing",
        "from multiprocessing import Process",
        "from multiprocessing.pool import Pool",
        "from multiprocessing import get_context, Pool",
        "get_context('fork')",
        "get_context()",
        "ProcessPoolExecutor(2)",
        "concurrent.futures.ProcessPoolExecutor(2)",
        "torch.multiprocessing.spawn(work)",
        "subprocess.run(command, preexec_fn=work)",
    ],
)
def test_the_search_for_forks_finds_them(source):
    assert list(forks(source))


@pytest.mark.parametrize(
    "source",
    [
        "index.fork()",
        "from multiprocessing.connection import Pipe",
        "ProcessPoolExecutor(1, mp_context=get_context('spawn'))",
        "build(threads=2)",
    ],
)
def test_the_searches_leave_alone_what_is_none(source):
    assert [*forks(source), *thread_settings(source)] == []


# ---- numbers ----


@pytest.mark.parametrize(
    ("asked", "search", "build"),
    [(None, 1, 6), ("", 1, 6), ("4", 4, 4), (" 3 ", 3, 3), ("4,2", 4, 4), ("0", 1, 6), ("-2", 1, 6), ("many", 1, 6)],
)
def test_the_user_decides(monkeypatch, asked, search, build):
    monkeypatch.setattr(threads, "machine_cores", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert (threads.search_threads(), threads.build_threads()) == (search, build)


@pytest.mark.parametrize("asked", [None, "3"])
def test_a_session_has_as_many_threads_as_a_search_and_none_spins(monkeypatch, asked):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    options = onnxruntime.SessionOptions()
    threads.set_up_session(options)
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (int(asked or 1), 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.get_session_config_entry("session.inter_op.allow_spinning") == "0"


# ---- the environment ----


@pytest.fixture
def environ(monkeypatch):
    """An environment in which nobody has said anything about threads."""
    plain = {name: value for name, value in os.environ.items() if not any(each in name for each in VARIABLES)}
    monkeypatch.setattr(os, "environ", plain)
    return plain


def test_a_command_sets_only_what_the_user_did_not(environ):
    environ["OPENBLAS_NUM_THREADS"] = "2"
    threads.set_up_command()
    assert environ["OPENBLAS_NUM_THREADS"] == "2"
    assert environ["MKL_NUM_THREADS"] == "1"
    assert (environ["GOMP_SPINCOUNT"], environ["OMP_WAIT_POLICY"]) == ("0", "PASSIVE")
    assert "OMP_NUM_THREADS" not in environ, "it is the user's, and read when an index is built"


def test_numpy_takes_what_the_user_says_to_all(environ):
    environ["OMP_NUM_THREADS"] = "3"
    threads.set_up_command()
    assert environ["OPENBLAS_NUM_THREADS"] == "3"


def test_a_worker_has_one_core_whatever_the_user_says(environ):
    environ |= {"OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": "8", "HOME": "/here"}
    found = threads.worker_environment()
    assert {found[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")} == {"1"}
    assert found["TOKENIZERS_PARALLELISM"] == "false"
    assert found["HOME"] == "/here"
    assert environ["OMP_NUM_THREADS"] == "8"


def run(program, environ, *args):
    done = subprocess.run([sys.executable, "-c", program, *map(str, args)], env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


COMMAND = """
import sys, os
from mmsearch.cli.app import main
assert "numpy" not in sys.modules, "it has read the environment already"
sys.argv = ["mmsearch", "--version"]
try:
    main()
except SystemExit:
    pass
import numpy
numpy.ones((500, 500)) @ numpy.ones((500, 500))
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="Linux tells of threads there")
def test_in_a_command_numpy_starts_no_threads(environ):
    assert run(COMMAND, environ)[-1] == "1"


LIBRARY = """
import os, sys
before = dict(os.environ)
import mmsearch
from mmsearch.encoders.hashing import HashingEncoder
with mmsearch.open("photos", home=sys.argv[1], model=HashingEncoder("64")) as collection:
    collection.index(sys.argv[2])
    assert collection.search("dog")
print(*set(os.environ.items()) ^ set(before.items()))
"""


def test_the_library_leaves_the_environment_alone(environ, tmp_path):
    (tmp_path / "dog.txt").write_text("A dog runs along the beach.")
    assert run(LIBRARY, environ, tmp_path / "home", tmp_path / "dog.txt") == []


# ---- FAISS ----


@pytest.fixture
def faiss():
    import faiss

    threshold, number = faiss.cvar.distance_compute_blas_threshold, faiss.omp_get_max_threads()
    yield faiss
    faiss.cvar.distance_compute_blas_threshold = threshold
    faiss.omp_set_num_threads(number)


def test_a_search_has_one_thread_and_the_caller_gets_its_own_back(faiss, environ):
    faiss.omp_set_num_threads(3)
    with threads.searching(faiss, 8):
        assert faiss.omp_get_max_threads() == 1
    assert faiss.omp_get_max_threads() == 3
    with pytest.raises(ZeroDivisionError), threads.searching(faiss, 8):
        raise ZeroDivisionError
    assert faiss.omp_get_max_threads() == 3


def test_a_build_has_all_cores_and_searches_beside_it_have_one(faiss, environ, monkeypatch):
    monkeypatch.setattr(threads, "machine_cores", lambda: 5)
    seen = []

    def search():
        with threads.searching(faiss, 8):
            seen.append(faiss.omp_get_max_threads())

    faiss.omp_set_num_threads(2)
    with threads.building(faiss):
        beside = threading.Thread(target=search)
        beside.start()
        beside.join()
        assert faiss.omp_get_max_threads() == 5
    with threads.building(faiss, 4):
        assert faiss.omp_get_max_threads() == 4
    assert faiss.omp_get_max_threads() == 2
    assert seen == [1]


def stand_in(threshold):
    """As much of FAISS as is set up."""
    cvar = SimpleNamespace(distance_compute_blas_threshold=threshold)
    return SimpleNamespace(cvar=cvar, omp_get_max_threads=lambda: 1, omp_set_num_threads=lambda _: None)


@pytest.mark.parametrize(("found", "left"), [(128_000, 4 * 384), (20, 20), (7_777, 7_777)])
def test_a_threshold_of_another_meaning_or_of_somebody_else_is_left_alone(found, left):
    module = stand_in(found)
    for _ in range(2):
        with threads.searching(module, 384):
            assert module.cvar.distance_compute_blas_threshold == left


def test_collections_of_several_dimensions_share_one_process():
    module = stand_in(128_000)
    for dim in (384, 512, 384):
        with threads.searching(module, dim):
            assert module.cvar.distance_compute_blas_threshold == 4 * dim


def test_batches_of_four_take_blas_and_fewer_queries_do_not(faiss):
    """BLAS adds up in another order, so the last bits of the scores tell which way was taken."""
    if faiss.cvar.distance_compute_blas_threshold in (20, 1):
        pytest.skip("this FAISS counts queries")
    faiss.omp_set_num_threads(1)  # or BLAS would add up in a third order
    dim, random = 384, np.random.default_rng(0)
    index = faiss.IndexFlatIP(dim)
    index.add(random.standard_normal((2000, dim), dtype=np.float32))
    queries = random.standard_normal((8, dim), dtype=np.float32)

    def scores(count, threshold):
        faiss.cvar.distance_compute_blas_threshold = threshold
        return index.search(queries[:count], 50)[0]

    for count in (1, 2, 3, 4, 8):
        one_by_one, by_blas = scores(count, 1 << 30), scores(count, 1)
        assert not np.array_equal(one_by_one, by_blas)
        faiss.cvar.distance_compute_blas_threshold = 128_000
        with threads.searching(faiss, dim):
            found = index.search(queries[:count], 50)[0]
        assert np.array_equal(found, by_blas if count >= 4 else one_by_one)


# ---- many searches at once ----

WORDS = "amber bridge candle dragon ember forest garden harbour island jungle kettle lantern meadow north".split()


def test_searches_at_once_answer_as_one_by_one(tmp_path):
    random = np.random.default_rng(0)
    for number in range(8):
        lines = [" ".join(random.choice(WORDS, 9)) + "." for _ in range(400)]
        (tmp_path / f"{number}.txt").write_text("\n\n".join(lines))
    queries = [" ".join(random.choice(WORDS, 2)) for _ in range(12)]
    with mmsearch.open("notes", home=tmp_path / "home", model=HashingEncoder("64")) as collection:
        assert collection.index(tmp_path, exclude=["home"]).added == 8
        expected = [collection.search(query) for query in queries]
    with mmsearch.open("notes", home=tmp_path / "home") as collection, ThreadPoolExecutor(8) as pool:
        start = threading.Barrier(8)

        def ask(first):
            start.wait()
            return [collection.search(query) for query in queries[first:] + queries[:first]]

        for first, found in zip(range(8), pool.map(ask, range(8)), strict=True):
            assert found == expected[first:] + expected[:first]
    assert len({hits[0].score for hits in expected}) > 5
