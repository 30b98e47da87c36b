"""Re-rankers for tests, each with one habit. `FAKES` names them as the registry does."""

from itertools import repeat

import numpy as np

from mmsearch.errors import DependencyMissing, MediaError, ModelError
from mmsearch.types import ImageInput


class Reversing:
    """Likes best what the first stage likes least, and insists on it."""

    name = "reversing"
    weights = {"image": 1000.0, "text": 1000.0, "audio": 1000.0}  # noqa: RUF012
    needs_tokens = False
    image_input = None

    def __init__(self):
        self.batches = []

    def load(self):
        pass

    def score(self, asked, documents):
        self.batches.append([document.id for document in documents])
        return np.array([-document.cosine for document in documents], dtype=np.float32)


class OnlyImages(Reversing):
    name = "only_images"
    weights = {"image": 1000.0, "text": 0.0}  # noqa: RUF012


class Silent(Reversing):
    """Can judge nothing."""

    name = "silent"

    def score(self, asked, documents):
        return np.full(len(documents), np.nan, dtype=np.float32)


class Clumsy(Reversing):
    """Breaks over a query."""

    name = "clumsy"

    def score(self, asked, documents):
        raise ZeroDivisionError("of all things\nand more of it")


class Misshapen(Reversing):
    name = "misshapen"

    def score(self, asked, documents):
        return np.zeros(len(documents) + 1, dtype=np.float32)


class Missing(Reversing):
    """Finds its weights gone."""

    name = "missing"

    def load(self):
        raise ModelError("The weights have gone.", remedy="Fetch them again.")


class Unreadable(Reversing):
    """Cannot say what it judges."""

    name = "unreadable"

    @property
    def weights(self):
        raise ModelError("The folder holds no model.")


class Weightless(Reversing):
    """Breaks over what it judges, in a way of its own."""

    name = "weightless"

    @property
    def weights(self):
        raise TypeError("no weights\nat all")


class Unnumbered(Reversing):
    name = "unnumbered"
    weights = {"image": "much"}  # noqa: RUF012


class Sightless(Reversing):
    """Cannot say what pixels it wants."""

    name = "sightless"

    @property
    def image_input(self):
        raise OSError("no folder")


class Undecided(Reversing):
    """Cannot say whether it works on tokens."""

    name = "undecided"

    @property
    def needs_tokens(self):
        raise KeyError("tokens")


class Fickle(Reversing):
    """Says once what it judges, each time that it was made."""

    name = "fickle"

    @property
    def weights(self):
        self.asked = not getattr(self, "asked", False)
        if not self.asked:
            raise ValueError("not again")
        return {"image": 1000.0}


class Unmakable:
    def __init__(self):
        raise DependencyMissing("A package is not installed.", remedy="Install it.")


class Slow(Reversing):
    """Takes a second of a clock of its own for each document."""

    name = "slow"

    def __init__(self, seconds=1.0):
        super().__init__()
        self.now = 0.0
        self.pace = repeat(seconds)  # of each batch

    def clock(self):
        return self.now

    def score(self, asked, documents):
        self.now += next(self.pace) * len(documents)
        return super().score(asked, documents)


class Seeing(Reversing):
    """Prefers dark pictures, and remembers what it was given."""

    name = "seeing"
    weights = {"image": 1000.0, "text": 1000.0}  # noqa: RUF012
    image_input = ImageInput(8, 8)

    def __init__(self):
        super().__init__()
        self.seen = []

    def score(self, asked, documents):
        self.seen += documents
        return np.array([self.darkness(document) for document in documents], dtype=np.float32)

    @staticmethod
    def darkness(document):
        try:
            return -document.pixels().mean() if document.pixels else np.nan
        except MediaError:
            return np.nan


HEALTHY = (Reversing, OnlyImages, Silent, Slow, Seeing)
BROKEN = (Clumsy, Misshapen, Missing, Unreadable, Weightless, Unnumbered, Sightless, Undecided, Fickle, Unmakable)
FAKES = {kind.__name__.lower(): f"rerank_fakes:{kind.__name__}" for kind in HEALTHY + BROKEN}
