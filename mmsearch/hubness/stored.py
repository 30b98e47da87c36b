"""The banks of queries in use: none for most collections, which then import and read next to nothing."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from mmsearch.catalog.catalog import Catalog

if TYPE_CHECKING:
    from mmsearch.hubness.bank import Banks


def banks_in_use(catalog: Catalog) -> Banks:
    """Read the banks in use, by the modality of the items whose cosines they correct.

    Raises:
        CollectionDamaged: They are not what was installed.
    """
    data = catalog.banks()
    if data is None:
        return {}
    from mmsearch.hubness.bank import from_bytes  # safetensors, which most collections can do without

    return from_bytes(data, catalog.space().dim)


class BankCache:
    """Keeps the banks in memory and replaces them when others are installed. Thread-safe."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._banks: Banks = {}
        self._number: int | None = None
        self._lock = Lock()

    def current(self) -> Banks:
        """Return the banks in use; call it inside `from_one_state`.

        Raises:
            CollectionDamaged: They are not what was installed.
        """
        with self._lock:
            number = self._catalog.bank_number()
            if number != self._number:
                self._banks = {} if number is None else banks_in_use(self._catalog)
                self._number = number
            return self._banks
