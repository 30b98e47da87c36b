"""The checks of `mmsearch doctor`, each a line."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from mmsearch import __version__
from mmsearch.cli.output import counted, size
from mmsearch.config import Config, machine_memory_bytes
from mmsearch.errors import MmsearchError
from mmsearch.opening import open as open_collection
from mmsearch.registry import make_encoder
from mmsearch.testing import noises
from mmsearch.testing.media import write_image, write_text, write_wav
from mmsearch.threads import machine_cores
from mmsearch.vectors.ann.gpu_install import gpu_install
from mmsearch.vectors.ann.gpu_trial import trial_failure

_PACKAGES = (
    *("numpy", "onnxruntime", "tokenizers", "sqlalchemy", "alembic"),
    *("pillow", "av", "safetensors", "lark", "typer", "rich"),
)
# Extra -> the module that it brings.
_EXTRAS = {
    "speech": "faster_whisper",
    "evaluate": "ir_measures",
    "heic": "pillow_heif",
    "preview": "textual_image",
    "open_clip": "open_clip",
    "rerankers": "sentence_transformers",
    "demo": "skimage",
}
_PURPOSE = {
    "speech": "what is said in recordings",
    "evaluate": "`mmsearch evaluate`",
    "heic": "iPhone photos",
    "preview": "pictures in the terminal",
    "open_clip": "open_clip models",
    "rerankers": "published re-rankers",
    "demo": "real photos for `mmsearch demo`",
}
_LITTLE_MEMORY_BYTES = 2 << 30
_LITTLE_SPACE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report.

    Attributes:
        says: What was found.
        remedy: What can be done, if anything should be.
    """

    name: str
    state: Literal["ok", "warn", "fail"]
    says: str
    remedy: str = ""


def checks(config: Config) -> Iterator[Check]:
    """Run all checks, quick ones first."""
    yield Check("mmsearch", "ok", f"{__version__} in {Path(__file__).parents[1]}")
    yield Check("Python", "ok", f"{platform.python_version()} ({sys.executable}), {platform.platform()}")
    yield from map(_package, _PACKAGES)
    yield _faiss()
    yield _sqlite()
    yield from map(_extra, _EXTRAS)
    yield _machine(config)
    yield _limits(config)
    yield _gpu(config.index.device)
    yield _home(config.home)
    yield _model(config.model)
    yield _trial(config.model)


def _package(name: str) -> Check:
    try:
        return Check(name, "ok", version(name))
    except PackageNotFoundError:
        return Check(name, "fail", "not installed", "Install mmsearch again: pip install --force-reinstall mmsearch")


def _faiss() -> Check:
    """Say which of the packages of FAISS are installed: they share one module, so one may have spoilt another."""
    install = gpu_install()
    says = ", ".join(f"{name} {version}" for name, version in install.packages.items()) or "of unknown origin"
    problem, remedy = install.problem
    if not install.imports:
        return Check("FAISS", "fail", f"{says}: {problem}", remedy)
    if problem and not install.gpu_build and len(install.packages) > 1:
        return Check("FAISS", "warn", f"{says}: {problem}", remedy)
    return Check("FAISS", "ok", f"{says}, {'with' if install.gpu_build else 'without'} GPU code")


def _sqlite() -> Check:
    import sqlite3

    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
        except sqlite3.OperationalError:
            remedy = "Use a Python whose SQLite has FTS5, as those of python.org and of most systems have."
            return Check("SQLite", "fail", f"{sqlite3.sqlite_version}, without the full-text index FTS5", remedy)
    return Check("SQLite", "ok", f"{sqlite3.sqlite_version}, with FTS5")


def _extra(name: str) -> Check:
    if find_spec(_EXTRAS[name]):
        return Check(f"extra {name}", "ok", f"installed: {_PURPOSE[name]}")
    return Check(f"extra {name}", "ok", f"not installed: {_PURPOSE[name]} (pip install 'mmsearch[{name}]')")


def _machine(config: Config) -> Check:
    memory = machine_memory_bytes()
    says = f"{machine_cores()} cores, {size(memory)} memory, {config.ingest.worker_count} workers"
    if memory < _LITTLE_MEMORY_BYTES:
        return Check("machine", "warn", says, "With little memory, set ingest.workers to 1.")
    return Check("machine", "ok", says)


def _limits(config: Config) -> Check:
    limits = config.limits.for_machine(config.ingest.worker_count)
    return Check(
        "limits",
        "ok",
        f"a file may have {limits.max_pixels:,} pixels and {size(limits.max_file_bytes)}, and take "
        f"{limits.decode_timeout_s:g} s; a worker may have {size(limits.worker_memory_bytes)}",
    )


def _gpu(device: str) -> Check:
    """Search on the GPU, if there is one; none is needed unless the settings ask for it."""
    install = gpu_install()
    problem, remedy = install.problem
    if problem and device == "gpu":
        return Check("GPU", "fail", f"index.device is gpu, but {problem}", remedy)
    if problem:
        return Check("GPU", "ok", f"not used, and not needed: {problem}")
    found = f"{counted(install.gpus, 'GPU')}, FAISS {'with' if install.cuvs else 'without'} cuVS"
    if failure := trial_failure():
        return Check(
            "GPU", "warn", f"{found}, but a search on it failed: {failure}", "docs/gpu.md says what to look for."
        )
    return Check("GPU", "ok", f"{found}; a search on it works; index.device is {device}")


def _home(home: Path) -> Check:
    """Look whether collections can be stored, without leaving anything behind."""
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Check("home", "fail", f"{home} cannot be written", "Choose another folder with --home.")
    status = os.statvfs(place)
    free = status.f_bavail * status.f_frsize
    says = f"{home} ({size(free)} free)"
    return Check("home", "warn" if free < _LITTLE_SPACE_BYTES else "ok", says)


def _model(name: str) -> Check:
    """Load the weights, which checks them, and embed a text, a picture and a sound."""
    try:
        encoder = make_encoder(name)
        encoder.load()
        spec = encoder.spec
        rows = [encoder.encode_texts(["a dog"], "query")]
        if spec.image_input:
            shape = (1, spec.image_input.height_px, spec.image_input.width_px, 3)
            rows.append(encoder.encode_images(np.full(shape, 128, np.uint8), "document"))
        if spec.audio_input:
            rows.append(encoder.encode_audio([noises.siren(1.0)], "document"))
    except MmsearchError as error:
        return Check(f"model {name}", "fail", error.message, error.remedy)
    except Exception as error:  # a plug-in may raise anything, and this is where its user looks for the reason
        return Check(f"model {name}", "fail", f"{type(error).__name__}: {error}", "Ask the makers of the model.")
    if not all(np.isfinite(each).all() and each.any() for each in rows):
        return Check(f"model {name}", "fail", "it gives no usable vectors", "Choose another model.")
    return Check(
        f"model {name}", "ok", f"weights whole; embeds {', '.join(sorted(spec.modalities))}; {spec.space.dim}-d"
    )


def _trial(model: str) -> Check:
    """Index a picture, a text and a sound with a worker process, and find the text."""
    with TemporaryDirectory() as folder:
        write_image(Path(folder) / "red.png", "red", (256, 256))
        write_text(Path(folder) / "note.txt", "A dog runs along the beach.\n")
        write_wav(Path(folder) / "tone.wav")
        try:
            with open_collection("trial", home=Path(folder) / "home", model=model) as collection:
                report = collection.index(folder, workers=1)
                hits = collection.search("A dog runs along the beach.", k=1)
        except MmsearchError as error:
            return Check("trial", "fail", error.message, error.remedy)
    if report.added and [Path(hit.path).name for hit in hits] == ["note.txt"]:
        return Check("trial", "ok", f"{counted(report.added, 'file')} indexed and found in {report.seconds:.1f} s")
    return Check("trial", "fail", "the files were not found", "Install mmsearch again.")
