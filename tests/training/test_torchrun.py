"""Several processes train one model, over gloo on this machine."""

import json
import subprocess
import sys

import pytest
from made_material import __file__ as made_material
from test_train_reranker import write_pictures

import mmsearch
from mmsearch.encoders.hashing import HashingEncoder

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
EQUAL_MODELS = """
import sys
from pathlib import Path

sys.path.insert(0, str(Path(sys.argv[1]).parent))
from made_material import World
import numpy as np, torch
from torch import distributed
from mmsearch.training.learner import Learner, Recipe, Subject
from mmsearch.training.lessons import Course
from mmsearch.training.repeatable import repeatable
from mmsearch.training.team import joined

with joined() as team, repeatable(3):
    material = World(0).material(files=20)
    lessons = Course.of(material, 10).lessons(np.ones(20, np.bool_))
    learner = Learner([Subject(material, lessons)], Recipe(pairs=4), 3, team)
    own = next(learner._endless())[1].tolist()
    learner.train(3)
    flat = torch.cat([each.detach().reshape(-1) for each in learner.model.parameters()])
    all_models, all_lots = [None, None], [None, None]
    distributed.all_gather_object(all_models, flat.tolist())
    distributed.all_gather_object(all_lots, own)
    told = team.agree(7.5 if team.leads else 1.0)
    if team.leads:
        print(all_models[0] == all_models[1], not set(all_lots[0]) & set(all_lots[1]), told, team.size)
"""


def run(*args):
    done = subprocess.run([*TORCHRUN, *map(str, args)], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_models_stay_equal_on_different_pairs(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(EQUAL_MODELS)
    assert run(script, made_material) == ["True True 7.5 2"]


@pytest.mark.slow
def test_the_first_process_alone_writes_and_prints(tmp_path):
    pairs = write_pictures(tmp_path)
    with mmsearch.open("patches", home=tmp_path / "home", model=HashingEncoder(64)) as collection:
        collection.index(tmp_path, include="*.png", workers=1)
    command = ["train", "reranker", pairs, "--home", tmp_path / "home", "-c", "patches", "--max-minutes", 0.2]
    (line,) = run("-m", "mmsearch", *command)
    report = json.loads(line)
    assert (report["modality"], report["folds"], report["helps"], report["installed"]) == ("image", 5, True, True)
    with mmsearch.open("patches", home=tmp_path / "home") as collection:
        assert collection.status().reranker.version == 1
