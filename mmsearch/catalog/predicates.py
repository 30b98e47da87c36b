"""A condition on files as SQL. What the user wrote goes into bound parameters only."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from mmsearch.catalog.cells import Column, Test
from mmsearch.catalog.file_fields import BUILTIN_SOURCES, source_of
from mmsearch.catalog.sql_functions import EARTH_RADIUS_KM, distance_km
from mmsearch.catalog.tables import assets, fields
from mmsearch.where.fields import BUILTIN_FIELDS, suggestion
from mmsearch.where.syntax import (
    And,
    Between,
    Comparison,
    Condition,
    Field,
    FieldTest,
    Glob,
    IsNull,
    Like,
    Near,
    Not,
    OneOf,
    Or,
    Order,
    Within,
)

_MAX_NAMES = 10_000  # of fields, among which a misspelt one is looked for
_DEGREES_PER_KM = 1.001 * 180 / (3.141592653589793 * EARTH_RADIUS_KM)  # rounded up, as exactness comes afterwards


def asset_condition(connection: sa.Connection, condition: Condition) -> Test:
    """Return what must hold for a row of `assets`; where SQL's logic says NULL, as of an absent field, it does not.

    Raises:
        FilterError: It names a field that no file has.
    """
    _require_fields(connection, _fields_in(condition))
    return _compiled(condition)


def order_keys(connection: sa.Connection, order: Sequence[Order]) -> list[Column]:
    """Return what to sort rows of `assets` by; those without a field come last.

    Raises:
        FilterError: It names a field that no file has.
    """
    _require_fields(connection, (each.field for each in order))
    keys = [(source_of(each.field.name).key(descending=each.descending), each.descending) for each in order]
    return [(key.desc() if descending else key.asc()).nulls_last() for key, descending in keys]


def _compiled(condition: Condition, *, negated: bool = False) -> Test:
    """Return the SQL of a condition or of its opposite: a NOT goes inwards, by De Morgan's laws."""
    match condition:
        case Not(term):
            return _compiled(term, negated=not negated)
        case And(terms) | Or(terms):
            join = sa.and_ if isinstance(condition, And) is not negated else sa.or_
            return join(*(_compiled(term, negated=negated) for term in sorted(terms, key=_stack, reverse=True)))
        case Within():
            test = _within(condition)
        case Near():
            test = _near(condition)
        case _:
            test = _field_test(condition, exact=negated)
    return sa.not_(test) if negated else test


def _stack(condition: Condition) -> int:
    """Return how many symbols SQLite's parser holds while it reads a condition.

    It can hold 100, which would not do for parentheses 50 deep behind other terms; what is deepest goes first.
    """
    match condition:
        case Not(term):
            return _stack(term)
        case And(terms) | Or(terms):
            first, *others = sorted(map(_stack, terms), reverse=True)
            return max(1 + first, *(3 + other for other in others))
        case _:
            return 0


def _field_test(test: FieldTest, *, exact: bool) -> Test:
    source = source_of(test.field.name)
    match test:
        case Comparison(_, operator, value):
            return source.any(lambda cell: cell.compare(operator, value), exact=exact)
        case Between(_, low, high):
            return source.any(lambda cell: cell.between(low, high), exact=exact)
        case OneOf(_, values):
            return source.any(lambda cell: cell.one_of(values), exact=exact)
        case Like(_, pattern):
            return source.any(lambda cell: cell.like(pattern), exact=exact)
        case Glob(_, pattern):
            return source.any(lambda cell: cell.glob(pattern), exact=exact)
        case IsNull():
            return source.absent()


def _within(box: Within) -> Test:
    lat, lon = assets.c.gps_lat, assets.c.gps_lon
    from_west, to_east = lon >= box.west, lon <= box.east
    between = sa.and_(from_west, to_east) if box.west <= box.east else sa.or_(from_west, to_east)
    return sa.and_(lat.between(box.south, box.north), between)


def _near(circle: Near) -> Test:
    """Measure only those that are not too far north or south."""
    lat, lon = assets.c.gps_lat, assets.c.gps_lon
    reach = circle.km * _DEGREES_PER_KM
    return sa.and_(
        lat.between(circle.lat - reach, circle.lat + reach), distance_km(lat, lon, circle.lat, circle.lon) <= circle.km
    )


def _fields_in(condition: Condition) -> Iterator[Field]:
    match condition:
        case And(terms) | Or(terms):
            for term in terms:
                yield from _fields_in(term)
        case Not(term):
            yield from _fields_in(term)
        case Within() | Near():
            return
        case _:
            yield condition.field


def _require_fields(connection: sa.Connection, named: Iterator[Field]) -> None:
    own = {field.name: field for field in named if field.name not in BUILTIN_SOURCES}
    for name, field in own.items():
        if connection.execute(sa.select(fields.c.id).where(fields.c.name == name).limit(1)).first() is None:
            known = connection.execute(sa.select(fields.c.name).distinct().limit(_MAX_NAMES)).scalars()
            hint = suggestion(name, {*BUILTIN_FIELDS, *known})
            raise field.place.error(f"no file has a field {name!r}{hint}")
