"""How well labels find sounds, and sounds their label."""

import json
from pathlib import Path

import numpy as np

from benchmarks.sounds import average_precision
from mmsearch.config import Limits
from mmsearch.encoders.builtin.sound_head import SoundHead
from mmsearch.media.opening import open_regular
from mmsearch.media.sound_sources import sound_from
from mmsearch.normalise import unit_rows
from mmsearch.types import AudioInput, Vectors
from tools.train_builtin.hearing.examples import Examples, embed
from tools.train_builtin.hearing.recordings import LONGEST_S, RATE_HZ
from tools.train_builtin.synth.clips import Clip

KS = (1, 5, 10)
Scores = dict[str, float]


def read_gallery(folder: Path) -> Examples:
    """Embed labelled sounds: a folder with a manifest.jsonl whose lines name a `file` and its `label`."""
    limits, wanted = Limits().for_machine(workers=1), AudioInput(RATE_HZ, window_s=LONGEST_S)
    clips = []
    for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        with open_regular(folder / entry["file"]) as file:
            wave = sound_from(file.read(), limits, wanted)[0]
        clips.append(Clip(wave, (entry["label"],), folder.name, entry["label"]))
    return embed(clips)


def corrected(examples: Examples, head: SoundHead) -> Vectors:
    """Return the unit vectors (n, 384) that the head makes of sounds."""
    return unit_rows(head.correct(examples.base, head.features(examples.pooled)))


def scores(vectors: Vectors, examples: Examples) -> Scores:
    """Measure labels as searches, and as answers.

    Returns:
        In percent: mAP and R@k of the different labels, each searching all sounds; and top-1, how many sounds are
        nearest to their own label.
    """
    labels, place = np.unique(examples.label, return_inverse=True)
    queries = unit_rows(examples.targets[np.unique(place, return_index=True)[1]])
    cosines = queries @ vectors.T
    right = place == np.arange(len(labels))[:, None]
    ranked = np.take_along_axis(right, np.argsort(-cosines, axis=1, kind="stable"), axis=1)
    found = {
        "mAP": float(average_precision(cosines, right).mean()),
        **{f"R@{k}": float(ranked[:, :k].any(axis=1).mean()) for k in KS},
        "top-1": float(np.mean(cosines.argmax(axis=0) == place)),
    }
    return {name: round(100 * value, 1) for name, value in found.items()} | {"sounds": len(vectors)}
