"""On the result page of a search that is to be explained: what was found where, laid over pictures and below sounds."""

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from mmsearch.cli.output import notice, printable
from mmsearch.errors import CollectionDamaged, ModelError, UsageError

if TYPE_CHECKING:
    from mmsearch.attention.explanation import Explanation
    from mmsearch.collection.collection import Collection
    from mmsearch.queries import Hits

OVERLAY_PX = 64  # the longer side; the browser smooths it
_WORDS, _WORD_CHARS = 3, 24


def maps_of(collection: "Collection", asked: Mapping[str, Any], hits: "Hits") -> dict[int, "Explanation"]:
    """Look at the pictures and sounds among the hits again, by the texts that were searched for; none if there is none.

    What cannot be looked at is left out, with a notice: the page is of use without.
    """
    query = _query(asked)
    ids = [hit.id for hit in hits if hit.modality in ("image", "audio")]
    if not query or not ids:
        return {}
    try:
        return collection.explain_hits(query, ids, reranker=asked.get("reranker") or "")
    except (ModelError, UsageError, CollectionDamaged) as error:
        notice(f"The page has no heat maps: {error}")
        return {}


def overlay(explanation: "Explanation") -> str:
    """Return an image element to be laid over a picture."""
    import numpy as np

    from mmsearch.media.heatmap import overlay_png

    frame = explanation.frame
    if frame is None:
        return ""
    scale = OVERLAY_PX / max(frame.width_px, frame.height_px)
    size = max(1, round(frame.width_px * scale)), max(1, round(frame.height_px * scale))
    return _image("heat", overlay_png(np.array(explanation.together.cells), size, frame.shares))


def below(explanation: "Explanation") -> str:
    """Return what stands below a hit: for a sound a strip of what was found when, and the words that found most."""
    from mmsearch.media.heat_chart import heat_strip_png

    spans = explanation.together.spans
    strip = _image("strip", heat_strip_png([span.value for span in spans])) if spans else ""
    words = [word for word in explanation.strongest(_WORDS) if word.strength > 0]
    told = ", ".join(f"{printable(word.word[:_WORD_CHARS])} {word.strength:.0%}" for word in words)
    return strip + (f'<span class="more">{escape(told)}</span>' if told else "")


def _query(asked: Mapping[str, Any]) -> str:
    from mmsearch.search.request import make_request
    from mmsearch.search.terms import MAX_TEXT_CHARS

    terms = make_request(asked).terms
    return " ".join(term.value for term in terms if term.kind == "text" and term.weight > 0)[:MAX_TEXT_CHARS]


def _image(kind: str, png: bytes) -> str:
    return f'<img class="{kind}" alt="" src="data:image/png;base64,{b64encode(png).decode()}">'
