import os

import pytest
from PIL import Image

from mmsearch.testing.drawings import draw_samples
from mmsearch.testing.media import exif_notes


@pytest.fixture(scope="session")
def drawings(tmp_path_factory):
    """Name -> one of the sample drawings, as pixels."""
    paths = draw_samples(tmp_path_factory.mktemp("drawings"))
    return {path.stem: Image.open(path).convert("RGB") for path in paths}


@pytest.fixture
def save(folder):
    """Write a picture into the folder that is indexed; `taken` adds notes of a camera, `hours` sets the file's age."""

    def write(image, name, *, quality=90, taken=None, hours=0):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        notes = {"exif": exif_notes(make="Canon", taken=taken)} if taken else {}
        image.save(path, quality=quality, **notes)
        os.utime(path, (1_600_000_000 - 3_600 * hours,) * 2)
        return path

    return write
