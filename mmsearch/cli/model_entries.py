"""What `mmsearch models` says of each encoder and re-ranker."""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mmsearch.cli.output import reflowed
from mmsearch.errors import DependencyMissing, MmsearchError, UsageError
from mmsearch.protocols import Encoder, Reranker
from mmsearch.registry import (
    encoder_class,
    encoder_names,
    make_encoder,
    make_reranker,
    reranker_class,
    reranker_names,
)


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One encoder or re-ranker.

    Attributes:
        modalities: What it reads or judges; empty if that depends on the argument.
        dim: Of the vectors of an encoder; None if it depends on the argument.
        usable: Whether it can be used here.
        remark: Why not, or what must be added to the name.
        about: What it is, in a sentence; empty if nothing is known of it.
    """

    kind: Literal["encoder", "re-ranker"]
    name: str
    modalities: tuple[str, ...]
    dim: int | None
    usable: bool
    remark: str
    about: str = ""


def encoder_entries() -> list[ModelEntry]:
    """Describe every encoder that can be named."""
    return [_encoder_entry(name) for name in encoder_names()]


def reranker_entries() -> list[ModelEntry]:
    """Describe every re-ranker that can be named."""
    return [_reranker_entry(name) for name in reranker_names()]


def encoder_facts(encoder: Encoder) -> dict[str, Any]:
    """Tell all that is known of an encoder, without its weights: JSON values by name."""
    spec = encoder.spec
    return {
        "kind": "encoder",
        "name": spec.space.model,
        "about": _about(type(encoder)),
        "modalities": sorted(spec.modalities),
        "dim": spec.space.dim,
        "revision": spec.space.revision,
        "preprocessing": spec.space.preprocessing,
        "space_id": spec.space.space_id,
        "image_input": asdict(spec.image_input) if spec.image_input else None,
        "audio_input": asdict(spec.audio_input) if spec.audio_input else None,
        "transcribes": spec.transcribes,
        "adaptable": spec.feature_dim > 0,
        "no_match_below": {_pair(*pair): each.doubtful for pair, each in spec.levels.items() if each.verdict},
        "typical_match": {_pair(*pair): each.typical for pair, each in spec.levels.items()},
    }


def reranker_facts(reranker: Reranker) -> dict[str, Any]:
    """Tell all that is known of a re-ranker, in the same way; `weights` is how much it counts for each kind."""
    return {
        "kind": "re-ranker",
        "name": reranker.name,
        "about": _about(type(reranker)),
        "modalities": list(_judged(reranker.weights)),
        "weights": dict(reranker.weights),
        "needs_tokens": reranker.needs_tokens,
        "image_input": asdict(reranker.image_input) if reranker.image_input else None,
    }


def _encoder_entry(name: str) -> ModelEntry:
    about = ""
    try:
        about = _first_sentence(encoder_class(name))
        spec = make_encoder(name).spec
    except UsageError:
        return ModelEntry("encoder", name, (), None, *_with_argument(make_encoder, name), about)
    except MmsearchError as error:
        return ModelEntry("encoder", name, (), None, False, str(error), about)
    return ModelEntry("encoder", name, tuple(sorted(spec.modalities)), spec.space.dim, True, "", about)


def _reranker_entry(name: str) -> ModelEntry:
    about, judged = "", _judged(None)
    try:
        made = reranker_class(name)
        about, judged = _first_sentence(made), _judged(getattr(made, "weights", None))
        judged = _judged(make_reranker(name).weights)
    except UsageError:
        return ModelEntry("re-ranker", name, judged, None, *_with_argument(make_reranker, name), about)
    except MmsearchError as error:
        return ModelEntry("re-ranker", name, judged, None, False, str(error), about)
    return ModelEntry("re-ranker", name, judged, None, True, "", about)


def _with_argument(make: Callable[[str], object], name: str) -> tuple[bool, str]:
    """Try with an argument that names nothing: a model whose packages are missing says that first.

    Returns:
        Whether it can be used here, and what must be added to the name, or why it cannot.
    """
    try:
        make(f"{name}:{os.devnull}")
    except DependencyMissing as error:
        return False, str(error)
    except MmsearchError:
        pass  # there is no such model, as expected
    return True, f"Named with an argument, such as {name}:/path/to/folder."


def _judged(weights: object) -> tuple[str, ...]:
    """Name the kinds that count; none if only an argument decides on them, so that a class has no mapping of them."""
    return tuple(sorted(kind for kind, weight in weights.items() if weight > 0)) if isinstance(weights, Mapping) else ()


def _first_sentence(made: Callable[..., Any]) -> str:
    return _about(made).partition("\n")[0].partition(". ")[0].removesuffix(".") + "."


def _about(made: Callable[..., Any]) -> str:
    """Return what a class says of itself, up to where the details begin."""
    text = inspect.getdoc(made) or ""
    for heading in ("Args", "Raises"):
        text = text.partition(f"\n{heading}:")[0]
    return reflowed(text.strip())


def _pair(asked: str, found: str) -> str:
    return f"{asked} to {found}"
