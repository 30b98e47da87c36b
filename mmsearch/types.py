"""The records that pass between floors. Plain values: numpy only, no behaviour beyond their own fields."""

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

import numpy as np
import numpy.typing as npt

Modality = Literal["text", "image", "audio", "video"]
MODALITIES: tuple[Modality, ...] = ("text", "image", "audio", "video")
Role = Literal["query", "document"]

Vectors = npt.NDArray[np.float32]  # (n, d), unit rows unless said otherwise
Ids = npt.NDArray[np.int64]  # (n,) segment ids
Pixels = npt.NDArray[np.uint8]  # (height, width, 3), RGB
PixelBatch = npt.NDArray[np.uint8]  # (n, height, width, 3), RGB
Waveform = npt.NDArray[np.float32]  # (samples,), one channel, nominally in [-1, 1]
Features = npt.NDArray[np.float16]  # (n, feature_dim): what `adapt` fits its heads on
Tokens = npt.NDArray[np.float32]  # (t, d): what the parts of one input mean, in the space of its vector; any length
CodedTokens = npt.NDArray[np.void]  # (t,) the same as they are stored: records of `vectors.tokens.token_type`


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The pixels an encoder wants, so that the decoder can make them in one pass.

    Attributes:
        fit: "squash" stretches to the size; "crop" scales the shorter side and cuts the middle out;
            "pad" scales the longer side and fills up with white.
    """

    width_px: int
    height_px: int
    fit: Literal["squash", "crop", "pad"] = "squash"
    resample: Literal["bilinear", "bicubic"] = "bilinear"


@dataclass(frozen=True, slots=True)
class AudioInput:
    """The sound an encoder wants.

    Attributes:
        rate_hz: Samples a second.
        window_s: The longest piece that is embedded as one; longer sounds are cut into windows.
        overlap_s: What neighbouring windows share, so that nothing falls between two of them.
    """

    rate_hz: int
    window_s: float = 10.0
    overlap_s: float = 1.0


@dataclass(frozen=True, slots=True)
class EmbeddingSpace:
    """Encoder + weights revision + preprocessing + dimension: what makes two vectors comparable.

    Attributes:
        model: How the user names the encoder, such as "builtin".
        revision: Changes whenever the same input would give another vector.
        preprocessing: The same, for what happens before the model sees the input.
    """

    model: str
    revision: str
    preprocessing: str
    dim: int

    @property
    def space_id(self) -> str:
        """16 hexadecimal digits; equal if and only if vectors may be compared."""
        identity = json.dumps([self.revision, self.preprocessing, self.dim])
        return blake2b(identity.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Levels:
    """The cosines that good matches of one kind of query with one kind of target reach.

    Measured on queries that have an answer. `search.calibrate` makes comparable scores of them.

    Attributes:
        doubtful: The best hit of 19 queries in 20 is at least so near. A hit here scores 0.5.
        typical: That of every second query is; above `doubtful`. A hit here scores 0.9.
        verdict: Whether queries without an answer were measured too and most stay below `doubtful`, so that a search
            may say "no good match".
    """

    doubtful: float
    typical: float
    verdict: bool = True


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """What an encoder is and takes.

    Attributes:
        modalities: What it can embed; a later version may take more without changing the space.
        image_input: The pixels it wants; None if it takes no images.
        audio_input: The sound it wants; None if it takes no audio.
        feature_dim: Length of the features that it gives beside its vectors, on which `adapt` fits heads; 0 if
            it gives none. An encoder that gives some is a `protocols.AdaptableEncoder`.
        transcribes: Whether it also writes down what is said; then it is a `protocols.Transcriber`.
        levels: (query modality, target modality) -> what good matches reach. Pairs that are missing are scored by how
            far a hit stands out from the collection, and have no verdict.
        tokens: Revision of the tokens that it gives beside its vectors, for re-rankers; "" if it gives none. An encoder
            that gives some is a `protocols.TokenEncoder`. Another revision leaves the vectors comparable.
        token_grid: Rows and columns of the cells that a picture's tokens are of, row by row from the upper left.
    """

    space: EmbeddingSpace
    modalities: frozenset[Modality]
    image_input: ImageInput | None = None
    audio_input: AudioInput | None = None
    feature_dim: int = 0
    transcribes: bool = False
    levels: dict[tuple[Modality, Modality], Levels] = field(default_factory=dict)
    tokens: str = ""
    token_grid: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a model makes of n inputs.

    Attributes:
        vectors: (n, d) float32, as of `encode_*`; need not have unit length.
        features: (n, feature_dim) float16; None if the encoder gives none.
        speech: (n,) bool: whether somebody speaks, so that a transcript is worth its time; None if it cannot tell.
        tokens: One array (t, d) an input, t at least 1: the cells of a picture, equal spans of a sound in order of
            time, the words of a text; None if nobody asked for them, or the encoder gives none.
    """

    vectors: Vectors
    features: Features | None = None
    speech: npt.NDArray[np.bool_] | None = None
    tokens: tuple[Tokens, ...] | None = None


@dataclass(frozen=True, slots=True)
class QueryWords:
    """A text query word by word.

    Attributes:
        words: As they are written, in order; signs that are no words are left out unless there is nothing else.
        tokens: (t, d), one row a word: what it means in this text.
    """

    words: tuple[str, ...]
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is said in a span of time, in seconds from the start of the sound that was transcribed.

    Attributes:
        language: ISO 639-1, such as "en".
    """

    text: str
    start_s: float
    end_s: float
    language: str


@dataclass(frozen=True, slots=True)
class FileStat:
    """A file as the scan found it. `path` is absolute; bytes that are not UTF-8 are surrogate-escaped."""

    path: str
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a decoder learned about a file besides its content. Times are ISO 8601, local if no zone is known."""

    media_type: str
    width_px: int | None = None
    height_px: int | None = None
    captured_at: str | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    gps_lat: float | None = None
    gps_lon: float | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """The unit that is embedded and returned: a whole image, a passage of text, a span of sound.

    Attributes:
        text: The passage itself, or what is said in the span, for text; None otherwise.
        language: Of what is said, ISO 639-1; None for all else.
        start_s: Where the span begins, in seconds from the start of the file; None if it is no span of time.
        char_start: Where the passage starts in the text of the file (for captions: in the caption itself).
        about: Absolute path of the media file that a caption describes.
    """

    modality: Modality
    text: str | None = None
    char_start: int | None = None
    char_end: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    about: str | None = None
    language: str | None = None


Plain = str | float | int | bool
"""A value of a user's own field as Python and JSON have it."""
MAX_FIELD_VALUES = 100
"""How many values one field of one file may have."""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One value of a user's own field, such as a tag.

    Attributes:
        text: The value as text; never empty.
        number: The same as a number, if it is one; 1 and 0 for true and false.
    """

    text: str
    number: float | None = None

    @property
    def plain(self) -> Plain:
        """The value as Python and JSON have it: a number only if that is how it is written, so that 007 is text."""
        if self.number is None:
            return self.text
        if self.text in ("true", "false"):
            return self.text == "true"
        digits = self.text.removeprefix("-")
        if digits.isdecimal():
            return int(self.text) if digits == "0" or not digits.startswith("0") else self.text
        return self.number if str(self.number) == self.text else self.text


@dataclass(frozen=True, slots=True)
class Fields:
    """What a sidecar or a row of a table says of a media file, besides captions.

    Attributes:
        about: Absolute path of the media file.
        values: Name of a field -> its values, in order.
    """

    about: str
    values: dict[str, tuple[FieldValue, ...]]


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A file ready to be committed.

    Attributes:
        vectors: One unit row a segment, from the encoder as it comes: heads are applied when vectors are read.
        features: One row a segment, zeros for text; None if the encoder gives none.
        fields: What it says of media files.
        look: Of a picture, `media.looks.look_of` it.
        tokens: One array a segment; None if tokens are not kept.
    """

    stat: FileStat
    content_hash: str
    modality: Modality
    info: MediaInfo
    segments: tuple[Segment, ...]
    vectors: Vectors
    features: Features | None = None
    fields: tuple[Fields, ...] = ()
    look: int | None = None
    tokens: tuple[CodedTokens, ...] | None = None


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file whose content is in the catalog already: renamed, copied, or only touched."""

    stat: FileStat
    content_hash: str


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A media file that no model here can embed yet; taken up as soon as one can."""

    stat: FileStat
    modality: Modality


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be read, with a reason that a person understands. `code` is from errors.py."""

    stat: FileStat
    code: str
    reason: str
    modality: Modality | None = None


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that turned out to hold nothing to search, such as a .json without captions; `fields` as above."""

    stat: FileStat
    fields: tuple[Fields, ...] = ()


Outcome = IndexedFile | KnownFile | WaitingFile | FailedFile | SkippedFile


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows of an append-only vector file, written and committed together.

    Attributes:
        file: Number of the file, from 1.
        first_row: Place of the first row in it, from 0.
        digest: `files.blake2` of the rows' bytes.
    """

    file: int
    first_row: int
    rows: int
    digest: str

    @property
    def end(self) -> int:
        """The row behind the last one."""
        return self.first_row + self.rows


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One file of a generation.

    Attributes:
        digest: `files.crc32_file` of it. It tells damage, not forgery: who can write here can write the catalog too.
    """

    name: str
    size_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Generation:
    """One published, immutable state of an index: a folder of files.

    Segments with greater ids came later; those that were in it and are gone are in the catalog's list of removed ones.

    Attributes:
        number: Grows with each generation.
        kind: A key of `vectors.generation.INDEX_KINDS`.
        vectors: How many rows it has, those of removed segments too.
        last_id: The greatest segment id that there was when it was made.
        basis: `Catalog.index_basis` at that time. With another one the stored vectors are read differently.
    """

    number: int
    kind: str
    files: tuple[IndexFile, ...]
    vectors: int
    last_id: int
    basis: str

    @property
    def folder(self) -> str:
        """Its name in the space's folder of generations."""
        return f"{self.number:08d}"

    @property
    def size_bytes(self) -> int:
        """Size of all its files."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Candidates:
    """First-stage result, best first; ties in order of id. `ids` (n,) int64 and `scores` (n,) float32."""

    ids: Ids
    scores: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)
