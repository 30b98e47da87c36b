from dataclasses import replace

import numpy as np
import pytest

from mmsearch.catalog.catalog import Block, Catalog, TokenCounts, TokenPlaces
from mmsearch.catalog.chunks import MAX_VALUES
from mmsearch.types import FailedFile, FileStat, KnownFile, Segment
from mmsearch.vectors.tokens import quantise

PASSAGES = (Segment("text", text="one"), Segment("text", text="two"), Segment("text", text="three"))


def coded(count):
    return quantise(np.ones((count, 4), np.float32))


@pytest.fixture
def put_tokens(catalog, make_file):
    """Commit files, given as path -> counts of tokens of its segments (None if it has none), as one block."""

    def commit(files, **more):
        made = []
        for path, counts in files.items():
            passages = PASSAGES[: len(counts or [1])]
            file = make_file(path, modality="text", segments=passages, **more)
            made.append(file if counts is None else replace(file, tokens=tuple(map(coded, counts))))
        total = sum(sum(counts or []) for counts in files.values())
        (number, row), (token_file, token_row) = catalog.next_row(), catalog.next_token_row()
        segments = sum(len(file.segments) for file in made)
        with catalog.write() as writer:
            writer.add_block(Block(number, row, segments, "d"))
            writer.add_token_block(Block(token_file, token_row, total, f"digest{token_row}"))
            writer.put_indexed(
                made, vector_file=number, first_row=row, token_file=token_file, first_token_row=token_row
            )
        return {path: state.id for path, state in catalog.lookup(list(files)).items()}

    return commit


def ids(*values):
    return np.array(values, dtype=np.int64)


def listed(places):
    columns = (places.ids, places.files, places.rows, places.counts)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def always(_path):
    return True


def never(_path):
    return False


def known(path, content_hash):
    return KnownFile(FileStat(path, 100, 2), content_hash)


def test_a_new_catalog_keeps_tokens_from_the_start_if_told_so(tmp_path, space, catalog):
    assert catalog.token_revision() == ""
    with Catalog.create(tmp_path / "other.db", "other", space, tokens="r1") as keeping:
        assert keeping.token_revision() == "r1"
    assert (listed(catalog.token_places()), catalog.token_blocks(), catalog.next_token_row()) == ([], (), (1, 0))
    assert (catalog.token_counts(), catalog.without_tokens().tolist()) == (TokenCounts(0, 0), [])


def test_tokens_lie_one_segment_after_the_other_in_order_of_the_files(catalog, put_tokens):
    put_tokens({"/b.txt": [3, 1], "/a.txt": [2]})
    put_tokens({"/c.txt": [4]})
    assert listed(catalog.token_places()) == [(1, 1, 0, 3), (2, 1, 3, 1), (3, 1, 4, 2), (4, 1, 6, 4)]
    assert catalog.token_blocks() == (Block(1, 0, 6, "digest0"), Block(1, 6, 4, "digest6"))
    assert (catalog.next_token_row(), catalog.referenced_files().tokens) == ((1, 10), frozenset({1}))
    assert catalog.check() == ()
    assert catalog.revision() == 2, "segments came"


def test_places_of_some_ids_come_sorted_and_without_those_that_have_none(catalog, put_tokens):
    put_tokens({"/a.txt": [3], "/b.txt": None, "/c.txt": [2]})
    assert listed(catalog.token_places(ids(3, 999, 2, 1, 3))) == [(1, 1, 0, 3), (3, 1, 3, 2)]
    assert listed(catalog.token_places(ids())) == []
    assert len(catalog.token_places(np.arange(2 * MAX_VALUES))) == 2


def test_files_without_tokens_are_told(catalog, put_tokens, make_file):
    assets = put_tokens({"/a.txt": [3], "/b.txt": None, "/c.txt": [2, 2]})
    with catalog.write() as writer:
        writer.put_failed(FailedFile(FileStat("/bad.txt", 1, 1), "media_damaged", "no"))
    assert catalog.without_tokens().tolist() == [assets["/b.txt"]]
    assert catalog.token_counts() == TokenCounts(segments=4, with_tokens=3)


def test_without_a_token_file_none_are_noted(catalog, make_file):
    file = replace(make_file("/a.jpg"), tokens=(coded(3),))
    with catalog.write() as writer:
        writer.put_indexed([file], vector_file=1, first_row=0)
    assert len(catalog.token_places()) == 0


@pytest.mark.parametrize("tokens", [(), (3,), (1, 2, 3), (1, 0)])
def test_tokens_that_are_not_those_of_the_segments_are_refused(catalog, make_file, tokens):
    file = replace(make_file("/a.txt", segments=PASSAGES[:2]), tokens=tuple(map(coded, tokens)))
    with pytest.raises(ValueError, match=r"/a\.txt has tokens that are not"), catalog.write() as writer:
        writer.put_indexed([file], vector_file=1, first_row=0, token_file=1)
    assert catalog.lookup(["/a.txt"]) == {}


def test_an_updated_file_gets_new_tokens(catalog, put_tokens):
    put_tokens({"/a.txt": [3, 1]}, content="v1")
    put_tokens({"/a.txt": [2]}, content="v2")
    assert listed(catalog.token_places()) == [(3, 1, 4, 2)]
    put_tokens({"/a.txt": None, "/b.txt": [1]}, content="v3")
    assert listed(catalog.token_places()) == [(5, 1, 6, 1)]


def test_a_copy_shares_the_tokens_and_outlives_the_original(catalog, put_tokens):
    assets = put_tokens({"/a.txt": [3, 1], "/b.txt": [2]}, content="aa")
    with catalog.write() as writer:
        assert writer.put_known(known("/copy.txt", "aa"), exists=always) == "added"
    assert listed(catalog.token_places())[3:] == [(4, 1, 0, 3), (5, 1, 3, 1)]
    with catalog.write() as writer:
        writer.remove_assets([assets["/a.txt"]])
    assert listed(catalog.token_places()) == [(3, 1, 4, 2), (4, 1, 0, 3), (5, 1, 3, 1)]
    with catalog.write() as writer:
        assert writer.put_known(known("/moved.txt", "aa"), exists=never) == "renamed"
    assert len(catalog.token_places()) == 3


def test_removing_requeuing_and_sweeping_files_take_their_tokens(catalog, put_tokens):
    assets = put_tokens({"/d/a.txt": [3], "/d/b.txt": [1], "/d/c.txt": [2]})
    with catalog.write() as writer:
        writer.remove_assets([assets["/d/a.txt"]])
        writer.requeue([assets["/d/b.txt"]])
    assert listed(catalog.token_places()) == [(3, 1, 4, 2)]
    with catalog.seen() as seen, catalog.write() as writer:
        assert writer.sweep("/d", seen, []) == 1
    assert listed(catalog.token_places()) == []
    assert catalog.next_token_row() == (1, 6), "rows of a block are not given again"


def test_files_are_found_by_the_rows_of_their_tokens(catalog, put_tokens):
    put_tokens({"/c.txt": [3, 2], "/b.txt": [1], "/a.txt": [4]})  # rows 0 to 5, 5, 6 to 10

    def paths(*rows):
        return [asset.path for asset in catalog.assets_in_token_rows(*rows)]

    assert paths(1, 0, 10) == ["/a.txt", "/b.txt", "/c.txt"]
    assert paths(1, 4, 1) == ["/c.txt"]
    assert paths(1, 5, 1) == ["/b.txt"]
    assert paths(1, 4, 3) == ["/a.txt", "/b.txt", "/c.txt"]
    assert paths(1, 10, 5) == paths(2, 0, 10) == []


def test_another_revision_forgets_the_tokens_and_the_same_one_does_not(catalog, put_tokens):
    with catalog.write() as writer:
        writer.keep_tokens("r1")
    put_tokens({"/a.txt": [3], "/b.txt": [1]})
    before = catalog.revision()
    with catalog.write() as writer:
        writer.keep_tokens("r1")
    assert (len(catalog.token_places()), catalog.revision()) == (2, before)
    with catalog.write() as writer:
        writer.keep_tokens("r2")
    assert (catalog.token_revision(), catalog.revision()) == ("r2", before + 1)
    assert (len(catalog.token_places()), catalog.token_blocks()) == (0, ())
    assert catalog.referenced_files().tokens == frozenset()
    assert (len(catalog.locations()), catalog.check()) == (2, ())


def test_after_forgetting_no_file_is_used_again(catalog, put_tokens):
    with catalog.write() as writer:
        writer.keep_tokens("r1")
    put_tokens({"/a.txt": [3]})
    put_tokens({"/b.txt": [3]})
    with catalog.write() as writer:
        writer.forget_tokens()
    assert (catalog.token_revision(), catalog.without_tokens().tolist()) == ("", [1, 2])
    file, row = catalog.next_token_row()
    assert (file > 1, row) == (True, 0)
    put_tokens({"/c.txt": [3]})
    assert listed(catalog.token_places()) == [(3, file, 0, 3)]
    assert catalog.next_token_row() == (file, 3)


def test_moved_tokens_lie_elsewhere_and_old_blocks_are_forgotten(catalog, put_tokens):
    put_tokens({"/a.txt": [3], "/b.txt": [1]})
    revision = catalog.revision()
    with catalog.write() as writer:
        writer.move_tokens(TokenPlaces(ids(1, 2), ids(2, 2), ids(1, 0), ids(3, 1)), [Block(2, 0, 4, "new")])
    assert listed(catalog.token_places()) == [(1, 2, 1, 3), (2, 2, 0, 1)]
    assert catalog.token_blocks() == (Block(2, 0, 4, "new"),)
    assert (catalog.next_token_row(), catalog.referenced_files().tokens) == ((2, 4), frozenset({2}))
    assert (catalog.check(), catalog.revision()) == ((), revision + 1)


def test_tokens_that_come_or_stay_leave_the_revision_as_it_is(catalog, put_tokens):
    put_tokens({"/a.txt": None, "/b.txt": [1]})
    revision, places = catalog.revision(), TokenPlaces(ids(1), ids(1), ids(1), ids(3))
    with catalog.write() as writer:
        writer.add_token_block(Block(1, 1, 3, "more"))
        writer.put_tokens(places)
        assert writer.drop_tokens_outside([Block(1, 0, 1, "digest0"), Block(1, 1, 3, "more")]) == 0
    assert catalog.revision() == revision


def test_tokens_that_are_dropped_count_the_revision_on(catalog, put_tokens):
    put_tokens({"/a.txt": [3], "/b.txt": [1]})
    put_tokens({"/c.txt": [2]})
    revision = catalog.revision()
    with catalog.write() as writer:
        assert writer.drop_tokens_outside([Block(1, 0, 4, "digest0")]) == 1
    assert listed(catalog.token_places()) == [(1, 1, 0, 3), (2, 1, 3, 1)]
    assert catalog.revision() == revision + 1


def test_only_exactly_the_tokens_of_the_catalog_are_moved(catalog, put_tokens):
    put_tokens({"/a.txt": [3], "/b.txt": [1]})
    for moved, counts in ((ids(1), ids(3)), (ids(2, 1), ids(1, 3)), (ids(1, 2), ids(3, 2))):
        places = TokenPlaces(moved, np.full(len(moved), 2), np.zeros(len(moved), np.int64), counts)
        with pytest.raises(ValueError, match="not those in the catalog"), catalog.write() as writer:
            writer.move_tokens(places, [Block(2, 0, 4, "new")])
    assert catalog.token_blocks() == (Block(1, 0, 4, "digest0"),)


def test_no_tokens_at_all_can_be_moved(catalog, put_tokens):
    (asset,) = put_tokens({"/a.txt": [3]}).values()
    with catalog.write() as writer:
        writer.remove_assets([asset])
        writer.move_tokens(catalog.token_places(ids()), [])
    assert (catalog.token_blocks(), catalog.next_token_row()[1]) == ((), 0)


@pytest.mark.parametrize(
    "change",
    ["UPDATE tokens SET count = 5", "UPDATE tokens SET row = 9223372036854775807", "DELETE FROM token_blocks"],
)
def test_tokens_in_no_committed_block_are_a_problem(catalog, put_tokens, change):
    put_tokens({"/a.txt": [3]})
    with catalog.write() as writer:
        writer._connection.exec_driver_sql(change)
    (problem,) = catalog.check()
    assert (problem.what, problem.items) == ("tokens lie in no committed block", ("/a.txt",))


def test_a_snapshot_sees_the_tokens_of_its_moment(catalog, put_tokens, catalog_path):
    put_tokens({"/a.txt": [3]})
    with Catalog.open(catalog_path, write=False) as reader, reader.snapshot():
        with catalog.write() as writer:
            writer.forget_tokens()
        assert listed(reader.token_places()) == [(1, 1, 0, 3)]
