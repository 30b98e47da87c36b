"""Compare the speed of indexing photos with what the bare model could do; or see whether memory stays flat.

    python -m benchmarks.indexing [--files 2000] [--workers 2] [--folder PHOTOS] [--memory] [--tokens]

Needs the `demo` extra: the photos are random crops of scikit-image's, as 640 x 480 JPEGs of about 90 kB, unless
--folder names others. The raw rate is that of the same ONNX model, with the same number of processes of one thread,
fed with pixels that are in memory already; it is measured before and after, since machines are noisy. --memory
indexes 1,000 and 10,000 files instead and compares the peaks. --tokens indexes with and without storing tokens, three
times each in turn, and compares wall and CPU time.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

import mmsearch
from mmsearch.config import Limits
from mmsearch.threads import machine_cores

WIDTH_PX, HEIGHT_PX, QUALITY = 640, 480, 94
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "retina.jpg", "hubble_deep_field.jpg")


def make_photos(folder: Path, count: int) -> None:
    """Write JPEGs that all differ, from real photos."""
    import skimage

    data = Path(skimage.__file__).parent / "data"
    sources = [Image.open(data / name).convert("RGB") for name in PHOTOS if (data / name).exists()]
    random = np.random.default_rng(0)
    crops = [_crop(sources[i % len(sources)], random) for i in range(min(count, 200))]
    for i in range(count):
        # Bytes behind the end of the picture make each file's content, and so its hash, different.
        (folder / f"{i:06d}.jpg").write_bytes(crops[i % len(crops)] + i.to_bytes(8, "little"))


def _crop(source: Image.Image, random: np.random.Generator) -> bytes:
    side = float(random.uniform(0.6, 1.0))
    width, height = int(source.width * side), int(source.height * side)
    left, top = random.integers(source.width - width + 1), random.integers(source.height - height + 1)
    box = (int(left), int(top), int(left) + width, int(top) + height)
    out = BytesIO()
    source.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS, box).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


RAW = """
import sys, time, numpy as np
from mmsearch.encoders.builtin.image import BATCH, ImageModel
model = ImageModel()
pixels = np.random.default_rng(0).integers(0, 256, (BATCH, 224, 224, 3), dtype=np.uint8)
for _ in range(5):
    model.logits(pixels)
sys.stdout.write("ready\\n"); sys.stdout.flush(); sys.stdin.readline()
start, done = time.perf_counter(), 0
while time.perf_counter() - start < float(sys.argv[1]):
    model.logits(pixels)
    done += len(pixels)
print(done / (time.perf_counter() - start))
"""


def raw_rate(workers: int, seconds: float) -> float:
    """Images per second of the bare model: the sum over so many processes that run at the same time."""
    command = [sys.executable, "-c", RAW, str(seconds)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(workers)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    with ThreadPoolExecutor(workers) as threads:
        return sum(float(each[0]) for each in threads.map(lambda child: child.communicate("go\n"), children))


def index_rate(photos: Path, count: int, workers: int, *, tokens: bool | None = None) -> float:
    """Images per second from files on disk to a published index, less the start of the workers."""
    with tempfile.TemporaryDirectory() as home, mmsearch.open("bench", home=home) as collection:
        first: list[float] = []

        def on_progress(progress: mmsearch.IndexProgress) -> None:
            if progress.encoded and not first:
                first.extend([time.perf_counter(), progress.encoded])

        collection.index(photos, workers=workers, tokens=tokens, on_progress=on_progress)
        return (count - first[1]) / (time.perf_counter() - first[0])


def print_tokens(photos: Path, count: int, workers: int) -> None:
    """Index with and without tokens in turn, and print what they cost."""
    milliseconds: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for tokens in (False, True) * 3:
        begun = _cpu_s()
        rate = index_rate(photos, count, workers, tokens=tokens)
        milliseconds[tokens].append((1000 / rate, 1000 * (_cpu_s() - begun) / count))
    (wall, cpu), (wall_with, cpu_with) = (np.median(milliseconds[tokens], axis=0) for tokens in (False, True))
    more, more_cpu = (100 * (after / before - 1) for before, after in ((wall, wall_with), (cpu, cpu_with)))
    print(f"ms a photo, median of 3: {wall:.2f} without tokens, {wall_with:.2f} with ({more:+.0f} %)")
    print(f"CPU, starting the workers included: {cpu:.2f} and {cpu_with:.2f} ({more_cpu:+.0f} %)")


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def stages(photos: Path) -> dict[str, float]:
    """Milliseconds of one thread that each stage takes for one photo."""
    from mmsearch.encoders.builtin.encoder import BuiltinEncoder
    from mmsearch.files import blake2
    from mmsearch.media.image import read_image

    encoder, limits = BuiltinEncoder(), Limits().for_machine(1)
    paths = sorted(photos.iterdir())[:200]
    encoder.load()
    spent = dict.fromkeys(("read", "hash", "decode and resize", "model and ConSE"), 0.0)
    for start in range(0, len(paths), 20):
        ticks = [time.perf_counter()]
        data = [path.read_bytes() for path in paths[start : start + 20]]
        ticks.append(time.perf_counter())
        for each in data:
            blake2(each)
        ticks.append(time.perf_counter())
        pixels = np.stack([read_image(each, limits, encoder.spec.image_input).pixels for each in data])
        ticks.append(time.perf_counter())
        encoder.encode_images(pixels, "document")
        ticks.append(time.perf_counter())
        for name, begin, end in zip(spent, ticks, ticks[1:], strict=False):
            spent[name] += 1000 * (end - begin) / len(paths)
    return spent


PEAK = """
import json, resource, sys, mmsearch
with mmsearch.open("bench", home=sys.argv[1]) as collection:
    report = collection.index(sys.argv[2], workers=int(sys.argv[3]))
peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps([report.added, *peaks]))
"""


def print_memory(workers: int) -> None:
    """Index 1,000 and 10,000 files, each in a process of its own, and print the peaks."""
    for count in (1_000, 10_000):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
            make_photos(Path(folder), count)
            command = [sys.executable, "-c", PEAK, home, folder, str(workers)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        added, parent, worker = json.loads(done.stdout)
        print(f"{added:6.0f} files: peak memory {parent:.0f} MiB in the parent, {worker:.0f} MiB in a worker")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=machine_cores())
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--tokens", action="store_true")
    args = parser.parse_args()
    if args.memory:
        print_memory(args.workers)
        return
    with tempfile.TemporaryDirectory() as temporary:
        photos = args.folder or Path(temporary)
        if not args.folder:
            make_photos(photos, args.files)
        sizes = [path.stat().st_size for path in photos.iterdir()]
        print(f"{len(sizes)} photos, mean size {np.mean(sizes) / 1000:.0f} kB, {args.workers} workers of one thread")
        if args.tokens:
            print_tokens(photos, len(sizes), args.workers)
            return
        before = raw_rate(args.workers, 8)
        indexed = index_rate(photos, len(sizes), args.workers)
        after = raw_rate(args.workers, 8)
        raw = (before + after) / 2
        print(f"raw model {raw:.0f} images/s ({before:.0f} before, {after:.0f} after); indexing {indexed:.0f} images/s")
        print(f"ratio {indexed / raw:.2f}")
        spent = stages(photos)
        print("one thread, ms a photo: " + ", ".join(f"{name} {ms:.2f}" for name, ms in spent.items()))
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"(CPU time of all children {children.ru_utime + children.ru_stime:.0f} s)")


if __name__ == "__main__":
    main()
