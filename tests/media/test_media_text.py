import pytest

from mmsearch.errors import MediaDamaged, MediaEmpty, MediaTooLarge
from mmsearch.media.text import read_text

GERMAN = "Ein Hund läuft über die große Straße. Schöne Grüße aus München!\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_encodings_are_found(limits, encoding):
    assert read_text(GERMAN.encode(encoding), limits) == GERMAN


@pytest.mark.parametrize(("mark", "encoding"), [(b"\xfe\xff", "utf-16-be"), (b"\x00\x00\xfe\xff", "utf-32-be")])
def test_big_endian_marks(limits, mark, encoding):
    assert read_text(mark + "日本".encode(encoding), limits) == "日本"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Café crème à la carte", "cp1252"),
        ("“Quoted” naïve: 5 €", "cp1252"),
        ("Собака бежит по пляжу, а кошка спит на диване.", "cp1251"),  # noqa: RUF001
        ("犬が海辺を走っています。猫はソファで寝ています。", "shift_jis"),
        ("一只狗在海滩上奔跑。猫在沙发上睡觉。", "gb18030"),
        ("Pes běží po pláži a kočka spí na pohovce, zatímco děti si hrají.", "cp1250"),
    ],
)
def test_older_encodings_are_guessed(limits, text, encoding):
    assert read_text(text.encode(encoding), limits) == text


def test_one_bad_byte_does_not_change_the_encoding(limits):
    assert read_text(GERMAN.encode() * 3 + b"\xff end", limits) == GERMAN * 3 + "\ufffd end"


def test_line_ends_stay_so_that_spans_fit(limits):
    assert read_text(b"one\r\ntwo\rthree\n", limits) == "one\r\ntwo\rthree\n"


@pytest.mark.parametrize("data", [b"a\0b", bytes(20), b"\x89PNG\r\n\x1a\n\0\0\xff", b"\xff\xfe\x00", b"\xff\xfe\0\xd8"])
def test_binary_content_is_not_text(limits, data):
    with pytest.raises(MediaDamaged, match="The content is not text"):
        read_text(data, limits)


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n ", b"\xef\xbb\xbf", "\u3000\u00a0".encode()])
def test_white_space_is_nothing(limits, data):
    with pytest.raises(MediaEmpty):
        read_text(data, limits)


def test_the_byte_limit_holds(limits):
    with pytest.raises(MediaTooLarge, match="1,048,577 bytes; the limit is 1,048,576"):
        read_text(b"a" * ((1 << 20) + 1), limits)
