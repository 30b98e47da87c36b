"""The result page of `mmsearch search --html`: one file, complete in itself, that works without JavaScript."""

import os
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from mmsearch.cli.hits import span
from mmsearch.cli.output import counted, printable, printable_lines
from mmsearch.cli.page_maps import below, overlay
from mmsearch.errors import MediaError

if TYPE_CHECKING:
    from mmsearch.attention.explanation import Explanation
    from mmsearch.config import Limits
    from mmsearch.queries import Hit, Hits

THUMBNAIL_PX = 480  # shown at half of it, so that it is sharp on dense screens
_WEAK = "No good match: these are the nearest, but probably not what you meant."


def page(
    hits: "Hits",
    parts: Sequence[str],
    limits: "Limits",
    safe: Collection[str],
    maps: "Mapping[int, Explanation] | None" = None,
) -> str:
    """Make the page. Pictures that cannot be read any more are shown without a thumbnail.

    Args:
        hits: What was found.
        parts: What was asked for, a part each.
        limits: Filled in by `for_machine`.
        safe: Paths of files that may be decoded here; others are shown without a thumbnail.
        maps: Id of a hit -> where in it the query was found, to be shown too.
    """
    template = Template(files("mmsearch.cli").joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=_safe(", ".join(parts) or "Results"),
        parts="".join(f"<span>{_safe(part)}</span>" for part in parts),
        summary=_safe(_summary(hits)),
        notice=f'<p class="notice">{_safe(_WEAK)}</p>' if hits.good_match is False else "",
        cards="\n".join(_card(hit, limits, safe, (maps or {}).get(hit.id)) for hit in hits),
    )


def _summary(hits: "Hits") -> str:
    found = counted(len(hits), "result") if hits else "Nothing found"
    return f"{found}, {date.today():%d %B %Y}"


def _card(hit: "Hit", limits: "Limits", safe: Collection[str], map_: "Explanation | None") -> str:
    shown = hit.subject
    folder, name = os.path.split(printable(shown))
    quoted = f"<blockquote>{_safe(hit.text)}</blockquote>" if hit.text is not None else ""
    facts = ["caption" if hit.about else hit.modality, *([f"{hit.width_px} x {hit.height_px}"] if hit.width_px else [])]
    facts += [hit.captured_at[:10]] if hit.captured_at else []
    facts += [when] if (when := span(hit)) else []
    moment = f"#t={hit.start_s:g},{hit.end_s:g}" if when else ""  # where a browser begins to play
    address = escape(Path(shown).as_uri()) + moment
    return (
        f'<li class="{hit.modality}"><a href="{address}" title="{escape(printable(shown))}">'
        f"{_picture(hit, limits, safe, map_)}{quoted}"
        f'<div class="facts"><span class="rank">{hit.rank}</span>'
        f'<span class="name">{escape(name)}</span>'
        f'<span class="score" title="score {hit.score:.4f}">{hit.score:.2f}</span>'
        f"{_bar(hit.score)}{below(map_) if map_ else ''}"
        f'<span class="more">{_safe(", ".join(facts))} &middot; {escape(folder)}</span></div></a></li>'
    )


def _bar(score: float) -> str:
    return f'<meter min="0" max="1" value="{min(max(score, 0.0), 1.0):.3f}"></meter>'


def _picture(hit: "Hit", limits: "Limits", safe: Collection[str], map_: "Explanation | None") -> str:
    thumbnail = _thumbnail(hit, limits, safe)
    if map_ is None or not thumbnail.startswith("<img"):
        return thumbnail
    return f'<div class="looked">{thumbnail}{overlay(map_)}</div>'


def _thumbnail(hit: "Hit", limits: "Limits", safe: Collection[str]) -> str:
    from mmsearch.media.probe import modality_of
    from mmsearch.media.thumbnail import thumbnail_jpeg

    shown = hit.subject
    if shown not in safe or modality_of(shown) != "image":
        return ""
    try:
        jpeg = thumbnail_jpeg(shown, limits, THUMBNAIL_PX)
    except MediaError as error:
        return f'<p class="missing">{_safe(error.message)}</p>'
    return f'<img alt="" src="data:image/jpeg;base64,{b64encode(jpeg).decode()}">'


def _safe(text: str) -> str:
    return escape(printable_lines(text))
