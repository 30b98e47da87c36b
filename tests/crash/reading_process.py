"""Run in a process of its own: search in several threads until told to stop, and check each answer.

What the writer did is in a log, a line before and after each step: "adding 7", "added 7", "removing 7", "removed 7". A
file must be found if it was added before the search began and is not being removed when it has ended; it must not be
found if it was removed before the search began, or is not yet being added when it has ended.
"""

import os
import random
import sys
import threading
from pathlib import Path

from made_vectors import PER_FILE, rows

import mmsearch
from mmsearch.encoders.hashing import HashingEncoder

EVEN = "name GLOB '*[02468].jpg'"
MOST = 1000


class Log:
    """The log, as it stands."""

    def __init__(self, path):
        self.states = {"adding": set(), "added": set(), "removing": set(), "removed": set()}
        whole, _, _ = path.read_text().rpartition("\n")
        for line in whole.splitlines():
            state, number = line.split()
            self.states[state].add(int(number))

    def __getattr__(self, state):
        return self.states[state]


def number_of(hit):
    return int(os.path.basename(hit.path).removesuffix(".jpg"))


class Reader:
    """One thread that searches."""

    def __init__(self, collection, log, seed):
        self.collection, self.log, self.random = collection, log, random.Random(seed)
        self.searches = 0

    def run(self):
        checks = (self.nearest, self.nearest, self.nearest, self.everything, self.first_few)
        while not (self.log.parent / "stop").exists():
            self.random.choice(checks)(self.random.random() < 0.5)
            self.searches += 1

    def search(self, vector, k, filtered):
        hits = self.collection.search(vector=vector, k=k, where=EVEN if filtered else None)
        found = [number_of(hit) for hit in hits]
        assert len(set(found)) == len(found), "a file is found twice"
        assert not filtered or all(number % 2 == 0 for number in found), "the filter leaks"
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        return hits, set(found)

    def everything(self, filtered):
        before = Log(self.log)
        _, found = self.search(rows(1, seed=self.random.randrange(9))[0], MOST, filtered)
        after = Log(self.log)
        due = {number for number in before.added - after.removing if not filtered or number % 2 == 0}
        assert due <= found, f"missing: {due - found}"
        assert found <= after.adding - before.removed, f"strange: {found - after.adding}, {found & before.removed}"

    def first_few(self, filtered):
        before = Log(self.log)
        _, found = self.search(rows(1, seed=self.random.randrange(9))[0], 5, filtered)
        after = Log(self.log)
        assert len(found) == 5
        assert found <= after.adding - before.removed

    def nearest(self, filtered):
        before = Log(self.log)
        step = 2 if filtered else 1
        number = self.random.choice(sorted(each for each in before.added - before.removed if each % step == 0))
        hits, found = self.search(rows(PER_FILE, seed=number)[0], 1, filtered)
        if number not in Log(self.log).removing:
            assert found == {number}, f"{found} instead of {number}"
            assert hits[0].cosine > 0.999


def main(home, log, seed, threads):
    failures = []

    def run(reader):
        try:
            reader.run()
        except BaseException as error:
            failures.append(error)

    with mmsearch.open("photos", home=home, model=HashingEncoder(64)) as collection:
        readers = [Reader(collection, Path(log), 100 * int(seed) + number) for number in range(int(threads))]
        readers[0].nearest(False)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        running = [threading.Thread(target=run, args=(reader,)) for reader in readers]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    if failures:
        raise failures[0]
    sys.stdout.write(f"{sum(reader.searches for reader in readers)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
