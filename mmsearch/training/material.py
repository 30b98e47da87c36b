"""What a re-ranker learns from and is judged by, for one modality: captioned files, all others, and their tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from mmsearch.adapt.examples import Examples, Rows, draw
from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import Catalog
from mmsearch.errors import UsageError
from mmsearch.hubness.gather import Answers
from mmsearch.hubness.stored import banks_in_use
from mmsearch.normalise import unit_rows
from mmsearch.protocols import TokenEncoder
from mmsearch.types import CodedTokens, Features, Ids, Modality, Vectors
from mmsearch.vectors.store import VectorStore
from mmsearch.vectors.tokens import TokenStore, quantise

MAX_TEXTS = 4_096
MAX_ROWS = 30_000  # of captioned files, and as many of others: with 50 tokens of 388 bytes each, some 1.2 GB
TEXTS_AT_ONCE = 256


class Stores(Protocol):
    """The open stores of a collection."""

    @property
    def catalog(self) -> Catalog:
        """What is known of files and segments."""
        ...

    @property
    def store(self) -> VectorStore:
        """The vectors."""
        ...

    @property
    def tokens(self) -> TokenStore:
        """The tokens."""
        ...


@dataclass(frozen=True, slots=True)
class Material:
    """All files of one modality, or a part drawn of very many.

    Attributes:
        modality: Of the segments, which are the rows of the gallery.
        examples: The captioned files, with the vectors as searches see them.
        gallery: All files that are searched among: those of the examples first, then others, none a copy of these.
        penalties: (rows,) what searches take off the cosines, if the collection is calibrated.
        tokens: Of each row.
        words: Of each different text: a token a word.
    """

    modality: Modality
    examples: Examples
    gallery: Rows
    penalties: npt.NDArray[np.float32]
    tokens: Sequence[CodedTokens]
    words: Sequence[CodedTokens]

    @property
    def first_stage(self) -> tuple[Vectors, Rows]:
        """Texts and rows whose inner products are the scores of the first stage.

        One more dimension does it, by which each text is 1 and each row its penalty, negated.
        """
        texts = np.column_stack([self.examples.texts, np.ones(len(self.examples.texts), dtype=np.float32)])
        vectors = np.column_stack([self.gallery.vectors, -self.penalties])
        return texts, Rows(vectors, self.gallery.features, self.gallery.item)


def gather(modality: Modality, answers: Answers, stores: Stores, encoder: TokenEncoder) -> Material:
    """Read vectors and tokens of a modality, and embed the captions; call it inside `from_one_state`.

    Args:
        modality: Of the segments.
        answers: Captioned files; those without a segment of the modality are passed over.
        stores: Of the collection.
        encoder: Of the collection; gives tokens.

    Raises:
        UsageError: Most captioned files of this modality have no tokens.
        CollectionDamaged: What is stored cannot be read.
    """
    segments = _with_tokens(modality, answers, stores.catalog)
    assets = _drawn(np.intersect1d(np.fromiter(answers, dtype=np.int64), segments[1]), answers, segments)
    captions = [answers[asset][1].captions for asset in assets.tolist()]
    number, texts = numbered([caption for each in captions for caption in each])
    vectors, words = embed_captions(texts, encoder)
    group = np.unique([answers[asset][0].content_hash or "" for asset in assets.tolist()], return_inverse=True)[1]
    ids, rows = _rows(assets, segments, stores)
    other_ids, others = _rows(_others(answers, segments, stores.catalog), segments, stores)
    gallery = rows.followed_by(others)
    bank = banks_in_use(stores.catalog).get(modality)
    return Material(
        modality=modality,
        examples=Examples.make(rows, captions, vectors[number], group),
        gallery=gallery,
        penalties=bank.penalties(gallery.vectors) if bank else np.zeros(len(gallery.item), dtype=np.float32),
        tokens=_tokens(np.concatenate([ids, other_ids]), stores),
        words=words,
    )


def numbered(captions: Sequence[str]) -> tuple[Ids, list[str]]:
    """Return the numbers (n,) that `Examples.make` gives to captions, and the different ones in order of number."""
    plain = [" ".join(each.casefold().split()) for each in captions]
    first = {each: place for place, each in reversed(list(enumerate(plain)))}
    numbers = {each: number for number, each in enumerate(sorted(first, key=first.__getitem__))}
    return np.array([numbers[each] for each in plain], dtype=np.int64), [captions[first[each]] for each in numbers]


def _with_tokens(modality: Modality, answers: Answers, catalog: Catalog) -> tuple[Ids, Ids]:
    """Return the segments of a modality that have tokens, and the file of each."""
    ids, files = catalog.segments_of(modality)
    kept = np.isin(ids, catalog.token_places(ids).ids)
    captioned = np.isin(files, np.fromiter(answers, dtype=np.int64))
    if 2 * np.count_nonzero(kept & captioned) < np.count_nonzero(captioned):
        raise UsageError(
            f"Most {modality} files with captions have no tokens stored, on which re-rankers work.",
            remedy="Run `mmsearch rebuild --tokens`, which reads the files again.",
        )
    return ids[kept], files[kept]


def _drawn(assets: Ids, answers: Answers, segments: tuple[Ids, Ids]) -> Ids:
    """Keep so many files that their texts are `MAX_TEXTS` at most, and their rows `MAX_ROWS`."""
    texts = np.array([len(answers[asset][1].captions) for asset in assets.tolist()], dtype=np.int64)
    assets = assets[draw(texts, MAX_TEXTS)]
    return assets[draw(np.unique(segments[1][np.isin(segments[1], assets)], return_counts=True)[1], MAX_ROWS)]


def _others(answers: Answers, segments: tuple[Ids, Ids], catalog: Catalog) -> Ids:
    copies = catalog.assets_with_content({state.content_hash or "" for state, _ in answers.values()})
    others, sizes = np.unique(segments[1][~np.isin(segments[1], copies)], return_counts=True)
    return others[draw(sizes, MAX_ROWS)]


def _rows(assets: Ids, segments: tuple[Ids, Ids], stores: Stores) -> tuple[Ids, Rows]:
    """Return the segments of files, file by file, and their vectors as searches see them."""
    kept = np.flatnonzero(np.isin(segments[1], assets))
    kept = kept[np.lexsort((segments[0][kept], segments[1][kept]))]
    ids, vectors = stored_vectors(stores.catalog, stores.store, segments[0][kept])
    features: Features = np.zeros((len(kept), 0), dtype=np.float16)
    own = vectors[np.searchsorted(ids, segments[0][kept])]
    return segments[0][kept], Rows(own, features, np.searchsorted(assets, segments[1][kept]))


def _tokens(ids: Ids, stores: Stores) -> Sequence[CodedTokens]:
    places = stores.catalog.token_places(ids)
    at = np.searchsorted(places.ids, ids)
    return stores.tokens.gather_coded(places.files[at], places.rows[at], places.counts[at])


def embed_captions(texts: Sequence[str], encoder: TokenEncoder) -> tuple[Vectors, list[CodedTokens]]:
    """Embed texts: unit vectors (n, d), and the tokens of their words, rounded as those of files are."""
    vectors = [np.empty((0, encoder.spec.space.dim), dtype=np.float32)]
    words: list[CodedTokens] = []
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        embedded = encoder.embed_texts(texts[start : start + TEXTS_AT_ONCE], tokens=True)
        vectors.append(unit_rows(embedded.vectors))
        words += [quantise(each) for each in cast("tuple[npt.NDArray[np.float32], ...]", embedded.tokens)]
    return np.concatenate(vectors), words
