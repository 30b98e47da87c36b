"""Column types for values that come out of files and need not be what SQLite can hold."""

import sqlalchemy as sa

from mmsearch.types import Modality

_INT64_MAX = 2**63 - 1


class ForeignText(sa.TypeDecorator[str]):
    r"""Text out of a file, which may hold lone surrogates (JSON can): they are kept as \udXXX."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """Replace what UTF-8 cannot hold."""
        return None if value is None else value.encode("utf-8", "backslashreplace").decode()


class ModalityText(sa.TypeDecorator[Modality]):
    """One of `types.MODALITIES`; the tables check it."""

    impl = sa.Text
    cache_ok = True


class ClampedInteger(sa.TypeDecorator[int]):
    """A time in nanoseconds; beyond the year 2262 it is cut to what 64 bits hold."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> int | None:
        """Cut."""
        return None if value is None else max(-_INT64_MAX, min(_INT64_MAX, value))
