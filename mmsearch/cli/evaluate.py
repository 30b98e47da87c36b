"""`mmsearch evaluate`: measure searches on the user's own queries."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmsearch.cli.options import GlobalOptions, JsonOption, with_global_options
from mmsearch.cli.output import counted, emit_json, examples, show, wants_json
from mmsearch.cli.progress import count_shown
from mmsearch.errors import UsageError

if TYPE_CHECKING:
    from mmsearch.evaluation.outcome import Evaluation
    from mmsearch.evaluation.report import EvaluationReport

DEPTH = 100
SHOWN_UNKNOWN = 3

EXAMPLES = examples(
    ("mmsearch evaluate queries.jsonl", '{"query": "a dog", "relevant": ["dog.jpg"]} a line'),
    ("mmsearch evaluate captions.jsonl", '{"file": "dog.jpg", "caption": "Rex at the lake"} a line'),
    ("mmsearch evaluate queries.csv --modes vector,hybrid", "which is better, and for which queries"),
    ("mmsearch evaluate queries.csv --compare-rerank", "whether re-ranking helps, and for which queries"),
    ("mmsearch evaluate queries.csv --save before.json", "to compare with later"),
    ("mmsearch evaluate queries.csv --baseline before.json", "what got better and worse since"),
    ("mmsearch evaluate queries.csv --gate 'recall@10>=0.4' --gate 'change:mAP>=-0.01'", "exit code 9 if not met"),
    ("mmsearch evaluate --from-log", "queries of the log, with what was said of their hits"),
)


@with_global_options
def evaluate(
    options: GlobalOptions,
    qrels: Annotated[
        Path | None,
        typer.Argument(
            metavar="QRELS",
            help="JSON lines (.jsonl) or a table with a header (.csv, .tsv): on each line a query and its relevant "
            "files, or a file and its captions. Paths are relative to QRELS.",
        ),
    ] = None,
    modes: Annotated[
        str,
        typer.Option(
            "--modes", metavar="MODES", help="Ways of searching to compare: vector, text, hybrid, parted by commas."
        ),
    ] = "",
    depth: Annotated[
        int, typer.Option("-k", "--depth", metavar="N", help="Look at so many files of each ranking, 10 or more.")
    ] = DEPTH,
    modality: Annotated[
        str, typer.Option("--modality", metavar="KINDS", help="Search only for these kinds, whatever the queries say.")
    ] = "",
    where: Annotated[str, typer.Option("--where", metavar="EXPR", help="Search only files for which this holds.")] = "",
    exact: Annotated[
        bool, typer.Option("--exact", help="Also measure how much of the true nearest vectors the index finds.")
    ] = False,
    rerank: Annotated[
        bool | None,
        typer.Option(
            "--rerank/--no-rerank",
            show_default=False,
            help="As of `mmsearch search`, whatever the queries say; so are the next two.",
        ),
    ] = None,
    reranker: Annotated[str, typer.Option("--reranker", metavar="NAME", help="Which re-ranker.")] = "",
    rerank_depth: Annotated[
        int | None,
        typer.Option("--rerank-depth", metavar="N", help="It looks at so many hits; by default as the settings say."),
    ] = None,
    compare_rerank: Annotated[
        bool, typer.Option("--compare-rerank", help="Search without and with re-ranking, and compare.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", help="At most so many queries, drawn at random, always the same."),
    ] = None,
    from_log: Annotated[
        bool, typer.Option("--from-log", help="Take the queries of the log of which it was said what was meant.")
    ] = False,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="RUN", help="Compare with what --save wrote before.")
    ] = None,
    save: Annotated[Path | None, typer.Option("--save", metavar="RUN", help="Write the rankings as JSON.")] = None,
    trec: Annotated[
        Path | None, typer.Option("--trec", metavar="FILE", help="Write the rankings as trec_eval reads them.")
    ] = None,
    trec_qrels: Annotated[
        Path | None, typer.Option("--trec-qrels", metavar="FILE", help="Write what is relevant as trec_eval reads it.")
    ] = None,
    gate: Annotated[
        list[str] | None,
        typer.Option(
            "--gate", metavar="TEST", help="Exit with code 9 unless this holds: 'recall@10>=0.4'; may be repeated."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure searches on your own queries: how often the right files come up, and how high.

    Each metric comes with a 95 % interval: what it would be on other queries of the kind. With several modes, or a
    baseline, the differences come with one too, and the queries that changed most.
    """
    from mmsearch.evaluation.gates import CHANGE, INDEX_RECALL, check_gates, parse_gate
    from mmsearch.files import require_folder

    if from_log != (qrels is None):
        raise UsageError("Give either QRELS or --from-log.", remedy="See `mmsearch evaluate --help`.")
    ways = [mode.strip() for mode in modes.split(",") if mode.strip()]
    runs = 2 if compare_rerank else len(ways)
    gates = [parse_gate(each, depth) for each in gate or ()]
    if any(each.scope == CHANGE for each in gates) and baseline is None and runs < 2:
        raise UsageError("A gate on a change needs --baseline, two --modes or --compare-rerank.")
    if any(each.metric == INDEX_RECALL for each in gates) and not exact:
        raise UsageError(f"A gate on {INDEX_RECALL} needs --exact.")
    if trec and runs > 1:
        raise UsageError(
            "A file of trec_eval holds one run.", remedy="Give one of the --modes, and leave out --compare-rerank."
        )
    for written in filter(None, (save, trec, trec_qrels)):
        require_folder(written)
    with options.open() as collection, count_shown("Searching", quiet=options.quiet) as on_progress:
        evaluation = collection.evaluate(
            qrels,
            modes=ways,  # type: ignore[arg-type] # names that are no modes are refused
            depth=depth,
            modality=modality,
            where=where,
            metrics=[each.metric for each in gates if each.metric != INDEX_RECALL],
            limit=limit,
            exact=exact,
            baseline=baseline,
            rerank=rerank,
            reranker=reranker,
            rerank_depth=rerank_depth,
            compare_rerank=compare_rerank,
            on_progress=on_progress,
        )
    _write(evaluation, save, trec, trec_qrels)
    _print(options, evaluation.report, json=json)
    check_gates(gates, evaluation.report)
    if gates:
        options.notice(f"All gates are met: {', '.join(each.text for each in gates)}.")


def _write(evaluation: "Evaluation", save: Path | None, trec: Path | None, trec_qrels: Path | None) -> None:
    if save:
        evaluation.save(save)
    if trec:
        evaluation.write_trec(trec)
    if trec_qrels:
        evaluation.write_trec_qrels(trec_qrels)


def _print(options: GlobalOptions, report: "EvaluationReport", *, json: bool) -> None:
    if wants_json(json):
        emit_json(report.to_dict())
    else:
        from mmsearch.cli.evaluation_report import evaluation_report

        show(*evaluation_report(report))
    if report.unknown:
        some = ", ".join(report.unknown_paths[:SHOWN_UNKNOWN])
        more = ", ..." if report.unknown > SHOWN_UNKNOWN else ""
        options.notice(f"{counted(report.unknown, 'relevant file')} not in the collection: {some}{more}")
    if report.dropped:
        queries = "1 query has" if report.dropped == 1 else f"{report.dropped:,} queries have"
        options.notice(f"{queries} no relevant file in the collection and did not count.")
    if report.unreadable:
        options.notice(f"Queries of the log that cannot be asked again, and did not count: {report.unreadable:,}.")
    for run in report.runs:
        for notice, count in run.notices.items():
            options.notice(f"{run.name}: {notice} ({count:,} of {report.queries:,} queries)")
        for failed in run.failed[:SHOWN_UNKNOWN]:
            options.notice(f"{run.name}: {failed.title!r} could not be searched for: {failed.reason}")
        if len(run.failed) > SHOWN_UNKNOWN:
            options.notice(f"{run.name}: {len(run.failed):,} queries could not be searched for; they found nothing.")
