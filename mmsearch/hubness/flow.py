"""Making banks, a line a stage: what people ask -> what is right -> gather -> fit -> install what helps."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from os import PathLike

from mmsearch.adapt.pairs import Pair, read_pairs
from mmsearch.catalog.catalog import Catalog
from mmsearch.config import Limits
from mmsearch.errors import UsageError
from mmsearch.gain_reports import BankReport
from mmsearch.hubness.asked import clicked_pairs, logged_texts, read_queries
from mmsearch.hubness.bank import to_bytes
from mmsearch.hubness.fit import Fitted, fit
from mmsearch.hubness.gather import answers_in, gather
from mmsearch.hubness.stored import banks_in_use
from mmsearch.protocols import Encoder
from mmsearch.types import MODALITIES, Modality
from mmsearch.vectors.store import VectorStore


@dataclass(frozen=True, slots=True)
class Sources:
    """Where queries and right answers come from.

    Attributes:
        pairs: A table of files with captions or labels, see `read_pairs`: the right answers. Without it these are
            the clicks in the log.
        queries: A text file of a query a line.
        from_log: Take the queries from the log. With neither of the two, they are the captions of `pairs`.
    """

    pairs: str | PathLike[str] | None = None
    queries: str | PathLike[str] | None = None
    from_log: bool = False


def calibrate(
    sources: Sources,
    catalog: Catalog,
    store: VectorStore,
    encoder: Encoder,
    limits: Limits,
    *,
    modalities: Collection[Modality] = (),
    dry_run: bool = False,
) -> list[BankReport]:
    """Make a bank of queries for each modality, and install those that help on files kept aside.

    Args:
        sources: Of queries and right answers.
        catalog: Of the collection; open for writing unless `dry_run`.
        store: Of the collection.
        encoder: Of the collection; embeds texts, and nothing else.
        limits: On the bytes of the files given.
        modalities: Of these only; by default of all that have enough right answers.
        dry_run: Install nothing, and write nothing at all.

    Raises:
        UsageError: There are too few queries or right answers.
        MediaError: A file given cannot be read.
    """
    asked = _asked(sources, catalog, limits)
    pairs = _pairs(sources, catalog, limits)
    answers = answers_in(pairs, catalog)
    fitted, refused = [], []
    for modality in [each for each in MODALITIES if each in (modalities or MODALITIES)]:
        material = gather(modality, answers, asked, catalog, store, encoder)
        try:
            fitted.append(fit(modality, material))
        except UsageError as error:  # too few of this kind, which matters only if it was asked for
            if modalities:
                raise
            refused.append((material.examples.rows.items, error))
    if not fitted:
        raise _why_nothing(refused, pairs, len(answers))
    if not dry_run:
        _install([each for each in fitted if each.report.helps], catalog)
    return [replace(each.report, unknown=len(pairs) - len(answers)) for each in fitted]


def _asked(sources: Sources, catalog: Catalog, limits: Limits) -> list[str] | None:
    """Return the queries for the bank; None if they are to be the captions."""
    if sources.queries is None and not sources.from_log:
        return None
    given = read_queries(sources.queries, limits) if sources.queries is not None else []
    return given + (logged_texts(catalog.queries()) if sources.from_log else [])


def _pairs(sources: Sources, catalog: Catalog, limits: Limits) -> list[Pair]:
    """Return which files are right for which texts."""
    if sources.pairs is not None:
        return read_pairs(sources.pairs, limits)
    if sources.queries is None and not sources.from_log:
        raise UsageError("There is nothing to learn from.", remedy="Give PAIRS, --queries or --from-log.")
    if pairs := clicked_pairs(catalog.clicked_queries()):
        return pairs
    raise UsageError(
        "Queries alone do not tell whether a bank of them helps, and no hit of a search was called right yet.",
        remedy="Give PAIRS too; or keep queries (`mmsearch search --log`) and say which hits are right "
        "(`mmsearch feedback`).",
    )


def _why_nothing(refused: Sequence[tuple[int, UsageError]], pairs: Sequence[Pair], known: int) -> UsageError:
    """Say why the kind with the most files was refused, or that hardly a file is in the collection."""
    files, error = max(refused, key=lambda each: each[0])
    if files or known:
        return error
    return UsageError(
        f"None of the {len(pairs):,} files with captions, labels or clicks is in the collection. The first is "
        f"{pairs[0].path}.",
        remedy="Index the files first; paths in a table are relative to its own folder.",
    )


def _install(fitted: Sequence[Fitted], catalog: Catalog) -> None:
    """Put new banks in place of those of the same modalities; others stay."""
    if not fitted:
        return
    banks = {**banks_in_use(catalog), **{each.bank.modality: each.bank for each in fitted}}
    with catalog.write() as writer:
        writer.put_banks(to_bytes(banks), {each.bank.modality: each.report.to_dict() for each in fitted})
