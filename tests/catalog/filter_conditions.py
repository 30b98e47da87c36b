"""Random conditions that are close to the made-up files, and how to write them."""

from datetime import datetime, timedelta

from filter_reference import FOLDERS, NAMES, SHOTS, TAGS, TEXTS
from hypothesis import strategies as st

from mmsearch.where.dates import Span
from mmsearch.where.fields import BUILTIN_FIELDS, FIELDS
from mmsearch.where.syntax import And, Between, Comparison, Field, Glob, IsNull, Like, Near, Not, OneOf, Or, Within

NAMES_OF_FIELDS = [*(info.name for info in FIELDS), "shot", "rating"]

_PARTS = {4: {"year": 1}, 7: {"month": 1}, 10: {"days": 1}, 16: {"minutes": 1}, 19: {"seconds": 1}}
_DATES = ["2019", "2020", "2023", "2024", "2019-12", "2020-02", "2023-05", "2019-12-31", "2020-01-01", "2020-02-29"]
_DATES += [
    "2023-12-31",
    "2024-06-01",
    "2020-02-29T12:30",
    "2023-05-31T14:30",
    "2020-01-01T00:00",
    "2023-05-31T14:30:15",
]
_TEXTS_OF = {
    "name": NAMES,
    "path": [f"{folder}/{name}" for folder in FOLDERS for name in NAMES[:3]],
    "folder": [*FOLDERS, "italy", "photos/Italy", "DAY 1", "/photos/", "tos", "Ägypten"],
    "ext": ["jpg", "JPG", "png", "mp3", ""],
    "type": ["image/jpeg", "IMAGE/png", "audio/mpeg"],
    "camera": ["canon", "EOS 5D", "nikon", "ÄRGER"],
    "make": ["canon", "Nikon", "ärger"],
    "model": ["eos 5d", "Canon", "z 6"],
    "language": ["EN", "de", "fr"],
    "text": TEXTS,
    "tags": TAGS,
    "shot": SHOTS,
    "rating": ["1", "none", "TRUE", "2.5"],
}
_NUMBERS_OF = {
    "size": [0, 999, 1000, 1024, 5_000_000, 5_242_880, 2**40],
    "duration": [0.5, 60, 90, 3600],
    "year": [2019, 2020, 2023],
    "month": [1, 2, 5, 12],
    "day": [1, 29, 31],
    "weekday": [1, 2, 3, 6, 7],
    "hour": [0, 12, 14, 23],
    "lat": [-80, 0, 48.1],
    "lon": [-179.9, 0, 11.5, 180],
    "width": [100, 640, 4000],
    "height": [100, 640, 3000],
    "pixels": [10_000, 409_600, 12_000_000],
    "megapixels": [0.01, 0.4096, 12],
    "rating": [1, 2, 2.5, 10],
    "shot": [2023, 2024, 7],
}


def span(text):
    """The span of an absolute date, made without the parser."""
    low = datetime.fromisoformat(text + "2023-01-01T00:00:00"[len(text) :])
    if len(text) > 7:
        return Span(low, low + timedelta(**_PARTS[len(text)]), len(text))
    months = low.year * 12 + low.month - 1 + (12 if len(text) == 4 else 1)
    return Span(low, datetime(months // 12, months % 12 + 1, 1), len(text))


SPANS = st.sampled_from(_DATES).map(span)


def values_for(name):
    """Values that the field is compared with."""
    info = BUILTIN_FIELDS.get(name)
    kind = info.kind if info else "any"
    if kind == "choice":
        return st.sampled_from(info.choices)
    if kind == "date":
        return SPANS
    if kind == "text":
        return st.sampled_from(_TEXTS_OF[name])
    numbers = st.sampled_from(_NUMBERS_OF[name]).map(float)
    return (
        numbers
        if kind != "any"
        else numbers | st.sampled_from(_TEXTS_OF[name]) | SPANS.filter(lambda each: each.chars > 4)
    )


def field_tests(name):
    """Tests of one field, each operator among them, and their opposites."""
    field, values = Field(name), values_for(name)
    info = BUILTIN_FIELDS.get(name)
    kinds = [
        st.builds(Comparison, st.just(field), st.sampled_from(["=", "<", "<=", ">", ">="]), values),
        st.builds(Between, st.just(field), values, values),
        st.builds(OneOf, st.just(field), st.lists(values, min_size=1, max_size=3).map(tuple)),
        st.just(IsNull(field)),
    ]
    if info is None or info.kind in ("text", "choice"):
        texts = st.sampled_from(_TEXTS_OF.get(name, ["video", "portrait"]))
        kinds.append(st.builds(Like, st.just(field), st.builds(_like, texts, st.integers(0, 4))))
        kinds.append(st.builds(Glob, st.just(field), st.builds(_glob, texts, st.integers(0, 4))))
    return st.one_of(kinds).flatmap(lambda test: st.sampled_from([test, Not(test)]))


def _like(text, how):
    return [text, f"%{text[1:]}", f"{text[:2]}%", f"_{text[1:]}", f"%{text[1:3]}%"][how]


def _glob(text, how):
    text = "".join(char for char in text if char not in "[]")
    return [text, f"*{text[1:]}", f"{text[:2]}*", f"[{text[:1] or 'a'}z]*", f"[^{text[:1] or 'a'}]*"][how]


PLACES = st.builds(
    Within,
    st.sampled_from([-90.0, -80.0, 0.0]),
    st.sampled_from([-180.0, -90.0, 0.0, 170.0]),
    st.sampled_from([0.0, 48.1, 90.0]),
    st.sampled_from([-170.0, 0.0, 11.5, 180.0]),
) | st.builds(
    Near,
    st.sampled_from([-80.0, 10.0, 48.0, 89.5]),
    st.sampled_from([-179.0, 0.0, 11.0, 179.0]),
    st.sampled_from([1.0, 250.0, 2_500.0, 20_100.0]),
)


def _can_be_written(place):
    """Not so for boxes over the date line and most of the world."""
    return isinstance(place, Near) or not 0 < place.west - place.east < 180


TESTS = st.sampled_from(NAMES_OF_FIELDS).flatmap(field_tests) | PLACES.filter(_can_be_written)


def _opposite(condition):
    return condition.term if isinstance(condition, Not) else Not(condition)


CONDITIONS = st.recursive(
    TESTS,
    lambda inner: (
        inner.map(_opposite)
        | st.lists(inner, min_size=2, max_size=3).map(tuple).map(And)
        | st.lists(inner, min_size=2, max_size=3).map(tuple).map(Or)
    ),
    max_leaves=8,
)


def written(condition, rng):
    """Write a condition as a person might: the same can be said in several ways."""
    match condition:
        case And(terms) | Or(terms):
            word = _any_case("and" if isinstance(condition, And) else "or", rng)
            return f" {word} ".join(f"({written(term, rng)})" for term in terms)
        case Not(term):
            return _written_not(term, rng)
        case Within(south, west, north, east):
            return f"within({south}, {west}, {north},{east})"
        case Near(lat, lon, km):
            return f"NEAR({lat},{lon}, {km}{rng.choice(['', 'km', ' km'])})"
    return _written_test(condition, "", rng)


def _written_not(term, rng):
    if not isinstance(term, And | Or | Not | Within | Near) and rng.random() < 0.5:
        return _written_test(term, _any_case("not ", rng), rng)
    return f"{_any_case('not', rng)} ({written(term, rng)})"


def _written_test(test, negation, rng):
    name = _name(test.field.name, rng)
    match test:
        case Comparison(field, operator, value):
            ways = {"=": ["=", "=="]}.get(operator, [operator])
            if negation and operator != "=":
                return f"not {name} {operator} {_value(field.name, value, rng)}"
            return f"{name}{rng.choice(['!=', '<>'] if negation else ways)}{_value(field.name, value, rng)}"
        case Between(field, low, high):
            ends = (_value(field.name, end, rng) for end in (low, high))
            return f"{name} {negation}{_any_case('between', rng)} {' and '.join(ends)}"
        case OneOf(field, values):
            return f"{name} {negation}in ({', '.join(_value(field.name, value, rng) for value in values)})"
        case Like(_, pattern):
            return f"{name} {negation}{_any_case('like', rng)} {_quoted(pattern, rng)}"
        case Glob(_, pattern):
            return f"{name} {negation}glob {_quoted(pattern, rng)}"
    return f"{name} is {negation}null"


def _name(name, rng):
    info = BUILTIN_FIELDS.get(name)
    name = _any_case(rng.choice([name, *(info.aliases if info else ())]), rng)
    return rng.choice([name, f"`{name}`"])


def _value(name, value, rng):
    if isinstance(value, Span):
        text = value.low.isoformat()[: value.chars]
        return f"'{text}'" if name in BUILTIN_FIELDS and rng.random() < 0.3 else text
    if isinstance(value, str):
        return _quoted(value, rng)
    kind = BUILTIN_FIELDS[name].kind if name in BUILTIN_FIELDS else ""
    ways = [repr(value), f"{value:f}"] if value < 1e6 and f"{value:f}" != "0.409600" else [repr(value)]
    if kind == "size":
        ways += [f"{value / 1000}kB", f"{value / 1024} KiB", f"{value / 2**20}MiB"]
    if kind == "duration":
        ways += [f"{value}s", f"{value / 60} min", f"{value / 3600}h"]
    if name == "month":
        ways += [["jan", "february", "x", "x", "MAY"][int(value) - 1]] if value in (1, 2, 5) else []
    return rng.choice([way for way in ways if "e" not in way.lower() or way.isalpha()])


def _quoted(text, rng):
    quote = rng.choice("'\"")
    return quote + text.replace(quote, quote * 2) + quote


def _any_case(text, rng):
    return rng.choice([text, text.upper(), text.title()])
