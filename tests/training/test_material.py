from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_material import World

from mmsearch.adapt.examples import Examples, Rows
from mmsearch.training.material import numbered


@given(st.lists(st.text("aA \t", min_size=1), max_size=8))
def test_captions_are_numbered_as_examples_are(captions):
    numbers, different = numbered(captions)
    vectors = np.ones((len(captions), 2), np.float32)
    rows = Rows(vectors, np.zeros((len(captions), 0), np.float16), np.arange(len(captions)))
    assert len(different) == len(set(numbers.tolist()))
    if captions:
        examples = Examples.make(rows, [[each] for each in captions], vectors)
        assert numbers.tolist() == examples.text[np.argsort(examples.item)].tolist()
    assert [numbers[captions.index(each)] for each in different] == list(range(len(different)))


def test_the_first_stage_takes_off_what_calibrated_searches_do():
    material = World(0).material(files=6, others=4)
    penalties = np.linspace(0, 0.5, 10, dtype=np.float32)
    texts, gallery = replace(material, penalties=penalties).first_stage
    cosines = material.examples.texts @ material.gallery.vectors.T
    assert texts @ gallery.vectors.T == pytest.approx(cosines - penalties, abs=1e-6)
