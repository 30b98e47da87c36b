"""The index of a collection in its catalog: which generation is in use, and what changed since it was made."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.catalog.catalog import Block, Catalog, Generation
from mmsearch.catalog.generations import MAX_FILES
from mmsearch.errors import CollectionDamaged
from mmsearch.types import IndexFile, KnownFile

FILES = (IndexFile("ids.npy", 10, "0badcafe"), IndexFile("rows.npy", 20, "00c0ffee"))


def generation(number=1, **values):
    made = Generation(number, "flat", FILES, vectors=3, last_id=3, basis="")
    return replace(made, **values)


def publish(catalog, made, removed_to=0):
    with catalog.write() as writer:
        writer.put_generation(made, removed_to)


def remove(catalog, *assets):
    with catalog.write() as writer:
        writer.remove_assets(assets)


def removed(catalog, serial=0):
    ids, newest = catalog.removed_since(serial)
    return ids.tolist(), newest


def test_the_newest_counts_and_the_others_can_be_forgotten(catalog):
    assert catalog.generation() is None
    old, new = generation(9, kind="hnsw", basis="image:2"), generation(10, files=FILES[:1])
    publish(catalog, new)
    publish(catalog, old)
    with catalog.write() as writer:
        writer.add_block(Block(3, 0, 5, "c"))
    assert catalog.generation() == new
    assert catalog.referenced_files().generations == {"00000009", "00000010"} == {old.folder, new.folder}
    assert catalog.referenced_files().vectors == {3}
    with catalog.write() as writer:
        writer.drop_generations(keep=9)
    assert catalog.generation() == old
    assert catalog.referenced_files().generations == {"00000009"}


def test_the_files_of_a_generation_go_with_it(catalog, catalog_path):
    publish(catalog, generation(1))
    publish(catalog, generation(2))
    with catalog.write() as writer:
        writer.drop_generations(keep=2)
    with closing(sqlite3.connect(catalog_path)) as direct:
        assert direct.execute("SELECT number, name FROM generation_files").fetchall() == [
            (2, "ids.npy"),
            (2, "rows.npy"),
        ]


def test_whether_another_generation_is_in_use_is_known_even_in_a_snapshot(catalog):
    first, second = generation(1), generation(2)
    publish(catalog, first)
    with catalog.snapshot():
        assert not catalog.is_replaced(first)
        publish(catalog, second)
        assert catalog.generation() == first
        assert catalog.is_replaced(first)
        assert not catalog.is_replaced(second)


@pytest.mark.parametrize(
    "name", ["../../passwd", "/etc/passwd", "C:\\x", "..", ".hidden", "", "a" * 65, "ä.npy", "a\n"]
)
def test_an_index_file_cannot_lead_out_of_its_folder(catalog, name):
    publish(catalog, generation(files=(IndexFile(name, 10, "dd"),)))
    with pytest.raises(CollectionDamaged, match="index file"):
        catalog.generation()


@pytest.mark.parametrize(
    "change",
    [
        "generations SET kind = '../flat'",
        "generations SET vectors = -1",
        "generations SET last_id = 'many'",
        "generations SET last_id = 1.5",
        "generation_files SET size_bytes = -1",
        "generation_files SET size_bytes = x'00'",
        "generation_files SET digest = 'not hex'",
    ],
)
def test_a_record_that_was_changed_is_no_generation(catalog, catalog_path, change):
    publish(catalog, generation())
    with closing(sqlite3.connect(catalog_path)) as direct, direct:
        direct.execute(f"UPDATE {change}")
    with pytest.raises(CollectionDamaged, match="index"):
        catalog.generation()


def test_a_number_that_is_none_names_no_folder(catalog, catalog_path):
    publish(catalog, generation())
    with closing(sqlite3.connect(catalog_path)) as direct, direct:
        direct.execute("UPDATE generations SET number = '../x'")
    assert catalog.referenced_files().generations == frozenset()
    with pytest.raises(CollectionDamaged, match="record of its index"):
        catalog.generation()


def test_a_generation_has_a_bounded_number_of_files(catalog):
    files = tuple(IndexFile(f"{number:02d}.npy", 1, "dd") for number in range(MAX_FILES + 1))
    publish(catalog, generation(1, files=files[:-1]))
    assert catalog.generation() == generation(1, files=files[:-1])
    publish(catalog, generation(2, files=files))
    with pytest.raises(CollectionDamaged, match="more than 16 files"):
        catalog.generation()


def test_what_came_after_an_id(catalog, put, make_file):
    assert catalog.last_id() == 0
    put("/a.jpg", "/b.jpg", "/c.jpg")
    assert catalog.last_id() == 3
    later = catalog.added_since(1)
    assert (later.ids.tolist(), later.files.tolist(), later.rows.tolist()) == ([2, 3], [1, 1], [1, 2])
    assert len(catalog.added_since(3)) == 0
    put(make_file("/a.jpg", "new content"))  # under a new id, at the end
    assert (catalog.added_since(3).ids.tolist(), catalog.last_id()) == ([4], 4)


WAYS = {
    "remove_assets": lambda writer, asset: writer.remove_assets([asset]),
    "requeue": lambda writer, asset: writer.requeue([asset]),
    "cascade from assets": lambda writer, asset: writer._connection.exec_driver_sql(
        f"DELETE FROM assets WHERE id = {asset}"
    ),
    "cascade from segments": lambda writer, asset: writer._connection.exec_driver_sql(
        f"DELETE FROM segments WHERE asset_id = {asset}"
    ),
    "all at once": lambda writer, _asset: writer._connection.exec_driver_sql("DELETE FROM vectors"),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_vector_that_goes_is_noted_whichever_way_it_goes(catalog, put, make_file, way):
    passages = make_file("/b.txt", modality="text").segments * 3
    assets = put("/a.jpg", make_file("/b.txt", modality="text", segments=passages))
    before = catalog.locations().ids.tolist()
    assert removed(catalog) == ([], 0)
    with catalog.write() as writer:
        WAYS[way](writer, assets["/b.txt"])
    gone = sorted(set(before) - set(catalog.locations().ids.tolist()))
    assert len(gone) >= 3
    assert removed(catalog) == (gone, len(gone))


def test_a_sweep_and_a_replaced_file_are_noted(catalog, put, make_file):
    put("/a.jpg", "/b.jpg", "/c.jpg")
    put(make_file("/b.jpg", "other"))
    assert removed(catalog) == ([2], 1)
    with catalog.seen() as seen:
        seen.add([catalog.lookup(["/a.jpg"])["/a.jpg"].id])
        with catalog.write() as writer:
            assert writer.sweep("/", seen, []) == 2
    assert removed(catalog, 1) == ([3, 4], 3)


def test_what_leaves_the_vectors_alone_is_not_noted(catalog, put, make_file):
    put("/a.jpg", make_file("/b.jpg", "same"))
    with catalog.write() as writer:
        writer.put_known(KnownFile(make_file("/c.jpg").stat, "same"), exists=lambda _: False)  # renamed
        writer.put_known(KnownFile(make_file("/d.jpg").stat, "same"), exists=lambda _: True)  # copied
    places = catalog.locations()
    with catalog.write() as writer:
        writer.move_vectors(replace(places, files=np.full(len(places), 2)), [Block(2, 0, 2, "moved")])
    assert set(catalog.locations().files.tolist()) == {2}
    assert removed(catalog) == ([], 0)


def test_a_removal_that_is_undone_is_not_noted(catalog, put):
    put("/a.jpg")

    def fail():
        with catalog.write() as writer:
            writer.remove_assets([1])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert removed(catalog) == ([], 0)


def test_a_serial_is_how_far_a_reader_has_read(catalog, put):
    put(*(f"/{number}.jpg" for number in range(6)))
    remove(catalog, 5, 2)
    ids, serial = catalog.removed_since(0)
    assert ids.tolist() == [2, 5]
    remove(catalog, 1)
    assert removed(catalog, serial) == ([1], serial + 1)
    assert removed(catalog, serial + 1) == ([], serial + 1)


def test_publishing_forgets_what_the_generation_knows_and_keeps_what_came_while_it_was_made(catalog, put):
    put(*(f"/{number}.jpg" for number in range(6)))
    remove(catalog, 1, 2)
    known = catalog.removed_since(0)[1]
    remove(catalog, 3)  # while the index is being made
    publish(catalog, generation(last_id=6), removed_to=known)
    assert removed(catalog) == ([3], 3)
    assert catalog.change_counts(generation(last_id=4)) == (2, 1)
    assert (catalog.change_counts(generation(last_id=2)), catalog.removals()) == ((3, 0), 1)
    publish(catalog, generation(2, last_id=6), removed_to=3)
    assert removed(catalog) == ([], 3)
    remove(catalog, 4)
    assert removed(catalog) == ([4], 4)  # no serial is given twice, though the list was empty


def test_it_is_known_whether_removals_were_forgotten(catalog, put):
    put(*(f"/{number}.jpg" for number in range(6)))
    assert catalog.knows_removals_since(0)
    assert not catalog.knows_removals_since(5)  # of another catalog, such as one that an older copy was put in place of
    remove(catalog, 1, 2, 3)
    assert [catalog.knows_removals_since(serial) for serial in range(4)] == [True] * 4
    publish(catalog, generation(), removed_to=2)
    assert [catalog.knows_removals_since(serial) for serial in range(4)] == [False, False, True, True]
    publish(catalog, generation(2), removed_to=3)
    assert [catalog.knows_removals_since(serial) for serial in range(4)] == [False, False, False, True]


def test_removals_are_noted_before_there_is_a_generation_since_one_may_be_in_the_making(catalog, put):
    put("/a.jpg", "/b.jpg")
    last_id, known = catalog.last_id(), catalog.removed_since(0)[1]
    remove(catalog, 1)
    publish(catalog, generation(last_id=last_id), removed_to=known)
    assert removed(catalog) == ([1], 1)


def test_other_spaces_have_removals_of_their_own(catalog, catalog_path, put):
    put("/a.jpg", "/b.jpg")
    with closing(sqlite3.connect(catalog_path)) as direct, direct:
        direct.execute("INSERT INTO spaces SELECT 'other', model, 'r', 'p', 4, created_at, 0, '' FROM spaces")
        direct.execute("INSERT INTO vectors SELECT segment_id, 'other', 1, 0 FROM vectors")
        direct.execute("DELETE FROM vectors WHERE space_id = 'other' AND segment_id = 1")
    assert removed(catalog)[0] == []
    remove(catalog, 2)
    assert removed(catalog)[0] == [2]
    publish(catalog, generation(), removed_to=99)
    with closing(sqlite3.connect(catalog_path)) as direct:
        left = direct.execute("SELECT segment_id FROM removed_vectors WHERE space_id = 'other'").fetchall()
    assert sorted(left) == [(1,), (2,)]


def test_the_basis_tells_which_heads_are_in_use(catalog):
    assert catalog.index_basis() == ""
    with catalog.write() as writer:
        writer.put_heads({"image": b"1", "audio": b"2"}, {"image": {}, "audio": {}})
    assert catalog.index_basis() == "audio:1,image:1"
    with catalog.write() as writer:
        writer.put_heads({"image": b"3"}, {"image": {}})
    assert catalog.index_basis() == "audio:1,image:2"
    with catalog.write() as writer:
        writer.undo_heads()
        writer.put_heads({"image": b"4"}, {"image": {}})
    assert catalog.index_basis() == "audio:1,image:3"  # no version is used twice


def test_wishes_are_kept_as_they_were_set(catalog):
    assert catalog.index_wishes() == ""
    with catalog.write() as writer:
        writer.set_index_wishes('{"asked": "hnsw"}')
    assert catalog.index_wishes() == '{"asked": "hnsw"}'
    assert catalog.revision() == 0


def test_publishing_leaves_the_revision_and_counts_the_edition_on(catalog):
    edition, revision = catalog.edition(), catalog.revision()
    publish(catalog, generation())
    assert (catalog.revision(), catalog.edition()) == (revision, edition + 1)


def test_the_edition_counts_transactions_that_change_anything(catalog, put, make_file):
    editions = [catalog.edition()]

    def changed():
        editions.append(catalog.edition())
        return editions[-1] - editions[-2]

    put("/a.jpg", "/b.jpg")
    assert changed() == 1
    with catalog.write():
        pass
    assert changed() == 0
    revision = catalog.revision()
    with catalog.write() as writer:
        writer.put_known(KnownFile(make_file("/c.jpg").stat, "'/a.jpg'"), exists=lambda _: False)
    assert changed() == 1
    assert catalog.revision() == revision  # a rename changes no vector, but a filter by name
    with catalog.seen() as seen:
        seen.add([1, 2])
    assert changed() == 0
    with catalog.snapshot():
        before = catalog.edition()
        remove(catalog, 1)
        assert catalog.edition() == before


EVENTS = st.lists(st.one_of(st.just("add"), st.just("publish"), st.integers(0, 8)), max_size=15)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS)
def test_a_generation_and_its_changes_are_what_is_there(tmp_path_factory, space, make_file, events):
    """A model of an index: a set of ids that is only ever told what changed."""
    with Catalog.create(tmp_path_factory.mktemp("random") / "catalog.db", "random", space) as catalog:
        known, number = set(), 0
        last_id = serial = 0
        for count, event in enumerate(events):
            if event == "add":
                with catalog.write() as writer:
                    writer.put_indexed([make_file(f"/{count}.jpg")], vector_file=1, first_row=count)
            elif event == "publish":
                number += 1
                with catalog.snapshot():
                    known, last_id = set(catalog.locations().ids.tolist()), catalog.last_id()
                    newest = catalog.removed_since(0)[1]
                publish(catalog, generation(number, last_id=last_id), removed_to=newest)
                serial = 0
            else:
                remove(catalog, event)
            assert catalog.change_counts(generation(last_id=last_id))[0] == len(catalog.added_since(last_id))
            ids, _ = catalog.removed_since(serial)
            now = (known | set(catalog.added_since(last_id).ids.tolist())) - set(ids.tolist())
            assert now == set(catalog.locations().ids.tolist())


def test_triggers_and_cascades_stay_cheap_for_a_file_of_many_segments(catalog, put, make_file):
    put(make_file("/long.wav", modality="audio", segments=make_file("/x", modality="audio").segments * 3000), "/a.jpg")
    remove(catalog, 1)
    assert len(catalog.removed_since(0)[0]) == 3000
