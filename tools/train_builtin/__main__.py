"""Rebuild both heads of the built-in model from the packages that they are trained on.

    python -m tools.train_builtin --cache FOLDER [--photos FOLDER...] [--sounds FOLDER...]

Takes half an hour on one core, and the extra `train`. Folders of photos and sounds are only measured on. Each part
prints the digest to set in mmsearch/encoders/builtin/weights.py.
"""

import argparse
from pathlib import Path

from tools.train_builtin import audio, images


def main() -> None:
    """Fetch, train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="where fetched packages are kept")
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="captioned photos to measure on")
    parser.add_argument("--sounds", type=Path, nargs="*", default=[], help="labelled sounds to measure on")
    arguments = parser.parse_args()
    images.rebuild(arguments.cache, arguments.photos)
    audio.rebuild(arguments.cache, arguments.sounds)


if __name__ == "__main__":
    main()
