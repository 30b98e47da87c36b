"""The captioned pictures: clip art, emoji in three styles, and photos that we captioned ourselves."""

import csv
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.train_builtin.archives import list_members, open_member, read_members
from tools.train_builtin.fetch import Package, read_packages

HERE = Path(__file__).parent
CLIP_ART = "openclipart-png"
EMOJI = ("emoji-datasource-google", "emoji-datasource-twitter", "@lobehub/fluent-emoji-3d")
PHOTOS = "photos"

_CLIP_ART_FOLDER = "usr/share/openclipart/png/"
_NO_MEANING = ("computer/", "shapes/", "special/")  # icons of buttons, arrows and stars, gradients
_EMOJI_MEMBER = re.compile(r"package/(?:img/\w+/64|assets)/([0-9a-f]{4,6}(?:-[0-9a-f]{4,6})*)\.(?:png|webp)")
_NAMES_FOLDER = "usr/share/unicode/cldr/common"
_SKIN_TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
_VARIATION = "\ufe0f"  # asks for the coloured form; the tables of names do without it


@dataclass(frozen=True)
class Picture:
    """One captioned picture.

    Attributes:
        source: Package it comes from, or "photos".
        subject: The same for pictures of the same thing: an emoji in three styles, clip art of one name.
        data: The picture file.
    """

    source: str
    subject: str
    captions: tuple[str, ...]
    data: bytes


@dataclass(frozen=True)
class Photo:
    """A row of photos.tsv."""

    package: str
    member: str
    licence: str
    credit: str
    captions: tuple[str, ...]


def packages() -> dict[str, Package]:
    """Return the packages that the pictures come from, by name."""
    return read_packages(HERE)


def read_photos() -> list[Photo]:
    """Return the captioned photos."""
    with (HERE / "photos.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [Photo(**(row | {"captions": tuple(row["captions"].split(" | "))})) for row in rows]


def pictures(cache: Path) -> Iterator[Picture]:
    """Yield all pictures from the packages that were fetched into `cache`."""
    archives = {name: cache / package.file for name, package in packages().items()}
    yield from _photos(archives)
    yield from _clip_art(archives[CLIP_ART])
    names = _emoji_names(archives["unicode-cldr-core"])
    for style in EMOJI:
        yield from _emoji(style, archives[style], names)


def clip_art_caption(path: str) -> str:
    """Say what is drawn by the names of file and folder: "food/fruit/lemon_slice_01.png" -> "lemon slice fruit"."""
    pure = PurePosixPath(path)
    return re.sub(r"[\W\d_]+", " ", f"{pure.stem} {pure.parent.name}".lower()).strip()


def _photos(archives: dict[str, Path]) -> Iterator[Picture]:
    rows = {(photo.package, photo.member): photo for photo in read_photos()}
    for package in sorted({photo.package for photo in rows.values()}):
        members = [member for owner, member in rows if owner == package]
        for member, data in read_members(archives[package], members):
            yield Picture(PHOTOS, member, rows[package, member].captions, data)


def _clip_art(archive: Path) -> Iterator[Picture]:
    wanted = [path for path in list_members(archive) if path.startswith(_CLIP_ART_FOLDER) and path.endswith(".png")]
    paths = [path for path in wanted if not path.removeprefix(_CLIP_ART_FOLDER).startswith(_NO_MEANING)]
    for path, data in read_members(archive, paths):
        caption = clip_art_caption(path.removeprefix(_CLIP_ART_FOLDER))
        yield Picture(CLIP_ART, caption, (caption,), data)


def _emoji_names(archive: Path) -> dict[str, str]:
    """Return the English name of each emoji, those with skin tones left out."""
    names = {}
    for table in ("annotations", "annotationsDerived"):
        tree = ElementTree.fromstring(open_member(archive, f"{_NAMES_FOLDER}/{table}/en.xml"))
        for entry in tree.iter("annotation"):
            if entry.get("type") == "tts" and entry.text and not _SKIN_TONES.search(entry.attrib["cp"]):
                names[entry.attrib["cp"].replace(_VARIATION, "")] = entry.text
    return names


def _emoji(style: str, archive: Path, names: dict[str, str]) -> Iterator[Picture]:
    subjects = {}
    for member in list_members(archive):
        if match := _EMOJI_MEMBER.fullmatch(member):
            emoji = "".join(chr(int(code, 16)) for code in match[1].split("-")).replace(_VARIATION, "")
            if emoji in names:
                subjects[member] = names[emoji]
    for member, data in read_members(archive, subjects):
        yield Picture(style, subjects[member], (subjects[member],), data)
