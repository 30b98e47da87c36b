"""Compare what one core embeds in a second with the bare ONNX models, in the same run.

    python -m benchmarks.speed [--seconds 5]

Three rates: text queries, pictures of 640 x 480 pixels, and seconds of sound. "Bare" is the ONNX model fed with inputs
that are ready in memory; "encoder" adds tokenizing, spectrograms and heads; "from files" also decoding. Inputs are made
here. One thread; each rate is the best of several rounds, as machines are noisy.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mmsearch.config import Limits
from mmsearch.encoders.builtin.encoder import BuiltinEncoder
from mmsearch.encoders.builtin.image import ImageModel
from mmsearch.encoders.builtin.patches import RATE_HZ, log_mel_patches
from mmsearch.encoders.builtin.sound import BATCH, SoundClassifier
from mmsearch.encoders.builtin.text import TextModel
from mmsearch.media.sound_sources import sound_from
from mmsearch.media.sources import image_from
from mmsearch.testing import noises
from mmsearch.testing.drawings import draw_samples
from mmsearch.testing.sounds import write_sound

ROUNDS = 3
QUERY = "a brown dog runs along the beach"


def rate(work: Callable[[], object], units: float, seconds: float) -> float:
    """Return units a second, the best of a few rounds of so many seconds."""
    work()
    best = 0.0
    for _ in range(ROUNDS):
        done, started = 0, time.perf_counter()
        while (passed := time.perf_counter() - started) < seconds / ROUNDS:
            work()
            done += 1
        best = max(best, done * units / passed)
    return best


def text_rates(encoder: BuiltinEncoder, seconds: float) -> list[tuple[str, float]]:
    """Single queries, as a search makes them."""
    model = TextModel()
    embeddings, mask = model._inputs(model._tokenizer.encode_batch([QUERY]))
    return [
        ("bare", rate(lambda: model._session.run(None, {"embeddings": embeddings, "mask": mask}), 1, seconds)),
        ("encoder", rate(lambda: encoder.encode_texts([QUERY], "query"), 1, seconds)),
    ]


def image_rates(encoder: BuiltinEncoder, folder: Path, seconds: float) -> list[tuple[str, float]]:
    """Batches of four pictures."""
    model, target, limits = ImageModel(), encoder.spec.image_input, Limits().for_machine(workers=1)
    paths = sorted(draw_samples(folder))[:4]
    pixels = np.stack([image_from(path, limits, target) for path in paths])
    return [
        ("bare", rate(lambda: model.logits(pixels), len(pixels), seconds)),
        ("encoder", rate(lambda: encoder.embed_images(pixels), len(pixels), seconds)),
        (
            "from files",
            rate(
                lambda: encoder.embed_images(np.stack([image_from(path, limits, target) for path in paths])),
                len(pixels),
                seconds,
            ),
        ),
    ]


def sound_rates(encoder: BuiltinEncoder, folder: Path, seconds: float) -> list[tuple[str, float]]:
    """Windows of ten seconds."""
    wanted, limits = encoder.spec.audio_input, Limits().for_machine(workers=1)
    assert wanted is not None
    wave, model = noises.waves(wanted.window_s), SoundClassifier()
    patches = log_mel_patches(wave)
    batches = [patches[start : start + BATCH] for start in range(0, len(patches), BATCH)]
    path = write_sound(folder / "waves.mp3", wave, RATE_HZ)

    def bare() -> None:
        for batch in batches:
            model._session.run(None, {"patches": batch})

    return [
        ("bare", rate(bare, wanted.window_s, seconds)),
        ("encoder", rate(lambda: encoder.embed_audio([wave]), wanted.window_s, seconds)),
        ("from files", rate(lambda: encoder.embed_audio(sound_from(path, limits, wanted)), wanted.window_s, seconds)),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each rate")
    seconds = parser.parse_args().seconds
    encoder = BuiltinEncoder()
    encoder.load()
    with TemporaryDirectory() as name:
        folder = Path(name)
        for what, rates in (
            ("text queries", text_rates(encoder, seconds)),
            ("pictures", image_rates(encoder, folder, seconds)),
            ("seconds of sound", sound_rates(encoder, folder, seconds)),
        ):
            bare = rates[0][1]
            print(f"{what} a second: " + ", ".join(f"{kind} {each:,.0f} ({each / bare:.2f})" for kind, each in rates))


if __name__ == "__main__":
    main()
