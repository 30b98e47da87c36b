"""What an evaluation leaves: the report, and the rankings behind it, to be saved or exported."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mmsearch.errors import UsageError
from mmsearch.evaluation.gates import check_gates, parse_gate
from mmsearch.evaluation.judged import JudgedQuery
from mmsearch.evaluation.ranking import Run
from mmsearch.evaluation.report import EvaluationReport, IndexRecall
from mmsearch.evaluation.saved import save_runs
from mmsearch.evaluation.trec import write_trec_qrels, write_trec_run


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured, with the rankings that it was measured on.

    Attributes:
        report: For people and gates.
        queries: That were searched for.
        runs: Their rankings.
        folder: Of the file of queries; paths in it are saved relative to it.
    """

    report: EvaluationReport
    queries: tuple[JudgedQuery, ...]
    runs: tuple[Run, ...]
    folder: str

    def check(self, *gates: str) -> None:
        """Hold it against gates such as "recall@10>=0.4".

        Raises:
            UsageError: One cannot be read.
            GateFailed: One is not met; says all that are not.
        """
        check_gates([parse_gate(gate, self.report.depth) for gate in gates], self.report)

    def with_index(self, recall: IndexRecall | None) -> "Evaluation":
        """Return the same with what was measured of the index."""
        return replace(self, report=replace(self.report, index=recall))

    def save(self, path: str | Path) -> None:
        """Write the runs as JSON, to compare later ones with.

        Raises:
            StorageError: The folder is not there, cannot be written, or the disk is full.
        """
        about = {name: getattr(self.report, name) for name in ("collection", "model", "revision", "depth")}
        about["mmsearch"] = self.report.version
        about["made_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        save_runs(Path(path), self.queries, self.runs, self.folder, about)

    def write_trec(self, path: str | Path) -> None:
        """Write the run as trec_eval reads it.

        Raises:
            UsageError: There are several runs, for which the format has no place.
            StorageError: The folder is not there, cannot be written, or the disk is full.
        """
        if len(self.runs) != 1:
            raise UsageError("A file of trec_eval holds one run.", remedy="Measure one mode.")
        write_trec_run(Path(path), self.queries, self.runs[0], self.folder)

    def write_trec_qrels(self, path: str | Path) -> None:
        """Write what is relevant as trec_eval reads it.

        Raises:
            StorageError: The folder is not there, cannot be written, or the disk is full.
        """
        write_trec_qrels(Path(path), self.queries, self.folder)
