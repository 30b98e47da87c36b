"""Measure what the built-in model writes down: word errors, speed, and how often five spoken words find their clip.

    python -m benchmarks.speech FOLDER

The folder holds sounds of up to 30 s and a `manifest.jsonl` with lines {"file": "a.wav", "transcript": "..."}; those
whose "transcript_quality" begins with "approximate" are searched among, but not counted. One thread.

Word error rate: edit distance in words over all clips, by the words in all transcripts, in lower case and without
punctuation; and with numbers spelled out on both sides, for "15th" is no error for "fifteenth" (Radford et al. 2022,
appendix C). Retrieval: every five consecutive words of a transcript are a query. All utterances of all clips are
searched through their MiniLM vectors, and the query's own clip must be first.
"""

import argparse
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmsearch.config import Limits
from mmsearch.encoders.builtin.patches import RATE_HZ
from mmsearch.encoders.builtin.speech import SpeechModel, passages
from mmsearch.encoders.builtin.text import TextModel
from mmsearch.media.audio import open_sound
from mmsearch.normalise import unit_rows
from mmsearch.types import Utterance, Waveform

QUERY_WORDS = 5
ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth"}


@dataclass(frozen=True)
class Clip:
    """A sound, what is said in it, and whether its transcript is good enough to count errors by."""

    wave: Waveform
    transcript: str
    counts: bool


def read_clips(folder: Path) -> list[Clip]:
    """Read a manifest and decode its sounds."""
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        Clip(
            decode(folder / row["file"]),
            row["transcript"],
            not row.get("transcript_quality", "good").startswith("approximate"),
        )
        for row in rows
    ]


def decode(path: Path) -> Waveform:
    """Read a sound as mmsearch does."""
    with open(path, "rb") as file, open_sound(file, Limits().for_machine(workers=1), RATE_HZ) as sound:
        return np.concatenate(list(sound))


def words(text: str, *, spell: bool = False) -> list[str]:
    """Split into words in lower case without punctuation; on request numbers of up to four digits are spelled out."""
    text = text.lower()
    if spell:
        text = re.sub(r"\b(\d{1,4})(st|nd|rd|th)?\b", lambda found: spelled(int(found[1]), bool(found[2])), text)
    return re.sub(r"[^\w\s']", "", re.sub(r"[-\u2013\u2014]", " ", text)).split()


def spelled(number: int, ordinal: bool) -> str:
    """Spell a number as it is read aloud; four digits are taken for a year."""
    if number < 20:
        said = ONES[number]
    elif number < 100:
        said = TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")
    elif number < 1000 or not number // 100 % 10:
        unit, name = (100, "hundred") if number < 1000 else (1000, "thousand")
        said = f"{ONES[number // unit]} {name}" + (f" {spelled(number % unit, False)}" if number % unit else "")
    else:
        said = f"{spelled(number // 100, False)} " + (spelled(number % 100, False) if number % 100 else "hundred")
    if not ordinal:
        return said
    before, _, last = said.rpartition(" ")
    return f"{before} {ORDINALS.get(last) or last.removesuffix('y') + ('ieth' if last.endswith('y') else 'th')}".strip()


def errors(expected: Sequence[str], found: Sequence[str]) -> int:
    """Count the words to insert, delete or replace (Levenshtein 1966)."""
    row = list(range(len(found) + 1))
    for i, word in enumerate(expected, start=1):
        above, row = row, [i]
        for j, other in enumerate(found, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (word != other)))
    return row[-1]


def error_rate(clips: Sequence[Clip], texts: Sequence[str], *, spell: bool) -> float:
    """Word error rate over the clips that count."""
    pairs = [
        (words(clip.transcript, spell=spell), words(text, spell=spell))
        for clip, text in zip(clips, texts, strict=True)
        if clip.counts
    ]
    return sum(errors(*pair) for pair in pairs) / sum(len(expected) for expected, _ in pairs)


def found_first(clips: Sequence[Clip], said: Sequence[Sequence[Utterance]]) -> list[list[bool]]:
    """For each clip that counts, whether it comes first for its queries, from the first words to the last."""
    model = TextModel()
    owners = np.array([number for number, utterances in enumerate(said) for _ in utterances])
    vectors = unit_rows(model.encode([each.text for utterances in said for each in utterances]))
    results = []
    for number, clip in enumerate(clips):
        if clip.counts:
            spoken = clip.transcript.split()
            starts = range(max(1, len(spoken) - QUERY_WORDS + 1))
            queries = [" ".join(spoken[start : start + QUERY_WORDS]) for start in starts]
            best = owners[(unit_rows(model.encode(queries)) @ vectors.T).argmax(axis=1)]
            results.append([owner == number for owner in best])
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--texts", action="store_true", help="print what was said and what was written down")
    args = parser.parse_args()
    clips = read_clips(args.folder)
    model = SpeechModel()
    model.words(clips[0].wave)  # the first one takes longer
    started = time.process_time()
    heard = [model.words(clip.wave) for clip in clips]
    seconds = time.process_time() - started
    texts = ["".join(word.text for word in each) for each in heard]
    said = [passages(each) for each in heard]
    for clip, text in zip(clips, texts, strict=True):
        if args.texts:
            print(f"said:    {clip.transcript}\nwritten:{text}")
    length_s = sum(len(clip.wave) for clip in clips) / RATE_HZ
    found = found_first(clips, said)
    hits = [hit for clip in found for hit in clip]
    print(f"{len(clips)} clips, {length_s:.0f} s; {len(found)} count; {sum(map(len, said))} utterances")
    print(f"word error rate {100 * error_rate(clips, texts, spell=False):.1f} % as written")
    print(f"word error rate {100 * error_rate(clips, texts, spell=True):.1f} % with numbers spelled out")
    print(f"{length_s / seconds:.1f} times as fast as speech (CPU time)")
    print(f"five words find their clip: {100 * np.mean(hits):.1f} % of {len(hits)} queries")
    print(f"  mean over clips {100 * np.mean([np.mean(clip) for clip in found]):.1f} %")
    for place, index in (("first", 0), ("last", -1)):
        print(f"  the {place} five words of each {100 * np.mean([clip[index] for clip in found]):.1f} %")


if __name__ == "__main__":
    main()
