"""Names to classes. Built-ins are strings here, third parties use entry points; both load lazily.

An encoder is named `NAME` or `NAME:ARGUMENT`; the class is called with the argument, if there is one.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from typing import Any

from mmsearch.errors import DependencyMissing, ModelError, ModelNotFound, UsageError
from mmsearch.protocols import Encoder

ENCODER_GROUP = "mmsearch.encoders"
BUILTIN_ENCODERS: dict[str, str] = {
    "builtin": "mmsearch.encoders.builtin.encoder:BuiltinEncoder",
    "hashing": "mmsearch.encoders.hashing:HashingEncoder",
    "open_clip": "mmsearch.encoders.open_clip:OpenClipEncoder",
}
# Encoders that an extra of the same name installs: pip install 'mmsearch[NAME]'.
EXTRAS = frozenset({"open_clip"})


def encoder_names() -> list[str]:
    """Every encoder that can be named, built-in ones first."""
    return [*BUILTIN_ENCODERS, *sorted(_third_party())]


def make_encoder(model: str) -> Encoder:
    """Make the encoder that a model string names, such as "builtin" or "open_clip:/models/my-clip".

    Raises:
        ModelNotFound: No encoder has that name, or two packages claim it.
        UsageError: The encoder needs an argument that is not given, or takes none.
        DependencyMissing: The encoder needs a package that is not installed.
        ModelError: A third party's entry point names nothing.
    """
    name, _, argument = model.partition(":")
    arguments = (argument,) if argument else ()
    factory = _load(name)
    _check_arguments(name, factory, arguments)
    encoder: Encoder = factory(*arguments)
    return encoder


def _check_arguments(name: str, factory: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    try:
        signature(factory).bind(*arguments)
    except TypeError as error:
        wanted = f"{name!r}, without" if arguments else f"'{name}:ARGUMENT', with"
        raise UsageError(f"The model is to be named {wanted} an argument.", remedy="") from error


def _load(name: str) -> Callable[..., Any]:
    """Import the class.

    Raises:
        ModelNotFound, DependencyMissing, ModelError: As `make_encoder`.
    """
    try:
        if name in BUILTIN_ENCODERS:
            module, _, attribute = BUILTIN_ENCODERS[name].partition(":")
            return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
        if entry := _third_party().get(name):
            return entry.load()  # type: ignore[no-any-return]
    except ImportError as error:
        package = f"'mmsearch[{name}]'" if name in EXTRAS else (error.name or name).partition(".")[0]
        raise DependencyMissing(
            f"The encoder {name!r} cannot be imported: {error}.", remedy=f"Try: pip install {package}."
        ) from error
    except AttributeError as error:
        raise ModelError(
            f"The package that offers the encoder {name!r} is broken: {error}.",
            remedy="Upgrade or uninstall it.",
        ) from error
    raise ModelNotFound(f"There is no model {name!r}; known: {', '.join(encoder_names())}.")


def _third_party() -> dict[str, EntryPoint]:
    """Entry points by name.

    Raises:
        ModelNotFound: Two packages claim one name, or one claims a built-in's.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=ENCODER_GROUP):
        if entry.name in found or entry.name in BUILTIN_ENCODERS:
            raise ModelNotFound(f"Two packages offer an encoder named {entry.name!r}.", remedy="Uninstall one of them.")
        found[entry.name] = entry
    return found
