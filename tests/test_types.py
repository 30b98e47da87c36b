import dataclasses
import json
import pickle
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mmsearch.types as types
from mmsearch.queries import Filter, Hit, Hits, Query, QueryPart
from mmsearch.types import MODALITIES, Candidates, EmbeddingSpace, EncoderSpec, ImageInput, Levels, Modality

RECORDS = [value for value in vars(types).values() if isinstance(value, type) and dataclasses.is_dataclass(value)]
SPACE = EmbeddingSpace("hashing", "rev-1", "squash-32", 128)


def hit(rank):
    return Hit(rank, id=rank * 10, score=0.5, path=f"/photos/{rank}.jpg", modality="image")


def test_modalities_are_listed_once_in_both_forms():
    assert get_args(Modality) == MODALITIES


@pytest.mark.parametrize("record", RECORDS)
def test_records_are_frozen_and_without_a_dict(record):
    assert record.__dataclass_params__.frozen
    assert "__slots__" in vars(record)


def test_the_space_id_is_pinned():
    # Stored in every collection: if this changes, all of them must be encoded again.
    assert SPACE.space_id == "5ffa2ea42f517a50"


@pytest.mark.parametrize(
    "change",
    [{"revision": "rev-2"}, {"preprocessing": "crop-32"}, {"dim": 64}],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_vectors_changes_the_space(change):
    assert dataclasses.replace(SPACE, **change).space_id != SPACE.space_id


def test_the_name_of_the_model_does_not_change_the_space():
    assert dataclasses.replace(SPACE, model="other").space_id == SPACE.space_id


@settings(derandomize=True, deadline=None)
@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_parts_of_the_identity_do_not_run_together(one, other):
    ids = [EmbeddingSpace("m", *parts, 8).space_id for parts in (one, other)]
    assert (ids[0] == ids[1]) == (one == other)


def test_a_spec_crosses_a_process_boundary():
    spec = EncoderSpec(SPACE, frozenset({"text"}), ImageInput(32, 16), {("text", "image"): 0.2})
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_specs_do_not_share_their_thresholds():
    one, other = (EncoderSpec(SPACE, frozenset({"text"})) for _ in range(2))
    one.levels["text", "text"] = Levels(0.3, 0.5)
    assert other.levels == {}


def test_a_filter_without_limits_is_false():
    assert not Filter()
    assert Filter(modalities=frozenset({"image"}))
    assert Filter(exclude_assets=frozenset({0}))


def test_defaults_of_a_query():
    query = Query((QueryPart("text", text="a dog"),))
    assert (query.k, query.offset, query.filter, query.parts[0].weight) == (10, 0, Filter(), 1.0)


def test_candidates_know_their_number():
    assert len(Candidates(np.arange(3), np.zeros(3, dtype=np.float32))) == 3


def test_hits_are_a_sequence():
    hits = Hits((hit(1), hit(2), hit(3)), good_match=True)
    assert len(hits) == 3
    assert [each.rank for each in hits] == [1, 2, 3]
    assert [each.rank for each in reversed(hits)] == [3, 2, 1]
    assert hits[-1] == hit(3)
    assert hits[:2] == (hit(1), hit(2))
    assert hit(2) in hits
    assert hits.index(hit(2)) == 1
    with pytest.raises(IndexError):
        hits[3]


def test_no_hits_are_false_and_tell_nothing():
    assert not Hits()
    assert Hits().good_match is None


def test_a_hit_is_a_json_object_with_the_documented_names():
    document = json.loads(json.dumps(hit(1).to_dict()))
    assert document["rank"] == 1
    assert document["score"] == 0.5
    assert document["path"] == "/photos/1.jpg"
    assert {"id", "modality", "start_s", "end_s", "text"} <= set(document)
    assert list(document) == [field.name for field in dataclasses.fields(Hit) if field.name != "explain"]
    explained = dataclasses.replace(hit(1), explain={"score": 0.5})
    assert explained.to_dict()["explain"] == {"score": 0.5}


def test_a_path_that_is_not_utf8_survives_json():
    odd = dataclasses.replace(hit(1), path="/photos/\udcff.jpg")
    assert json.loads(json.dumps(odd.to_dict()))["path"] == "/photos/\udcff.jpg"
