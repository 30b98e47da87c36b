"""Names to classes. Built-ins are strings here, third parties use entry points; both load lazily.

An encoder or a re-ranker is named `NAME` or `NAME:ARGUMENT`; the class is called with the argument, if there is one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from typing import Any

from mmsearch.errors import DependencyMissing, ModelError, ModelNotFound, UsageError
from mmsearch.protocols import Encoder, Reranker

ENCODER_GROUP = "mmsearch.encoders"
BUILTIN_ENCODERS: dict[str, str] = {
    "builtin": "mmsearch.encoders.builtin.encoder:BuiltinEncoder",
    "hashing": "mmsearch.encoders.hashing:HashingEncoder",
    "open_clip": "mmsearch.encoders.open_clip:OpenClipEncoder",
}
# Encoders that an extra of the same name installs: pip install 'mmsearch[NAME]'.
EXTRAS = frozenset({"open_clip"})

RERANKER_GROUP = "mmsearch.rerankers"
BUILTIN_RERANKERS: dict[str, str] = {
    "builtin": "mmsearch.rerankers.builtin:BuiltinReranker",
    "maxsim": "mmsearch.rerankers.maxsim:MaxSimReranker",
    "blip": "mmsearch.rerankers.blip:BlipReranker",
    "cross_encoder": "mmsearch.rerankers.cross_encoder:CrossEncoderReranker",
}
# Re-rankers that need more than mmsearch itself -> the extra that installs it.
RERANKER_EXTRAS: dict[str, str] = {"blip": "rerankers", "cross_encoder": "rerankers"}


def encoder_names() -> list[str]:
    """Every encoder that can be named, built-in ones first."""
    return _ENCODERS.names()


def reranker_names() -> list[str]:
    """Every re-ranker that can be named, built-in ones first."""
    return _RERANKERS.names()


def make_encoder(model: str) -> Encoder:
    """Make the encoder that a model string names, such as "builtin" or "open_clip:/models/my-clip".

    Raises:
        ModelNotFound: No encoder has that name, or two packages claim it.
        UsageError: The encoder needs an argument that is not given, or takes none.
        DependencyMissing: The encoder needs a package that is not installed.
        ModelError: A third party's entry point names nothing.
    """
    encoder: Encoder = _ENCODERS.make(model)
    return encoder


def make_reranker(model: str) -> Reranker:
    """Make the re-ranker that a model string names, such as "maxsim" or "blip:/models/my-blip".

    Raises:
        ModelNotFound, UsageError, DependencyMissing, ModelError: As `make_encoder`.
    """
    reranker: Reranker = _RERANKERS.make(model)
    return reranker


def encoder_class(name: str) -> Callable[..., Any]:
    """Import what makes the encoders of a name, such as "open_clip"; none is made.

    Raises:
        ModelNotFound, DependencyMissing, ModelError: As `make_encoder`.
    """
    return _ENCODERS.load(name)


def reranker_class(name: str) -> Callable[..., Any]:
    """Import what makes the re-rankers of a name, such as "blip", in the same way."""
    return _RERANKERS.load(name)


def check_reranker_name(model: str) -> None:
    """Refuse a model string whose name no re-ranker has; none is imported.

    Raises:
        ModelNotFound: As `make_encoder`.
    """
    _RERANKERS.require(model.partition(":")[0])


@dataclass(frozen=True, slots=True)
class _Family:
    """Models of one kind, by name.

    Attributes:
        kind: What a class of theirs is: "encoder".
        called: What to call one that a user names: "model".
        group: Of the entry points of third parties.
        builtins: Name -> "module:attribute".
        extras: Name -> the extra that installs what the model needs.
    """

    kind: str
    called: str
    group: str
    builtins: Mapping[str, str]
    extras: Mapping[str, str]

    def names(self) -> list[str]:
        return [*self.builtins, *sorted(self._third_party())]

    def make(self, model: str) -> Any:  # noqa: ANN401 - whatever the class makes
        name, _, argument = model.partition(":")
        arguments = (argument,) if argument else ()
        factory = self.load(name)
        _check_arguments(self.called, name, factory, arguments)
        return factory(*arguments)

    def require(self, name: str) -> None:
        if name not in self.builtins and name not in self._third_party():
            raise ModelNotFound(f"There is no {self.called} {name!r}; known: {', '.join(self.names())}.")

    def load(self, name: str) -> Callable[..., Any]:
        """Import the class.

        Raises:
            ModelNotFound, DependencyMissing, ModelError: As `make_encoder`.
        """
        self.require(name)
        try:
            if name in self.builtins:
                module, _, attribute = self.builtins[name].partition(":")
                return getattr(import_module(module), attribute)  # type: ignore[no-any-return]
            return self._third_party()[name].load()  # type: ignore[no-any-return]
        except ImportError as error:
            extra = self.extras.get(name)
            package = f"'mmsearch[{extra}]'" if extra else (error.name or name).partition(".")[0]
            raise DependencyMissing(
                f"The {self.kind} {name!r} cannot be imported: {error}.", remedy=f"Try: pip install {package}."
            ) from error
        except AttributeError as error:
            raise ModelError(
                f"The package that offers the {self.kind} {name!r} is broken: {error}.",
                remedy="Upgrade or uninstall it.",
            ) from error

    def _third_party(self) -> dict[str, EntryPoint]:
        """Entry points by name.

        Raises:
            ModelNotFound: Two packages claim one name, or one claims a built-in's.
        """
        found: dict[str, EntryPoint] = {}
        for entry in entry_points(group=self.group):
            if entry.name in found or entry.name in self.builtins:
                raise ModelNotFound(
                    f"Two packages offer {_an(self.kind)} named {entry.name!r}.", remedy="Uninstall one of them."
                )
            found[entry.name] = entry
        return found


def _check_arguments(called: str, name: str, factory: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    try:
        signature(factory).bind(*arguments)
    except TypeError as error:
        wanted = f"{name!r}, without" if arguments else f"'{name}:ARGUMENT', with"
        raise UsageError(f"The {called} is to be named {wanted} an argument.", remedy="") from error


def _an(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


_ENCODERS = _Family("encoder", "model", ENCODER_GROUP, BUILTIN_ENCODERS, {name: name for name in EXTRAS})
_RERANKERS = _Family("re-ranker", "re-ranker", RERANKER_GROUP, BUILTIN_RERANKERS, RERANKER_EXTRAS)
