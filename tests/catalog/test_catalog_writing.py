import numpy as np
import pytest

from mmsearch.catalog.catalog import Block, Locations
from mmsearch.reports import IndexReport
from mmsearch.types import FailedFile, FileStat, KnownFile, MediaInfo, Segment, WaitingFile

PASSAGES = (Segment("text", text="one"), Segment("text", text="two"))


def always(_path):
    return True


def never(_path):
    return False


def known(path, content_hash, mtime_ns=2):
    return KnownFile(FileStat(path, 100, mtime_ns), content_hash)


def places(catalog):
    found = catalog.locations()
    return list(zip(found.ids.tolist(), found.rows.tolist(), strict=True))


def test_putting_a_file_again_replaces_its_segments_by_new_ids(catalog, put, make_file):
    with catalog.write() as writer:
        assert writer.put_indexed([make_file("/a.txt", "v1", segments=PASSAGES)], vector_file=1, first_row=0) == [False]
        writer.add_block(Block(1, 0, 3, "d"))
    asset = catalog.lookup(["/a.txt"])["/a.txt"]
    with catalog.write() as writer:
        assert writer.put_indexed([make_file("/a.txt", "v2")], vector_file=1, first_row=2) == [True]
    assert places(catalog) == [(3, 2)]
    after = catalog.lookup(["/a.txt"])["/a.txt"]
    assert (after.id, after.content_hash) == (asset.id, "v2")
    assert catalog.check() == ()


def test_ids_are_never_given_twice(catalog, put):
    first = put("/a.jpg")["/a.jpg"]
    with catalog.write() as writer:
        assert writer.remove_assets([first]) == 1
    second = put("/a.jpg")["/a.jpg"]
    assert second > first
    assert catalog.asset_segments(first).tolist() == []
    assert catalog.asset_segments(second).tolist() == [2]


def test_a_file_without_segments_is_refused_and_nothing_is_kept(catalog, make_file):
    file = make_file("/a.jpg")
    empty = type(file)(file.stat, "aa", "image", file.info, (), np.zeros((0, 4), np.float32))
    with pytest.raises(ValueError, match="no segments"):
        put_all(catalog, file, empty)
    assert catalog.counts().assets == 0
    assert catalog.revision() == 0


def put_all(catalog, *files):
    with catalog.write() as writer:
        for row, file in enumerate(files):
            writer.put_indexed([file], vector_file=1, first_row=row)


def test_a_touched_file_keeps_all_but_its_time(catalog, put, make_file):
    put(make_file("/a.jpg", "aa"))
    revision = catalog.revision()
    with catalog.write() as writer:
        assert writer.put_known(known("/a.jpg", "aa", mtime_ns=77), exists=never) == "unchanged"
    assert catalog.lookup(["/a.jpg"])["/a.jpg"].mtime_ns == 77
    assert places(catalog) == [(1, 0)]
    assert catalog.revision() == revision


def test_a_renamed_file_keeps_its_ids(catalog, put, make_file):
    asset = put(make_file("/old.jpg", "aa"))["/old.jpg"]
    revision = catalog.revision()
    with catalog.write() as writer:
        assert writer.put_known(known("/new.jpg", "aa"), exists=never) == "renamed"
    state = catalog.lookup(["/old.jpg", "/new.jpg"])
    assert set(state) == {"/new.jpg"}
    assert (state["/new.jpg"].id, state["/new.jpg"].mtime_ns) == (asset, 2)
    assert catalog.asset_segments(asset).tolist() == [1]
    assert catalog.revision() == revision


def test_a_file_renamed_onto_another_replaces_it(catalog, put, make_file):
    assets = put(make_file("/a.jpg", "aa"), make_file("/b.jpg", "bb"))
    with catalog.write() as writer:
        assert writer.put_known(known("/b.jpg", "aa"), exists=lambda path: path != "/a.jpg") == "renamed"
    assert {state.id: path for path, state in catalog.lookup(["/a.jpg", "/b.jpg"]).items()} == {
        assets["/a.jpg"]: "/b.jpg"
    }
    assert places(catalog) == [(1, 0)]
    assert catalog.revision() == 2


def test_a_copy_shares_the_vectors_under_new_ids(catalog, put, make_file):
    info = MediaInfo("text/plain", captured_at="2020-01-01")
    put(make_file("/a.txt", "aa", modality="text", segments=PASSAGES, info=info), "/b.jpg")
    with catalog.write() as writer:
        assert writer.put_known(known("/copy.txt", "aa"), exists=always) == "added"
    assert places(catalog) == [(1, 0), (2, 1), (3, 2), (4, 0), (5, 1)]
    copy = catalog.hits(np.array([5]))[5]
    assert (copy.path, copy.text, copy.ordinal, copy.captured_at) == ("/copy.txt", "two", 1, "2020-01-01")
    with catalog.write() as writer:
        writer.remove_assets([catalog.lookup(["/a.txt"])["/a.txt"].id])
    assert places(catalog) == [(3, 2), (4, 0), (5, 1)]
    assert catalog.check() == ()


def test_a_copy_over_another_file_is_an_update(catalog, put, make_file):
    put(make_file("/a.jpg", "aa"), make_file("/b.jpg", "bb"))
    with catalog.write() as writer:
        assert writer.put_known(known("/b.jpg", "aa"), exists=always) == "updated"
    assert places(catalog) == [(1, 0), (3, 0)]


def test_a_copy_over_a_failed_file_is_an_addition(catalog, put, make_file):
    put(make_file("/a.jpg", "aa"))
    with catalog.write() as writer:
        writer.put_failed(FailedFile(FileStat("/b.jpg", 1, 1), "media_damaged", "cut off"))
    with catalog.write() as writer:
        assert writer.put_known(known("/b.jpg", "aa"), exists=always) == "added"
    assert catalog.failures() == ()
    assert catalog.counts().assets == 2


def test_known_content_that_is_gone_or_is_a_caption_must_be_encoded(catalog, put, make_file):
    caption = Segment("text", text="a dog", about="/photos/a.jpg")
    put(make_file("/photos/a.txt", "cc", modality="text", segments=(caption,)))
    for path, content in (("/x.jpg", "zz"), ("/other/a.txt", "cc")):
        with catalog.write() as writer, pytest.raises(LookupError):
            writer.put_known(known(path, content), exists=never)
    with catalog.write() as writer:
        assert writer.put_known(known("/photos/a.txt", "cc"), exists=always) == "unchanged"


def test_content_is_known_by_hash_and_size(catalog, put, make_file):
    put(make_file("/a.jpg", "aa"))
    with catalog.write() as writer, pytest.raises(LookupError):
        writer.put_known(KnownFile(FileStat("/b.jpg", 101, 1), "aa"), exists=always)


def test_many_copies_cost_few_looks_at_the_disk(catalog, put, make_file):
    put(*(make_file(f"/{number}.jpg", "aa") for number in range(40)))
    looks = []
    with catalog.write() as writer:
        writer.put_known(known("/new.jpg", "aa"), exists=lambda path: not looks.append(path))
    assert len(looks) == 16


def test_a_file_that_breaks_loses_its_segments(catalog, put):
    put("/a.jpg")
    with catalog.write() as writer:
        assert writer.put_failed(FailedFile(FileStat("/a.jpg", 5, 9), "media_damaged", "cut off")) is True
    state = catalog.lookup(["/a.jpg"])["/a.jpg"]
    assert (state.status, state.size_bytes, state.content_hash) == ("failed", 5, None)
    assert places(catalog) == []
    assert catalog.revision() == 2
    with catalog.write() as writer:
        assert writer.put_waiting(WaitingFile(FileStat("/a.jpg", 5, 9), "audio")) is False
    assert catalog.failures() == ()
    assert catalog.revision() == 2


def test_requeued_files_wait_to_be_read_again(catalog, put):
    assets = put("/a.jpg", "/b.jpg")
    with catalog.write() as writer:
        assert writer.requeue([assets["/a.jpg"], 999]) == 1
    state = catalog.lookup(["/a.jpg"])["/a.jpg"]
    assert (state.status, state.mtime_ns, state.content_hash) == ("waiting", -1, None)
    assert places(catalog) == [(2, 1)]
    assert catalog.revision() == 2


def test_the_revision_counts_transactions_that_change_vectors(catalog, put, make_file):
    assert catalog.revision() == 0
    put("/a.jpg", "/b.jpg")
    assert catalog.revision() == 1
    with catalog.write() as writer:
        writer.add_root("/")
        writer.finish_run(writer.begin_run(), IndexReport())
        writer.remove_assets([999])
    assert catalog.revision() == 1


def test_moving_vectors_forgets_the_old_places(catalog, put):
    put("/a.jpg", "/b.jpg", "/c.jpg")
    with catalog.write() as writer:
        writer.remove_assets([2])
    ids = catalog.locations().ids
    moved = Locations(ids, files=np.array([2, 2]), rows=np.array([0, 1]))
    with catalog.write() as writer:
        writer.move_vectors(moved, [Block(2, 0, 2, "new")])
    after = catalog.locations()
    assert (after.ids.tolist(), after.files.tolist(), after.rows.tolist()) == ([1, 3], [2, 2], [0, 1])
    assert catalog.blocks() == (Block(2, 0, 2, "new"),)
    assert catalog.revision() == 3
    assert catalog.check() == ()


def test_moving_other_vectors_than_there_are_is_refused(catalog, put):
    put("/a.jpg", "/b.jpg")
    some = Locations(np.array([1]), files=np.array([2]), rows=np.array([0]))
    with pytest.raises(ValueError, match="not those in the catalog"), catalog.write() as writer:
        writer.move_vectors(some, [Block(2, 0, 1, "new")])
    assert catalog.next_row() == (1, 2)


def remove_and_interrupt(catalog):
    with catalog.write() as writer:
        writer.remove_assets([1])
        raise KeyboardInterrupt


def test_a_block_that_raises_undoes_everything(catalog, put):
    put("/a.jpg")
    with pytest.raises(KeyboardInterrupt):
        remove_and_interrupt(catalog)
    assert places(catalog) == [(1, 0)]
    with pytest.raises(RuntimeError, match="open already"), catalog.write(), catalog.write():
        pass
    with catalog.write() as writer:
        assert writer.remove_assets([1]) == 1
