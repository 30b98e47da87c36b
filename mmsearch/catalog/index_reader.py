"""Reading a catalog: where vectors and tokens lie, and what was made of them."""

from mmsearch.catalog import assets, blocks, generations, tokens, vectors
from mmsearch.catalog.records import AssetState, Locations, ReferencedFiles, TokenCounts, TokenPlaces
from mmsearch.catalog.snapshots import SnapshotReader
from mmsearch.catalog.tables import token_blocks, vector_blocks
from mmsearch.types import Block, Generation, Ids


class IndexReader(SnapshotReader):
    """Answers what concerns the files beside the catalog."""

    def locations(self, ids: Ids | None = None) -> Locations:
        """Return where the vectors lie: all, or those of these ids; ids without a vector are left out."""
        with self._read() as connection:
            return vectors.locations(connection, ids)

    def blocks(self) -> tuple[Block, ...]:
        """Return the committed blocks in order of file and row."""
        with self._read() as connection:
            return blocks.committed(connection, vector_blocks)

    def next_row(self) -> tuple[int, int]:
        """Return (file, row) of the first free row after the last committed block; (1, 0) if none."""
        with self._read() as connection:
            return vectors.next_row(connection)

    def token_revision(self) -> str:
        """Return the revision of the tokens that are kept, `EncoderSpec.tokens`; "" if none are."""
        with self._read() as connection:
            return tokens.revision(connection)

    def token_places(self, ids: Ids | None = None) -> TokenPlaces:
        """Return where the tokens lie: all, or those of these ids; ids without tokens are left out."""
        with self._read() as connection:
            return tokens.places(connection, ids)

    def token_blocks(self) -> tuple[Block, ...]:
        """Return the committed blocks of tokens in order of file and row."""
        with self._read() as connection:
            return blocks.committed(connection, token_blocks)

    def next_token_row(self) -> tuple[int, int]:
        """Return (file, row) of the first free row of tokens after the last committed block; (1, 0) if none ever was.

        Guarantees: a file whose number was committed once never comes to hold something else.
        """
        with self._read() as connection:
            return tokens.next_row(connection)

    def token_counts(self) -> TokenCounts:
        """Count the segments, and those that have tokens."""
        with self._read() as connection:
            return tokens.counts(connection)

    def without_tokens(self) -> Ids:
        """Return the ids (n,), sorted, of ready files of which some segment has no tokens."""
        with self._read() as connection:
            return tokens.without(connection)

    def assets_in_token_rows(self, file: int, first_row: int, rows: int) -> tuple[AssetState, ...]:
        """Return the files of which some tokens lie in these rows of a token file, in order of path."""
        with self._read() as connection:
            return assets.in_token_rows(connection, file, first_row, rows)

    def generation(self) -> Generation | None:
        """Return the generation of the index that was published last.

        Raises:
            CollectionDamaged: The record of it was changed.
        """
        with self._read() as connection:
            return generations.newest(connection)

    def is_replaced(self, generation: Generation) -> bool:
        """Tell whether another generation is in use by now, whatever this thread's snapshot shows.

        Then its files may have been removed.
        """
        with self._newest() as connection:
            return generations.newest(connection) != generation

    def index_basis(self) -> str:
        """Return which heads adapt the vectors now, such as "audio:1,image:3"; "" if none do.

        An index that was made with others is of other vectors, and of no use.
        """
        with self._read() as connection:
            return generations.basis(connection)

    def last_id(self) -> int:
        """Return the greatest segment id that has a vector; 0 if none has."""
        with self._read() as connection:
            return vectors.last_id(connection)

    def added_since(self, last_id: int) -> Locations:
        """Return where the vectors lie that have a greater id. Ids grow, so these came later.

        Cost: that of what is returned, however large the collection.
        """
        with self._read() as connection:
            return vectors.added_since(connection, last_id)

    def removed_since(self, serial: int) -> tuple[Ids, int]:
        """Return the ids (n,), sorted, whose vectors were removed after a serial, and the newest serial.

        What is removed is forgotten as soon as a generation is published that knows of it: 0 stands for all that came
        after the newest one. Of any other serial ask `knows_removals_since` first.

        Cost: that of what is returned, however large the collection.
        """
        with self._read() as connection:
            return generations.removed_since(connection, serial)

    def knows_removals_since(self, serial: int) -> bool:
        """Tell whether `removed_since` gives all that was removed after a serial; not if some has been forgotten."""
        with self._read() as connection:
            return generations.knows_removals_since(connection, serial)

    def change_counts(self, generation: Generation) -> tuple[int, int]:
        """Count the vectors that came after the newest generation, and those of its own that were removed since.

        Cost: that of going through these.
        """
        with self._read() as connection:
            return generations.change_counts(connection, generation)

    def removals(self) -> int:
        """Return how long the list is that `removed_since` reads: what came and went since is in it too.

        Publishing a generation makes it short again.
        """
        with self._read() as connection:
            return generations.removals(connection)

    def index_wishes(self) -> str:
        """Return what the user wants of the index, as it was set; "" if nothing was."""
        with self._read() as connection:
            return generations.wishes(connection)

    def referenced_files(self) -> ReferencedFiles:
        """Return the files of vectors, tokens and indexes of the active space; others beside them are leftovers."""
        with self._read() as connection:
            return vectors.referenced_files(connection)
