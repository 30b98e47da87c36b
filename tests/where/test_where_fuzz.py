import random
import time
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.errors import FilterError
from mmsearch.where.fields import FIELDS
from mmsearch.where.parse import MAX_CHARS, parse_where
from mmsearch.where.syntax import Condition

VALID = [info.example for info in FIELDS]
VALID += [
    "size > 5MB AND NOT (tag IN ('a''b', \"c\") OR taken <> 2020-05)",
    "within(10, 170, -10, -170) or near(48.1, 11.5, 300m) and `my field` is not null",
    "taken between yesterday and 7 days ago and duration >= 1h30min or x not like '%_' and y not glob \"[a-z]?*\"",
]
PIECES = ["and", "or", "not", "in", "(", ")", ",", "'", '"', "`", "=", "!=", "<", ">", "between", "is", "null", "like"]
PIECES += ["glob", "near(", "within(", "size", "taken", "tag", "5MB", "2020", "-7d", "7 days ago", "x", "--", ";", "/*"]
PIECES += ["\0", "\n", "\udce9", "\u2028", "ﬀ", "İ", "K", "0", "1e9", "%", "*", "[", "]", "{", ":", "\\", "💥", " "]


def check(text):
    start = time.perf_counter()
    try:
        assert isinstance(parse_where(text), get_args(Condition))
    except FilterError as error:
        said, shown, mark = error.message.split("\n")
        column = int(said.removeprefix("column ").partition(":")[0])
        assert 1 <= column <= len(text) + 1
        assert mark.strip() == "^"
        assert len(mark) <= len(shown) + 1
    assert time.perf_counter() - start < 2


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=30).map(" ".join))
def test_any_text_is_a_condition_or_an_error(text):
    check(text)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.sampled_from(VALID), st.integers(0, 2**32), st.integers(1, 4))
def test_changed_filters_are_conditions_or_errors(text, seed, changes):
    rng = random.Random(seed)
    for _ in range(changes):
        start = rng.randrange(len(text) + 1)
        end = start + rng.choice([0, 0, 1, 1, 2, 5])
        text = text[:start] + rng.choice(["", *PIECES]) + text[end:]
    check(text)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from([*PIECES, "a=1 or ", "not ", "a in (1,", "(a=1) and ", "a='", "9", "a.", "'' ", "x y ", "near("]),
    st.integers(0, 3),
)
def test_long_filters_are_read_quickly(piece, less):
    text = (piece * MAX_CHARS)[: MAX_CHARS - less]
    check(text)
    check(f"name = '{text[:-20]}'")
