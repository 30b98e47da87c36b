"""Where something stands in a filter, so that an error can point at it."""

from dataclasses import dataclass

from mmsearch.errors import FilterError

_BEFORE, _AFTER = 60, 30  # how much of a long filter is shown around the place


@dataclass(frozen=True, slots=True)
class Place:
    """A column of a text, from 1; the one behind the last character is its end."""

    text: str = ""
    column: int = 1

    def error(self, what: str) -> FilterError:
        """Make an error that shows the text with a mark under the column."""
        start = max(0, self.column - 1 - _BEFORE)
        end = self.column + _AFTER
        shown = "".join(char if char.isprintable() else " " for char in self.text[start:end])
        left, right = "…" if start else "", "…" if end < len(self.text) else ""
        mark = " " * (self.column - 1 - start + len(left)) + "^"
        return FilterError(f"column {self.column}: {what}\n  {left}{shown}{right}\n  {mark}")


NOWHERE = Place()
