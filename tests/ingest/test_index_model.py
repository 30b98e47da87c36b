"""Random changes on disk between runs: after each run the collection is what a simple model says."""

import os
import shutil
from collections import Counter
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from counting_encoder import CountingEncoder
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import mmsearch
from mmsearch.testing.media import write_image

# Some of one length, so that size does not tell them apart; pictures are told apart by colour.
TEXTS = ["apple", "grape", "lemon", "banana split", "cherry pie"]
COLOURS = ["red", "green", "blue"]
FOLDERS = ["", "in/", "in/deep/"]

text_names = st.builds("{}{}.txt".format, st.sampled_from(FOLDERS), st.sampled_from("abc"))
picture_names = st.builds("{}{}.png".format, st.sampled_from(FOLDERS), st.sampled_from("xy"))


class Library(RuleBasedStateMachine):
    """A folder whose files come, change and go; `content` is what each of them holds, None if it is broken."""

    def __init__(self):
        super().__init__()
        self._temporary = TemporaryDirectory()
        self.folder = Path(self._temporary.name) / "media"
        for name in FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.encoder = CountingEncoder()
        self.collection = mmsearch.open("all", home=Path(self._temporary.name) / "home", model=self.encoder)
        self.content = {}
        self.indexed = {}  # the content after the last run
        self.ids = {}  # path -> segment id, after the last run
        self.clock = count(1_000_000_000, 1_000)

    def teardown(self):
        self.collection.close()
        self._temporary.cleanup()

    def put(self, name, content):
        self.content[name] = content
        os.utime(self.folder / name, ns=(0, next(self.clock)))

    def some(self, data, label):
        return data.draw(st.sampled_from(sorted(self.content)), label)

    @rule(name=text_names, text=st.sampled_from(TEXTS))
    def write(self, name, text):
        (self.folder / name).write_text(text)
        self.put(name, text)

    @rule(name=picture_names, colour=st.sampled_from(COLOURS))
    def draw(self, name, colour):
        write_image(self.folder / name, colour)
        self.put(name, colour)

    @rule(name=text_names | picture_names)
    def spoil(self, name):
        (self.folder / name).write_bytes(b"\0" * 5)
        self.put(name, None)

    @precondition(lambda self: self.content)
    @rule(data=st.data())
    def touch(self, data):
        name = self.some(data, "touched")
        self.put(name, self.content[name])

    @precondition(lambda self: self.content)
    @rule(data=st.data())
    def delete(self, data):
        name = self.some(data, "deleted")
        (self.folder / name).unlink()
        del self.content[name]

    @precondition(lambda self: self.content)
    @rule(data=st.data(), keeps_time=st.booleans())
    def copy(self, data, keeps_time):
        source = self.some(data, "source")
        target = data.draw(text_names if source.endswith(".txt") else picture_names, "target")
        if source != target:
            shutil.copy2(self.folder / source, self.folder / target)
            self.content[target] = self.content[source]
            if not keeps_time:
                self.put(target, self.content[source])

    @precondition(lambda self: self.content)
    @rule(data=st.data())
    def rename(self, data):
        source = self.some(data, "source")
        target = data.draw(text_names if source.endswith(".txt") else picture_names, "target")
        if source != target:
            (self.folder / source).rename(self.folder / target)
            self.content[target] = self.content.pop(source)

    @rule()
    def index(self):
        self.encoder.texts.clear()
        self.encoder.images = 0
        before, self.indexed = self.indexed, dict(self.content)
        report = self.collection.index(self.folder)
        self.check_encodes(before, report)
        self.check_found()
        self.check_ids(before)
        assert self.collection.verify() == []

    def check_encodes(self, before, report):
        """What was known stays known, unless the file that held it now holds something else."""
        lost = {content for name, content in before.items() if name in self.content and self.content[name] != content}
        kept = set(before.values()) - lost
        encoded = Counter(self.encoder.texts)
        assert not kept & set(encoded)
        assert encoded <= Counter(self.content.values())
        assert self.encoder.images <= sum(
            content in COLOURS and content not in kept for content in self.content.values()
        )
        assert report.encoded == len(self.encoder.texts) + self.encoder.images

    def check_found(self):
        ready = {name: content for name, content in self.content.items() if content is not None}
        hits = self.collection.search("apple", k=100)
        texts = {self.name_of(hit): hit.text for hit in hits if hit.modality == "text"}
        assert texts == {name: content for name, content in ready.items() if content in TEXTS}
        assert {self.name_of(hit) for hit in hits} == set(ready)
        assert {Path(each.path).relative_to(self.folder).as_posix() for each in self.collection.failures()} == {
            name for name, content in self.content.items() if content is None
        }
        for content in set(ready.values()):
            self.check_best(content, {name for name in ready if ready[name] == content})

    def check_best(self, content, names):
        best = self.collection.search(content, k=len(names), modality="image" if content in COLOURS else "text")
        assert {self.name_of(hit) for hit in best} == names
        assert all(hit.cosine > (0.8 if content in COLOURS else 0.999) for hit in best)

    def check_ids(self, before):
        """A file that stays as it is keeps its id; a new content never has the id of an old one."""
        now = {self.name_of(hit): hit.id for hit in self.collection.search("apple", k=100)}
        for name, content in self.content.items():
            if content is not None and before.get(name) == content:
                assert now[name] == self.ids[name]
        of_content = {id_: before.get(name) for name, id_ in self.ids.items()}
        assert all(of_content.get(id_, self.content[name]) == self.content[name] for name, id_ in now.items())
        self.ids = now

    def name_of(self, hit):
        return Path(hit.path).relative_to(self.folder).as_posix()

    @invariant()
    def what_was_indexed_stays_searchable_between_runs(self):
        if self.collection.exists:
            assert self.collection.status().assets == sum(each is not None for each in self.indexed.values())


TestLibrary = Library.TestCase
TestLibrary.settings = settings(max_examples=12, stateful_step_count=25, deadline=None, derandomize=True)


@pytest.mark.slow
class TestLibraryAtLength(Library.TestCase):
    settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
