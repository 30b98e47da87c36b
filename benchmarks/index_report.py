"""Tables in markdown and a plot of what `index_run` measured."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.index_measures import on_front
from benchmarks.index_run import Filtered, Measurement, Point

Row = Sequence[str]
_BUILDING = ("bytes a vector", "build, CPU s", "wall s", "tuning, CPU s")
_SUMMARY = ("index", "what", *_BUILDING, "imports ms", "load ms", "first query ms")
_ASKED_ONE = ("recall@10, texts", "pictures", "p50 ms", "p95 ms", "scan ms", "times faster")
_POINTS = ("index", "effort", *_ASKED_ONE, "queries/s in batches", "times faster in batches", "on the front")
_FOUND = ("allowed", "lie", "recall@10", "complete", "forbidden")
_FILTERED = ("index", "effort", *_FOUND, "p50 ms", "p95 ms", "asked again", "times faster than the unfiltered scan")


def print_tables(measured: Sequence[Measurement], wanted: float) -> None:
    """Print all tables.

    Args:
        measured: One an engine.
        wanted: The recall at which engines are compared in the first table.
    """
    comparison = [f"times faster at recall {wanted:g}", "in batches"]
    print_table([*_SUMMARY, *comparison], [_summary(each, wanted) for each in measured])
    print_table(_POINTS, _all_points(measured))
    if filtered := [(each.engine, row) for each in measured for row in each.filtered]:
        print_table(_FILTERED, [[engine, *_filter_row(row)] for engine, row in filtered])


def print_table(heads: Row, rows: Iterable[Row]) -> None:
    """Print a table in markdown, and an empty line."""
    for cells in (heads, ["---"] * len(heads), *rows):
        print(f"| {' | '.join(cells)} |")
    print()


def best_at(points: Sequence[Point], wanted: float) -> Point | None:
    """Return the fastest effort with at least this recall for texts."""
    return max((each for each in points if each.recall["texts"] >= wanted), key=lambda each: each.faster, default=None)


def plot(measured: Sequence[Measurement], file: Path) -> None:
    """Draw recall for texts against how many times faster than the scan."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 5), layout="constrained")
    for engine in measured:
        ours = engine.engine.startswith("mmsearch")
        label = f"{engine.engine}, {engine.made.bytes_a_vector:.0f} B"
        x, y = [each.recall["texts"] for each in engine.points], [each.faster for each in engine.points]
        axes.plot(x, y, marker="o" if ours else "x", linestyle="-" if ours else "--", markersize=4, label=label)
    axes.set(yscale="log", xlim=(0.8, 1.002), xlabel="recall@10, queries by text", ylabel="times faster than a scan")
    axes.set_title("Single queries, one thread; bytes a vector on disk")
    axes.grid(visible=True, which="both", linewidth=0.3)
    axes.legend(fontsize=7)
    figure.savefig(file, dpi=120)


def _summary(engine: Measurement, wanted: float) -> Row:
    made, opening, best = engine.made, engine.opening, best_at(engine.points, wanted)
    return [
        engine.engine,
        made.what,
        f"{made.bytes_a_vector:.0f}",
        f"{made.cpu_s:.1f}",
        f"{made.seconds:.1f}",
        f"{made.tuning_cpu_s:.1f}",
        f"{opening.imports_ms:.0f}",
        f"{opening.load_ms:.0f}",
        f"{opening.first_query_ms:.1f}",
        f"{best.faster:.1f}" if best else "not reached",
        f"{best.batch_faster:.2f}" if best else "",
    ]


def _all_points(measured: Sequence[Measurement]) -> Iterator[Row]:
    points = [(engine.engine, point) for engine in measured for point in engine.points]
    front = on_front([(point.recall["texts"], point.faster) for _, point in points])
    for (engine, point), first in zip(points, front, strict=True):
        yield [
            engine,
            point.effort,
            f"{point.recall['texts']:.3f}",
            f"{point.recall['pictures']:.3f}",
            f"{point.median_ms:.2f}",
            f"{point.late_ms:.2f}",
            f"{point.scan_ms:.1f}",
            f"{point.faster:.1f}",
            f"{point.batch_qps:,.0f}",
            f"{point.batch_faster:.2f}",
            "yes" if first else "",
        ]


def _filter_row(row: Filtered) -> Row:
    return [
        row.effort,
        f"{100 * row.share:g} %",
        "anywhere" if row.spread == "random" else "in some clusters",
        f"{row.recall:.3f}",
        f"{100 * row.complete:.0f} %",
        str(row.leaks),
        f"{row.median_ms:.2f}",
        f"{row.late_ms:.2f}",
        f"{row.again_ms:.2f}",
        f"{row.faster:.1f}",
    ]
