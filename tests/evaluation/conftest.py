import pytest

from mmsearch.evaluation.judged import JudgedQuery
from mmsearch.queries import Hit, Hits


def make_query(id, relevant, text=None, **request):
    return JudgedQuery(id, {"parts": [{"text": text or id, "weight": 1.0}], **request}, dict(relevant))


@pytest.fixture
def query():
    return make_query


class FakeSearch:
    """Finds for each text the paths of a table, in order, and takes down what it was asked."""

    def __init__(self, found):
        self.found = found
        self.asked = []

    def __call__(self, request, *, k, **options):
        self.asked.append((request, k, options))
        (part,) = request["parts"]
        found = self.found[part.get("text") or part.get("image")]
        if isinstance(found, Exception):
            raise found
        if isinstance(found, dict):  # by mode
            found = found[options["mode"]]
        made = [each if isinstance(each, Hit) else hit(rank, each) for rank, each in enumerate(found, start=1)]
        return Hits(tuple(made[:k]))


def hit(rank, path, score=None, **more):
    return Hit(rank=rank, id=rank, score=1 / rank if score is None else score, path=path, modality="image", **more)


@pytest.fixture
def fake_search():
    return FakeSearch


@pytest.fixture
def make_hit():
    return hit
