"""Run in a process of its own: index or rebuild, and end at one step without cleaning up."""

import os
import sys

from counting_encoder import CountingEncoder
from steps import ALL_STEPS, fail, publish_always

import mmsearch

if __name__ == "__main__":
    what, step, when, folder = sys.argv[1:]
    publish_always(setattr)
    fail(setattr, ALL_STEPS[step], when, lambda: os._exit(9))
    collection = mmsearch.open("photos", model=CountingEncoder())
    collection.index(folder) if what == "index" else collection.rebuild()
