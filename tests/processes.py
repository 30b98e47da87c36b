"""Which processes there are, from what Linux tells of them."""

import os
from multiprocessing import resource_tracker
from pathlib import Path


def children(pid):
    """The processes that a process started and that have not ended."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(each) for each in task.read_text().split()]
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def own_workers():
    """Our own children, but for the one that multiprocessing keeps once anything in this process was spawned."""
    tracker = resource_tracker._resource_tracker._pid
    return [pid for pid in children(os.getpid()) if pid != tracker and alive(pid)]
