import wave

import numpy as np
from PIL import Image, ImageOps

from mmsearch.testing.canvas import SIZE_PX
from mmsearch.testing.drawings import draw_samples
from mmsearch.testing.media import four_colours, write_bomb_png, write_text, write_turned, write_wav


def test_turned_pictures_are_what_pillow_understands_by_the_orientation(tmp_path):
    for orientation in range(1, 9):
        with Image.open(write_turned(tmp_path / "a.png", four_colours(), orientation)) as image:
            assert np.array_equal(np.asarray(ImageOps.exif_transpose(image)), four_colours())


def test_the_bomb_is_small(tmp_path):
    assert write_bomb_png(tmp_path / "a.png").stat().st_size < 200


def test_the_tone_has_its_pitch_and_length(tmp_path):
    with wave.open(str(write_wav(tmp_path / "a.wav", seconds=0.5, pitch_hz=1000, rate_hz=8000))) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert len(samples) == 4000
    assert np.argmax(np.abs(np.fft.rfft(samples))) == 500  # 1000 Hz in half a second


def test_texts_keep_their_line_ends(tmp_path):
    assert write_text(tmp_path / "a.txt", "a\nb\r\n").read_bytes() == b"a\nb\r\n"


def test_the_samples_are_distinct_pictures_with_a_line_of_text_each(tmp_path):
    drawn = draw_samples(tmp_path)
    assert len(drawn) == len(set(drawn.values())) == 11
    small = []
    for path in drawn:
        with Image.open(path) as image:
            assert (image.size, image.format) == (SIZE_PX, "JPEG")
            small.append(np.asarray(image.resize((16, 12))).astype(int))
    for number, one in enumerate(small):
        assert one.std() > 20
        assert all(np.abs(one - other).mean() > 10 for other in small[:number])
