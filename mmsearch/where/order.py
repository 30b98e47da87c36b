"""The language of `--sort`: fields, each with a minus if it descends."""

import re

from mmsearch.where.fields import field_at
from mmsearch.where.place import Place
from mmsearch.where.syntax import Order

MAX_CHARS = 1_000
MAX_FIELDS = 10

_ITEM = re.compile(
    r"\s*(?P<sign>[+-]?)\s*(?:`(?P<quoted>[^`]+)`|(?P<name>[^\W\d_][\w.:-]*))(?:\s+(?P<way>asc|desc))?\s*",
    re.IGNORECASE,
)


def parse_order(text: str) -> tuple[Order, ...]:
    """Read an order such as "-taken,name" or "taken DESC, name"; a leading minus is descending.

    Raises:
        FilterError: It cannot be read; the message points at the place.
    """
    if len(text) > MAX_CHARS:
        raise Place(text, MAX_CHARS + 1).error(f"an order may have {MAX_CHARS:,} characters, not {len(text):,}")
    orders: list[Order] = []
    start = 0
    for item in text.split(","):
        if len(orders) == MAX_FIELDS:
            raise Place(text, start + 1).error(f"an order may have {MAX_FIELDS} fields")
        orders.append(_order(text, start, start + len(item)))
        start += len(item) + 1
    return tuple(orders)


def _order(text: str, start: int, end: int) -> Order:
    match = _ITEM.fullmatch(text, start, end)
    if not match:
        raise Place(text, start + 1).error("expected a field such as name or -taken")
    group = "quoted" if match["quoted"] else "name"
    field = field_at(match[group], Place(text, match.start(group) + 1))
    return Order(field, (match["sign"] == "-") != ((match["way"] or "").lower() == "desc"))
