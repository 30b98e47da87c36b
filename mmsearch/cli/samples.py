"""The sample files of `mmsearch demo`: photos that scikit-image brings, drawings, two notes and four sounds."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from mmsearch.testing import noises
from mmsearch.testing.drawings import draw_samples
from mmsearch.testing.media import write_text
from mmsearch.testing.sounds import write_sound

# Photos that are in scikit-image's wheel; the rest of its samples would be downloaded. The names of some say
# nothing of what is on them: Chelsea is a cat.
PHOTOS = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "rocket.jpg",
)
NOTES = {
    "allotment.txt": "The tomatoes came up well this year, but slugs ate most of the lettuce. Next spring we want to "
    "plant beans along the fence, and build a second compost heap behind the shed.\n",
    "minutes.md": "# Meeting on Tuesday\n\nThe roof of the clubhouse leaks again. Maria asks two firms for an offer; "
    "we decide in March. The summer party is moved to the second Saturday in July.\n",
}


SOUNDS = (noises.siren, noises.telephone, noises.waves, noises.whistle)


def write_samples(folder: Path) -> int:
    """Write the sample files into a folder, which is made.

    Returns:
        How many photos of scikit-image are among them; 0 where it is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw_samples(folder)
    for name, text in NOTES.items():
        write_text(folder / name, text)
    write_sounds(folder)
    return _copy_photos(folder)


def write_sounds(folder: Path) -> None:
    """Write the sounds into a folder, each under the name of what it is."""
    for sound in SOUNDS:
        write_sound(folder / f"{sound.__name__}.wav", sound(), noises.RATE_HZ)


def _copy_photos(folder: Path) -> int:
    """Copy by path: importing scikit-image takes a second, and its own loader may go to the network."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        return 0
    photos = [photo for name in PHOTOS if (photo := Path(package.origin).parent / "data" / name).is_file()]
    for photo in photos:
        shutil.copyfile(photo, folder / photo.name)
    return len(photos)
