"""Files that are a few things before a background: their tokens tell these things, their vectors hardly do."""

import numpy as np

from mmsearch.adapt.examples import Examples, Rows
from mmsearch.normalise import unit_rows
from mmsearch.training.material import Material
from mmsearch.vectors.tokens import quantise

DIM, THINGS, EACH = 24, 12, 3


class World:
    """Things have directions; a caption is the sum of some, a file has them as tokens among others.

    Args:
        related: Whether captions say what is in the files.
    """

    def __init__(self, seed, related=True):
        self.random = np.random.default_rng(seed)
        self.things = unit_rows(self.random.standard_normal((THINGS, DIM)))
        self.related = related

    def file(self, kinds):
        tokens = [*self.things[kinds], *unit_rows(self.random.standard_normal((4, DIM)))]
        tokens = np.array(tokens)[self.random.permutation(len(tokens))]
        vector = 0.4 * self.things[kinds].sum(axis=0) + unit_rows(self.random.standard_normal((1, DIM)))[0]
        return vector, quantise(tokens.astype(np.float32))

    def kinds(self, count):
        return [self.random.choice(THINGS, EACH, replace=False) for _ in range(count)]

    def material(self, modality="image", files=40, others=20, captions=1):
        kinds = self.kinds(files + others)
        made = [self.file(each) for each in kinds]
        said = kinds if self.related else self.kinds(files)
        texts = [
            " ".join(f"thing{n}" for n in said[item]) + f" {item}/{c}" for item in range(files) for c in range(captions)
        ]
        words = [self.things[said[item]] for item in range(files) for _ in range(captions)]
        words = [each + 0.1 * self.random.standard_normal(each.shape) for each in words]
        vectors = unit_rows(np.array([vector for vector, _ in made]))
        rows = Rows(vectors[:files], np.zeros((files, 0), np.float16), np.arange(files))
        rest = Rows(vectors[files:], np.zeros((others, 0), np.float16), np.arange(others))
        of_file = [texts[item * captions : (item + 1) * captions] for item in range(files)]
        return Material(
            modality=modality,
            examples=Examples.make(rows, of_file, np.array([each.sum(axis=0) for each in words])),
            gallery=rows.followed_by(rest) if others else rows,
            penalties=np.zeros(files + others, np.float32),
            tokens=[tokens for _, tokens in made],
            words=[quantise(each.astype(np.float32)) for each in words],
        )
