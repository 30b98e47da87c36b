"""Copies in a collection of drawings and their variants, through the API."""

import shutil

import pytest
import sqlalchemy as sa

from mmsearch.errors import FilterError, ItemNotFound
from mmsearch.testing.media import write_image, write_text, write_wav


def names(report):
    return [(group.kept.path.rsplit("/", 1)[1], *(other.path.rsplit("/", 1)[1] for other in group.others))
            for group in report.groups]  # fmt: skip


def half(image):
    return image.resize((image.width // 2, image.height // 2))


@pytest.fixture
def variants(drawings, save):
    """Of four drawings: resized, recompressed and cut ones of the first three."""
    clock, daisy, balloon = (drawings[name] for name in ("clock", "daisy", "balloon"))
    save(clock, "clock.jpg", quality=95)
    save(half(clock), "clock-small.jpg")
    save(daisy, "daisy.jpg", quality=95)
    save(daisy, "daisy-30.jpg", quality=30)
    save(balloon, "balloon.png")
    save(balloon.crop((10, 8, 502, 376)), "balloon-cut.png")
    save(drawings["umbrella"], "umbrella.jpg")


def test_variants_are_grouped_around_the_best(collection, folder, variants):
    collection.index(folder, workers=1)
    report = collection.dupes()
    assert sorted(names(report)) == [
        ("balloon.png", "balloon-cut.png"),
        ("clock.jpg", "clock-small.jpg"),
        ("daisy.jpg", "daisy-30.jpg"),
    ]
    said = {other.path.rsplit("/", 1)[1]: (other.reason, other.kept_for) for other in report.others}
    assert said == {
        "balloon-cut.png": ("near", "more pixels"),
        "clock-small.jpg": ("near", "more pixels"),
        "daisy-30.jpg": ("near", "larger file"),
    }
    assert all(other.distance <= 8 and other.cosine > 0.9 for other in report.others)
    assert report.files == 7
    assert report.without_look == 0
    assert report.freed_bytes == sum((folder / other).stat().st_size for _, other in names(report))


def test_what_frees_most_comes_first(collection, folder, variants):
    collection.index(folder, workers=1)
    freed = [group.freed_bytes for group in collection.dupes().groups]
    assert freed == sorted(freed, reverse=True)


def test_the_result_does_not_depend_on_the_order_of_indexing(collection, folder, variants):
    for path in sorted(folder.iterdir(), reverse=True):
        collection.index(path, workers=1)
    backwards = collection.dupes()
    collection.remove(folder)
    collection.index(folder, workers=1)
    assert names(collection.dupes()) == names(backwards)
    assert collection.dupes().groups == collection.dupes().groups


def test_exact_copies_of_any_kind_are_found(collection, folder, drawings, save):
    (folder / "deeper").mkdir()
    picture = save(drawings["candle"], "candle.jpg")
    sound, text = write_wav(folder / "tone.wav"), write_text(folder / "note.md", "To buy: bread, salt.\n")
    for path in (picture, sound, text):
        shutil.copy2(path, folder / "deeper" / path.name)
    collection.index(folder, workers=1)
    report = collection.dupes(near=False)
    assert len(report.groups) == 3
    assert all(group.kept.path == str(folder / group.others[0].path.rsplit("/", 1)[1]) for group in report.groups)
    assert {(other.reason, other.kept_for, other.cosine) for other in report.others} == {
        ("exact", "shorter path", None)
    }
    assert collection.dupes().groups == report.groups


def test_without_near_only_content_counts(collection, folder, variants):
    collection.index(folder, workers=1)
    assert collection.dupes(near=False).groups == ()


def test_a_kept_file_may_have_both_kinds(collection, folder, drawings, save):
    save(drawings["candle"], "candle.jpg", hours=2)
    shutil.copy(folder / "candle.jpg", folder / "again.jpg")
    save(half(drawings["candle"]), "small.jpg")
    collection.index(folder, workers=1)
    report = collection.dupes()
    assert names(report) == [("candle.jpg", "again.jpg", "small.jpg")]
    assert [other.reason for other in report.others] == ["exact", "near"]
    assert report.others[0].kept_for == "changed longer ago"


def test_notes_of_a_camera_count_among_equals(collection, folder, drawings, save):
    # The padding makes the files equally large.
    with_notes = save(drawings["daisy"], "with.jpg", taken="2021:05:04 10:20:30")
    without = save(drawings["daisy"], "but.jpg")
    without.write_bytes(without.read_bytes() + bytes(with_notes.stat().st_size - without.stat().st_size))
    collection.index(folder, workers=1)
    report = collection.dupes()
    assert names(report) == [("with.jpg", "but.jpg")]
    assert report.others[0].kept_for == "has the camera's notes"


def test_a_burst_is_not_taken_for_copies(collection, folder, drawings, save):
    for second in (30, 31):
        save(drawings["daisy"], f"daisy-{second}.jpg", quality=second + 50, taken=f"2021:05:04 10:20:{second}")
    collection.index(folder, workers=1)
    assert collection.dupes().groups == ()


def test_looks_alone_do_not_make_copies(collection, folder, drawings, save):
    """The model of these tests knows colours only, so to it a grey copy is another picture."""
    save(drawings["balloon"], "balloon.jpg")
    save(drawings["balloon"].convert("L"), "grey.jpg")
    collection.index(folder, workers=1)
    assert collection.dupes().groups == ()


def test_black_frames_and_empty_scans_do_not_match_each_other(collection, folder):
    for name, colour in (("a", (0, 0, 0)), ("b", (2, 2, 2)), ("c", (250, 250, 250)), ("d", (252, 252, 252))):
        write_image(folder / f"{name}.png", colour, (200, 150))
    collection.index(folder, workers=1)
    report = collection.dupes()
    assert report.groups == ()
    assert report.without_look == 0  # there is one, and it says "blank"


def test_equal_captions_of_different_pictures_are_no_copies(collection, folder, drawings, save):
    for name in ("daisy", "clock"):
        save(drawings[name], f"{name}/photo.jpg")
        write_text(folder / name / "photo.txt", "Seen in spring.\n")
        write_text(folder / name / "photo.json", '{"rating": 5}')
    collection.index(folder, workers=1)
    report = collection.dupes()
    assert report.groups == ()
    assert report.files == 2


def test_only_the_files_that_are_asked_for_are_compared(collection, folder, drawings, save):
    for name in ("here/a.jpg", "here/b.jpg", "there/c.jpg"):
        save(drawings["daisy"], name)
    collection.index(folder, workers=1)
    assert names(collection.dupes()) == [("a.jpg", "b.jpg", "c.jpg")]
    assert names(collection.dupes(folder / "here")) == [("a.jpg", "b.jpg")]
    assert names(collection.dupes(folder / "here" / "b.jpg", folder / "there")) == [("b.jpg", "c.jpg")]
    assert collection.dupes(folder / "there").files == 1
    with pytest.raises(ItemNotFound):
        collection.dupes(folder / "nowhere")


def test_a_filter_chooses_the_files(collection, folder, drawings, save):
    save(drawings["daisy"], "a.jpg")
    save(drawings["daisy"], "b.png")
    save(half(drawings["daisy"]), "c.jpg")
    collection.index(folder, workers=1)
    assert names(collection.dupes(where="type = 'image/jpeg'")) == [("a.jpg", "c.jpg")]
    assert names(collection.dupes(folder / "b.png", folder / "c.jpg", where="type = 'image/jpeg'")) == []
    with pytest.raises(FilterError):
        collection.dupes(where="type = ")


def test_collections_without_looks_are_compared_by_content(collection, folder, variants):
    shutil.copy2(folder / "clock.jpg", folder / "clock-copy.jpg")
    collection.index(folder, workers=1)
    forget_looks(collection)
    report = collection.dupes()
    assert names(report) == [("clock.jpg", "clock-copy.jpg")]
    assert report.without_look == 8
    assert collection.dupes(near=False).without_look == 0
    collection.remove(folder)
    collection.index(folder, workers=1)
    assert collection.dupes().without_look == 0


def forget_looks(collection):
    """As in a collection that was made before looks were kept."""
    collection.close()
    engine = sa.create_engine(f"sqlite:///{collection.folder / 'catalog.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE assets SET look = NULL"))
    engine.dispose()


def test_a_copied_file_has_the_look_of_its_source(collection, folder, drawings, save):
    save(drawings["daisy"], "daisy.jpg")
    collection.index(folder, workers=1)
    shutil.copy2(folder / "daisy.jpg", folder / "later.jpg")
    save(half(drawings["daisy"]), "small.jpg")
    collection.index(folder, workers=1)
    assert names(collection.dupes()) == [("daisy.jpg", "later.jpg", "small.jpg")]


def test_copies_of_what_is_gone_or_changed_are_not_offered(collection, folder, drawings, save):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        save(drawings["daisy"], name)
    collection.index(folder, workers=1)
    (folder / "a.jpg").unlink()
    report = collection.dupes()
    assert (names(report), report.files, report.stale) == ([("b.jpg", "c.jpg")], 2, 1)
    (folder / "b.jpg").write_bytes(b"something else")
    report = collection.dupes()
    assert (report.groups, report.files, report.stale) == ((), 1, 2)


def test_a_link_is_no_copy_of_what_it_leads_to(collection, folder, drawings, save):
    save(drawings["daisy"], "the-picture-itself.jpg")
    (folder / "a.jpg").symlink_to(folder / "the-picture-itself.jpg")
    (folder / "b.jpg").hardlink_to(folder / "the-picture-itself.jpg")
    save(half(drawings["daisy"]), "small.jpg")
    collection.index(folder, workers=1, follow_symlinks=True)
    assert collection.status().assets == 4
    report = collection.dupes()
    assert names(report) == [("b.jpg", "small.jpg")]
    (folder / "b.jpg").unlink()
    assert names(collection.dupes()) == [("the-picture-itself.jpg", "small.jpg")]


def test_an_empty_collection_has_no_copies(collection, folder):
    collection.index(folder, workers=1)
    report = collection.dupes()
    assert (report.groups, report.files, report.freed_bytes) == ((), 0, 0)


def test_the_report_is_a_json_object(collection, folder, variants):
    collection.index(folder, workers=1)
    values = collection.dupes().to_dict()
    assert values["files"] == 7
    assert values["freed_bytes"] == sum(group["freed_bytes"] for group in values["groups"])
    assert set(values["groups"][0]["others"][0]) == {
        "path", "modality", "size_bytes", "width_px", "height_px", "reason", "kept_for", "distance", "cosine",
    }  # fmt: skip
