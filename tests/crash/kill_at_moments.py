"""Run in a process of its own: do something to a collection again and again, and each time be killed a moment later.

A moment is the beginning or the end of a call that changes something on disk. Each attempt is made by a fork of this
process, which has no threads, on a copy of the collection; a second fork opens what the first one left, checks it, does
the same again and checks the end. The number of kills is printed.
"""

import os
import shutil
import sys
import traceback
from functools import wraps
from itertools import count
from pathlib import Path

import numpy as np
from library import FIRST, SECOND, STAYS, texts
from made_vectors import path_of, rows
from sqlalchemy.engine.default import DefaultDialect
from steps import publish_always

import mmsearch
from mmsearch.catalog.writer import Writer
from mmsearch.encoders.hashing import HashingEncoder
from mmsearch.ingest import due
from mmsearch.ingest.publish import remove_leftovers
from mmsearch.vectors.ann.rows import MappedRows
from mmsearch.vectors.ann.structure import Structure

CALLS = [
    *((os, name) for name in ("mkdir", "replace", "fsync", "unlink", "rmdir")),
    (np.lib.format, "write_array"),
    (MappedRows, "write"),
    (Structure, "save"),
    (DefaultDialect, "do_commit"),
    (Writer, "put_generation"),
    (Writer, "drop_generations"),
]
KILLED, NOT_REACHED, WRONG = 9, 0, 1


def die_after(moments):
    """End this process, without cleaning up, when so many moments have passed."""
    left = count(moments, -1)

    def passes():
        if next(left) == 0:
            os._exit(KILLED)

    for owner, name in CALLS:
        setattr(owner, name, _counted(getattr(owner, name), passes))


def _counted(real, passes):
    @wraps(real)
    def counted(*args, **kwargs):
        passes()
        result = real(*args, **kwargs)
        passes()
        return result

    return counted


def opened(home):
    return mmsearch.open("photos", home=home, model=HashingEncoder(64))


def names_of(collection):
    """Paths of all that is committed."""
    shelves = collection._storage.reading()
    return {each.path for each in shelves.catalog.hits(shelves.catalog.locations().ids).values()}


class Files:
    """A folder of a few files: `index` takes in what changed, and publishes it."""

    def __init__(self, media):
        self.media = media

    def act(self, collection):
        collection.index(self.media)

    def act_again(self, collection):
        self.act(collection)

    def check(self, collection):
        found = texts(collection)
        assert STAYS.items() <= found.items() <= FIRST.items() | SECOND.items(), found

    def check_end(self, collection):
        assert texts(collection) == SECOND


class Removal(Files):
    """One of the files is removed."""

    def act(self, collection):
        collection.remove(self.media / "0.txt")

    def check(self, collection):
        found = texts(collection)
        assert FIRST.items() - {("0.txt", FIRST["0.txt"])} <= found.items() <= FIRST.items(), found

    def check_end(self, collection):
        assert texts(collection) == {name: text for name, text in FIRST.items() if name != "0.txt"}

    def act_again(self, collection):
        if "0.txt" in texts(collection):
            self.act(collection)


class Rebuild(Files):
    """All is written anew, and nothing changes."""

    def act(self, collection):
        collection.rebuild()

    def check(self, collection):
        assert texts(collection) == FIRST

    check_end = check


class Fold:
    """A large index takes in what came and leaves out what went."""

    force = False

    def __init__(self, media):
        self.names = {path_of(number) for number in map(int, (media / "kept").read_text().split())}

    def act(self, collection):
        collection.optimize(force=self.force)

    act_again = act

    def check(self, collection):
        assert names_of(collection) == self.names
        early, late = rows(1100, seed=0), rows(100, seed=1000)
        for number, query in ((0, early[0]), (54, early[-1]), (1000, late[0]), (1004, late[-1])):
            (best,) = collection.search(vector=query, k=1)
            assert best.path == path_of(number), best
            assert best.cosine > 0.999, best
        found = collection.search(vector=early[220], k=100)  # which is removed
        assert sorted(hit.path for hit in found) == sorted(self.names)

    def check_end(self, collection):
        self.check(collection)
        index = collection.status().index
        assert (index.kind, index.tail, index.fresh) == ("ivf-flat", 0, True), index


class Build(Fold):
    """The same index is trained and built anew."""

    force = True


KINDS = {"index": Files, "remove": Removal, "rebuild": Rebuild, "fold": Fold, "build": Build}


def attempt(kind, home, moments):
    with opened(home) as collection:
        die_after(moments)
        kind.act(collection)


def inspect(kind, home):
    """Look at what a killed process left, and finish what it began."""
    with opened(home) as collection:
        assert collection.verify() == []
        kind.check(collection)
        kind.act_again(collection)
        kind.check_end(collection)
        assert collection.verify() == []
        with collection._storage.writing() as shelves:  # as the next run that changes anything does
            remove_leftovers(shelves.catalog, shelves.store, shelves.tokens, shelves.generations)
        (generations,) = collection.folder.glob("spaces/*/generations")
        left = os.listdir(generations)
        assert left == [collection._storage.reading().catalog.generation().folder], left


def in_fork(function, *args):
    """Call it in a fork. Returns the exit status."""
    pid = os.fork()
    if not pid:
        try:
            function(*args)
            os._exit(NOT_REACHED)
        except BaseException:
            traceback.print_exc()
            os._exit(WRONG)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(what, home, media, first, step):
    publish_always(setattr)
    due.FOLD_TAIL = due.FOLD_TAIL_SHARE = 0
    kind, copy = KINDS[what](Path(media)), Path(home).with_name("copy")
    kills = 0
    for moments in count(int(first), int(step)):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(home, copy)
        end = in_fork(attempt, kind, copy, moments)
        if end == NOT_REACHED:
            break
        if end != KILLED or in_fork(inspect, kind, copy) != 0:
            sys.exit(f"{what}, killed at moment {moments}: {end}")
        kills += 1
    sys.stdout.write(f"{kills}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
