"""Time `mmsearch search "a dog"` as a whole process, with 10,000 images indexed, and say what it is spent on.

    python -m benchmarks.cold_search [--images 10000] [--runs 10]

The collection is filled with random unit vectors under 10,000 image rows, since only their number matters here.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from mmsearch.catalog.catalog import Catalog
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.ingest.commit import Committer, Tally
from mmsearch.ingest.index_job import IndexJob
from mmsearch.ingest.optimize import optimize
from mmsearch.ingest.publish import publish
from mmsearch.normalise import unit_rows
from mmsearch.storage import Shelves
from mmsearch.types import FileStat, IndexedFile, MediaInfo, Segment

COMMIT_FILES = 500


def fill(home: Path, images: int) -> None:
    """Make a collection "default" of so many image rows."""
    folder = home / "default"
    folder.mkdir(parents=True)
    space = BuiltinEncoder().spec.space
    random = np.random.default_rng(0)
    with Catalog.create(folder / "catalog.db", "default", space) as catalog:
        shelves = Shelves(folder, catalog)
        committer = Committer(catalog, shelves.store, Tally())
        for start in range(0, images, COMMIT_FILES):
            vectors = unit_rows(random.standard_normal((COMMIT_FILES, space.dim)))
            committer.commit(
                [
                    IndexedFile(
                        FileStat(f"/photos/{start + i:07d}.jpg", 100_000 + start + i, 1),
                        f"{start + i:032x}",
                        "image",
                        MediaInfo("image/jpeg", 4000, 3000),
                        (Segment("image"),),
                        vectors[i : i + 1],
                    )
                    for i in range(COMMIT_FILES)
                ]
            )
        if publish(catalog, shelves.store, shelves.tokens, shelves.generations):
            optimize(IndexJob(catalog, shelves.store, shelves.generations, lambda: nullcontext(catalog)))


def timed(command: list[str], environ: dict[str, str], runs: int) -> list[float]:
    """Wall seconds of each run, sorted."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, env=environ, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)


STEPS = {
    "Python itself": "pass",
    "import numpy": "import numpy",
    "import numpy, SQLAlchemy": "import numpy, sqlalchemy",
    "import numpy, SQLAlchemy, ONNX Runtime": "import numpy, sqlalchemy, onnxruntime",
    "... and the collection's own modules": "import mmsearch.collection, mmsearch.encoders.builtin.encoder",
    "... and the text model loaded and checked": (
        "import mmsearch.collection; from mmsearch.encoders.builtin.encoder import BuiltinEncoder; "
        "BuiltinEncoder().encode_texts(['a dog'], 'query')"
    ),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        fill(Path(home), args.images)
        environ = os.environ | {"MMSEARCH_HOME": home}
        command = [str(Path(sys.executable).parent / "mmsearch"), "search", "a dog", "--json"]
        seconds = timed(command, environ, args.runs)
        print(f"{' '.join(command[1:])}, {args.images} images: ", end="")
        print(f"fastest {seconds[0]:.2f} s, median {seconds[len(seconds) // 2]:.2f} s of {args.runs} runs")
        for name, code in STEPS.items():
            print(f"  {name:45s} {timed([sys.executable, '-c', code], environ, args.runs)[0] * 1000:5.0f} ms")


if __name__ == "__main__":
    main()
