import os
import sqlite3
from contextlib import closing

import numpy as np

from mmsearch.catalog.catalog import AssetState, Block, SegmentRecord
from mmsearch.catalog.chunks import MAX_VALUES
from mmsearch.queries import Filter
from mmsearch.reports import IndexReport
from mmsearch.types import FailedFile, FileStat, MediaInfo, Segment, WaitingFile

PASSAGES = (
    Segment("text", text="one", char_start=0, char_end=3),
    Segment("text", text="two", char_start=3, char_end=6),
)


def ids(*values):
    return np.array(values, dtype=np.int64)


def test_lookup_answers_for_known_paths_only(catalog, put):
    asset = put("/photos/a.jpg")["/photos/a.jpg"]
    assert catalog.lookup(["/photos/a.jpg", "/photos/b.jpg"]) == {
        "/photos/a.jpg": AssetState(asset, "/photos/a.jpg", 100, 1, "ready", "image", "'/photos/a.jpg'")
    }
    assert catalog.lookup([]) == {}


def test_lists_longer_than_one_statement_holds(catalog, put):
    put("/photos/a.jpg", "/photos/b.jpg")
    filler = [f"/none/{number}" for number in range(MAX_VALUES)]
    assert set(catalog.lookup(["/photos/a.jpg", *filler, "/photos/b.jpg"])) == {
        "/photos/a.jpg",
        "/photos/b.jpg",
    }
    many = np.arange(1, 2 * MAX_VALUES, dtype=np.int64)[::-1]
    assert sorted(catalog.hits(many)) == [1, 2]
    assert catalog.locations(many).ids.tolist() == [1, 2]


def test_hashes_by_size_knows_ready_files_only(catalog, put, make_file):
    put(make_file("/a.jpg", "aa"), make_file("/b.jpg", "bb"), make_file("/copy.jpg", "aa"))
    with catalog.write() as writer:
        writer.put_waiting(WaitingFile(FileStat("/c.mp3", 200, 1), "audio"))
    assert catalog.hashes_by_size([100, 200, 300]) == {100: frozenset({"aa", "bb"})}


def test_hits_hold_what_is_shown(catalog, put, make_file):
    info = MediaInfo("image/jpeg", width_px=4000, height_px=3000, captured_at="2024-06-01T12:00:00")
    text = Segment("text", text="a dog", char_start=0, char_end=5, about="/photos/a.jpg")
    assets = put(
        make_file("/photos/a.jpg", info=info),
        make_file("/photos/a.txt", modality="text", segments=(text,), info=MediaInfo("text/plain")),
    )
    photo, caption = catalog.locations().ids.tolist()
    assert catalog.hits(ids(caption, photo, 999)) == {
        photo: SegmentRecord(
            id=photo,
            asset_id=assets["/photos/a.jpg"],
            ordinal=0,
            path="/photos/a.jpg",
            modality="image",
            start_s=None,
            end_s=None,
            text=None,
            char_start=None,
            char_end=None,
            about=None,
            language=None,
            media_type="image/jpeg",
            width_px=4000,
            height_px=3000,
            captured_at="2024-06-01T12:00:00",
            size_bytes=100,
            duration_s=None,
        ),
        caption: SegmentRecord(
            id=caption,
            asset_id=assets["/photos/a.txt"],
            ordinal=0,
            path="/photos/a.txt",
            modality="text",
            start_s=None,
            end_s=None,
            text="a dog",
            char_start=0,
            char_end=5,
            about="/photos/a.jpg",
            language=None,
            media_type="text/plain",
            width_px=None,
            height_px=None,
            captured_at=None,
            size_bytes=100,
            duration_s=None,
        ),
    }


def test_filters_are_exact(catalog, put, make_file):
    assets = put("/a.jpg", make_file("/b.txt", modality="text", segments=PASSAGES), "/c.jpg")
    everything = catalog.segment_ids(Filter())
    assert everything.tolist() == [1, 2, 3, 4]
    assert everything.dtype == np.int64
    assert catalog.segment_ids(Filter(modalities=frozenset({"text"}))).tolist() == [2, 3]
    assert catalog.segment_ids(Filter(modalities=frozenset({"text", "image"}))).tolist() == [1, 2, 3, 4]
    assert catalog.segment_ids(Filter(modalities=frozenset({"audio"}))).tolist() == []
    no_texts = Filter(exclude_assets=frozenset({assets["/b.txt"], 999}))
    assert catalog.segment_ids(no_texts).tolist() == [1, 4]
    both = Filter(modalities=frozenset({"image"}), exclude_assets=frozenset({assets["/a.jpg"]}))
    assert catalog.segment_ids(both).tolist() == [4]


def test_locations_tell_file_and_row_sorted_by_id(catalog, put, make_file):
    put("/a.jpg", make_file("/b.txt", modality="text", segments=PASSAGES))
    places = catalog.locations()
    assert places.ids.tolist() == [1, 2, 3]
    assert places.files.tolist() == [1, 1, 1]
    assert places.rows.tolist() == [0, 1, 2]
    some = catalog.locations(ids(3, 1, 3, 77))
    assert (some.ids.tolist(), some.rows.tolist()) == ([1, 3], [0, 2])
    assert len(catalog.locations(ids())) == 0


def test_blocks_and_the_next_free_row(catalog):
    with catalog.write() as writer:
        writer.add_block(Block(2, 0, 5, "c"))
        writer.add_block(Block(1, 10, 4, "b"))
        writer.add_block(Block(1, 0, 10, "a"))
    assert catalog.blocks() == (Block(1, 0, 10, "a"), Block(1, 10, 4, "b"), Block(2, 0, 5, "c"))
    assert catalog.next_row() == (2, 5)


def test_find_by_segment_id_path_or_folder(catalog, put, make_file):
    put("/photos/a.jpg", "/photos/sub/b.jpg", "/photos2/c.jpg", "/photos/50%_x.jpg", "/photos/50-yx.jpg")

    def find(name):
        return [asset.path for asset in catalog.find_assets(name)]

    assert find("2") == ["/photos/sub/b.jpg"]
    assert find("99") == []
    assert find("9" * 30) == []
    assert find("/photos/a.jpg") == ["/photos/a.jpg"]
    assert find("/photos/sub") == find("/photos/sub/") == ["/photos/sub/b.jpg"]
    assert find("/photos") == ["/photos/50%_x.jpg", "/photos/50-yx.jpg", "/photos/a.jpg", "/photos/sub/b.jpg"]
    assert find("/photos/50%_x.jpg") == ["/photos/50%_x.jpg"]
    assert len(find("/")) == 5
    assert find("/phot") == []


def test_find_below_a_folder_sees_names_that_are_not_utf8(catalog, put):
    odd = os.fsdecode(b"/photos/caf\xe9/x.jpg")
    put("/photos/a.jpg", odd)
    assert {asset.path for asset in catalog.find_assets("/photos")} == {"/photos/a.jpg", odd}
    assert [asset.path for asset in catalog.find_assets(os.fsdecode(b"/photos/caf\xe9"))] == [odd]


def test_failures_and_counts(catalog, put, make_file):
    put("/a.jpg", make_file("/b.txt", modality="text", segments=PASSAGES))
    with catalog.write() as writer:
        writer.put_failed(FailedFile(FileStat("/y.jpg", 1, 1), "media_damaged", "it is cut off", "image"))
        writer.put_failed(FailedFile(FileStat("/x.jpg", 1, 1), "media_empty", "it is empty"))
        writer.put_waiting(WaitingFile(FileStat("/s.mp3", 1, 1), "audio"))
        writer.put_waiting(WaitingFile(FileStat("/t.mp3", 1, 1), "audio"))
        unfinished = writer.begin_run()
    before = catalog.counts()
    assert (before.assets, before.segments, before.failed) == (2, {"image": 1, "text": 2}, 2)
    assert (before.waiting, before.last_indexed_at) == ({"audio": 2}, None)
    with catalog.write() as writer:
        writer.finish_run(unfinished, IndexReport(added=2, failed=2))
    assert catalog.counts().last_indexed_at >= "2024"
    assert [(failure.path, failure.code, failure.reason) for failure in catalog.failures()] == [
        ("/x.jpg", "media_empty", "it is empty"),
        ("/y.jpg", "media_damaged", "it is cut off"),
    ]
    assert [failure.path for failure in catalog.failures(1)] == ["/x.jpg"]


def test_assets_in_rows(catalog, put, make_file):
    put("/a.jpg", make_file("/b.txt", modality="text", segments=PASSAGES), "/c.jpg")
    assert [asset.path for asset in catalog.assets_in_rows(1, 1, 2)] == ["/b.txt"]
    assert [asset.path for asset in catalog.assets_in_rows(1, 2, 10)] == ["/b.txt", "/c.jpg"]
    assert catalog.assets_in_rows(2, 0, 10) == ()


def test_check_names_the_files_that_must_be_read_again(catalog, catalog_path, put):
    put("/ok.jpg", "/no-segment.jpg", "/no-vector.jpg", "/no-block.jpg")
    with closing(sqlite3.connect(catalog_path)) as direct, direct:
        direct.execute("PRAGMA foreign_keys = OFF")
        direct.execute("DELETE FROM segments WHERE id = 2")
        direct.execute("DELETE FROM vectors WHERE segment_id = 3")
        direct.execute("UPDATE vectors SET row = 7 WHERE segment_id = 4")
    problems = {problem.what: problem.items for problem in catalog.check()}
    assert problems == {
        "vectors refers to records that are gone": (),
        "a file has no segments": ("/no-segment.jpg",),
        "a segment has no vector": ("/no-vector.jpg",),
        "a vector lies in no committed block": ("/no-block.jpg",),
    }


def test_roots_are_kept_once_in_order(catalog):
    with catalog.write() as writer:
        for path in ("/photos", "/a", "/photos"):
            writer.add_root(path)
    assert catalog.roots() == ("/a", "/photos")


def test_files_are_found_by_their_content_if_they_are_ready(catalog, put, make_file):
    assets = put(make_file("/b.jpg", "aa"), make_file("/a.jpg", "bb"), make_file("/copy.jpg", "aa"))
    with catalog.write() as writer:
        writer.put_waiting(WaitingFile(FileStat("/c.mp3", 200, 1), "audio"))
    many = [f"other {number}" for number in range(2 * MAX_VALUES)]
    assert catalog.assets_with_content(["aa"]).tolist() == sorted([assets["/b.jpg"], assets["/copy.jpg"]])
    assert catalog.assets_with_content([*many, "aa", "bb"]).tolist() == sorted(assets.values())
    assert catalog.assets_with_content([]).tolist() == []
