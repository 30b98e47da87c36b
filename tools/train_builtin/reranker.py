"""Train the built-in re-ranker on the captioned pictures, and write it with its card.

    python -m tools.train_builtin.reranker --cache FOLDER

Takes some minutes on one core. FOLDER is that of tools.train_builtin.images. A tenth of the subjects of each source is
held out, to be measured on. What comes out lies half-way between a model that only looks for each word's best places
and the trained one, and takes photos for what pictures have in common: what is learned from clip art alone misleads on
photos. Source: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (WiSE-FT), section 3.

Sounds are re-ranked with what pictures taught. Our captioned recordings teach the wrong thing: the vectors of sounds
were fitted to them, so that looking closer seems to harm there, while it helps with sounds that are new.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from mmsearch.adapt.metrics import ALL_METRICS
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.rerankers.builtin import FILE
from mmsearch.rerankers.fusion import KINDS
from mmsearch.rerankers.fusion_model import FusionModel, to_bytes
from mmsearch.training.batches import padded
from mmsearch.training.judging import Exam, logits_of
from mmsearch.training.learner import Learner, Recipe, Subject
from mmsearch.training.lessons import Course, Flags
from mmsearch.training.material import Material
from mmsearch.training.repeatable import repeatable
from mmsearch.training.team import Team
from mmsearch.types import Modality
from tools.train_builtin.reranking import materials
from tools.train_builtin.reranking.materials import CLIP_ART, EMOJI, PHOTOS

SEED = 20_240_311
STEPS, DEPTH, HELD_SHARE = 600, 100, 0.1
HALF = 0.5
TIMES = {PHOTOS: 6, CLIP_ART: 1, EMOJI: 1}  # photos are few here, and what most people have
WEIGHTS: dict[Modality, float] = {"image": 1.0, "audio": 1.0}  # beside the first stage
RECIPE = Recipe(few_rate=0.05, alone=0, rate=1e-3)
TEAM = Team(0, 1, torch.device("cpu"))
MAX_TEXTS = 500  # of a source are measured

Figures = dict[str, dict[str, dict[str, float]]]


def main() -> None:
    """Embed, train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="where fetched packages are kept")
    rebuild(parser.parse_args().cache)


def rebuild(cache: Path) -> None:
    """Make the re-ranker anew from the packages, which are fetched into `cache`."""
    courses = {name: Course.of(each, DEPTH) for name, each in materials.read(cache, BuiltinEncoder()).items()}
    held = {name: held_out(course.material) for name, course in courses.items()}
    with repeatable(SEED):
        model = half_way(train(courses, held), courses[PHOTOS].material)
    write(model, courses, measure(model, courses, held))


def held_out(material: Material) -> Flags:
    """Mark the files (m,) that are only measured on: whole subjects, so that no copy in another style is known."""
    group = material.examples.group
    subjects = np.random.default_rng(SEED).permutation(np.unique(group))
    return np.isin(group, subjects[: round(HELD_SHARE * len(subjects))])


def train(courses: dict[str, Course], held: dict[str, Flags]) -> FusionModel:
    """Train on what is not held out."""
    subjects = [
        Subject(course.material, course.lessons(~held[name]))
        for name, course in courses.items()
        for _ in range(TIMES[name])
    ]
    learner = Learner(subjects, RECIPE, SEED, TEAM)
    for done in range(0, STEPS, 100):
        learner.train(100)
        print(f"{done + 100} of {STEPS} steps", flush=True)
    return learner.model


@torch.no_grad()  # type: ignore[untyped-decorator]
def half_way(model: FusionModel, photos: Material) -> FusionModel:
    """Halve what was learned of the projections and the words, centre cells on photos, and let sounds in too."""
    for parameter in (model.ask.up, model.offer.up, model.word_weight):
        parameter.mul_(HALF)
    image, audio = KINDS.index("image"), KINDS.index("audio")
    model.gate[audio] = model.gate[image]
    tokens, mask = padded(photos.tokens, model.config.dim)
    model.token_centre[image] = F.normalize(torch.from_numpy(tokens[mask]), dim=-1).mean(dim=0)
    return model


def measure(model: FusionModel, courses: dict[str, Course], held: dict[str, Flags]) -> Figures:
    """Measure searches for what was held out, among itself, before and after; in percent."""
    figures: Figures = {}
    for name, course in courses.items():
        exam = Exam.of(course, held[name], np.zeros_like(held[name]), MAX_TEXTS)
        after = exam.after(logits_of(model, exam, TEAM.device), WEIGHTS[course.material.modality])
        figures[name] = {"before": _means(exam.before()), "after": _means(after)}
        print(name, figures[name], flush=True)
    return figures


def write(model: FusionModel, courses: dict[str, Course], figures: Figures) -> None:
    """Write the re-ranker where it is installed, and its card beside it."""
    data = to_bytes(model, WEIGHTS)
    path = Path(str(FILE))
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    print(f"{path.name}: {len(data)} bytes; set its SHA-256 in mmsearch/rerankers/builtin.py:\n{digest}")
    card = {
        "what": "fusion re-ranker (mmsearch/rerankers/fusion_model.py) for the built-in model",
        "made_by": "python -m tools.train_builtin.reranker",
        "sha256": digest,
        "tokens": BuiltinEncoder().spec.tokens,
        "seed": SEED,
        "steps": STEPS,
        "trained_on": {name: _sizes(course) | {"times": TIMES[name]} for name, course in courses.items()},
        "sources": "those of mmsearch/encoders/builtin/image-head.json, with licences and credits",
        "remark": "Sizes and sharpness of the model were chosen while looking at Flickr8k and COCO photos, on which it "
        "was never trained.",
        "metrics": {"captions search what was held out, percent": figures},
    }
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def _sizes(course: Course) -> dict[str, int]:
    return {"files": course.material.examples.rows.items, "captions": len(course.material.examples.texts)}


def _means(values: np.ndarray) -> dict[str, float]:
    means: Sequence[float] = (100 * values.mean(axis=0)).round(1).tolist()
    return dict(zip(ALL_METRICS, means, strict=True))


if __name__ == "__main__":
    main()
