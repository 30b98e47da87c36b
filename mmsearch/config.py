"""Settings: one frozen tree. Defaults < mmsearch.toml < environment < flags.

A setting `[limits] max_pixels` in `HOME/mmsearch.toml` is `MMSEARCH_LIMITS_MAX_PIXELS` in the environment.
"""

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from mmsearch.errors import ConfigError
from mmsearch.threads import machine_cores

FILE_NAME = "mmsearch.toml"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def machine_memory_bytes() -> int:
    """Physical memory, or the container's limit where that is lower; 4 GiB if nobody tells."""
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 4 << 30
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        limit = "max"
    return min(physical, int(limit)) if limit.isdigit() else physical


@dataclass(frozen=True, slots=True)
class Limits:
    """What a single file may cost. The defaults follow from the machine's memory and cores.

    Attributes:
        max_pixels: Pixels of one picture before it is decoded. A decoded pixel costs up to 12 bytes
            (float or 32-bit samples and their conversion to RGB).
        worker_memory_bytes: What one worker process may allocate.
        max_audio_s: Length of one sound.
        max_audio_bytes: Size of one sound or film; these are read piece by piece, unlike other files.
        decode_timeout_s: Time to read, decode and embed one file; of a long sound, one piece of it.
    """

    max_pixels: int = 0
    max_file_bytes: int = 0
    max_text_bytes: int = 16 << 20
    max_passages: int = 100_000
    max_audio_s: float = 24 * 3600.0
    max_audio_bytes: int = 64 << 30
    decode_timeout_s: float = 60.0
    worker_memory_bytes: int = 0

    def for_machine(self, workers: int) -> "Limits":
        """Fill in what is 0 from this machine's memory, shared by so many workers."""
        share = machine_memory_bytes() // (max(workers, 1) + 1)  # one share is for the parent and the system
        memory = self.worker_memory_bytes or max(share, 2 << 30)  # a bound on hostile files, not what is used
        return replace(
            self,
            worker_memory_bytes=memory,
            max_pixels=self.max_pixels or min(memory // 24, 500_000_000),
            max_file_bytes=self.max_file_bytes or memory // 4,
        )


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """How `index` works.

    Attributes:
        workers: Worker processes; 0 means one a core.
        batch_files: So many files are one unit of work and one commit; at least 1.
        transcribe: Whether speech is written down, so that what is said can be searched.
        tokens: Whether what parts of pictures, sounds and texts mean is kept for re-rankers, if the model gives it.
    """

    workers: int = 0
    batch_files: int = 32
    hidden: bool = False
    follow_symlinks: bool = False
    transcribe: bool = True
    tokens: bool = True

    @property
    def worker_count(self) -> int:
        """Worker processes to use."""
        return self.workers or machine_cores()


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How `search` works.

    Attributes:
        k: How many hits.
        hybrid: Whether words are also looked up in names, captions and transcripts, if nothing else is asked for.
        log: Whether queries are kept in the collection, for `mmsearch log`, if nothing else is asked for.
        rerank: Whether the best hits are looked at again by a re-ranker that is known to help, if nothing else is
            asked for.
        reranker: Its name; empty for the one trained for the collection, or the one built in.
        rerank_depth: How many of the best hits it looks at.
        budget_ms: It ends after so many milliseconds; 0 for no end.
    """

    k: int = 10
    hybrid: bool = True
    log: bool = False
    rerank: bool = True
    reranker: str = ""
    rerank_depth: int = 100
    budget_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """What the index of a collection is to be, as long as `mmsearch optimize` has not been told otherwise for it.

    Attributes:
        kind: "auto", a kind that `mmsearch optimize --help` lists, or a FAISS factory string.
        max_memory_bytes: What the index may take; 0 means a quarter of the machine's memory.
        max_latency_ms: What one search of it may take, on one core.
        min_recall: Share of the true nearest 10 that searches by texts are to find; at most 1.
        device: Where large indexes are searched: "cpu", "gpu", or "auto", which tries a GPU and keeps what is faster.
    """

    kind: str = "auto"
    max_memory_bytes: int = 0
    max_latency_ms: float = 10.0
    min_recall: float = 0.98
    device: str = "auto"

    @property
    def memory_bytes(self) -> int:
        """What the index may take."""
        return self.max_memory_bytes or machine_memory_bytes() // 4


@dataclass(frozen=True, slots=True)
class Config:
    """All settings.

    Attributes:
        home: The folder that holds the collections.
        model: The encoder for new collections.
    """

    home: Path = Path("indexes")
    collection: str = "default"
    model: str = "builtin"
    limits: Limits = field(default_factory=Limits)
    ingest: IngestConfig = field(default_factory=IngestConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    index: IndexConfig = field(default_factory=IndexConfig)


# Settings for which 0 is neither "no limit" nor "as the machine allows".
_AT_LEAST_ONE = frozenset({"ingest.batch_files", "search.k", "search.rerank_depth"})
_AT_MOST_ONE = frozenset({"index.min_recall"})
SECTIONS: dict[str, type] = {"limits": Limits, "ingest": IngestConfig, "search": SearchConfig, "index": IndexConfig}


def default_home() -> Path:
    """`./indexes` where that folder exists, else the user's data folder."""
    local = Path("indexes")
    return local.resolve() if local.is_dir() else Path(platformdirs.user_data_dir("mmsearch", False))


def load_config(flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Put the settings together.

    Args:
        flags: Dotted names such as "ingest.workers"; values of None are left out.
        environ: Defaults to the process's environment.

    Raises:
        ConfigError: An unknown name, a value of the wrong type, or a file that is not TOML.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    home = _home(given.pop("home", None) or environ.get("MMSEARCH_HOME") or default_home())
    values = _read_file(home / FILE_NAME) | _read_environ(environ) | given
    config = Config(home=home)
    for name, value in values.items():
        config = _with_value(config, name, value)
    return config


def setting_names() -> list[str]:
    """Every setting that a file, the environment or a flag may give, in dotted form."""
    top = ["collection", "model"]
    return top + [f"{section}.{f.name}" for section, kind in SECTIONS.items() for f in fields(kind)]


def _home(path: str | Path) -> Path:
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise ConfigError(f"Cannot find the folder {path}: {error}") from error


def _read_file(path: Path) -> dict[str, Any]:
    """Flatten mmsearch.toml to dotted names."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}.", remedy="Mend the file or move it away.") from error
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": inner_value for inner, inner_value in value.items()})
        else:
            flat[name] = value
    return flat


def _read_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Pick the settings out of the environment; variables that name no setting are left alone."""
    names = {f"MMSEARCH_{name.replace('.', '_').upper()}": name for name in setting_names()}
    return {names[variable]: value for variable, value in environ.items() if variable in names}


def _with_value(config: Config, name: str, value: object) -> Config:
    section, _, key = name.rpartition(".")
    if name not in setting_names():
        raise ConfigError(f"There is no setting {name!r}.")
    holder: Any = getattr(config, section) if section else config
    converted: Any = _convert(name, value, type(getattr(holder, key)))
    if name in _AT_LEAST_ONE and converted == 0:
        raise ConfigError(f"Setting {name} must be at least 1.")
    if name in _AT_MOST_ONE and converted > 1:
        raise ConfigError(f"Setting {name} must be at most 1.")
    changed = replace(holder, **{key: converted})
    return replace(config, **{section: changed}) if section else changed


def _convert(name: str, value: object, kind: type) -> object:
    """Bring a value from TOML, the environment or a flag to the setting's type."""
    try:
        if kind is bool:
            return _parse_bool(value)
        if kind is int:
            return parse_size(value)
        if kind is float:
            return _parse_positive(value)
        return _parse_text(value)
    except ValueError as error:
        raise ConfigError(f"Setting {name}: {value!r} is not {_CALLED[kind]}.") from error


_CALLED = {
    bool: "true or false",
    int: "a whole number of 0 or more, such as 500 or 4G",
    float: "a number above 0",
    str: "a text in quotes",
}


def _parse_positive(value: object) -> float:
    number = float(str(value))
    if not 0 < number < math.inf:
        raise ValueError(value)
    return number


def _parse_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _parse_bool(value: object) -> bool:
    text = str(value).lower()
    if text not in {"true", "false", "1", "0", "yes", "no"}:
        raise ValueError(text)
    return text in {"true", "1", "yes"}


def parse_size(value: object) -> int:
    """Read a whole number of 0 or more, with an optional K, M, G or T (powers of 1024).

    Raises:
        ValueError: It is not one.
    """
    text = str(value).strip().upper().removesuffix("B").removesuffix("I")
    unit = text[-1:] if text[-1:] in _UNITS else ""
    number = float(text.removesuffix(unit)) * _UNITS[unit]
    if number < 0 or not number.is_integer():
        raise ValueError(value)
    return int(number)
