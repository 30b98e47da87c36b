import json

import pytest

from mmsearch.errors import MediaDamaged, MediaEmpty, MediaTooLarge
from mmsearch.media.captions import read_captions
from mmsearch.media.document import read_document

PHOTOS = {"/p/dog.jpg", "/p/cat.PNG", "/p/sub/sea.webp", "/p/bark.wav", "/p/notes.txt", "/other/x.jpg", "/p.jpg"}


def captions_of(name, content, limits):
    """(media file, caption) pairs of a file in /p, or None if it says nothing of media files."""
    data = content if isinstance(content, bytes) else content.encode()
    described = read_captions(f"/p/{name}", data, limits, PHOTOS.__contains__)
    return None if described is None else [(segment.about, segment.text) for segment in described.segments]


def test_a_table_names_files_of_its_folder(limits):
    table = "file,caption\ndog.jpg,A dog runs\nsub/sea.webp,The sea\ndog.jpg,A beach\nbark.wav,Barking\n"
    assert captions_of("captions.csv", table, limits) == [
        ("/p/dog.jpg", "A dog runs"),
        ("/p/sub/sea.webp", "The sea"),
        ("/p/dog.jpg", "A beach"),
        ("/p/bark.wav", "Barking"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_quotes_and_spelling_of_headers(limits, delimiter):
    quoted = f'"A ""big"" dog{delimiter} here"'
    table = f"\ufeff Image_Name {delimiter}nr{delimiter} CAPTION \r\ndog.jpg{delimiter}1{delimiter}{quoted}\r\n"
    assert captions_of("a.csv", table, limits) == [("/p/dog.jpg", f'A "big" dog{delimiter} here')]


def test_files_outside_or_missing_or_no_media_are_passed_over(limits):
    names = ["../other/x.jpg", "/other/x.jpg", "missing.jpg", "notes.txt", "", "dog.jpg\0", "sub/../../p.jpg", "."]
    rows = [{"file": name, "caption": "c"} for name in names]
    assert captions_of("a.json", json.dumps(rows), limits) is None
    rows.append({"file": "sub/../dog.jpg", "caption": "c"})
    assert captions_of("a.json", json.dumps(rows), limits) == [("/p/dog.jpg", "c")]


@pytest.mark.parametrize(
    "document",
    [
        [{"file": "dog.jpg", "captions": ["one", "two"]}],
        [{"file_name": "dog.jpg", "caption": "one", "text": "two"}],
        {"dog.jpg": ["one", "two"]},
        {"dog.jpg": {"title": "two", "caption": "one"}},
    ],
)
def test_json_tables(limits, document):
    assert captions_of("all.json", json.dumps(document), limits) == [("/p/dog.jpg", "one"), ("/p/dog.jpg", "two")]


def test_json_lines(limits):
    lines = '{"file": "dog.jpg", "caption": "one"}\n\n{"path": "cat.PNG", "description": "two"}\n'
    assert captions_of("all.jsonl", lines, limits) == [("/p/dog.jpg", "one"), ("/p/cat.PNG", "two")]


@pytest.mark.parametrize(
    "name", ["dog.json", "dog.jpg.json", "dog.jpg.supplemental-metadata.json", "dog.jpg.suppl.json"]
)
def test_a_sidecar_describes_the_photo_beside_it(limits, name):
    sidecar = {"title": "dog.jpg", "description": " A dog\u0000 ", "keywords": ["beach", "dog"], "size": 7}
    assert captions_of(name, json.dumps(sidecar), limits) == [("/p/dog.jpg", "A dog"), ("/p/dog.jpg", "beach, dog")]


def test_endings_in_capitals_are_found_too(limits):
    assert captions_of("cat.json", '{"alt": "A cat"}', limits) == [("/p/cat.PNG", "A cat")]


def test_equal_captions_count_once(limits):
    assert captions_of("dog.json", '{"caption": "x", "captions": ["x", "y"], "alt": ""}', limits) == [
        ("/p/dog.jpg", "x"),
        ("/p/dog.jpg", "y"),
    ]


def test_half_a_surrogate_pair_does_not_get_through(limits):
    assert captions_of("dog.json", '{"caption": "a \\ud83d b"}', limits) == [("/p/dog.jpg", "a ? b")]
    assert captions_of("all.json", '{"\\ud83d.jpg": "a"}', limits) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("package.json", '{"name": "x", "version": "1"}'),
        ("data.csv", "a,b\n1,2\n"),
        ("list.json", "[1, 2, null]"),
        ("number.json", "7"),
        ("broken.json", "{"),
        ("deep.json", "[" * 100_000),
        ("big.json", "1" * 100_000),
        ("nan.json", '{"a": NaN}'),
        ("empty.json", ""),
        ("binary.csv", b"\0\1\2"),
        ("wide.csv", "file,caption\ndog.jpg," + "x" * 200_000),
        ("lines.jsonl", '{"file": "dog.jpg"'),
        ("dog.json", '{"exif": {"iso": {"speed": 100}}}'),
        ("dog.json", "[]"),
    ],
)
def test_other_tables_are_none_of_our_business(limits, name, content):
    assert captions_of(name, content, limits) is None


@pytest.mark.parametrize(("content", "error"), [("{", MediaDamaged), (b"\0", MediaDamaged), (b" ", MediaEmpty)])
def test_a_broken_sidecar_is_reported(limits, content, error):
    with pytest.raises(error):
        captions_of("dog.json", content, limits)


def test_the_number_of_captions_is_limited(limits):
    rows = [{"file": "dog.jpg", "captions": [f"number {number}" for number in range(101)]}]
    with pytest.raises(MediaTooLarge, match="more than 100 passages"):
        captions_of("all.json", json.dumps(rows), limits)


def test_long_captions_are_split_and_count_from_their_own_start(limits):
    caption = "A dog runs along the beach. " * 40
    segments = read_captions(
        "/p/dog.json", json.dumps({"text": caption}).encode(), limits, PHOTOS.__contains__
    ).segments
    assert len(segments) > 1
    assert all(segment.text == caption[segment.char_start : segment.char_end] for segment in segments)


def test_documents_of_every_kind(limits):
    def read(name, content):
        found = read_document(f"/p/{name}", content.encode(), limits, PHOTOS.__contains__)
        return found and (found.segments[0].text, found.segments[0].about, found.info.media_type)

    assert read("notes.txt", "Words.") == ("Words.", None, "text/plain")
    assert read("dog.txt", "A dog.") == ("A dog.", "/p/dog.jpg", "text/plain")
    assert read("dog.jpg.txt", "A dog.") == ("A dog.", "/p/dog.jpg", "text/plain")
    assert read("bark.md", "# Barking") == ("# Barking", "/p/bark.wav", "text/markdown")
    assert read("a.csv", "file,caption\ndog.jpg,A dog") == ("A dog", "/p/dog.jpg", "text/csv")
    assert read("a.json", '{"dog.jpg": "A dog"}') == ("A dog", "/p/dog.jpg", "application/json")
    assert read("package.json", "{}") is None
