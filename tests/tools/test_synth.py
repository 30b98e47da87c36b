"""The synthetic sounds keep their promises, and the physics in them is right."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the synthetic sounds need the train extra")

from tools.train_builtin.fetch import read_packages
from tools.train_builtin.synth import registry
from tools.train_builtin.synth.augment import augment, mix
from tools.train_builtin.synth.dsp import RATE, glottis, modes, noise, place, pulse_shape, tract
from tools.train_builtin.synth.generators import GENERATORS
from tools.train_builtin.synth.generators_bells import CHURCH, bell
from tools.train_builtin.synth.generators_water import bubble


def rng(seed=0):
    return np.random.default_rng(seed)


def spectrum(wave):
    return np.abs(np.fft.rfft(wave)), np.fft.rfftfreq(len(wave), 1 / RATE)


def loudest_hz(wave):
    magnitude, hertz = spectrum(wave)
    return hertz[magnitude.argmax()]


def share_above(wave, hz):
    magnitude, hertz = spectrum(wave)
    power = magnitude**2
    return power[hertz > hz].sum() / power.sum()


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_keeps_its_promise(name):
    wave = GENERATORS[name].make(rng())
    assert wave.dtype == np.float32
    assert wave.ndim == 1
    assert 1.0 <= len(wave) / RATE <= 6.0
    assert np.isfinite(wave).all()
    assert 0.19 <= np.abs(wave).max() <= 0.951
    assert np.sqrt(np.mean(np.square(wave))) > 1e-3


@pytest.mark.parametrize("name", list(GENERATORS)[::20])
def test_the_same_seed_gives_the_same_sound_and_another_another(name):
    make = GENERATORS[name].make
    assert np.array_equal(make(rng(1)), make(rng(1)))
    assert not np.array_equal(make(rng(1)), make(rng(2)))


def test_captions_are_distinct_words_of_people():
    for name, generator in GENERATORS.items():
        assert 2 <= len(set(generator.captions)) == len(generator.captions), name
        assert all(caption.strip() == caption and "_" not in caption for caption in generator.captions), name


def test_noise_is_coloured_as_asked():
    white, dark = noise(rng(), RATE), noise(rng(), RATE, -6)
    assert white.std() == pytest.approx(1)
    assert share_above(white, 4000) == pytest.approx(0.5, abs=0.05)
    assert share_above(dark, 1000) < 0.1


def test_noise_stays_between_its_frequencies():
    magnitude, hertz = spectrum(noise(rng(), RATE, 0, 1000, 2000))
    inside = (hertz > 900) & (hertz < 2200)
    assert (magnitude[inside] ** 2).sum() > 0.7 * (magnitude**2).sum()


def test_a_mode_dies_by_60_db_in_its_decay_time():
    wave = modes(RATE, [1000.0], [0.5], [1.0])
    early, late = np.abs(wave[:400]).max(), np.abs(wave[RATE // 2 - 200 : RATE // 2 + 200]).max()
    assert 20 * np.log10(late / early) == pytest.approx(-60, abs=2)
    assert loudest_hz(wave) == pytest.approx(1000, abs=3)


def test_vocal_folds_repeat_at_their_pitch():
    wave = glottis(rng(), np.full(RATE, 200.0), jitter=0.0)
    correlation = np.correlate(wave[:2000], wave[:2000], "full")[2000:]
    assert 40 + correlation[40:200].argmax() + 1 == pytest.approx(RATE / 200, abs=1)


def test_a_tract_makes_its_formant_stand_out():
    source = noise(rng(), RATE)
    magnitude, hertz = spectrum(tract(source, [700.0, 1200.0, 2500.0]))
    at_formant = magnitude[(hertz > 650) & (hertz < 750)].mean()
    assert at_formant > 3 * magnitude[(hertz > 1700) & (hertz < 1900)].mean()


def test_a_bubble_rings_at_minnaerts_frequency():
    assert loudest_hz(np.pad(bubble(rng(), 3.0, rise=0.0), (0, RATE))) == pytest.approx(1000, rel=0.03)


def test_a_church_bell_has_its_partials_and_rings_long():
    wave = bell(rng(), 400.0, CHURCH, 3.0, clapper=0.0)
    magnitude, hertz = spectrum(wave)
    for ratio in CHURCH[:5]:
        near = (hertz > 396 * ratio) & (hertz < 406 * ratio)
        between = (hertz > 415 * ratio) & (hertz < 420 * ratio)
        assert magnitude[near].max() > 10 * magnitude[between].mean()
    assert np.abs(wave[2 * RATE : 2 * RATE + 800]).max() > 0.002 * np.abs(wave).max()


def test_place_adds_events_and_cuts_what_is_past_the_end():
    wave = place(100, [(0.0, np.ones(10)), (5 / RATE, np.ones(10)), (95 / RATE, np.ones(10)), (1.0, np.ones(10))])
    assert wave.sum() == 25
    assert wave[7] == 2


@pytest.mark.parametrize("seed", range(12))
def test_augment_keeps_its_promise(seed):
    wave = (0.5 * pulse_shape(4000, 0.01, 0.1)).astype(np.float32)
    heard = augment(wave, rng(seed))
    assert heard.dtype == np.float32
    assert 1.0 <= len(heard) / RATE <= 10.0
    assert np.isfinite(heard).all()
    assert 0.05 < np.abs(heard).max() <= 1.0
    assert np.array_equal(heard, augment(wave, rng(seed)))


@pytest.mark.parametrize("wave", [np.zeros(1, np.float32), np.zeros(RATE, np.float32), np.ones(20 * RATE, np.float32)])
def test_augment_takes_silence_and_any_length(wave):
    for seed in range(8):
        heard = augment(wave, rng(seed))
        assert 1.0 <= len(heard) / RATE <= 10.0
        assert np.isfinite(heard).all()


def test_augment_does_not_change_what_it_is_given():
    wave = noise(rng(), RATE).astype(np.float32)
    before = wave.copy()
    augment(wave, rng(3))
    assert np.array_equal(wave, before)


def test_mix_adds_the_other_sound_at_the_ratio_asked():
    wave = np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE).astype(np.float32)
    other = np.sin(2 * np.pi * 2000 * np.arange(RATE // 2) / RATE).astype(np.float32)
    magnitude, _ = spectrum(mix(wave, other, 20.0))
    assert 20 * np.log10(magnitude[500] / magnitude[2000]) == pytest.approx(20, abs=1.5)


def test_the_packages_are_pinned_permissive_and_credited():

    folder = Path(registry.__file__).parent
    assert set(read_packages(folder)) == {"fluid-soundfont-gm", "musescore-general-soundfont", "libflite1"}
    for entry in json.loads((folder / "packages_synth.json").read_text("utf-8")).values():
        assert entry["credit"]
        assert entry["licence"].startswith(("MIT", "BSD"))


def test_what_is_written_can_be_read_back(tmp_path):
    pytest.importorskip("tinysoundfont", reason="rendering music needs tinysoundfont")
    pytest.importorskip("espeakng_loader", reason="speech needs espeakng-loader")
    from tools.train_builtin.synth.clips import Clip, write_all, write_wavs

    waves = [GENERATORS[name].make(rng()) for name in ("single_beep", "pop")]
    clips = [Clip(wave, ("a beep",), "procedural", "beep") for wave in waves]
    assert write_all(clips, tmp_path) == 2
    samples = np.load(tmp_path / "samples.npy", mmap_mode="r")
    rows = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text("utf-8").splitlines()]
    assert len(samples) == len(waves[0]) + len(waves[1])
    second = samples[rows[1]["offset"] : rows[1]["offset"] + rows[1]["length"]]
    assert np.allclose(second, waves[1], atol=1e-3)
    assert rows[1]["captions"] == ["a beep"]
    assert write_wavs(clips, tmp_path) == 2
    assert (tmp_path / "procedural-beep-00001.wav").stat().st_size == 44 + 2 * len(waves[0])


def test_music_tables_cover_general_midi():
    pytest.importorskip("tinysoundfont", reason="rendering music needs tinysoundfont")
    from tools.train_builtin.synth.music import drums, instruments

    assert [instrument.number for instrument in instruments()] == list(range(128))
    assert all(i.low < i.high and i.weight >= 1 and i.kind in "scme" for i in instruments())
    assert {"a snare drum", "a hi-hat", "a bass drum"} <= {name for drum in drums() for name in drum.names}
