"""A folder of texts and a picture, in two states, and what a collection over it must then hold."""

import os
from pathlib import Path

from mmsearch.testing.media import write_corrupt, write_image, write_text

FIRST = {f"{number}.txt": f"word {number} stays" for number in range(4)} | {
    "changes.txt": "before the change",
    "goes.txt": "soon deleted",
    "moves.txt": "moved elsewhere",
}
SECOND = (
    {f"{number}.txt": f"word {number} stays" for number in range(4)}
    | {
        "changes.txt": "after the change was made",
        "moved.txt": "moved elsewhere",
        "copied.txt": "word 0 stays",
    }
    | {f"new {number}.txt": f"word {number} is new" for number in range(4)}
)
STAYS = {name: text for name, text in FIRST.items() if SECOND.get(name) == text}


def make_first(folder: Path):
    for name, text in FIRST.items():
        write_text(folder / name, text)
    write_image(folder / "red.png", "red")


def make_second(folder: Path):
    (folder / "goes.txt").unlink()
    (folder / "moves.txt").rename(folder / "moved.txt")
    for name, text in SECOND.items():
        if FIRST.get(name) != text and name != "moved.txt":
            write_text(folder / name, text)
    write_corrupt(folder / "broken.jpg")


def texts(collection):
    """What the collection has, by name of file; each is looked for by its own words as well."""
    hits = collection.search("word", k=100, modality="text")
    found = {os.path.basename(hit.path): hit.text for hit in hits}
    for name, text in found.items():
        best = [os.path.basename(hit.path) for hit in collection.search(text, k=2) if hit.cosine > 0.999]
        assert name in best
    return found
