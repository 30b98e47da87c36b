"""What SQLite cannot do by itself, as functions of each connection."""

import math
import os
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection

from mmsearch.catalog.paths import decode_path
from mmsearch.where.fold import fold

EARTH_RADIUS_KM = 6371.0088  # the mean radius, IUGG


def register_functions(connection: DBAPIConnection) -> None:
    """Make the functions below known to a connection; of NULL each is NULL."""
    for name, function in _FUNCTIONS.items():
        connection.create_function(name, function.__code__.co_argcount, function, deterministic=True)


def folded(text: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return the SQL of a text as `where.fold` writes it."""
    return sa.func.mm_fold(text, type_=sa.Text)


def whole_path(stored: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return the SQL of a path as it is shown."""
    return sa.func.mm_path(stored, type_=sa.Text)


def file_name(stored: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return the SQL of the last part of a path."""
    return sa.func.mm_name(stored, type_=sa.Text)


def file_ending(stored: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return the SQL of what follows the last dot of a path's name, in lower case; NULL if there is none."""
    return sa.func.mm_ending(stored, type_=sa.Text)


def parent_folder(stored: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return the SQL of the path of the folder that a path lies in."""
    return sa.func.mm_folder(stored, type_=sa.Text)


def distance_km(
    lat: sa.ColumnElement[Any], lon: sa.ColumnElement[Any], other_lat: float, other_lon: float
) -> sa.ColumnElement[float]:
    """Return the SQL of how many kilometres a place is from another, over the sphere."""
    return sa.func.mm_distance(lat, lon, other_lat, other_lon, type_=sa.Float)


def storable(text: str) -> str:
    """Write what UTF-8 cannot hold, such as the odd bytes of a file name, as in `ForeignText`."""
    return text.encode("utf-8", "backslashreplace").decode()


def _fold(text: str | None) -> str | None:
    return None if text is None else fold(text)


def _path(stored: str | None) -> str | None:
    if stored is None:
        return None
    path = decode_path(stored)
    return path if path is stored else storable(path)


def _name(stored: str | None) -> str | None:
    path = _path(stored)
    return path and path.rpartition(os.sep)[2]


def _ending(stored: str | None) -> str | None:
    """Return what `os.path.splitext` does, at a third of its time: leading dots begin no ending."""
    stem, _, ending = (_name(stored) or "").rpartition(".")
    return ending.lower() or None if stem.strip(".") else None


def _folder(stored: str | None) -> str | None:
    path = _path(stored)
    return path and (path.rpartition(os.sep)[0] or os.sep)


def _distance(lat: float | None, lon: float | None, other_lat: float, other_lon: float) -> float | None:
    """Return the great-circle distance in km. Source: R. W. Sinnott, Virtues of the Haversine, 1984."""
    if lat is None or lon is None:
        return None
    phi, other_phi = math.radians(lat), math.radians(other_lat)
    across = math.sin(math.radians(lon - other_lon) / 2) ** 2 * math.cos(phi) * math.cos(other_phi)
    half_chord = math.sqrt(min(1.0, math.sin((phi - other_phi) / 2) ** 2 + across))
    return 2 * EARTH_RADIUS_KM * math.asin(half_chord)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "mm_fold": _fold,
    "mm_path": _path,
    "mm_name": _name,
    "mm_ending": _ending,
    "mm_folder": _folder,
    "mm_distance": _distance,
}
