"""Sounds to what is said in them: Whisper-base through faster-whisper, int8.

Sources: Radford et al. 2022, sections 2.3 and 4.5, for the decoding and what tells speech from invention; Silero VAD,
which faster-whisper brings along, for leaving out what is no speech before it gets there.
"""

import re
from collections.abc import Iterator, Sequence
from math import ceil

from mmsearch.encoders.builtin import whisper
from mmsearch.errors import DependencyMissing
from mmsearch.threads import search_threads
from mmsearch.types import Utterance, Waveform

# Measured by benchmarks/speech.py. A long text's vector blurs its words: five of them find a passage of 6 words at
# rank 1 in 97 cases of 100, and the whole sentence in 70; twelve words find the one in 95 and the other in 99.
PASSAGE_WORDS = 6
STEP_WORDS = 2
PAUSE_S = 2.0  # words further apart are not one utterance
BEAM = 5  # costs a tenth more than greedy decoding; on clear speech errors are as many
WORST_LOG_PROBABILITY = -1.0  # a text less likely than this, averaged over its tokens, is a guess
MOST_REPETITIVE = 2.4  # a text that gzip shortens further than this goes round in circles


class SpeechModel:
    """Whisper-base, loaded, some 300 MB. Thread-safe. Nothing is written to disk, and no hub is asked.

    Raises:
        DependencyMissing, WeightsDamaged: As `whisper.model_files`.
    """

    def __init__(self) -> None:
        try:
            from faster_whisper import WhisperModel  # an extra, and slow to import: only at the first speech
        except ImportError as error:
            raise DependencyMissing(
                f"Speech cannot be written down: {error}.", remedy="Install it with: pip install 'mmsearch[speech]'."
            ) from error
        # With `files` the name is but a name, and even the tokenizer is read from memory.
        self._model = WhisperModel(
            "whisper-base",
            device="cpu",
            compute_type="int8",
            cpu_threads=search_threads(),
            num_workers=1,
            local_files_only=True,
            files=whisper.model_files(),
        )

    def transcribe(self, wave: Waveform) -> list[Utterance]:
        """Write down a sound at 16 kHz, best of up to 30 s, in the language that it seems to be in.

        Returns:
            Overlapping passages of up to 6 words, in the order of time; nothing if nothing is said.

        Guarantees: the same sound gives the same text (decoding at temperature 0 draws nothing by lot).
        """
        return passages(self.words(wave))

    def words(self, wave: Waveform) -> list[Utterance]:
        """Write down a sound word by word, each with the blank before it and the punctuation after it."""
        segments, info = self._model.transcribe(
            wave,
            beam_size=BEAM,
            temperature=0.0,
            condition_on_previous_text=False,  # else one invention brings on the next
            vad_filter=True,
        )
        return [
            word
            for segment in segments
            if segment.avg_logprob > WORST_LOG_PROBABILITY and segment.compression_ratio < MOST_REPETITIVE
            for word in _words(segment.text, segment.start, segment.end, info.language)
        ]


def _words(text: str, start_s: float, end_s: float, language: str) -> Iterator[Utterance]:
    """Cut a segment into words, each timed by its share of the letters.

    That is half a second wrong at most in nine cases of ten. faster-whisper's `word_timestamps` are finer, but with
    them it begins each next stretch of sound where the last word seemed to end, and hears that word's rest again.
    """
    seconds_a_letter = (end_s - start_s) / max(len(text), 1)
    for word in re.finditer(r"\s*\S+", text):
        start, end = (float(start_s + place * seconds_a_letter) for place in word.span())
        yield Utterance(word.group(), start, end, language)


def passages(words: Sequence[Utterance]) -> list[Utterance]:
    """Put consecutive words together to overlapping passages, none over a long pause."""
    return [_join(passage) for spoken in _between_pauses(words) for passage in _overlapping(spoken)]


def _between_pauses(words: Sequence[Utterance]) -> Iterator[Sequence[Utterance]]:
    """Cut where nobody speaks for long."""
    start = 0
    for end in range(1, len(words) + 1):
        if end == len(words) or words[end].start_s - words[end - 1].end_s > PAUSE_S:
            yield words[start:end]
            start = end


def _overlapping(words: Sequence[Utterance]) -> Iterator[Sequence[Utterance]]:
    """Cut words into passages of equal length that begin at most `STEP_WORDS` apart, the last one at the end."""
    spare = max(len(words) - PASSAGE_WORDS, 0)
    steps = ceil(spare / STEP_WORDS)
    for step in range(steps + 1):
        start = round(step * spare / steps) if steps else 0
        yield words[start : start + PASSAGE_WORDS]


def _join(words: Sequence[Utterance]) -> Utterance:
    text = "".join(word.text for word in words).strip()  # a language without blanks has none here
    return Utterance(text, words[0].start_s, words[-1].end_s, words[0].language)
