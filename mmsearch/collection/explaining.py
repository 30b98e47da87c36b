"""The part of the Python API that shows where a query found itself in an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmsearch.collection.base import CollectionBase
from mmsearch.search.documents import Material
from mmsearch.search.items import Item

if TYPE_CHECKING:
    from mmsearch.attention.explanation import Explanation
    from mmsearch.attention.flow import Looker


class Explaining(CollectionBase):
    """Say which parts of an item spoke for it."""

    def explain(self, query: str, item: Item, *, reranker: str = "") -> Explanation:
        """Say for each word of a query which regions of a picture, seconds of a sound or words of a passage spoke.

        Works on the tokens that are stored; of files without, they are made anew.

        Args:
            query: Words or a sentence; "2:" before it is not a weight here.
            item: The id of a segment, as a search shows it, or the path of a file: its picture, its sound, or its
                passage that is nearest to the query.
            reranker: The one that looks: "maxsim" compares each word with each part; by default the one that searches
                of this collection use, if it can say where it looked.

        Raises:
            ItemNotFound: The item is not in the collection.
            QueryError: The query is empty, or the item a folder.
            ModalityUnsupported: The collection's model says nothing of the parts of an item.
            UsageError: The re-ranker cannot say where it looked.
            ModelNotFound: There is no such re-ranker.
            MediaError: No tokens are stored of the file, and it is gone, has changed, or cannot be read.
            CollectionDamaged: The stored tokens cannot be read.
        """
        return self._looker(query, reranker).explain(item)

    def explain_hits(self, query: str, ids: Sequence[int], *, reranker: str = "") -> dict[int, Explanation]:
        """Do the same for pictures and sounds by their ids, as a search shows them, without reading a file.

        Those of which no tokens are stored are left out, and so are texts.

        Raises:
            MmsearchError: As `explain`.
        """
        looker = self._looker(query, reranker)
        return {explanation.id: explanation for explanation in looker.explain_hits(ids)}

    def _looker(self, query: str, reranker: str) -> Looker:
        from mmsearch.attention.flow import looker

        shelves = self._storage.reading()
        material = Material(shelves.catalog, shelves.store, lambda: shelves.tokens, self._limits())
        rerankers = shelves.indexes.rerankers
        return looker(query, encoder=self._storage.encoder(), material=material, rerankers=rerankers, reranker=reranker)
