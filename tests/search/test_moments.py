from mmsearch.queries import Hit
from mmsearch.search.moments import one_a_moment


def hit(rank, start_s, end_s, path="/a.wav", modality="text"):
    return Hit(rank, 100 + rank, 1 - rank / 10, path, modality, start_s=start_s, end_s=end_s)


def ids(hits):
    return [each.id for each in one_a_moment(hits)]


def test_the_best_passage_of_a_moment_is_kept():
    kept = one_a_moment([hit(1, 5, 9), hit(2, 7, 12), hit(3, 20, 25), hit(4, 0, 6)])
    assert [(each.id, each.start_s) for each in kept] == [(101, 5), (103, 20)]


def test_spans_that_only_touch_are_two_moments():
    assert ids([hit(1, 5, 9), hit(2, 9, 12), hit(3, 0, 5)]) == [101, 102, 103]


def test_what_was_left_out_takes_no_room():
    """The second overlaps the first; the third overlaps only the second."""
    assert ids([hit(1, 0, 5), hit(2, 4, 9), hit(3, 8, 12)]) == [101, 103]


def test_other_files_windows_of_sound_and_passages_of_texts_stay():
    hits = [
        hit(1, 0, 5),
        hit(2, 0, 5, path="/b.wav"),
        hit(3, 0, 5, modality="audio"),
        hit(4, 3, 8, modality="audio"),
        hit(5, None, None, path="/c.txt"),
        hit(6, None, None, path="/c.txt"),
    ]
    assert ids(hits) == [101, 102, 103, 104, 105, 106]
    assert one_a_moment([]) == ()
