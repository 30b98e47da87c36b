import pytest
from two_colours import halves

from mmsearch.testing.media import write_image, write_text


@pytest.fixture
def halved(folder):
    """Red on the left, blue on the right."""
    return write_image(folder / "halves.png", halves())


@pytest.fixture
def note(folder):
    return write_text(folder / "note.txt", "A dog runs along the beach.")
