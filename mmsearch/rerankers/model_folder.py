"""Where the files of a published model lie: in a folder that the user names, or in the cache of the model hub.

Only JSON, word lists and safetensors are ever read or fetched: a pickle could run any code when it is loaded, and so
could the Python files that some models bring.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten
from typing import Any

from mmsearch.errors import DependencyMissing, MmsearchError, ModelError, ModelNotFound, WeightsDamaged

CONFIG_FILE = "config.json"
_INDEX_FILE = "model.safetensors.index.json"  # of a model in several files: where each of its tensors is
COPY_MODEL = "Copy the model's files again from where it was published."
_FETCHED = ["*.json", "*.jinja", "*.txt", "*.model", "*.safetensors"]
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_MAX_JSON_BYTES = 1 << 20
_MAX_CHARS = 20_000  # of a text; more than any context holds, and cheap to split into words


def require_packages(*packages: str) -> None:
    """Check that packages of the extra are installed; none is imported.

    Raises:
        DependencyMissing: One is not.
    """
    for package in packages:
        if find_spec(package) is None:
            raise DependencyMissing(
                f"This re-ranker needs the package {package!r}.",
                remedy="Install it with: pip install 'mmsearch[rerankers]'.",
            )


class ModelFolder:
    """The files of a model that the user names by a folder, or as `owner/name` on the model hub (huggingface.co).

    A folder that is there is never taken for a hub name. What is in the hub's cache is used as it is; the network is
    used only for a hub name that is not, the first time that `path` is called.

    Raises:
        ModelNotFound: There is no such folder, and it cannot be the name of a model on the hub.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._folder = Path(source).expanduser().absolute()
        self._is_hub_name = not self._folder.is_dir()
        if self._is_hub_name and not _HUB_NAME.fullmatch(source):
            raise ModelNotFound(
                f"There is no folder {self._folder}.",
                remedy="Name the folder of a model, or a model of huggingface.co as owner/name.",
            )

    def path(self) -> Path:
        """Return the folder with all files; a model of the hub is fetched if it is not on this machine yet.

        Raises:
            ModelError: It cannot be fetched, or its weights are not safetensors.
        """
        folder = self._fetched() if self._is_hub_name else self._folder
        _require_safetensors(folder)
        return folder

    def _fetched(self) -> Path:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        with model_errors(f"The model {self.source} cannot be fetched", "Check its name and the network."):
            try:
                folder = Path(snapshot_download(self.source, allow_patterns=_FETCHED, local_files_only=True))
                if _is_whole(folder):
                    return folder
            except LocalEntryNotFoundError:
                pass
            return Path(snapshot_download(self.source, allow_patterns=_FETCHED))


@contextmanager
def model_errors(problem: str, remedy: str = COPY_MODEL) -> Iterator[None]:
    """Turn whatever a library makes of a model's files into a ModelError that begins with the problem.

    Raises:
        DependencyMissing: A package is missing.
        ModelError: All else, but for a lack of memory.
    """
    try:
        yield
    except (MmsearchError, MemoryError):
        raise
    except ImportError as error:
        raise DependencyMissing(
            f"{problem}: {shorten(str(error), 300)}.", remedy=f"Try: pip install {error.name or 'mmsearch[rerankers]'}."
        ) from error
    except Exception as error:  # files that are not what they seem make transformers raise anything
        if "trust_remote_code" in str(error):
            raise own_code(problem) from error
        raise ModelError(f"{problem}: {shorten(str(error), 300)}.", remedy=remedy) from error


def own_code(problem: str) -> ModelError:
    """Say that a model cannot be used without running code that comes with it."""
    return ModelError(
        f"{problem}: it needs code that comes with the model, which is never run.",
        remedy="Choose a model whose architecture is part of transformers itself.",
    )


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """Keep transformers from drawing a bar while it reads weights."""
    from transformers.utils import logging

    drawn = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if drawn:
            logging.enable_progress_bar()


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object of at most 1 MB.

    Raises:
        WeightsDamaged: The file is missing, longer, or holds anything else.
    """
    document = _read_json(path)
    if not isinstance(document, dict):
        raise WeightsDamaged(f"{path} holds no JSON object.", remedy=COPY_MODEL)
    return document


def read_objects(path: Path) -> list[dict[str, Any]]:
    """Read a JSON list of objects, in the same way."""
    document = _read_json(path)
    if not isinstance(document, list) or not all(isinstance(each, dict) for each in document):
        raise WeightsDamaged(f"{path} holds no list of JSON objects.", remedy=COPY_MODEL)
    return document


def _read_json(path: Path) -> object:
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_JSON_BYTES + 1)
        return json.loads(content) if len(content) <= _MAX_JSON_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsDamaged(f"{path} cannot be read: {shorten(str(error), 300)}.", remedy=COPY_MODEL) from error


def device_here() -> str:
    """Name the device that models run on: the GPU where torch sees one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def readable(text: str) -> str:
    """Cut a long text to what any context holds, and replace what has no UTF-8 form."""
    return text[:_MAX_CHARS].encode("utf-8", "replace").decode()


def _require_safetensors(folder: Path) -> None:
    """Refuse a folder without safetensors, or with a part of the model that has its weights in a pickle only."""
    for part in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        pickles = sorted(path.name for path in part.iterdir() if path.suffix in _PICKLES)
        if pickles and not _weights_in(part):
            raise WeightsDamaged(
                f"{part} holds {pickles[0]}, a pickle, which is never loaded: it could run any code.",
                remedy="Convert it to model.safetensors with safetensors.torch.save_file.",
            )
    if not _weights_in(folder):
        raise WeightsDamaged(f"{folder} holds no safetensors.", remedy=COPY_MODEL)


def _is_whole(folder: Path) -> bool:
    """Whether all weights are there: a download that was cut short leaves a folder with some of the files."""
    index = folder / _INDEX_FILE
    names = set(read_object(index)["weight_map"].values()) if index.is_file() else {"model.safetensors"}
    return all((folder / str(name)).is_file() for name in names)


def _weights_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))
