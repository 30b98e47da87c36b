"""Where an index is searched: as the setting says, and by default where it is faster."""

import gc
import subprocess
import sys
from threading import Event

import faiss
import numpy as np
import pytest
from gpu_stand_in import StandInGpu

from mmsearch.errors import ConfigError
from mmsearch.normalise import unit_rows
from mmsearch.vectors.ann import device as device_module
from mmsearch.vectors.ann import gpu, gpu_install, gpu_trial
from mmsearch.vectors.ann.build import build
from mmsearch.vectors.ann.device import placed
from mmsearch.vectors.ann.gpu_install import GpuInstall
from mmsearch.vectors.faiss_index import FaissIndex
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.plan import Recipe

DIM = 16
ROWS = unit_rows(np.random.default_rng(0).standard_normal((3000, DIM)))
IDS = np.arange(3000)
BOTH = {"faiss-cpu": "1.15.1", "faiss-gpu": "1.15.1"}
CPU_ONLY = GpuInstall({"faiss-cpu": "1.15.1"}, imports=True)
USABLE = GpuInstall({"faiss-gpu": "1.15.1"}, True, True, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("index") / "ivf"
    build(made, IDS, [ROWS], Recipe("ivf-flat", "IVF16,Flat"), dim=DIM)
    return made


@pytest.fixture
def index(folder):
    return FaissIndex.load(folder, DIM)


@pytest.fixture
def stand_in(monkeypatch):
    """A GPU that works, and that is tried at once."""
    made = StandInGpu()
    made.install(monkeypatch)
    device = gpu.Device()
    monkeypatch.setattr(gpu, "the_device", lambda: device)
    monkeypatch.setattr(device_module, "_problem", lambda: USABLE.problem)
    monkeypatch.setattr(gpu_trial, "trial_failure", lambda: "")
    monkeypatch.setattr(device_module, "_PATIENCE_S", 0)
    monkeypatch.setattr(device_module, "_WORTH_TRYING", 3000)
    yield made
    device.queue.close()


def tried():
    """Wait until all trials are over."""
    for thread in list(device_module._arriving):
        thread.join()


def timed(monkeypatch, *, cpu_s, gpu_s):
    """Pretend that searches take so long."""
    monkeypatch.setattr(device_module, "_search_s", lambda index: gpu_s if on_gpu(index) else cpu_s)


def on_gpu(index):
    proposer = index._built.proposer
    return proposer is not None and proposer.max_depth > 0


def test_the_cpu_keeps_it_as_it_is(index, stand_in):
    assert placed(index, "cpu") is index
    assert stand_in.threads == set()


def test_gpu_puts_it_there_at_once_and_finds_the_same(index, stand_in):
    there = placed(index, "gpu")
    assert on_gpu(there)
    assert there.search(ROWS[5:6], 1)[0].ids.tolist() == [5]
    assert stand_in.used_bytes == 2 * ROWS.size


def test_gpu_without_room_is_an_error_that_says_what_to_do(index, stand_in):
    stand_in.memory_bytes = 100
    with pytest.raises(ConfigError, match=r"cannot be put on the GPU.*memory.*Set index.device to"):
        placed(index, "gpu")


def test_an_index_in_numpy_stays_but_gpu_still_needs_one(monkeypatch):
    flat = FlatIndex(DIM)
    monkeypatch.setattr(device_module, "_problem", lambda: USABLE.problem)
    assert placed(flat, "gpu") is flat
    assert placed(flat, "auto") is flat
    monkeypatch.setattr(device_module, "_problem", lambda: CPU_ONLY.problem)
    with pytest.raises(ConfigError, match=r"is gpu, but FAISS is installed without GPU code.*mmsearch\[gpu\]"):
        placed(flat, "gpu")


def test_another_word_is_an_error(index):
    with pytest.raises(ConfigError, match="one of auto, cpu, gpu, not 'tpu'"):
        placed(index, "tpu")


def test_auto_without_gpu_code_costs_nothing(index, monkeypatch):
    monkeypatch.delattr(faiss, "StandardGpuResources", raising=False)
    monkeypatch.setattr(device_module, "_WORTH_TRYING", 1)
    assert placed(index, "auto") is index


def test_auto_leaves_a_small_index_alone(index, stand_in, monkeypatch):
    monkeypatch.setattr(device_module, "_WORTH_TRYING", 3001)
    assert placed(index, "auto") is index


def test_auto_moves_to_a_faster_gpu_and_finds_the_same_before_and_after(index, stand_in, monkeypatch):
    go = Event()
    monkeypatch.setattr(gpu_trial, "trial_failure", lambda: go.wait() and "")
    timed(monkeypatch, cpu_s=0.002, gpu_s=0.001)
    there = placed(index, "auto")
    assert not on_gpu(there)
    before = there.search(ROWS[:50], 5)
    go.set()
    tried()
    assert on_gpu(there)
    for one, other in zip(before, there.search(ROWS[:50], 5), strict=True):
        assert one.ids[0] == other.ids[0]
        assert one.scores[0] == other.scores[0]


def test_a_fork_made_before_moves_too(index, stand_in, monkeypatch):
    timed(monkeypatch, cpu_s=0.002, gpu_s=0.001)
    fork = placed(index, "auto").fork()
    tried()
    assert on_gpu(fork)


def test_auto_stays_if_the_cpu_is_as_fast_and_frees_the_gpu(index, stand_in, monkeypatch):
    timed(monkeypatch, cpu_s=0.001, gpu_s=0.001)
    there = placed(index, "auto")
    tried()
    gc.collect()
    gpu.the_device().queue.run(lambda: None)
    assert not on_gpu(there)
    assert stand_in.used_bytes == 0


@pytest.mark.parametrize("wrong", ["trial", "memory", "none"])
def test_auto_stays_without_a_word_if_the_gpu_is_not_right(index, stand_in, monkeypatch, wrong):
    timed(monkeypatch, cpu_s=0.002, gpu_s=0.001)
    if wrong == "trial":
        monkeypatch.setattr(gpu_trial, "trial_failure", lambda: "no kernel image is available")
    if wrong == "memory":
        stand_in.memory_bytes = 100
    if wrong == "none":
        monkeypatch.setattr(device_module, "_problem", lambda: CPU_ONLY.problem)
    there = placed(index, "auto")
    tried()
    assert not on_gpu(there)
    assert there.search(ROWS[5:6], 1)[0].ids.tolist() == [5]


def test_an_index_that_is_gone_by_then_is_not_tried(index, stand_in, monkeypatch):
    monkeypatch.setattr(device_module, "_PATIENCE_S", 0.05)
    assert not on_gpu(placed(index, "auto"))
    gc.collect()
    tried()
    assert stand_in.threads == set()


def test_searches_are_timed_as_they_are_made(index):
    assert 0 < device_module._search_s(index) < 1


@pytest.mark.parametrize(
    ("install", "says", "remedy"),
    [
        (USABLE, "", ""),
        (CPU_ONLY, "without GPU code", "mmsearch[gpu]"),
        (GpuInstall(BOTH, imports=True), "replaced by faiss-cpu", "--no-deps faiss-gpu==1.15.1"),
        (GpuInstall({"faiss-gpu": "1.15.1"}, imports=False), "were removed", "--no-deps faiss-gpu==1.15.1"),
        (GpuInstall({"faiss-cpu": "1.15.1"}, imports=False), "cannot be imported", "--no-deps faiss-cpu"),
        (GpuInstall(BOTH, True, True, 0), "no GPU was found", "nvidia-smi"),
        (GpuInstall(BOTH, True, True, 2), "", ""),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy(install, says, remedy):
    problem = install.problem
    assert says in problem[0]
    assert remedy in problem[1]
    assert bool(problem[0]) == bool(says)


def test_what_is_installed_is_found(monkeypatch):
    StandInGpu().install(monkeypatch, cuvs=True)
    monkeypatch.setattr(gpu_install, "version", lambda name: {"faiss-gpu-cuvs": "1.15.1"}[name])
    monkeypatch.setattr(gpu_install, "_installed", lambda name: (name, "1.15.1") if name == "faiss-gpu-cuvs" else None)
    assert gpu_install.gpu_install() == GpuInstall({"faiss-gpu-cuvs": "1.15.1"}, True, True, 1, True)


def test_half_a_module_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", type(sys)("faiss"))
    assert not gpu_install.gpu_install().imports


def test_the_trial_compares_the_gpu_with_the_cpu(stand_in, monkeypatch):
    assert gpu_trial.main() == 0
    monkeypatch.setattr(gpu, "_HALF_ERROR", 0.0)
    assert gpu_trial.main() == 1


def test_the_trial_says_why_it_failed(monkeypatch):
    failing = subprocess.CompletedProcess([], -6, b"", b"loading\nFaiss assertion failed: no kernel image\n")
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: failing)
    assert gpu_trial.trial_failure.__wrapped__() == "Faiss assertion failed: no kernel image"
    failing.stderr = b""
    assert gpu_trial.trial_failure.__wrapped__() == "exit code -6"
    failing.returncode = 0
    assert gpu_trial.trial_failure.__wrapped__() == ""


def test_the_trial_ends(monkeypatch):
    def never(*args, timeout, **options):
        raise subprocess.TimeoutExpired("python", timeout)

    monkeypatch.setattr(subprocess, "run", never)
    assert gpu_trial.trial_failure.__wrapped__() == "it did not answer within 120 s"
