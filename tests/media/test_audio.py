import socket
import struct
from io import BytesIO

import numpy as np
import pytest

from mmsearch.config import Limits
from mmsearch.errors import FileUnreadable, MediaDamaged, MediaEmpty, MediaError, MediaTooLarge, MediaUnsupported
from mmsearch.media.audio import open_sound
from mmsearch.testing.media import write_wav
from mmsearch.testing.sounds import tone, write_sound

RATE_HZ = 16_000
LIMITS = Limits(max_audio_s=60.0)


def hear(source, rate_hz=RATE_HZ, limits=LIMITS):
    """Return all samples, and what is known of the file at the end."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    with open_sound(BytesIO(data), limits, rate_hz) as sound:
        blocks = list(sound)
    for block in blocks:
        assert block.dtype == np.float32
        assert block.flags.c_contiguous
        assert 0 < len(block) <= 1.1 * rate_hz
    return np.concatenate(blocks), sound.info


def off(heard, wanted):
    """Return the power of the difference against that of the sound, in dB, without the ends."""
    inner = slice(len(wanted) // 8, -len(wanted) // 8)
    wrong = heard[: len(wanted)][inner] - wanted[inner]
    return 10 * np.log10(np.square(wrong).mean() / np.square(wanted[inner]).mean() + 1e-12)


def wav(samples, rate_hz, tag, bits):
    """Make a WAV file of one channel by hand."""
    data, width = samples.tobytes(), bits // 8
    form = struct.pack("<HHIIHH", tag, 1, rate_hz, rate_hz * width, width, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


EXACT = [
    ("a.wav", None, 44_100, "audio/wav"),
    ("a.wav", "pcm_s24le", 96_000, "audio/wav"),
    ("a.wav", "pcm_f32le", 48_000, "audio/wav"),
    ("a.wav", "pcm_f64le", 22_050, "audio/wav"),
    ("a.flac", None, 192_000, "audio/flac"),
    ("a.aiff", None, 11_025, "audio/aiff"),
    ("a.caf", None, 16_000, "audio/x-caf"),
    ("a.m4a", "alac", 44_100, "audio/mp4"),
    ("a.mka", None, 48_000, "audio/matroska"),
    ("a.mov", None, 48_000, "video/quicktime"),
]
LOSSY = [
    ("a.mp3", None, 44_100, "audio/mpeg"),
    ("a.m4a", None, 44_100, "audio/mp4"),
    ("a.opus", None, 48_000, "audio/ogg"),
    ("a.wv", None, 44_100, "audio/x-wavpack"),
    ("a.mp4", None, 44_100, "video/mp4"),
    ("a.mkv", None, 48_000, "video/matroska"),
    ("a.webm", None, 48_000, "audio/webm"),
    ("a.wav", "pcm_alaw", 8_000, "audio/wav"),
    ("a.wav", "pcm_mulaw", 8_000, "audio/wav"),
    ("a.wav", "pcm_u8", 32_000, "audio/wav"),
    ("a.wav", "adpcm_ms", 44_100, "audio/wav"),
]


@pytest.mark.parametrize(("name", "codec", "rate_hz", "media_type"), EXACT)
def test_what_was_written_without_loss_is_heard_at_its_time(tmp_path, name, codec, rate_hz, media_type):
    path = write_sound(tmp_path / name, tone(1.5, 440, rate_hz), rate_hz, codec=codec)
    heard, info = hear(path)
    assert off(heard, tone(1.5, 440, RATE_HZ)) < -55
    assert (info.media_type, info.duration_s) == (media_type, 1.5)


@pytest.mark.parametrize(("name", "codec", "rate_hz", "media_type"), LOSSY)
def test_encoders_add_no_delay_that_the_file_declares(tmp_path, name, codec, rate_hz, media_type):
    # The level is left to the encoder.
    path = write_sound(tmp_path / name, tone(1.5, 440, rate_hz), rate_hz, codec=codec)
    heard, info = hear(path)
    wanted = tone(1.5, 440, RATE_HZ)
    heard *= np.sqrt(np.square(wanted).mean() / np.square(heard[: len(wanted)]).mean())
    assert off(heard, wanted) < -20
    assert info.media_type == media_type
    assert info.duration_s == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("name", ["a.wav", "a.avi", "a.mpg"])
def test_mp3_and_mp2_where_no_delay_is_declared(tmp_path, name):
    codec = "libmp3lame" if name == "a.wav" else None
    heard, info = hear(write_sound(tmp_path / name, tone(1.5, 440, 44_100), 44_100, codec=codec))
    spectrum = np.abs(np.fft.rfft(heard[4_000:20_000]))
    assert spectrum.argmax() == 440
    assert info.duration_s == pytest.approx(1.5, abs=0.1)


def test_what_a_film_says_about_itself(tmp_path):
    _, info = hear(write_sound(tmp_path / "a.mkv", created="2021-05-04T10:20:30Z"))
    assert (info.width_px, info.height_px, info.captured_at) == (64, 48, "2021-05-04T10:20:30+00:00")
    _, info = hear(write_sound(tmp_path / "b.m4a"))
    assert (info.width_px, info.height_px, info.captured_at) == (None, None, None)


def test_what_is_above_half_the_rate_vanishes_and_what_is_below_stays(tmp_path):
    for pitch_hz, low_db, high_db in [(100, -0.1, 0.1), (7_000, -0.2, 0.1), (9_000, -200, -60), (15_000, -200, -80)]:
        path = write_sound(tmp_path / "a.wav", tone(1, pitch_hz, 44_100), 44_100, codec="pcm_f32le")
        heard, _ = hear(path)
        level_db = 20 * np.log10(np.sqrt(np.square(heard[2_000:-2_000]).mean() * 8) + 1e-12)
        assert low_db < level_db < high_db, pitch_hz


@pytest.mark.parametrize(
    ("name", "codec", "count"),
    [("a.wav", None, 2), ("a.wav", None, 6), ("a.wav", None, 8), ("a.m4a", "alac", 2), ("a.m4a", "alac", 6)],
)
def test_channels_are_averaged(tmp_path, name, codec, count):
    first = np.stack([tone()] + [np.zeros(48_000, np.float32)] * (count - 1))
    heard, _ = hear(write_sound(tmp_path / name, first, codec=codec))
    assert off(heard, tone(1, 440, RATE_HZ) / count) < -40


def test_eight_planes_are_eight_channels(tmp_path):
    heard, _ = hear(write_sound(tmp_path / "a.m4a", np.stack([tone()] * 8), codec="aac"))
    spectrum = np.abs(np.fft.rfft(heard[:RATE_HZ]))
    assert spectrum.argmax() == 440


def test_channels_that_cancel_each_other_are_still_heard(tmp_path):
    heard, _ = hear(write_sound(tmp_path / "a.wav", np.stack([tone(), -tone()])))
    assert off(np.abs(heard), np.abs(tone(1, 440, RATE_HZ))) < -40


def test_a_layout_in_an_order_of_its_own(tmp_path):
    """The list of such a layout was freed twice by PyAV, which ended the process."""
    samples = np.zeros((8_000, 2), ">i2")
    samples[:, 0] = 16_384 * tone(1, 440, 8_000, peak=1)
    data = bytes(4) + samples.tobytes()
    labels = b"".join(struct.pack(">IIfff", label, 0, 0, 0, 0) for label in (2, 1))  # right, left
    parts = {
        b"desc": struct.pack(">d4sIIIII", 8_000, b"lpcm", 0, 4, 1, 2, 16),
        b"chan": struct.pack(">III", 0, 0, 2) + labels,
        b"data": data,
    }
    caf = b"caff" + struct.pack(">HH", 1, 0)
    caf += b"".join(kind + struct.pack(">q", len(part)) + part for kind, part in parts.items())
    heard, info = hear(caf)
    assert off(heard, tone(1, 440, RATE_HZ, peak=0.25)) < -40
    assert info.media_type == "audio/x-caf"


def test_floats_beyond_full_scale_are_scaled_and_such_as_are_no_numbers_are_silence():
    loud = tone(0.5, 440, RATE_HZ, peak=30_000)
    heard, _ = hear(wav(loud, RATE_HZ, tag=3, bits=32))
    assert off(heard, tone(0.5, 440, RATE_HZ, peak=1)) < -60
    holes = np.full(RATE_HZ, 0.25, np.float32)
    holes[100:103] = (np.nan, np.inf, -np.inf)
    heard, _ = hear(wav(holes, RATE_HZ, tag=3, bits=32))
    assert heard[100:103].tolist() == [0, 0, 0]
    assert np.delete(heard, [100, 101, 102]).tolist() == [0.25] * (RATE_HZ - 3)


def test_sound_that_begins_late_in_a_film_keeps_its_time(tmp_path):
    heard, info = hear(write_sound(tmp_path / "a.mkv", tone(1), start_s=2.0))
    assert info.duration_s == pytest.approx(3, abs=0.05)
    assert not heard[: int(1.9 * RATE_HZ)].any()
    assert np.abs(heard[int(2.1 * RATE_HZ) : int(2.9 * RATE_HZ)]).max() > 0.4


@pytest.mark.parametrize(("name", "kept_s"), [("a.mp3", 2.5), ("a.flac", 2.5), ("a.opus", 2.5), ("a.mkv", 2.5)])
def test_what_lies_around_damage_is_heard(tmp_path, name, kept_s):
    data = bytearray(write_sound(tmp_path / name, tone(3) + tone(3, 1_000, peak=0.1)).read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 20] = np.random.default_rng(0).bytes(len(data) // 20)
    heard, info = hear(bytes(data))
    assert kept_s < info.duration_s < 3.2
    for second in (heard[4_000:20_000], heard[-20_000:-4_000]):
        assert np.abs(np.fft.rfft(second)).argmax() == 440


def test_a_file_that_was_cut_short_is_heard_as_far_as_it_goes(tmp_path):
    data = write_wav(tmp_path / "a.wav", seconds=2).read_bytes()
    assert hear(data[: 44 + 16_000])[1].duration_s == 1.0


def test_a_very_short_sound(tmp_path):
    heard, info = hear(write_wav(tmp_path / "a.wav", seconds=0.01))
    assert (len(heard), info.duration_s) == (160, 0.01)
    assert np.abs(heard).max() > 0.4


def test_silence_is_a_sound(tmp_path):
    heard, info = hear(write_sound(tmp_path / "a.wav", np.zeros(48_000, np.float32)))
    assert info.duration_s == 1.0
    assert not heard.any()


def test_sounds_longer_than_the_limit_are_given_up_early(tmp_path):
    path = write_wav(tmp_path / "a.wav", seconds=5)
    with path.open("rb") as file, open_sound(file, Limits(max_audio_s=2), RATE_HZ) as sound:
        with pytest.raises(MediaTooLarge, match="longer than 2 seconds") as raised:
            list(sound)
        assert sound.info.duration_s < 3.1
    assert "max_audio_s" in str(raised.value)


def mute_film(tmp_path):
    import av

    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        track = out.add_stream("mpeg4", rate=10)
        track.width, track.height = 64, 48
        out.mux(track.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        out.mux(track.encode(None))
    return (tmp_path / "a.mp4").read_bytes()


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda folder: b"", MediaEmpty, "empty"),
        (mute_film, MediaEmpty, "The video has no sound track"),
        (lambda folder: write_wav(folder / "a.wav", seconds=0).read_bytes(), MediaEmpty, "no time at all"),
        (lambda folder: b"A dog runs along the beach.\n" * 99, MediaError, "not read|neither a sound"),
        (lambda folder: np.random.default_rng(0).bytes(3_000), MediaError, "not read|neither a sound"),
        (lambda folder: wav(np.zeros(99, "<i2"), 7, tag=1, bits=16), MediaDamaged, "7 samples a second"),
        (lambda folder: wav(np.zeros(99, "<i2"), 8_000, tag=0x1234, bits=16), MediaUnsupported, "not read"),
    ],
)
def test_what_cannot_be_heard(tmp_path, make, error, said):
    with pytest.raises(error, match=said):
        hear(make(tmp_path))


def test_playlists_and_scripts_open_nothing(tmp_path):
    there = write_wav(tmp_path / "there.wav", seconds=1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        for target in (there, f"file://{there}", f"http://127.0.0.1:{server.getsockname()[1]}/a.wav"):
            for script in (
                f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n",
                f"ffconcat version 1.0\nfile '{target}'\n",
                f"concat:{target}|{target}",
                f"[playlist]\nFile1={target}\n",
                f"v=0\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\na=control:{target}\nm=audio 9 RTP/AVP 0\n",
            ):
                path = tmp_path / "a.mp3"
                path.write_text(script)
                with path.open("rb") as file, pytest.raises((MediaUnsupported, MediaDamaged)):
                    open_sound(file, LIMITS, RATE_HZ)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_disk_that_fails_is_not_taken_for_the_end(tmp_path):
    class Failing(BytesIO):
        def read(self, size=-1):
            if self.tell() > 40_000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    data = write_sound(tmp_path / "a.wav", tone(3)).read_bytes()
    with pytest.raises(FileUnreadable, match="Input/output error"), open_sound(Failing(data), LIMITS, 8_000) as sound:
        list(sound)


def test_the_file_stays_open_and_its_name_does_not_matter(tmp_path):
    path = write_wav(tmp_path / "a.wav", seconds=1).rename(tmp_path / "a.png")
    with path.open("rb") as file:
        with open_sound(file, LIMITS, RATE_HZ) as sound:
            assert sum(map(len, sound)) == RATE_HZ
        assert not file.closed


def test_decoders_say_nothing_on_standard_error(tmp_path, capfd):
    data = bytearray(write_sound(tmp_path / "a.mp3", tone(2)).read_bytes())
    data[2_000::50] = bytes(len(data[2_000::50]))
    hear(bytes(data))
    assert capfd.readouterr() == ("", "")
