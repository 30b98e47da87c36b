"""`mmsearch config`: the settings and where each value comes from."""

import os
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import emit_json, examples, plain_table, printable, show, wants_json

if TYPE_CHECKING:
    from mmsearch.config import Config

app = typer.Typer(no_args_is_help=True, help="See the settings.", rich_markup_mode="rich")
SHOW_EXAMPLES = examples(
    ("mmsearch config show", ""),
    ("MMSEARCH_SEARCH_K=50 mmsearch config show", "a setting in the environment"),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        value: As it is set; 0 in a limit means as the machine allows.
        source: "default", "environment", "flag" or the path of the settings file.
        in_effect: What a 0 comes to on this machine; else the value itself.
    """

    name: str
    value: str | int | float | bool
    source: str
    in_effect: str | int | float | bool


@app.command("show", epilog=SHOW_EXAMPLES)
@with_global_options
def config_show(options: GlobalOptions, json: JsonOption = False) -> None:
    """List every setting, its value and where it comes from.

    A setting limits.max_pixels is max_pixels in the section (limits) of HOME/mmsearch.toml, or
    MMSEARCH_LIMITS_MAX_PIXELS in the environment.
    """
    settings = _settings(options)
    if wants_json(json):
        from dataclasses import asdict

        for setting in settings:
            emit_json(asdict(setting))
        return
    table = plain_table("setting", "value", "from")
    for setting in settings:
        table.add_row(setting.name, printable(_shown(setting)), printable(setting.source))
    show(table)


def _shown(setting: Setting) -> str:
    if setting.value == setting.in_effect or isinstance(setting.value, str):
        return str(setting.value)
    return f"{setting.value} (here {setting.in_effect:,})"


def _settings(options: GlobalOptions) -> list[Setting]:
    from mmsearch.config import FILE_NAME, setting_names

    config = options.config()
    path = config.home / FILE_NAME
    in_file = _names_in(path.read_text(encoding="utf-8-sig")) if path.is_file() else set()
    flags = {"home": options.home, "collection": options.collection}
    rows = []
    for name in ["home", *setting_names()]:
        value = _value(config, name)
        source = str(path) if name in in_file else "default"
        if f"MMSEARCH_{name.replace('.', '_').upper()}" in os.environ:
            source = "environment"
        if flags.get(name):
            source = "flag"
        rows.append(Setting(name, value, source, _in_effect(config, name, value)))
    return rows


def _names_in(toml: str) -> set[str]:
    """Dotted names of the settings in a file that `load_config` has accepted."""
    names = set()
    for name, value in tomllib.loads(toml).items():
        names |= {f"{name}.{inner}" for inner in value} if isinstance(value, dict) else {name}
    return names


def _value(config: "Config", name: str) -> Any:  # noqa: ANN401 - settings differ in type
    section, _, key = name.rpartition(".")
    value = getattr(getattr(config, section) if section else config, key)
    return value if isinstance(value, str | int | float) else str(value)


def _in_effect(config: "Config", name: str, value: Any) -> Any:  # noqa: ANN401
    if name == "ingest.workers":
        return config.ingest.worker_count
    if name == "index.max_memory_bytes":
        return config.index.memory_bytes
    section, _, key = name.rpartition(".")
    return getattr(config.limits.for_machine(config.ingest.worker_count), key) if section == "limits" else value
