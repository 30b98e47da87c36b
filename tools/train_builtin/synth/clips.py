"""All synthetic sounds as one deterministic stream, and the program that writes them to disk.

    python -m tools.train_builtin.synth.clips --cache FOLDER --out FOLDER          # samples to listen to
    python -m tools.train_builtin.synth.clips --cache FOLDER --out FOLDER --all    # everything, for the trainer

FOLDER of the cache holds the packages of `packages_synth.json`, as `tools.train_builtin.fetch` puts them there.
"""

import argparse
import json
import wave as wavefile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import numpy as np

from mmsearch.types import Waveform
from tools.train_builtin.fetch import fetch, read_packages
from tools.train_builtin.synth import music
from tools.train_builtin.synth.dsp import RATE, Rng
from tools.train_builtin.synth.generators import GENERATORS
from tools.train_builtin.synth.registry import finish
from tools.train_builtin.synth.soundfont import SOUNDFONTS, SoundFont
from tools.train_builtin.synth.speech import Speakers
from tools.train_builtin.synth.synthesizers import Espeak, Flite

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Clip:
    """One training example.

    Attributes:
        wave: 1 to 6 s at 16 kHz.
        captions: What a person may call it.
        source: What made it, for the data card: "procedural", a soundfont's package, "espeak-ng" or "flite".
        group: What it is an example of; examples of one group are alike, so a split must not separate them.
    """

    wave: Waveform
    captions: tuple[str, ...]
    source: str
    group: str


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many clips to make.

    Attributes:
        per_generator: Of each procedural generator.
        per_weight: Of each instrument and drum and soundfont, times its weight.
        grooves: Of drum grooves, for each soundfont.
        bands: Of small bands, for each soundfont.
        speech: Of speech in all.
    """

    per_generator: int = 16
    per_weight: int = 3
    grooves: int = 40
    bands: int = 80
    speech: int = 320


def synthetic(seed: int, cache: Path, amounts: Amounts = Amounts()) -> Iterator[Clip]:
    """Make all clips; the same for the same seed, amounts and packages.

    Raises:
        FetchError: A package is not in the cache and cannot be fetched.
        ArchiveError: A package is damaged.
    """
    packages = read_packages(HERE)
    fetch(packages, cache)
    yield from procedural(seed, amounts.per_generator)
    for name in SOUNDFONTS:
        yield from played(seed, SoundFont(name, cache / packages[name].file), amounts)
    yield from spoken(seed, Speakers(Espeak(), Flite(cache / packages["libflite1"].file)), amounts.speech)


def procedural(seed: int, count: int) -> Iterator[Clip]:
    """Make `count` clips with each generator."""
    for name, generator in GENERATORS.items():
        for i in range(count):
            yield Clip(generator.make(_rng(seed, name, i)), generator.captions, "procedural", name)


def played(seed: int, font: SoundFont, amounts: Amounts) -> Iterator[Clip]:
    """Make clips of all instruments, drums, grooves and bands with a soundfont."""
    for piece, rng in _pieces(seed, font, amounts):
        yield Clip(finish(piece.wave, rng), piece.captions, font.name, piece.group)


def _pieces(seed: int, font: SoundFont, amounts: Amounts) -> Iterator[tuple[music.Piece, Rng]]:
    for instrument in music.instruments():
        for rng in _rngs(seed, f"{font.name} {instrument.number}", amounts.per_weight * instrument.weight):
            yield music.play_instrument(font, instrument, rng), rng
    for drum in music.drums():
        for rng in _rngs(seed, f"{font.name} drum {drum.number}", amounts.per_weight * drum.weight):
            yield music.play_drum(font, drum, rng), rng
    for rng in _rngs(seed, f"{font.name} grooves", amounts.grooves):
        yield music.play_groove(font, rng), rng
    for rng in _rngs(seed, f"{font.name} bands", amounts.bands):
        yield music.play_band(font, rng), rng


def spoken(seed: int, speakers: Speakers, count: int) -> Iterator[Clip]:
    """Make about `count` clips of speech, divided among the ways of speaking."""
    for name, (way, percent) in speakers.ways().items():
        for rng in _rngs(seed, f"speech {name}", round(count * percent / 100)):
            piece = way(rng)
            source = "flite" if name == "flite" else "espeak-ng"
            yield Clip(finish(piece.wave, rng), piece.captions, source, piece.group)


def _rngs(seed: int, name: str, count: int) -> Iterator[Rng]:
    return (_rng(seed, name, i) for i in range(count))


def _rng(seed: int, name: str, index: int) -> Rng:
    """Return a generator of its own for each clip, so that other amounts leave the others (but for speech) alone."""
    return np.random.default_rng([seed, crc32(name.encode()), index])


def write_all(clips: Iterable[Clip], folder: Path) -> int:
    """Write samples.npy, all waves one after the other in float16, and manifest.jsonl; return how many clips.

    A line of the manifest has offset and length in samples, captions, source and group.
    """
    folder.mkdir(parents=True, exist_ok=True)
    offset = count = 0
    with (folder / "samples.npy").open("wb") as data, (folder / "manifest.jsonl").open("w", encoding="utf-8") as lines:
        _write_header(data, 0)
        for clip in clips:
            count += 1
            data.write(clip.wave.astype("<f2").tobytes())
            row = {"offset": offset, "length": len(clip.wave), "captions": clip.captions}
            lines.write(json.dumps({**row, "source": clip.source, "group": clip.group}) + "\n")
            offset += len(clip.wave)
        data.seek(0)
        _write_header(data, offset)
    return count


def _write_header(file: BinaryIO, length: int) -> None:
    """Write the header of a float16 array; NumPy leaves room in it, so that any length takes the same bytes."""
    header = {"descr": "<f2", "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(file, header)


def write_wavs(clips: Iterable[Clip], folder: Path) -> int:
    """Write 16-bit WAV files named after source, group and number; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, clip in enumerate(clips, 1):
        with wavefile.open(str(folder / f"{clip.source}-{clip.group.replace(' ', '_')}-{count:05}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((clip.wave * 32767).astype("<i2").tobytes())
    return count


def main() -> None:
    """Render what the command line asks for."""
    parser = argparse.ArgumentParser(description="Render the synthetic sounds that the audio head is trained on.")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the fetched packages")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="the default amounts as one file, not a few WAVs")
    arguments = parser.parse_args()
    if arguments.all:
        count = write_all(synthetic(arguments.seed, arguments.cache), arguments.out)
    else:
        few = Amounts(per_generator=1, per_weight=1, grooves=2, bands=5, speech=50)
        count = write_wavs(synthetic(arguments.seed, arguments.cache, few), arguments.out)
    print(f"{count} clips in {arguments.out}")


if __name__ == "__main__":
    main()
