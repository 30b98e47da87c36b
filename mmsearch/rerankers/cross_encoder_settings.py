"""What the files of a cross-encoder say of it: known without reading its weights."""

from pathlib import Path, PurePosixPath
from typing import Any

from mmsearch.errors import ModelError, WeightsDamaged
from mmsearch.rerankers.model_folder import CONFIG_FILE, COPY_MODEL, own_code, read_object, read_objects

_MODULES_FILE = "modules.json"  # of sentence-transformers; without it, the model is one of transformers alone
_MODULE_SETTINGS = "sentence_bert_config.json"
_HEADS = ("ForSequenceClassification", "ForCausalLM")  # what sentence-transformers makes a cross-encoder of


def takes_pictures(folder: Path) -> bool:
    """Say whether a model reads pictures beside texts.

    Raises:
        WeightsDamaged: A file is missing or malformed.
    """
    if not (folder / _MODULES_FILE).is_file():
        return False  # sentence-transformers takes such a model for one of texts
    settings = _first_module(folder) / _MODULE_SETTINGS
    kinds = read_object(settings).get("modality_config", {}) if settings.is_file() else {}
    if not isinstance(kinds, dict):
        raise WeightsDamaged(f"{settings} does not say what the model reads: modality_config.", remedy=COPY_MODEL)
    return {"image", "message"} <= set(kinds)  # a query and a picture are given to it as two messages


def require_trained_head(folder: Path) -> None:
    """Refuse a model that would be given a head of random numbers, or that needs code of its own.

    Raises:
        ModelError: It is such a model.
    """
    if (folder / _MODULES_FILE).is_file():
        return
    import transformers

    architectures = read_object(folder / CONFIG_FILE).get("architectures") or [""]
    if not str(architectures[0]).endswith(_HEADS):
        if "auto_map" in read_object(folder / CONFIG_FILE):
            raise own_code(f"The model in {folder} cannot be loaded")
        raise ModelError(
            f"The model in {folder} is no cross-encoder: it has neither {_MODULES_FILE} nor a head that judges pairs.",
            remedy="Name one such as cross-encoder/ms-marco-MiniLM-L6-v2.",
        )
    if not hasattr(transformers, str(architectures[0])):
        raise own_code(f"The model in {folder} cannot be loaded")


def _first_module(folder: Path) -> Path:
    modules: list[dict[str, Any]] = read_objects(folder / _MODULES_FILE)
    path = PurePosixPath(str(modules[0].get("path", ""))) if modules else PurePosixPath("..")
    if path.is_absolute() or ".." in path.parts:
        raise WeightsDamaged(f"{folder / _MODULES_FILE} names no part of the model.", remedy=COPY_MODEL)
    return folder / path
