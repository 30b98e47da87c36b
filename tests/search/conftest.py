from pathlib import Path

import pytest
from made_files import ENCODER, indexed_file
from query_parts import LIMITS, text_parts

from mmsearch.adapt.stored import stored_vectors
from mmsearch.catalog.catalog import Catalog
from mmsearch.ingest.commit import Committer, Tally
from mmsearch.ingest.publish import publish
from mmsearch.ingest.rebuild import rebuild
from mmsearch.queries import Filter, Query
from mmsearch.search.flow import search
from mmsearch.storage import Shelves
from mmsearch.types import FailedFile, FileStat
from mmsearch.vectors.ann.build import build
from mmsearch.vectors.flat import FlatIndex
from mmsearch.vectors.plan import Recipe


class Library:
    """The stores of a collection that is filled without any files."""

    encoder = ENCODER

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.catalog = Catalog.create(folder / "catalog.db", "library", ENCODER.spec.space)
        self.shelves = Shelves(folder, self.catalog)
        self.stores = (self.catalog, self.shelves.store, self.shelves.tokens, self.shelves.generations)

    def put(self, path, modality, *texts):
        """Commit one file; answers with the ids of its segments."""
        self.commit(indexed_file(path, modality, texts))
        return self.ids(path)

    def put_failed(self, path):
        self.commit(FailedFile(FileStat(path, 7, 1), "media_damaged", "It is cut short."))

    def commit(self, *outcomes):
        Committer(self.catalog, self.shelves.store, Tally()).commit(outcomes)

    def ids(self, path):
        return self.catalog.asset_segments(self.asset_id(path)).tolist()

    def asset_id(self, path):
        return self.catalog.lookup([path])[path].id

    def change(self, act):
        with self.catalog.write() as writer:
            act(writer)

    def remove(self, path):
        self.change(lambda writer: writer.remove_assets([self.asset_id(path)]))

    def replace(self, old, path, modality, *texts):
        """Forget one file and commit another, in one transaction."""
        file = indexed_file(path, modality, texts)
        with self.catalog.write() as writer:
            writer.remove_assets([self.asset_id(old)])
            block = self.shelves.store.append(*self.catalog.next_row(), file.vectors)
            writer.add_block(block)
            writer.put_indexed([file], vector_file=block.file, first_row=block.first_row)

    def publish(self):
        publish(*self.stores, force=True)

    def publish_as(self, kind):
        """Publish an index of that kind, whatever would be chosen for so few vectors. Returns the generation."""
        catalog, generations = self.catalog, self.shelves.generations
        number = catalog.generation().number + 1 if catalog.generation() else 1
        with generations.making(number) as folder:
            ids, rows = stored_vectors(catalog, self.shelves.store)
            if kind == "flat":
                FlatIndex.of(ids, rows).save(folder)
            else:
                build(folder, ids, [rows], Recipe(kind), dim=ENCODER.dim)
        made = generations.describe(
            number, kind, vectors=len(ids), last_id=catalog.last_id(), basis=catalog.index_basis()
        )
        with catalog.write() as writer:
            writer.put_generation(made, catalog.removed_since(0)[1])
            writer.drop_generations(keep=number)
        generations.remove_others([made.folder])
        return made

    def rebuild(self):
        rebuild(*self.stores)

    def reader(self):
        """Open it once more, as another process would."""
        return Reader(self.folder)

    def close(self):
        self.catalog.close()


class Reader:
    def __init__(self, folder):
        self.catalog = Catalog.open(folder / "catalog.db", write=False)
        self.shelves = Shelves(folder, self.catalog)

    def search(self, *texts, parts=(), modalities=(), exclude=(), where=None, mode="vector", group=False, **options):
        """By vectors alone and every segment for itself, unless something else is asked for."""
        wanted = Filter(frozenset(modalities), frozenset(exclude), where)
        query = Query((*text_parts(texts), *parts), wanted, mode=mode, group=group, **options)
        stores = {"catalog": self.catalog, "store": self.shelves.store, "tokens": lambda: self.shelves.tokens}
        return search(query, encoder=ENCODER, indexes=self.shelves.indexes, limits=LIMITS, **stores)

    def close(self):
        self.catalog.close()


@pytest.fixture
def library(tmp_path):
    made = Library(tmp_path / "library")
    yield made
    made.close()


@pytest.fixture
def reader(library):
    opened = library.reader()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def make_library(tmp_path_factory):
    """For tests that need a fresh one an example, or one for all."""
    return lambda: Library(tmp_path_factory.mktemp("library"))
