"""Reading a catalog: every question that the other floors ask of it."""

from collections.abc import Collection, Sequence

from mmsearch.catalog import (
    assets,
    checks,
    fields,
    heads,
    listing,
    looks,
    matching,
    query_banks,
    query_log,
    rerankers,
    segments,
    spaces,
    subjects,
    word_search,
)
from mmsearch.catalog.fields import Plains
from mmsearch.catalog.index_reader import IndexReader
from mmsearch.catalog.looks import FileLook
from mmsearch.catalog.records import (
    AssetState,
    Counts,
    SegmentRecord,
    StoredHead,
    StoredReranker,
    WordTerm,
)
from mmsearch.queries import Filter
from mmsearch.reports import ClickedQuery, Failure, Problem, SaidField
from mmsearch.types import Candidates, EmbeddingSpace, Ids, Modality, Plain
from mmsearch.where.syntax import Condition, Order


class CatalogReader(IndexReader):
    """Answers from one state each: never half of a transaction, and all of a `snapshot` from the same."""

    def name(self) -> str:
        """Return the collection's name."""
        with self._read() as connection:
            return spaces.name(connection)

    def space(self) -> EmbeddingSpace:
        """Return the active embedding space."""
        with self._read() as connection:
            return spaces.active_space(connection)

    def feature_dim(self) -> int:
        """Return the length of the features beside each vector; 0 if there are none."""
        with self._read() as connection:
            return spaces.feature_dim(connection)

    def heads(self) -> tuple[StoredHead, ...]:
        """Return the heads in use, at most one a modality.

        Raises:
            CollectionDamaged: One does not match its checksum.
        """
        with self._read() as connection:
            return heads.active(connection)

    def head_versions(self) -> dict[Modality, int]:
        """Return the version of the head in use for each modality."""
        with self._read() as connection:
            return heads.versions(connection)

    def bank_number(self) -> int | None:
        """Return the number of the banks of queries in use; None if there are none."""
        with self._read() as connection:
            return query_banks.number(connection)

    def banks(self) -> bytes | None:
        """Return the banks of queries in use, as `hubness.bank.to_bytes` wrote them.

        Raises:
            CollectionDamaged: They do not match their checksum.
        """
        with self._read() as connection:
            return query_banks.active(connection)

    def reranker_version(self) -> int:
        """Return the version of the newest re-ranker that was trained here and is in use; 0 if there is none."""
        with self._read() as connection:
            return rerankers.version(connection)

    def reranker(self) -> StoredReranker | None:
        """Return the newest re-ranker that was trained here and is in use.

        Raises:
            CollectionDamaged: It does not match its checksum.
        """
        with self._read() as connection:
            return next(iter(rerankers.newest(connection, 1)), None)

    def rerankers(self) -> tuple[StoredReranker, ...]:
        """Return the re-rankers that were trained here and are in use, newest first; the newest 8 at most.

        Raises:
            CollectionDamaged: One of them does not match its checksum.
        """
        with self._read() as connection:
            return rerankers.newest(connection)

    def queries(self, limit: int | None = None) -> tuple[ClickedQuery, ...]:
        """Return the queries that are kept, or the newest of them, with what was said of their hits; newest first."""
        with self._read() as connection:
            return query_log.newest(connection, limit)

    def clicked_queries(self) -> tuple[ClickedQuery, ...]:
        """Return the queries of whose hits something was said, in order of id."""
        with self._read() as connection:
            return query_log.clicked(connection)

    def roots(self) -> tuple[str, ...]:
        """Return the folders and files that the user indexed."""
        with self._read() as connection:
            return spaces.root_paths(connection)

    def root_devices(self) -> dict[str, str | None]:
        """Return the disk that each of them was on when it was scanned last."""
        with self._read() as connection:
            return spaces.root_devices(connection)

    def lookup(self, paths: Sequence[str]) -> dict[str, AssetState]:
        """Return what is known of each path; unknown ones are left out."""
        with self._read() as connection:
            return assets.lookup(connection, paths)

    def hashes_by_size(self, sizes: Collection[int]) -> dict[int, frozenset[str]]:
        """Return the content hashes of ready files of each size; sizes without any are left out."""
        with self._read() as connection:
            return assets.hashes_by_size(connection, sizes)

    def assets_with_content(self, hashes: Collection[str]) -> Ids:
        """Return the ids (n,), sorted, of ready files that have one of these content hashes."""
        with self._read() as connection:
            return assets.with_content(connection, hashes)

    def find_assets(self, path_or_id: str) -> tuple[AssetState, ...]:
        """Return the files that a segment's id, an absolute path, or a folder with all below it names."""
        with self._read() as connection:
            return assets.find(connection, path_or_id)

    def assets_in_rows(self, file: int, first_row: int, rows: int) -> tuple[AssetState, ...]:
        """Return the files whose vectors lie in these rows of a vector file."""
        with self._read() as connection:
            return assets.in_rows(connection, file, first_row, rows)

    def failures(self, limit: int | None = None) -> tuple[Failure, ...]:
        """Return the files that could not be read, in order of path."""
        with self._read() as connection:
            return assets.failures(connection, limit)

    def counts(self) -> Counts:
        """Count what is there."""
        with self._read() as connection:
            return assets.counts(connection)

    def segment_ids(self, filter: Filter) -> Ids:
        """Return the ids (n,), sorted, that have a vector in the active space and match the filter."""
        with self._read() as connection:
            return matching.matching(connection, filter)

    def matching_files(self, filter: Filter) -> int:
        """Return how many files `listed` would give without a limit."""
        with self._read() as connection:
            return listing.matching_files(connection, filter)

    def listed(self, filter: Filter, order: Sequence[Order], limit: int, offset: int = 0) -> Ids:
        """Return the first segment (n,) of each media file and document that passes the filter, in order.

        Without an order, what was taken last, or changed if that is not known, comes first. Ties are in order of path.
        """
        with self._read() as connection:
            return listing.listed(connection, filter, order, limit, offset)

    def in_order(self, ids: Ids, order: Sequence[Order]) -> Ids:
        """Return segment ids (n,) sorted by fields of their files (a caption's is the one it describes); stable."""
        with self._read() as connection:
            return listing.in_order(connection, ids, order)

    def kinds(self) -> tuple[Modality, ...]:
        """Return the modalities of the collection's segments."""
        with self._read() as connection:
            return segments.kinds(connection)

    def segments_of(self, modality: Modality, among: Ids | None = None) -> tuple[Ids, Ids]:
        """Return the ids (n,), sorted, of the segments of a modality, all or among some, and the file of each (n,)."""
        with self._read() as connection:
            return segments.of_modality(connection, modality, among)

    def spread_ids(self, modality: Modality, size: int) -> Ids:
        """Return ids (n,), sorted, of up to `size` segments of a modality, spread over all; a seek each, no scan."""
        with self._read() as connection:
            return segments.spread(connection, modality, size)

    def segment_count(self) -> int:
        """Count the segments, whether they have a vector or not."""
        with self._read() as connection:
            return segments.count(connection)

    def ids_of(self, modality: Modality) -> Ids:
        """Return the ids (n,), sorted, of the segments of a modality, whether they have a vector or not."""
        with self._read() as connection:
            return segments.ids_of(connection, modality)

    def subjects_of_ids(self, ids: Ids | None = None) -> tuple[Ids, Ids]:
        """Return the ids (n,), sorted, of all segments or of some, and the file (n,) that each stands for.

        A caption whose file has gone stands for none: then the id of its own file is given below 0.
        """
        with self._read() as connection:
            return segments.subjects(connection, ids)

    def files_where(self, condition: Condition) -> Ids:
        """Return the ids (n,), sorted, of the files that meet a condition, whether they hold anything or not."""
        with self._read() as connection:
            return matching.files_where(connection, condition)

    def segments_of_files(self, files: Ids) -> Ids:
        """Return the ids (n,), sorted, that have a vector and stand for some files; a seek or two for each file."""
        with self._read() as connection:
            return matching.of_files(connection, files)

    def standing_for(self, asset_ids: Collection[int]) -> Ids:
        """Return the ids (n,), sorted, of all segments of some files, and of the captions that describe them."""
        with self._read() as connection:
            return segments.standing_for(connection, asset_ids)

    def asset_segments(self, asset_id: int) -> Ids:
        """Return the ids of one file's segments, in their order."""
        with self._read() as connection:
            return segments.of_asset(connection, asset_id)

    def hits(self, ids: Ids) -> dict[int, SegmentRecord]:
        """Return what is to be shown of each segment; unknown ids are left out."""
        with self._read() as connection:
            return segments.hits(connection, ids)

    def find_words(self, words: Sequence[WordTerm], allowed: Ids | None = None) -> Candidates:
        """Return all segments that have some of the words and all that are required, best first; ties in order of id.

        Args:
            words: As `search.words` reads them out of a query.
            allowed: Only these ids (n,).

        Returns:
            With scores in (0, 1]: `word_search` says what they mean.

        Raises:
            CollectionDamaged: The index of words cannot be read.
        """
        with self._read() as connection:
            return word_search.find(connection, words, allowed)

    def fields_of(self, paths: Sequence[str]) -> dict[str, dict[str, Plains]]:
        """Return the user's own fields of files: path -> name -> value, or a list; files without any are left out."""
        with self._read() as connection:
            return fields.of_paths(connection, paths)

    def fields_said_of(self, asset_id: int) -> tuple[SaidField, ...]:
        """Return the fields of one file, in order of name, with who says so."""
        with self._read() as connection:
            return fields.said_of(connection, asset_id)

    def field_names(self) -> dict[str, int]:
        """Return the names of the fields that files have, in order, and how many files have each."""
        with self._read() as connection:
            return fields.names(connection)

    def field_values(self, name: str, limit: int) -> tuple[Plain, ...]:
        """Return the values of a field that most files have, most frequent first."""
        with self._read() as connection:
            return fields.values(connection, name, limit)

    def subjects(self, asset_ids: Collection[int]) -> Ids:
        """Return the files (n,) that some stand for: themselves, or for captions those that they describe."""
        with self._read() as connection:
            return subjects.of_assets(connection, asset_ids)

    def subjects_where(self, condition: Condition) -> Ids:
        """Return the files (n,) that some segment that can be found stands for, and for which a condition holds."""
        with self._read() as connection:
            return subjects.where(connection, condition)

    def subjects_of_segments(self, ids: Collection[int]) -> Ids:
        """Return the files (n,) of segments, or for captions those that they describe."""
        with self._read() as connection:
            return subjects.of_segments(connection, ids)

    def looks(self) -> list[FileLook]:
        """Return what tells copies of files, in order of id; files that describe others are left out."""
        with self._read() as connection:
            return looks.all_files(connection)

    def looks_of(self, paths: Collection[str]) -> dict[str, FileLook]:
        """Return the same for the files at some paths; those that cannot be found are left out."""
        with self._read() as connection:
            return looks.of_paths(connection, paths)

    def check(self) -> tuple[Problem, ...]:
        """Return all that is wrong within the catalog, each with the paths that must be read again."""
        with self._read() as connection:
            return checks.problems(connection, str(self.path))
