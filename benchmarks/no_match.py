"""Find the score under which the best hit is probably wrong.

    python -m benchmarks.no_match FOLDER... [--sounds FOLDER...]

Folders as for benchmarks.retrieval, indexed together. Real queries are their captions; absent ones are the lists
below: letters without meaning, and topics that photo collections do not show. Prints the best hit's score for each
kind, and the share of either that a threshold would call "no good match". The thresholds are kept in
mmsearch/encoders/builtin/encoder.py.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import mmsearch
from benchmarks.retrieval import read_pairs
from benchmarks.sounds import read_labels

NONSENSE = (
    "qwzx blorf", "asdf jkl", "xkcdq vvrt plm", "zzzzzz", "lorem ipsum dolor sit amet", "fnord grumpf tweedle",
    "1234 5678 9012", "blah blah blah", "hjkl uiop", "the of and to in", "wibble wobble frob", "aaaa bbbb cccc",
)  # fmt: skip
ABSENT = (
    "quarterly tax return for a small business", "how to reverse a linked list in python", "the meaning of life",
    "monetary policy of the central bank", "proof of the pythagorean theorem", "terms and conditions apply",
    "symptoms of vitamin d deficiency", "an argument about free will", "interest rate on my mortgage",
    "database connection timed out", "grammar rules for the subjunctive", "the French revolution of 1789",
    "quantum entanglement of two particles", "password reset instructions", "the price of crude oil yesterday",
    "a contract clause about liability", "how inflation is measured", "constitutional amendment on voting rights",
)  # fmt: skip
SIMPLE = (
    "a dog", "dog on the beach", "a man riding a bicycle", "children playing", "a red car", "a boat on the water",
    "snow covered mountain", "people at a table", "a soccer game", "a horse", "a woman in a dress", "a swimming pool",
    "a guitar player", "a baseball game", "a city street", "a boy jumping", "a bird", "two dogs running in the grass",
)  # fmt: skip
SOUNDS = (
    "a dog barking", "church bells", "rain", "somebody types on a keyboard", "a baby cries", "glass breaks", "a siren",
    "a cow moos", "a cat meows", "birds singing in the morning", "a violin", "someone plays the flute", "a snare drum",
    "a thunderstorm", "a vacuum cleaner", "footsteps on gravel", "people laughing", "a chainsaw",
    "water is poured into a glass", "an alarm clock rings", "a rooster", "a toilet is flushed", "a clock ticks",
    "a lion roars",
)  # fmt: skip


def best_scores(collection: mmsearch.Collection, queries: list[str], modality: str) -> np.ndarray:
    """Score of the best hit of each query."""
    return np.array([collection.search(query, modality=modality, k=1)[0].score for query in queries])


def report(collection: mmsearch.Collection, modality: str, kinds: dict[str, list[str]]) -> None:
    """Print the best scores of each kind of query, and what each threshold would refuse."""
    scores = {kind: best_scores(collection, queries, modality) for kind, queries in kinds.items()}
    print(f"text -> {modality}")
    for kind, values in scores.items():
        quantiles = "  ".join(f"{q:2d} %: {np.percentile(values, q):.2f}" for q in (5, 25, 50, 75, 95))
        print(f"  best score of {kind:9s} {quantiles}")
    for threshold in np.arange(0.14, 0.46, 0.02):
        below = "  ".join(f"{kind} {100 * np.mean(v < threshold):3.0f} %" for kind, v in scores.items())
        print(f"    called no match below {threshold:.2f}: {below}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--sounds", nargs="*", type=Path, default=[], help="folders as for benchmarks.sounds")
    args = parser.parse_args()
    pairs = [pair for folder in args.folders for pair in read_pairs(folder, all_captions=False)]
    sounds = [path for folder in args.sounds for path in read_labels(folder)]
    unreal = {"nonsense": list(NONSENSE), "absent": list(ABSENT)}
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as notes:
        for i, pair in enumerate(pairs):  # the captions as notes, every second left out, are the texts to search
            if i % 2:
                (Path(notes) / f"{i}.txt").write_text(pair.caption, encoding="utf-8")
        with mmsearch.open("n", home=home) as collection:
            collection.index(notes, *sorted({pair.path for pair in pairs}), *sorted(sounds), transcribe=False)
            real = {"captions": [pair.caption for pair in pairs[::2]], "simple": list(SIMPLE)}
            for modality in ("image", "text"):
                report(collection, modality, real | unreal)
            if sounds:
                report(collection, "audio", {"simple": list(SOUNDS)} | unreal)


if __name__ == "__main__":
    main()
