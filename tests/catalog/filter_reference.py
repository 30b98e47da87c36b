"""What a filter means, in plain Python: made-up files, and an evaluator that shares no code with the SQL."""

import os
import random
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from math import acos, cos, radians, sin

import sqlalchemy as sa

from mmsearch.catalog import tables
from mmsearch.where.dates import Span
from mmsearch.where.syntax import And, Between, Comparison, Glob, IsNull, Like, Near, Not, OneOf, Or, Within

TEXTS = [
    "beach",
    "Beach",
    "Ärger",
    "ärger",
    "STRASSE",
    "straße",
    "50%_off",
    "a'b\"c",
    "日本",
    "x; DROP TABLE assets",
    "",
]
TAGS = ["beach", "Dog", "MÜNCHEN", "2024", "a b", "50%"]
SHOTS = ["2023", "2023-05", "2023-05-31", "2023-05-31 14:30:00", "2023-05-31T14:30:00+02:00", "2024-01-01", "soon", "7"]
FOLDERS = ["/photos", "/photos/Italy", "/photos/italy/day 1", "/photos/Ägypten", "/Italy2", "/", "/caf\udce9"]
NAMES = ["IMG_1.JPG", "img_2.jpeg", "notes", "a.b.PNG", ".hidden", "日本.mp3", "x\udce9.jpg", "50%_off.jpg", "[a].gif"]
TAKEN = [
    "2019-12-31T23:59:59",
    "2020-01-01T00:00:00",
    "2020-02-29T12:30:00+02:00",
    "2020-02-29T12:31:00",
    "2023-05-31T14:30:15",
]


@dataclass
class File:
    """One file; `own` and `said` map names of fields to (text, number) values, `own` may map to none."""

    id: int
    path: str
    modality: str = "image"
    size: int = 100
    mtime_ns: int = 10**18
    updated_at: str = "2024-06-01T12:00:00+00:00"
    media_type: str | None = "image/jpeg"
    width: int | None = None
    height: int | None = None
    taken: str | None = None
    make: str | None = None
    model: str | None = None
    lat: float | None = None
    lon: float | None = None
    duration: float | None = None
    own: dict = field(default_factory=dict)
    said: dict = field(default_factory=dict)
    texts: list = field(default_factory=list)
    languages: list = field(default_factory=list)
    captions: list = field(default_factory=list)


def made_up_files(count=70, seed=5):
    """Files in which every field is absent, single and multiple somewhere."""
    rng = random.Random(seed)
    paths = rng.sample([f"{folder.rstrip('/')}/{name}" for folder in FOLDERS for name in NAMES], min(count, 63))
    return [_made_up(rng, number, path) for number, path in enumerate(paths, start=1)]


def _made_up(rng, number, path):
    def maybe(*values):
        return rng.choice([None, *values])

    width, lat = maybe(100, 640, 4000), maybe(-80.0, 0.0, 10.0, 48.1, 89.0)
    return File(
        id=number,
        path=path,
        modality=rng.choice(["text", "image", "audio", "video"]),
        size=rng.choice([0, 999, 1000, 1024, 5_000_000, 5_242_880, 2**40]),
        mtime_ns=rng.choice([0, 1_577_836_800 * 10**9, 1_577_836_799 * 10**9 + 999_999_999, 1_700_000_000 * 10**9]),
        updated_at=rng.choice(["2023-12-31T23:59:59+00:00", "2024-06-01T12:00:00+00:00"]),
        media_type=maybe("image/jpeg", "image/png", "audio/mpeg"),
        width=width,
        height=width and rng.choice([100, 640, 3000]),
        taken=maybe(*TAKEN),
        make=maybe("Canon", "NIKON", "Ärger"),
        model=maybe("EOS 5D", "canon", "Z 6"),
        lat=lat,
        lon=None if lat is None else rng.choice([-179.9, -90.0, 0.0, 11.5, 170.0, 180.0]),
        duration=maybe(0.5, 60.0, 90.0, 3600.0),
        own=_fields(rng, cleared=True),
        said=_fields(rng, cleared=False),
        texts=rng.sample([*TEXTS, None], rng.randrange(3)),
        languages=rng.sample(["en", "de", "DE", None], rng.randrange(3)),
        captions=rng.sample(TEXTS, rng.randrange(2)),
    )


def _fields(rng, *, cleared):
    pools = {"tags": TAGS, "shot": SHOTS, "rating": ["1", "2", "2.5", "10", "none", "true"]}
    found = {}
    for name, pool in pools.items():
        if rng.random() < 0.5:
            texts = rng.sample(pool, rng.choice([0, 1, 2] if cleared else [1, 2]))
            found[name] = [(text, _number(text)) for text in texts]
    return found


def _number(text):
    return float(text) if re.fullmatch(r"[0-9.]+", text) else {"true": 1.0}.get(text)


def store(connection, files):
    """Write the files, their segments, captions of them in files of their own, and their fields."""
    last = len(files)
    for file in files:
        _store_asset(connection, file)
        for ordinal in range(max(1, len(file.texts), len(file.languages))):
            text, language = (dict(enumerate(values)).get(ordinal) for values in (file.texts, file.languages))
            _store_segment(connection, file.id, ordinal, file.modality, text, language, None)
        for name, values in file.own.items():
            _store_values(connection, file.id, None, name, values or [("", None)])
        if file.captions or file.said:
            last += 1
            sidecar = File(last, f"/sidecars/{last}.json", "text", media_type="application/json")
            _store_asset(connection, sidecar)
            for ordinal, caption in enumerate(file.captions):
                _store_segment(connection, last, ordinal, "text", caption, None, file.path)
            for name, values in file.said.items():
                _store_values(connection, last, file.path, name, values)


def _store_asset(connection, file):
    row = dict(
        id=file.id, path=file.path, modality=file.modality, size_bytes=file.size, mtime_ns=file.mtime_ns,
        content_hash=str(file.id), status="ready", media_type=file.media_type, width_px=file.width,
        height_px=file.height, captured_at=file.taken, camera_make=file.make, camera_model=file.model,
        gps_lat=file.lat, gps_lon=file.lon, duration_s=file.duration, updated_at=file.updated_at,
    )  # fmt: skip
    connection.execute(tables.assets.insert().values(**row))


def _store_segment(connection, asset, ordinal, modality, text, language, about):
    values = dict(asset_id=asset, ordinal=ordinal, modality=modality, text=text, language=language, about=about)
    made = connection.execute(tables.segments.insert().values(**values)).inserted_primary_key[0]
    space = connection.execute(sa.select(tables.collection.c.active_space_id)).scalar_one()
    connection.execute(tables.vectors.insert().values(segment_id=made, space_id=space, file=1, row=made))


def _store_values(connection, asset, about, name, values):
    for ordinal, (text, number) in enumerate(values):
        row = dict(asset_id=asset, about=about, name=name, ordinal=ordinal, text=text, number=number)
        connection.execute(tables.fields.insert().values(**row))


def holds(condition, file):
    """True, False, or None where SQL says NULL."""
    match condition:
        case And(terms):
            return _least(holds(term, file) for term in terms)
        case Or(terms):
            return _opposite(_least(_opposite(holds(term, file)) for term in terms))
        case Not(term):
            return _opposite(holds(term, file))
        case Within() | Near():
            return None if file.lat is None else _in_place(condition, file)
    values = values_of(file, condition.field.name)
    if isinstance(condition, IsNull):
        return not values
    is_known = values or condition.field.name == "tags"  # no tags are an empty set
    return any(_meets(condition, value) for value in values) if is_known else None


def _least(truths):
    truths = list(truths)
    return False if False in truths else None if None in truths else True


def _opposite(truth):
    return None if truth is None else not truth


def _in_place(condition, file):
    if isinstance(condition, Within):
        east = condition.east + 360 * (condition.east < condition.west)
        lons = file.lon, file.lon + 360
        return condition.south <= file.lat <= condition.north and any(condition.west <= lon <= east for lon in lons)
    one, other = radians(file.lat), radians(condition.lat)
    angle = sin(one) * sin(other) + cos(one) * cos(other) * cos(radians(file.lon - condition.lon))
    return 6371.0088 * acos(max(-1.0, min(1.0, angle))) <= condition.km


def values_of(file, name):
    """All values of a field: numbers, datetimes, texts, or (text, number) for the user's own."""
    if name in ("shot", "rating"):
        return file.own.get(name, file.said.get(name, []))
    folder, base = os.path.split(file.path)
    taken = datetime.fromisoformat(file.taken[:19]) if file.taken else None
    pixels = None if file.width is None else file.width * file.height
    known = {
        "name": [base],
        "path": [file.path],
        "folder": [folder],
        "ext": [os.path.splitext(base)[1][1:].lower() or None],
        "type": [file.media_type],
        "modality": [file.modality],
        "size": [file.size],
        "modified": [datetime.fromtimestamp(file.mtime_ns // 10**9)],
        "indexed": [datetime.fromisoformat(file.updated_at).astimezone().replace(tzinfo=None)],
        "taken": [taken],
        "year": [taken and taken.year],
        "month": [taken and taken.month],
        "day": [taken and taken.day],
        "weekday": [taken and taken.isoweekday()],
        "hour": [taken and taken.hour],
        "camera": [file.make, file.model],
        "make": [file.make],
        "model": [file.model],
        "lat": [file.lat],
        "lon": [file.lon],
        "duration": [file.duration],
        "width": [file.width],
        "height": [file.height],
        "pixels": [pixels],
        "megapixels": [pixels and pixels / 1e6],
        "orientation": [file.width and _orientation(file)],
        "language": file.languages,
        "text": file.texts + file.captions,
        "tags": [text for text, _ in file.own.get("tags", file.said.get("tags", []))],
    }
    return [_as_stored(value) for value in known[name] if value is not None]


def _as_stored(value):
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _orientation(file):
    return "square" if file.width == file.height else "landscape" if file.width > file.height else "portrait"


def _meets(condition, value):
    match condition:
        case Comparison(named, operator, wanted):
            return _compared(named.name, operator, value, wanted)
        case Between(named, low, high):
            return _compared(named.name, ">=", value, low) and _compared(named.name, "<=", value, high)
        case OneOf(named, wanted):
            return any(_compared(named.name, "=", value, each) for each in wanted)
        case Like(_, pattern):
            wanted = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in _folded(pattern))
            return re.fullmatch(wanted, _folded(_text(value)), re.DOTALL) is not None
        case Glob(_, pattern):
            wanted = re.sub(r"[^\[\]^*?]", lambda match: re.escape(match[0]), _as_stored(pattern))
            return re.fullmatch(wanted.replace("*", ".*").replace("?", "."), _text(value), re.DOTALL) is not None


def _compared(name, operator, value, wanted):
    if name == "folder" and operator == "=":
        return _is_in_folder(_folded(value), _folded(wanted))
    if isinstance(wanted, Span):
        return _in_span(operator, value, wanted)
    if isinstance(wanted, str):
        return _ordered(operator, _folded(_text(value)), _folded(wanted))
    if not isinstance(value, tuple):
        return _ordered(operator, value, wanted)
    number = value[1]
    if number is not None:
        return _ordered(operator, number, wanted)
    is_year = wanted.is_integer() and 1000 <= wanted <= 9998
    year = Span(datetime(int(wanted), 1, 1), datetime(int(wanted) + 1, 1, 1), 4) if is_year else None
    return is_year and _in_span(operator, value, year)


def _in_span(operator, value, span):
    low, high = span.low, span.high
    if isinstance(value, tuple):
        text = value[0]
        if not re.match(r"\d{4}-\d\d", text) and not re.fullmatch(r"\d{4}", text):
            return False
        value = text[:19].replace(" ", "T")
        low, high = low.isoformat()[: span.chars], high.isoformat()[: span.chars]
    return {"=": low <= value < high, "<": value < low, "<=": value < high, ">": value >= high, ">=": value >= low}[
        operator
    ]


def _ordered(operator, value, wanted):
    return {
        "=": value == wanted,
        "<": value < wanted,
        "<=": value <= wanted,
        ">": value > wanted,
        ">=": value >= wanted,
    }[operator]


def _is_in_folder(folder, wanted):
    if wanted.startswith("/"):
        return f"{folder}/".startswith(wanted.rstrip("/") + "/")
    return f"/{wanted.strip('/')}/" in f"{folder}/"


def _text(value):
    return value[0] if isinstance(value, tuple) else value


def _folded(text):
    text = text.encode("utf-8", "backslashreplace").decode()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
