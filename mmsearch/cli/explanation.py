"""`mmsearch search --explain` for a person: where each score comes from, stage by stage."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mmsearch.cli.output import printable

if TYPE_CHECKING:
    from rich.table import Table

    from mmsearch.queries import Hit


def explanations(hits: Iterable["Hit"]) -> "Table":
    """Lay out a line a stage for each hit."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", title_justify="left")
    for name in ("rank", "stage"):
        table.add_column(name)
    table.add_column("what it says", overflow="fold")
    for hit in hits:
        for place, (stage, said) in enumerate(_lines(hit.explain or {})):
            table.add_row("" if place else str(hit.rank), printable(stage), printable(said))
    return table


def _lines(explain: dict[str, Any]) -> Iterable[tuple[str, str]]:
    if vector := explain.get("vector"):
        yield "meaning", _vector(vector)
    yield from ((part["part"], _part(part)) for part in explain.get("parts", []))
    if words := explain.get("words"):
        yield "words", f"score {words['score']:.2f}" + (f", rank {words['rank']}" if words["rank"] else ", no match")
    if rerank := explain.get("rerank"):
        yield "re-ranked", _rerank(rerank)
    if "score" in explain:
        yield "together", f"score {explain['score']:.3f}, mode {explain['mode']}"
    if "filter" in explain:
        yield "filter", _filter(explain["filter"])


def _filter(limits: dict[str, Any]) -> str:
    conditions = [f"where {limits['where']}"] if limits["where"] else []
    conditions += [f"only {', '.join(limits['modalities'])}"] if limits["modalities"] else []
    return f"{'; '.join(conditions) or 'none'}: {limits['segments']:,} segments of this kind may be found"


def _vector(vector: dict[str, Any]) -> str:
    said = f"score {vector['score']:.3f}, rank {vector['rank']} of its kind"
    if vector["cosine"] is not None:
        said += f", cosine {vector['cosine']:.3f}"
    if background := vector.get("background"):
        said += f", {background['deviations']:+.1f} standard deviations from the collection at large"
    return said + (f", penalty {vector['penalty']:.3f}" if vector["penalty"] else "")


def _rerank(rerank: dict[str, Any]) -> str:
    before = f"rank {rerank['rank_before']} before; {rerank['model']}"
    if not rerank["judged"]:
        return f"{before} has nothing to say of it"
    share = f"{rerank['second']:+.2f} standard deviations, of weight {rerank['weight']:g}"
    return f"{before} gives {rerank['score']:.3f}: {share}, to {rerank['first']:+.2f} of the first stage"


def _part(part: dict[str, Any]) -> str:
    share = f"gives {part['contribution']:+.3f}" if "contribution" in part else f"score {part['score']:.2f}"
    return f"cosine {part['cosine']:.3f}, weight {part['weight']:g}: {share}"
