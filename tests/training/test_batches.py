import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_material import DIM, World

from mmsearch.rerankers.fusion import KINDS
from mmsearch.training.batches import lesson_batch, make_batch, padded
from mmsearch.training.lessons import Lesson
from mmsearch.vectors.tokens import dequantise, quantise

CPU = torch.device("cpu")


@given(st.lists(st.integers(1, 5), max_size=6))
def test_padding_keeps_what_is_there_and_hides_the_rest(counts):
    random = np.random.default_rng(0)
    coded = [quantise(random.standard_normal((count, 3)).astype(np.float32)) for count in counts]
    tokens, mask = padded(coded, 3)
    assert tokens.shape == (*mask.shape, 3)
    assert mask.sum(axis=1).tolist() == counts
    assert not tokens[~mask].any()
    for each, row, there in zip(coded, tokens, mask, strict=True):
        assert np.array_equal(row[there], dequantise(each))
        assert there[: len(each)].all()


def test_a_batch_has_the_texts_and_the_rows_in_order():
    material = World(0).material("audio", files=6, others=2)
    text, row = np.array([3, 0, 3]), np.array([[5, 1], [7, 7], [1, 5]])
    batch = make_batch(material, text, row, CPU)
    assert np.array_equal(batch.query.numpy(), material.examples.texts[text])
    assert np.array_equal(batch.vectors.numpy(), material.gallery.vectors[row])
    assert batch.kind.tolist() == [[KINDS.index("audio")] * 2] * 3
    for query in range(3):
        words = batch.words[query][batch.word_mask[query]].numpy()
        assert np.array_equal(words, dequantise(material.words[text[query]]))
        for place in range(2):
            tokens = batch.tokens[query, place][batch.token_mask[query, place]].numpy()
            assert np.array_equal(tokens, dequantise(material.tokens[row[query, place]]))
    assert batch.tokens.shape == (3, 2, 7, DIM)


def test_many_texts_of_one_file_are_as_many_queries():
    material = World(0).material(files=6, others=0)
    text, row = np.array([[0, 1, 2], [3, 4, 5]]), np.array([[2], [4]])
    batch = lesson_batch(material, Lesson(text, row, np.ones((2, 3), np.bool_)), CPU)
    assert np.array_equal(batch.query.numpy(), material.examples.texts[text.ravel()])
    assert np.array_equal(batch.vectors.numpy(), material.gallery.vectors[[[2], [2], [2], [4], [4], [4]]])
    one = lesson_batch(material, Lesson(text[:, :1], np.tile(row, 3), np.ones((2, 3), np.bool_)), CPU)
    assert one.vectors.shape == (2, 3, DIM)
