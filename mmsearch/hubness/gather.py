"""What a bank is made of and checked by, for one modality: stored rows, texts of files, queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmsearch.adapt.examples import SEED, Examples, Rows, draw
from mmsearch.adapt.fit import ROWS_TO_JUDGE
from mmsearch.adapt.pairs import Pair
from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import AssetState, Catalog
from mmsearch.hubness.bank import MAX_QUERIES
from mmsearch.hubness.check import Questions
from mmsearch.normalise import unit_rows
from mmsearch.protocols import Encoder
from mmsearch.types import Features, Ids, Modality, Vectors
from mmsearch.vectors.store import VectorStore

Answers = Mapping[int, tuple[AssetState, Pair]]  # files of the collection by id, ascending, and what finds them


@dataclass(frozen=True, slots=True)
class Material:
    """All that `fit` needs.

    Attributes:
        examples: Files with texts that should find them.
        others: Further files to search among, none a copy of these.
        questions: What the bank is made of.
    """

    examples: Examples
    others: Rows
    questions: Questions


def answers_in(pairs: Sequence[Pair], catalog: Catalog) -> Answers:
    """Find the files of pairs in the collection."""
    states = catalog.lookup([pair.path for pair in pairs])
    ready = {state.path: state for state in states.values() if state.status == "ready"}
    found = {ready[pair.path].id: (ready[pair.path], pair) for pair in pairs if pair.path in ready}
    return dict(sorted(found.items()))


def gather(
    modality: Modality,
    answers: Answers,
    asked: Sequence[str] | None,
    catalog: Catalog,
    store: VectorStore,
    encoder: Encoder,
) -> Material:
    """Read the rows of a modality as searches see them, and embed the texts.

    Args:
        modality: Of the rows.
        answers: Files; those without a row of the modality are passed over. Of very many a part is drawn.
        asked: Queries for the bank; None takes the texts of the files.
        catalog: Of the collection.
        store: Of the collection.
        encoder: Of the collection.
    """
    segments = catalog.segments_of(modality)
    assets = _drawn(np.intersect1d(np.fromiter(answers, dtype=np.int64), segments[1]), answers, segments)
    captions = [answers[asset][1].captions for asset in assets.tolist()]
    flat = [caption for each in captions for caption in each]
    contents = [answers[asset][0].content_hash or "" for asset in assets.tolist()]
    group = np.unique(contents, return_inverse=True)[1]
    examples = Examples.make(_rows(assets, segments, catalog, store), captions, _embed(flat, encoder), group)
    copies = catalog.assets_with_content({answer.content_hash or "" for answer, _ in answers.values()})
    others, sizes = np.unique(segments[1][~np.isin(segments[1], copies)], return_counts=True)
    rest = _rows(others[draw(sizes, ROWS_TO_JUDGE)], segments, catalog, store)
    if asked is None:
        return Material(examples, rest, Questions(examples.texts, np.arange(len(examples.texts))))
    return Material(examples, rest, _questions(asked, flat, encoder))


def _drawn(assets: Ids, answers: Answers, segments: tuple[Ids, Ids]) -> Ids:
    """Keep so many files that their texts fill a bank at most, and their rows are `ROWS_TO_JUDGE` at most."""
    texts = np.array([len(answers[asset][1].captions) for asset in assets.tolist()], dtype=np.int64)
    assets = assets[draw(texts, MAX_QUERIES)]
    rows = np.bincount(np.searchsorted(assets, segments[1][np.isin(segments[1], assets)]), minlength=len(assets))
    return assets[draw(rows, ROWS_TO_JUDGE)]


def _questions(asked: Sequence[str], said: Sequence[str], encoder: Encoder) -> Questions:
    """Embed different queries, `MAX_QUERIES` of them at most, and see which of them the files' texts say too."""
    numbers: dict[str, int] = {}
    for text in said:
        numbers.setdefault(_plain(text), len(numbers))  # as `Examples.make` counts
    different = list({_plain(text): text for text in asked}.values())
    if len(different) > MAX_QUERIES:
        some = np.random.default_rng(SEED).choice(len(different), MAX_QUERIES, replace=False)
        different = [different[place] for place in np.sort(some).tolist()]
    number = np.array([numbers.get(_plain(each), -1) for each in different], dtype=np.int64)
    return Questions(_embed(different, encoder), number)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _embed(texts: Sequence[str], encoder: Encoder) -> Vectors:
    if not texts:
        return np.empty((0, encoder.spec.space.dim), dtype=np.float32)
    return unit_rows(encoder.encode_texts(list(texts), "query"))


def _rows(assets: Ids, segments: tuple[Ids, Ids], catalog: Catalog, store: VectorStore) -> Rows:
    """Read the rows of files, with the heads in use; a bank needs no features."""
    kept = np.flatnonzero(np.isin(segments[1], assets))
    kept = kept[np.lexsort((segments[0][kept], segments[1][kept]))]
    ids, vectors = stored_vectors(catalog, store, segments[0][kept])
    order = np.searchsorted(ids, segments[0][kept])
    features: Features = np.zeros((len(kept), 0), dtype=np.float16)
    return Rows(vectors[order], features, np.searchsorted(assets, segments[1][kept]))
