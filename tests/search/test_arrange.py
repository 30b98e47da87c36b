from mmsearch.queries import Hit, Moment, Query
from mmsearch.search.arrange import arrange, by_file, ranked, within_quotas


def hit(id_, score, path, modality="image", **known):
    return Hit(0, id_, score, path, modality, **known)


def ids(hits):
    return [each.id for each in hits]


def arranged(*kinds, **options):
    return ranked(arrange(kinds, Query((), **options), None, None))


def test_kinds_are_merged_by_score_and_ranked():
    found = arranged([hit(1, 0.9, "/a"), hit(2, 0.3, "/b")], [hit(3, 0.5, "/c", "text")])
    assert [(each.rank, each.id) for each in found] == [(1, 1), (2, 3), (3, 2)]


def test_equal_scores_come_in_order_of_id():
    assert ids(arranged([hit(5, 0.5, "/a")], [hit(2, 0.5, "/b", "text")], [hit(9, 0.5, "/c", "audio")])) == [2, 5, 9]


def test_a_file_is_one_hit_that_names_its_other_moments():
    windows = [hit(i, 1 - i / 10, "/a.wav", "audio", start_s=10.0 * i, end_s=10.0 * i + 10) for i in range(8)]
    first, second = arranged([*windows, hit(50, 0.05, "/b.wav", "audio")])
    assert (first.id, second.id) == (0, 50)
    assert first.more[0] == Moment(1, 0.9, "audio", 10.0, 20.0)
    assert [moment.id for moment in first.more] == [1, 2, 3, 4, 5]
    assert second.more == ()


def test_a_caption_and_its_picture_are_one():
    picture, caption = hit(1, 0.5, "/a.jpg"), hit(2, 0.7, "/a.txt", "text", about="/a.jpg", text="a cat")
    (best,) = by_file([caption, picture])
    assert (best.id, best.subject) == (2, "/a.jpg")
    assert best.more == (Moment(1, 0.5, "image"),)


def test_without_groups_every_segment_is_a_hit():
    assert ids(arranged([hit(1, 0.9, "/a"), hit(2, 0.8, "/a")], group=False)) == [1, 2]


def test_passages_of_one_moment_are_one_even_without_groups():
    said = [hit(i, 1 - i / 10, "/a.wav", "text", start_s=i, end_s=i + 3.0) for i in range(3)]
    assert ids(arranged(said, group=False)) == [0]


def test_what_scores_less_is_left_out():
    assert ids(arranged([hit(1, 0.9, "/a"), hit(2, 0.5, "/b"), hit(3, 0.49, "/c")], min_score=0.5)) == [1, 2]


def test_quotas_hold_by_kind():
    hits = [hit(1, 0.9, "/a"), hit(2, 0.8, "/b"), hit(3, 0.7, "/c", "text"), hit(4, 0.6, "/d")]
    assert ids(within_quotas(hits, {"image": 2})) == [1, 2, 3]
    assert ids(within_quotas(hits, {"image": 0})) == [3]
    assert ids(within_quotas(hits, {})) == [1, 2, 3, 4]
