"""Banks over made vectors: a hub is cured, noise does not pass, and the check gives no file a head start."""

import numpy as np
import pytest

from mmsearch.adapt.examples import Examples, Rows
from mmsearch.errors import UsageError
from mmsearch.hubness.check import SETTINGS, Questions, choose, trials
from mmsearch.hubness.fit import fit
from mmsearch.hubness.gather import Material
from mmsearch.normalise import unit_rows

DIM = 32


def material(vectors, texts, item, others=None, questions=None, group=None):
    captions = [[f"{one} {number}" for number in np.flatnonzero(item == one)] for one in range(len(vectors))]
    rows = Rows(vectors, np.zeros((len(vectors), 0), np.float16), np.arange(len(vectors)))
    examples = Examples.make(rows, captions, texts, group)
    empty = np.empty((0, DIM), np.float32) if others is None else others
    rest = Rows(empty, np.zeros((len(empty), 0), np.float16), np.arange(len(empty)))
    asked = questions or Questions(examples.texts, np.arange(len(examples.texts)))
    return Material(examples, rest, asked)


def with_hubs(files=60, each=4, hubs=6, seed=0):
    """Files with captions near them, all of which share a direction; and hubs that lie in that direction."""
    random = np.random.default_rng(seed)
    shared = np.eye(DIM)[0]
    vectors = unit_rows(random.standard_normal((files, DIM)))
    item = np.repeat(np.arange(files), each)
    noise = 0.35 * random.standard_normal((files * each, DIM)) / DIM**0.5
    texts = unit_rows(0.5 * vectors[item] + noise + 0.8 * shared)
    lure = unit_rows(shared + 0.1 * random.standard_normal((hubs, DIM)))
    return material(vectors, texts, item, others=lure)


def occurrences(material, penalties, k=5):
    gallery = np.concatenate([material.examples.rows.vectors, material.others.vectors])
    scores = material.examples.texts @ gallery.T - penalties
    return np.bincount(np.argsort(-scores, axis=1)[:, :k].ravel(), minlength=len(gallery))


def test_a_hub_is_cured():
    made = with_hubs()
    fitted = fit("image", made)
    report = fitted.report
    assert report.helps
    assert report.after["mAP"] > report.before["mAP"] + 0.2
    assert (report.items, report.asked, report.queries, report.others, report.folds) == (60, 240, 240, 6, 5)
    gallery = np.concatenate([made.examples.rows.vectors, made.others.vectors])
    penalties = fitted.bank.penalties(gallery)
    assert penalties.mean() == pytest.approx(0, abs=1e-3)
    assert penalties[60:].min() > penalties[:60].max()
    plain, cured = occurrences(made, 0), occurrences(made, penalties)
    assert plain[60:].min() > 100
    assert cured[60:].mean() < plain[60:].mean() / 20


def test_the_same_input_gives_the_same_bank():
    first, second = fit("image", with_hubs()), fit("image", with_hubs())
    assert first.report.difference == second.report.difference
    assert (first.bank.k, first.bank.weight, first.bank.mean) == (second.bank.k, second.bank.weight, second.bank.mean)
    assert (first.bank.k, first.bank.weight) in SETTINGS


def without_hubs(seed=0, files=40):
    """Every direction is as frequent as any other, so there is nothing to correct."""
    random = np.random.default_rng(seed)
    vectors = unit_rows(random.standard_normal((files, DIM)))
    item = np.repeat(np.arange(files), 3)
    texts = unit_rows(0.5 * vectors[item] + random.standard_normal((3 * files, DIM)) / DIM**0.5)
    return material(vectors, texts, item)


@pytest.mark.parametrize("fair", [True, False])
def test_noise_does_not_pass_for_help(monkeypatch, fair):
    """If the texts of known files counted against these, the files held out would win by it, in nearly every try."""
    if not fair:
        nothing = np.empty(0, np.int64)
        monkeypatch.setattr(Questions, "said_of", lambda *_: (nothing, nothing))
    helped = [fit("image", without_hubs(seed)).report.helps for seed in range(5)]
    assert sum(helped) == 0 if fair else sum(helped) >= 3, helped


def test_questions_know_which_files_say_them():
    vectors = unit_rows(np.random.default_rng(0).standard_normal((3, DIM)))
    made = material(vectors, unit_rows(np.random.default_rng(1).standard_normal((4, DIM))), np.array([0, 0, 1, 2]))
    questions = Questions(unit_rows(np.random.default_rng(2).standard_normal((4, DIM))), np.array([3, -1, 0, 1]))
    rows, columns = questions.said_of(made.examples)
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 2), (0, 3), (2, 0)]
    known = questions.known_to(made.examples.of(np.array([1, 2])))
    assert known.text.tolist() == [3, -1]


def test_files_of_several_rows_are_left_out_with_all_of_them():
    vectors = unit_rows(np.random.default_rng(0).standard_normal((5, DIM)))
    rows = Rows(vectors, np.zeros((5, 0), np.float16), np.array([0, 0, 1, 2, 2]))
    texts = unit_rows(np.random.default_rng(1).standard_normal((4, DIM)))
    examples = Examples.make(rows, [["a", "b"], ["c"], ["a", "d"]], texts[[0, 1, 2, 0, 3]])
    found = Questions(examples.texts, np.arange(4)).said_of(examples)
    cells = {(0, 0), (1, 0), (0, 1), (1, 1), (2, 2), (3, 0), (4, 0), (3, 3), (4, 3)}
    assert set(zip(found[0].tolist(), found[1].tolist(), strict=True)) == cells
    assert (np.diff(found[0]) >= 0).all()


def test_the_bank_of_a_trial_has_no_text_of_the_files_held_out(monkeypatch):
    made, banks = with_hubs(files=20), []
    real = Questions.known_to

    def spy(self, examples):
        kept = real(self, examples)
        banks.append((set(kept.text.tolist()), set(examples.text.tolist())))
        return kept

    monkeypatch.setattr(Questions, "known_to", spy)
    for trial in trials(made.examples, made.others, made.questions):
        known = banks[-6][0] if len(banks) >= 6 else banks[0][0]
        assert not known & set(trial.asked.text.tolist())
    assert all(kept == said for kept, said in banks)


def test_queries_of_another_kind_are_refused():
    """They point where nobody asks, so that what they call hubs are none."""
    made = without_hubs(3)
    random = np.random.default_rng(9)
    elsewhere = unit_rows(made.examples.rows.vectors[:5].mean(axis=0) + 0.2 * random.standard_normal((200, DIM)))
    asked = Questions(elsewhere, np.full(200, -1))
    report = fit("image", Material(made.examples, made.others, asked)).report
    assert not report.helps
    assert report.queries == 200


def test_too_little_to_go_by():
    made = with_hubs(files=9)
    with pytest.raises(UsageError, match=r"at least 10 different files .* there are 9"):
        fit("image", made)
    made = with_hubs(files=12)
    few = Questions(made.questions.vectors[:9], made.questions.text[:9])
    with pytest.raises(UsageError, match="at least 10 different queries; there are 9"):
        fit("image", Material(made.examples, made.others, few))


def test_copies_do_not_make_up_for_too_few():
    random = np.random.default_rng(0)
    vectors = unit_rows(random.standard_normal((12, DIM)))
    made = material(vectors, unit_rows(random.standard_normal((24, DIM))), np.repeat(np.arange(12), 2), group=[0] * 12)
    with pytest.raises(UsageError, match="there are 1"):
        fit("image", made)


def test_labels_that_several_files_share():
    """Each label is known when it is asked for; one that lures all others' searches is cured."""
    random = np.random.default_rng(0)
    labels = unit_rows(random.standard_normal((12, DIM)))
    names = [f"label {number % 12}" for number in range(60)]
    vectors = unit_rows(labels[np.arange(60) % 12] + random.standard_normal((60, DIM)) / DIM**0.5)
    rows = Rows(vectors, np.zeros((60, 0), np.float16), np.arange(60))
    examples = Examples.make(rows, [[name] for name in names], labels[np.arange(60) % 12])
    empty = Rows(np.empty((0, DIM), np.float32), np.empty((0, 0), np.float16), np.empty(0, np.int64))
    report = fit("audio", Material(examples, empty, Questions(examples.texts, np.arange(12)))).report
    assert (report.asked, report.queries, report.folds) == (12, 12, 5)
    assert choose(examples, empty, Questions(examples.texts, np.arange(12))) in SETTINGS
