"""Adapting a collection, a line a stage: read the pairs -> gather stored rows -> fit -> install what helps."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from os import PathLike

import numpy as np

from mmsearch.adapt.examples import Examples, Rows, draw
from mmsearch.adapt.fit import MIN_ITEMS, ROWS_TO_JUDGE, Fitted, fit
from mmsearch.adapt.pairs import Pair, read_pairs
from mmsearch.catalog.catalog import AssetState, Catalog
from mmsearch.config import Limits
from mmsearch.errors import ModalityUnsupported, UsageError
from mmsearch.gain_reports import AdaptReport
from mmsearch.media.probe import modality_of
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.types import Ids, Modality
from mmsearch.vectors.store import VectorStore

ADAPTABLE: tuple[Modality, ...] = ("image", "audio")


def adapt(
    pairs: str | PathLike[str],
    catalog: Catalog,
    store: VectorStore,
    encoder: Encoder,
    limits: Limits,
    *,
    modalities: Collection[Modality] = (),
    dry_run: bool = False,
) -> list[AdaptReport]:
    """Fit heads to the user's pairs, and install those that help on files kept aside.

    Args:
        pairs: See `read_pairs`.
        catalog: Of the collection; open for writing unless `dry_run`.
        store: Of the collection.
        encoder: Of the collection; embeds the captions, and nothing else.
        limits: On the bytes of `pairs`.
        modalities: Of these only; by default of all that have enough pairs.
        dry_run: Install nothing, and write nothing at all.

    Raises:
        ModalityUnsupported: The model gives no features to fit, or one of the modalities cannot be fitted.
        UsageError: Too few of the pairs are about files of the collection, or it was made before features were kept.
        MediaError: `pairs` cannot be read.
    """
    _check(encoder, catalog, modalities)
    given = read_pairs(pairs, limits)
    captioned = _captioned(given, catalog)
    wanted = [each for each in ADAPTABLE if each in (modalities or ADAPTABLE)]
    fitted, refused = [], []
    for modality in wanted:
        assets, segments = _of_modality(captioned, modality, catalog)
        try:
            fitted.append(_fit(modality, assets, segments, captioned, catalog, store, encoder))
        except UsageError as error:  # too few of this kind, which matters only if it was asked for
            if modalities:
                raise
            refused.append((len(assets), error))
    if not fitted:
        raise _why_nothing(refused, given, len(captioned))
    if not dry_run:
        _install([each for each in fitted if each.report.helps], catalog)
    known = {pair.path for _, pair in captioned.values()}
    unknown = [pair.path for pair in given if pair.path not in known]
    return [replace(each.report, unknown=_count_of(unknown, each.report.modality)) for each in fitted]


def _count_of(paths: Sequence[str], modality: Modality) -> int:
    """Count files that may be of a kind; a video is read for its sound."""
    kinds = (modality, "video", None) if modality == "audio" else (modality, None)
    return sum(modality_of(path) in kinds for path in paths)


def _why_nothing(refused: Sequence[tuple[int, UsageError]], given: Sequence[Pair], captioned: int) -> UsageError:
    """Say why the kind with the most files was refused, or that there are hardly files of any kind."""
    files, error = max(refused, key=lambda each: each[0])
    if files >= MIN_ITEMS:
        return error
    return UsageError(
        f"At least {MIN_ITEMS} pictures, or as many sounds, with captions are needed; of the {len(given):,} files in "
        f"the table, {captioned:,} are in the collection. The first is {given[0].path}.",
        remedy="Index the files first; paths in the table are relative to its own folder.",
    )


def _check(encoder: Encoder, catalog: Catalog, modalities: Collection[Modality]) -> None:
    if not encoder.spec.feature_dim:
        raise ModalityUnsupported(
            f"The model {encoder.spec.space.model} gives no features that could be fitted.",
            remedy="Use the built-in model.",
        )
    if not catalog.feature_dim():
        raise UsageError(
            "This collection was made by an mmsearch that kept no features, on which heads are fitted.",
            remedy="Index the folders into a new collection.",
        )
    if unfit := sorted(set(modalities) - set(ADAPTABLE)):
        raise ModalityUnsupported(f"{unfit[0]} cannot be adapted.", remedy=f"These can: {', '.join(ADAPTABLE)}.")


def _captioned(pairs: Sequence[Pair], catalog: Catalog) -> dict[int, tuple[AssetState, Pair]]:
    """Find the files of the pairs in the collection: id -> what is known of it, in order of id."""
    states = catalog.lookup([pair.path for pair in pairs])
    found = {states[pair.path].id: (states[pair.path], pair) for pair in pairs if pair.path in states}
    return {id_: found[id_] for id_ in sorted(found) if found[id_][0].status == "ready"}


def _of_modality(captioned: Collection[int], modality: Modality, catalog: Catalog) -> tuple[Ids, tuple[Ids, Ids]]:
    """Return those of the files that have segments of the modality, and (ids, files) of all such segments."""
    segments = catalog.segments_of(modality)
    return np.intersect1d(np.fromiter(captioned, dtype=np.int64), segments[1]), segments


def _fit(
    modality: Modality,
    assets: Ids,
    segments: tuple[Ids, Ids],
    captioned: dict[int, tuple[AssetState, Pair]],
    catalog: Catalog,
    store: VectorStore,
    encoder: Encoder,
) -> Fitted:
    captions = [captioned[asset][1].captions for asset in assets.tolist()]
    flat = [caption for each in captions for caption in each]
    contents = [captioned[asset][0].content_hash or "" for asset in assets.tolist()]
    examples = Examples.make(
        _rows(assets, segments, catalog, store),
        captions,
        unit_rows(encoder.encode_texts(flat, "query")) if flat else np.empty((0, encoder.spec.space.dim), np.float32),
        group=np.unique(contents, return_inverse=True)[1],
    )
    known = catalog.assets_with_content({content for content in contents if content})
    return fit(modality, examples, _rows(_others(known, segments), segments, catalog, store))


def _others(known: Ids, segments: tuple[Ids, Ids]) -> Ids:
    """Draw files of contents that have no pair, as many as will be searched among at most."""
    others, sizes = np.unique(segments[1][~np.isin(segments[1], known)], return_counts=True)
    return others[draw(sizes, ROWS_TO_JUDGE)]


def _rows(assets: Ids, segments: tuple[Ids, Ids], catalog: Catalog, store: VectorStore) -> Rows:
    """Read the rows of files as they are stored: what the encoder gave, whatever heads are in use."""
    kept = np.flatnonzero(np.isin(segments[1], assets))
    kept = kept[np.lexsort((segments[0][kept], segments[1][kept]))]
    places = catalog.locations(segments[0][kept])  # sorted by id
    order = np.searchsorted(places.ids, segments[0][kept])
    files, rows = places.files[order], places.rows[order]
    item = np.searchsorted(assets, segments[1][kept])
    return Rows(store.gather(files, rows), store.gather_features(files, rows), item)


def _install(fitted: Sequence[Fitted], catalog: Catalog) -> None:
    if not fitted:
        return
    weights = {each.head.modality: each.head.to_bytes() for each in fitted}
    reports = {each.head.modality: each.report.to_dict() for each in fitted}
    with catalog.write() as writer:
        writer.put_heads(weights, reports)
