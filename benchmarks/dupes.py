"""Measure how surely near copies are told from different pictures, and how long 100,000 pictures take.

    python -m benchmarks.dupes [FOLDER...] [--sounds FOLDER...]

FOLDERs hold photos, each a different one, below 2,000 in all; without any, drawings are made. Prints for each way of
editing which share of the pictures is found again, grouped with their own originals, how many are grouped with
others, and which originals are grouped with each other. The limits are kept in mmsearch/search/copies.py.

--sounds shows why sounds have no near copies: the cosines of recordings with their own variants, and with others of
the same length.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from mmsearch.catalog.looks import FileLook
from mmsearch.config import Limits
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.errors import MediaError
from mmsearch.media.looks import look_of
from mmsearch.media.probe import modality_of
from mmsearch.media.sound_sources import sound_from
from mmsearch.media.sources import image_from
from mmsearch.normalise import unit_rows
from mmsearch.search.copies import comparable
from mmsearch.search.copy_groups import copy_groups
from mmsearch.testing.drawings import draw_samples
from mmsearch.testing.sounds import write_sound
from mmsearch.types import Pixels, Vectors, Waveform

Edit = Callable[[Image.Image], Image.Image]
QUALITY = 90
LIMITS = Limits().for_machine(workers=1)


def scaled(by: float) -> Edit:
    """Resize."""
    return lambda image: image.resize((max(1, round(image.width * by)), max(1, round(image.height * by))))


def recompressed(quality: int) -> Edit:
    """Save as a JPEG of that quality, besides that of all variants."""

    def edit(image: Image.Image) -> Image.Image:
        data = BytesIO()
        image.save(data, "JPEG", quality=quality)
        return Image.open(data).convert("RGB")

    return edit


def cut(share: float, *, one_side: bool = False) -> Edit:
    """Cut off a share of the width and height, evenly; or of the width at the right."""

    def edit(image: Image.Image) -> Image.Image:
        if one_side:
            return image.crop((0, 0, round(image.width * (1 - share)), image.height))
        x, y = round(image.width * share / 2), round(image.height * share / 2)
        return image.crop((x, y, image.width - x, image.height - y))

    return edit


def framed(share: float, colour: str) -> Edit:
    """Add a border, of a share of the shorter side."""
    return lambda image: ImageOps.expand(image, round(min(image.size) * share), colour)


def written(text: str, height: float, place: tuple[float, float]) -> Edit:
    """Write on it; height and place as shares of the picture's."""

    def edit(image: Image.Image) -> Image.Image:
        marked = image.copy()
        spot = image.width * place[0], image.height * place[1]
        ImageDraw.Draw(marked).text(spot, text, fill="white", font_size=max(10, round(image.height * height)))
        return marked

    return edit


EDITS: dict[str, Edit] = {
    "half the size": scaled(0.5),
    "a third of the size": scaled(1 / 3),
    "double the size": scaled(2),
    "JPEG quality 30": recompressed(30),
    "JPEG quality 10": recompressed(10),
    "cut by 3 %": cut(0.03),
    "cut by 5 %": cut(0.05),
    "cut by 10 %": cut(0.1),
    "cut by 20 %": cut(0.2),
    "cut by 10 % at the right": cut(0.1, one_side=True),
    "white border of 3 %": framed(0.03, "white"),
    "black border of 5 %": framed(0.05, "black"),
    "brighter by 30 %": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "darker by 30 %": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "contrast + 40 %": lambda image: ImageEnhance.Contrast(image).enhance(1.4),
    "contrast - 30 %": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "colours + 60 %": lambda image: ImageEnhance.Color(image).enhance(1.6),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "small text in a corner": written("(c) Anna 2021", 1 / 18, (0.62, 0.9)),
    "large text across": written("PROOF", 1 / 5, (0.2, 0.4)),
    "turned by 1 degree": lambda image: image.rotate(1, Image.Resampling.BICUBIC),
    "turned by 2 degrees": lambda image: image.rotate(2, Image.Resampling.BICUBIC),
    "turned by 5 degrees": lambda image: image.rotate(5, Image.Resampling.BICUBIC),
    "mirrored (no copy)": ImageOps.mirror,
}
"""What is done to each picture; all are then saved as JPEGs."""


def decoded(image: Image.Image, encoder: BuiltinEncoder) -> Pixels:
    """Save as a JPEG and read it as indexing does."""
    data = BytesIO()
    image.save(data, "JPEG", quality=QUALITY)
    return image_from(data.getvalue(), LIMITS, encoder.spec.image_input)


def described(pixels: Sequence[Pixels], sizes: Sequence[tuple[int, int]], first: int) -> list[FileLook]:
    """Make of pictures what the catalog would know of them, with ids from `first`."""
    return [
        FileLook(
            id_, f"{id_:05}", "image", 1, 1, str(id_), width, height, None, False, look_of(each), segment_id=id_
        )
        for id_, (each, (width, height)) in enumerate(zip(pixels, sizes, strict=True), start=first)
    ]  # fmt: skip


def measure_pictures(paths: Sequence[Path], encoder: BuiltinEncoder) -> None:
    """Print what is found of the variants, and which of the originals are taken for copies."""
    images = [Image.open(path).convert("RGB") for path in paths]
    pixels = [image_from(path, LIMITS, encoder.spec.image_input) for path in paths]
    vectors = unit_rows(encoder.encode_images(np.stack(pixels), "document"))
    originals = described(pixels, [image.size for image in images], first=0)
    blank = sum(not comparable(file) for file in originals)
    print(f"{len(paths)} pictures, {len(paths) * (len(paths) - 1) // 2:,} pairs; {blank} too plain to have a look")
    for group in copy_groups(originals, lambda ids: vectors[ids]):
        print(f"  taken for copies: {[str(paths[each.id]) for each in (group.first, *(c.file for c in group.copies))]}")
    print(f"{'':26} found  with others")
    for name, edit in EDITS.items():
        edited = [edit(image) for image in images]
        found, wrong = measure_edit(originals, vectors, edited, encoder)
        print(f"{name:26} {found:6.1%} {wrong:6}")


def measure_edit(
    originals: list[FileLook], vectors: Vectors, edited: Sequence[Image.Image], encoder: BuiltinEncoder
) -> tuple[float, int]:
    """Return the share of variants that are grouped with their originals, and how many with others."""
    pixels = [decoded(image, encoder) for image in edited]
    both = np.concatenate([vectors, unit_rows(encoder.encode_images(np.stack(pixels), "document"))])
    files = originals + described(pixels, [image.size for image in edited], first=len(originals))
    pairs = [
        (group.first.id, copy.file.id)
        for group in copy_groups(files, lambda ids: both[ids])
        for copy in group.copies
        if copy.file.id >= len(originals)
    ]
    right = sum(variant - len(originals) == original for original, variant in pairs)
    return right / len(originals), len(pairs) - right


def measure_scale(count: int) -> None:
    """Print how long it takes to compare so many different pictures, one in a hundred of which has a copy."""
    random = np.random.default_rng(0)
    looks = random.integers(-(2**63), 2**63 - 1, count)
    looks[1::100] = looks[::100] ^ 3
    files = [
        FileLook(i, f"{i:08}", "image", 1, 1, str(i), 4000, 3000, None, False, int(look), segment_id=i)
        for i, look in enumerate(looks)
    ]
    started = time.process_time()
    groups = copy_groups(files, lambda ids: np.full((len(ids), 384), 384**-0.5, dtype=np.float32))
    print(f"{count:,} looks: {time.process_time() - started:.1f} s of CPU, {len(groups):,} groups")


def measure_cost(paths: Sequence[Path], encoder: BuiltinEncoder) -> None:
    """Print what a look costs beside reading and embedding a picture."""
    some = paths[:64]
    started = time.process_time()
    pixels = [image_from(path, LIMITS, encoder.spec.image_input) for path in some]
    encoder.embed_images(np.stack(pixels))
    middle = time.process_time()
    for each in pixels:
        look_of(each)
    indexing, looking = middle - started, time.process_time() - middle
    print(f"a look takes {1e6 * looking / len(some):.0f} microseconds, {looking / indexing:.2%} of read and embed")


def sound_variants(wave: Waveform, rate_hz: int, folder: Path) -> Iterator[tuple[str, Waveform]]:
    """Yield what may be made of a recording."""
    noise = np.random.default_rng(0).standard_normal(len(wave)).astype(np.float32) * np.sqrt((wave**2).mean())
    for ending in (".mp3", ".m4a"):
        copy = write_sound(folder / f"sound{ending}", np.clip(wave, -1, 1), rate_hz)
        yield ending, sound_from(copy, LIMITS, BuiltinEncoder().spec.audio_input)[0]  # type: ignore[arg-type]
    yield "half as loud", wave * np.float32(0.5)
    yield "noise at -30 dB", wave + noise * np.float32(10 ** (-30 / 20))


def measure_sounds(paths: Sequence[Path], encoder: BuiltinEncoder) -> None:
    """Print cosines of first windows: with variants of the same recording, and with others of that length."""
    wanted = encoder.spec.audio_input
    assert wanted is not None
    waves = [sound_from(path, LIMITS, wanted)[0] for path in paths]
    vectors = unit_rows(encoder.encode_audio(waves, "document"))
    lengths = np.array([len(wave) / wanted.rate_hz for wave in waves])
    alike = np.triu(np.abs(lengths[:, None] - lengths) <= 0.5, k=1)
    print_quantiles(f"{len(waves)} sounds, others", (vectors @ vectors.T)[alike])
    with tempfile.TemporaryDirectory() as name:
        made = [dict(sound_variants(wave, wanted.rate_hz, Path(name))) for wave in waves]
    for kind in made[0]:
        variants = unit_rows(encoder.encode_audio([each[kind] for each in made], "document"))
        print_quantiles(kind, (variants * vectors).sum(axis=1))


def print_quantiles(name: str, cosines: npt.NDArray[np.float32]) -> None:
    """Print how cosines are spread."""
    shown = "  ".join(f"{q} %: {np.percentile(cosines, q):.3f}" for q in (0, 5, 50, 95, 99, 100))
    print(f"{name:26} {shown}")


def readable(folders: Sequence[Path], modality: str, encoder: BuiltinEncoder) -> Iterator[Path]:
    """Yield the files of a kind below folders that can be read."""
    for path in sorted(path for folder in folders for path in folder.rglob("*") if modality_of(str(path)) == modality):
        try:
            if modality == "image":
                image_from(path, LIMITS, encoder.spec.image_input)
            elif encoder.spec.audio_input is not None:
                sound_from(path, LIMITS, encoder.spec.audio_input)
        except MediaError as error:
            print(f"left out: {error}")
        else:
            yield path


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--sounds", nargs="*", type=Path, default=[])
    parser.add_argument("--scale", type=int, default=100_000, help="pictures to compare")
    args = parser.parse_args()
    encoder = BuiltinEncoder()
    encoder.load()
    with tempfile.TemporaryDirectory() as name:
        drawn = [] if args.folders else sorted(draw_samples(Path(name)))
        paths = drawn or list(readable(args.folders, "image", encoder))
        measure_pictures(paths, encoder)
        measure_cost(paths, encoder)
    if args.sounds:
        measure_sounds(list(readable(args.sounds, "audio", encoder)), encoder)
    measure_scale(args.scale)


if __name__ == "__main__":
    main()
