"""`mmsearch status`: what a collection holds."""

import os
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from mmsearch.cli.index import waiting_line
from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, examples, printable, show, size, wants_json

if TYPE_CHECKING:
    from mmsearch.reports import IndexStatus, RerankerStatus, Status, TokenStatus

EXAMPLES = examples(("mmsearch status", ""), ("mmsearch status -c work --json", ""))


@with_global_options
def status(options: GlobalOptions, json: JsonOption = False) -> None:
    """Show what a collection holds: files, model, index, folders."""
    with options.open() as collection:
        found = collection.status()
    if wants_json(json):
        emit_json(asdict(found))
        return
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _rows(found, options):
        table.add_row(name, printable(value))
    show(table)


def _rows(found: "Status", options: GlobalOptions) -> list[tuple[str, str]]:
    segments = ", ".join(f"{count:,} {modality}" for modality, count in sorted(found.segments.items())) or "none"
    rows = [
        ("collection", f"{found.name}  ({found.path})"),
        ("model", f"{found.model}, {found.dim} dimensions"),
        *([("adapted", _adapted(found.adapted))] if found.adapted else []),
        *([("calibrated", "with a bank of queries, against files that every text finds")] if found.calibrated else []),
        *([("re-ranker", _reranker(found.reranker))] if found.reranker else []),
        ("files", f"{found.assets:,}"),
        ("segments", segments),
        ("index", index_line(found.index)),
        *([("", found.index.note)] if found.index.note else []),
        *([("asked for", asked)] if (asked := asked_line(found.index)) else []),
        *([("tokens", _tokens(found.tokens))] if found.tokens else []),
        ("on disk", size(found.bytes_on_disk)),
        ("last indexed", _local_time(found.last_indexed_at)),
    ]
    rows += [("folder", root if os.path.exists(root) else f"{root} (not there now)") for root in found.roots]
    rows += [("waiting", waiting_line(found.waiting))] if found.waiting else []
    rows += [("failed", f"{counted(found.failed, 'file')}; see `{options.call('errors')}`")] if found.failed else []
    return rows


def index_line(index: "IndexStatus") -> str:
    """Describe an index on a line."""
    if index.kind == "none":
        return f"none yet; searches compare all {counted(index.vectors, 'vector')}"
    name = f"{index.kind} ({index.factory})" if index.factory else index.kind
    parts = [f"{name}, {counted(index.vectors, 'vector')}, {size(index.size_bytes)}"]
    if index.recall is not None:
        parts.append(f"recall {recall_shown(index.recall)} of the nearest 10 on {index.tuned_with}{_speed(index)}")
    changes = [f"{index.tail:,} new since"] if index.tail else []
    changes += [f"{index.removed:,} removed"] if index.removed else []
    parts += [", ".join(changes)] if changes else []
    parts += [] if index.fresh else ["not for the vectors as they are now; searches do without it"]
    return "; ".join(parts)


def asked_line(index: "IndexStatus") -> str:
    """Say what is asked of the index, as far as it is not what every collection gets; "" if nothing is."""
    from mmsearch.config import IndexConfig

    usual = IndexConfig()
    parts = [index.asked] if index.asked != usual.kind else []
    parts += [f"at most {size(index.max_memory_bytes)} of memory"] if index.max_memory_bytes else []
    parts += [f"at most {index.max_latency_ms:g} ms"] if index.max_latency_ms != usual.max_latency_ms else []
    parts += [f"recall of at least {index.min_recall:g}"] if index.min_recall != usual.min_recall else []
    return ", ".join(parts)


def _speed(index: "IndexStatus") -> str:
    if index.latency_ms is None or index.flat_latency_ms is None:
        return ""
    return f", {index.latency_ms:.1f} ms (scan: {index.flat_latency_ms:,.1f} ms)"


def recall_shown(share: float) -> str:
    """Write .985, rounded down: 1.000 only for all."""
    return f"{int(share * 1000) / 1000:.3f}".removeprefix("0")


def _tokens(kept: "TokenStatus") -> str:
    each = f" ({size(kept.bytes_per_segment)} each)" if kept.segments else ""
    return f"{kept.segments:,} of {kept.of:,} segments, {size(kept.size_bytes)}{each}, for re-ranking"


def _reranker(trained: "RerankerStatus") -> str:
    if not trained.used:
        return f"trained, version {trained.version}: not used, since {trained.unused_because}"
    gains = ", ".join(f"{modality} {100 * gain:+.1f} mAP" for modality, gain in sorted(trained.gains.items()))
    return f"trained, version {trained.version}" + (f": {gains}" if gains else "")


def _adapted(heads: dict[str, int]) -> str:
    kinds = ", ".join(f"{modality} (version {version})" for modality, version in sorted(heads.items()))
    return f"{kinds}, to your own pairs"


def _local_time(iso: str | None) -> str:
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S") if iso else "never"
