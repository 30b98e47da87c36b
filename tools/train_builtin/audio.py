"""Train the head of the sound model: fetch the packages, make the synthetic sounds, fit, measure, write.

    python -m tools.train_builtin.audio --cache FOLDER [--sounds FOLDER...]

Each sound is heard twice, as it is and through a random room and microphone. Takes some twenty minutes on one core and
needs the extra `train`. Folders given by --sounds hold labelled sounds (a
manifest.jsonl with `file` and `label`) that are measured on and never trained on; the card then says what recordings
and synthetic sounds bring there, each alone and together.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmsearch.encoders.builtin.sound_head import SoundHead
from mmsearch.encoders.builtin.weights import MINILM, SOUND_CLASSES, TOKENIZER, YAMNET
from tools.train_builtin.heads import write_card, write_head
from tools.train_builtin.hearing import recordings
from tools.train_builtin.hearing.examples import Examples, embed
from tools.train_builtin.hearing.fit import Fit, fit_head
from tools.train_builtin.hearing.measure import Scores, corrected, read_gallery, scores
from tools.train_builtin.synth.augment import augment
from tools.train_builtin.synth.clips import HERE as SYNTH
from tools.train_builtin.synth.clips import Clip, synthetic

SEED = 20_240_311
SYNTHETIC_KINDS = {
    "procedural": "tools/train_builtin/synth/generators_*.py, Apache-2.0",
    "espeak-ng": "speech made with eSpeak NG; only its output is used",
}
Metrics = dict[str, dict[str, Scores]]


def main() -> None:
    """Fetch, train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="where fetched packages are kept")
    parser.add_argument("--sounds", type=Path, nargs="*", default=[], help="labelled sounds to measure on")
    arguments = parser.parse_args()
    rebuild(arguments.cache, arguments.sounds)


def rebuild(cache: Path, folders: Sequence[Path]) -> None:
    """Make the head anew from the packages, which are fetched into `cache`, and measure it on labelled sounds."""
    real = embed(twice(recordings.recorded(cache), SEED))
    made = embed(twice(synthetic(SEED, cache), SEED + 1))
    train(real, made, {folder.name: read_gallery(folder) for folder in folders})


def twice(clips: Iterable[Clip], seed: int) -> Iterator[Clip]:
    """Yield each sound as it is, and as through a random room and microphone."""
    for number, clip in enumerate(clips):
        yield clip
        yield replace(clip, wave=augment(clip.wave, np.random.default_rng([seed, number])))


def train(real: Examples, made: Examples, galleries: dict[str, Examples]) -> None:
    """Fit on recordings, synthetic sounds, kinds of these, and all; measure; write what all gave."""
    procedural = made.source == "procedural"
    parts = {
        "recordings": [real],
        "procedural": [made.of(procedural)],
        "instruments, speech": [made.of(~procedural)],
        "all but procedural": [real, made.of(~procedural)],
        "the head": [real, made],
    }
    fits = {name: fit_head(joined(part), SEED) for name, part in parts.items()}
    metrics = measure(galleries, {name: fit.head for name, fit in fits.items()})
    digest = write_head(fits["the head"].head)
    card = _card(digest, joined([real, made]), fits["the head"], metrics)
    write_card(fits["the head"].head, card)


def joined(parts: Iterable[Examples]) -> Examples:
    """Return the sounds of all parts as one."""
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Examples(*(np.concatenate(column) for column in columns))


def measure(galleries: dict[str, Examples], heads: dict[str, SoundHead]) -> Metrics:
    """Measure each gallery alone, and all of them as one, without a head and with each."""
    if len(galleries) > 1:
        galleries = galleries | {"all of these in one gallery": joined(galleries.values())}
    metrics: Metrics = {}
    for name, gallery in galleries.items():
        metrics[name] = {"without a head": scores(gallery.base, gallery)}
        metrics[name] |= {said: scores(corrected(gallery, head), gallery) for said, head in heads.items()}
        for said, values in metrics[name].items():
            print(f"{name:30}{said:22}" + "".join(f"{key:>8} {value:5}" for key, value in values.items()))
    return metrics


def _card(digest: str, examples: Examples, fit: Fit, metrics: Metrics) -> dict[str, object]:
    counts = Counter({name: views // 2 for name, views in Counter(examples.source.tolist()).items()})
    return {
        "what": "sound head: features of 256 from YAMNet's 1024, and a ridge correction of the vector; float16",
        "made_by": "python -m tools.train_builtin.audio",
        "sha256": digest,
        "made_with": {file.name: file.sha256 for file in (MINILM, TOKENIZER, YAMNET, SOUND_CLASSES)},
        "seed": SEED,
        "strength": fit.strength,
        "recordings": [_package(name, entry, counts) for name, entry in recordings.entries().items()],
        "recordings_in_detail": "tools/train_builtin/sounds/*.tsv: captions, licence and credit of each",
        "synthetic": [
            {"source": name, "sounds": counts[name], "licence": _licence(name)}
            for name in sorted(set(counts) - set(recordings.entries()))
        ],
        "remark": "While the generators were written, their spectrograms were compared with ESC-50 recordings of the "
        "same kinds; no such recording was trained on.",
        "metrics": {"labels search sounds, percent, sounds never trained on": metrics},
    }


def _licence(source: str) -> str:
    """Say under what terms a kind of synthetic sounds was made, and by whom."""
    if source in SYNTHETIC_KINDS:
        return SYNTHETIC_KINDS[source]
    packages = json.loads((SYNTH / "packages_synth.json").read_text(encoding="utf-8"))
    entry = packages[{"flite": "libflite1"}.get(source, source)]
    return f"{entry['licence']}: {entry['credit']}"


def _package(name: str, entry: dict[str, str], counts: Counter[str]) -> dict[str, object]:
    licences = sorted({row.licence for row in recordings.read_rows(name)})
    said = ("registry", "version", "sha256", "about", "credit")
    return {"package": name, "sounds": counts[name], "licences": licences} | {key: entry[key] for key in said}


if __name__ == "__main__":
    main()
