"""The queue of the GPU's thread: joins what waits, keeps errors apart, ends."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, current_thread, get_ident
from time import monotonic, sleep

import numpy as np
import pytest

from mmsearch.vectors.ann.device_queue import MOST_QUERIES, DeviceQueue


class Echo:
    """Answers each query with its own first number, as a place."""

    def __init__(self):
        self.calls = []
        self.threads = set()

    def search(self, queries, depth, probes):
        self.calls.append((len(queries), depth, probes))
        self.threads.add(get_ident())
        if np.isnan(queries).any():
            raise ValueError("not a number")
        places = np.repeat(queries[:, :1].astype(np.int64), depth, axis=1)
        return places.astype(np.float32), places


@pytest.fixture
def queue():
    made = DeviceQueue()
    yield made
    made.close()


def asked_at_once(queue, index, searches):
    """Let as many threads search while the queue's thread is held up; return their futures."""
    held, go = Event(), Event()
    with ThreadPoolExecutor(len(searches) + 1) as pool:
        pool.submit(queue.run, lambda: (held.set(), go.wait()))
        held.wait()
        found = []
        for count, search in enumerate(searches, 1):
            found.append(pool.submit(queue.search, index, *search))
            wait_for(lambda count=count: queue._tasks.qsize() == count)
        go.set()
    return found


def wait_for(condition):
    end = monotonic() + 10
    while not condition():
        assert monotonic() < end
        sleep(0.001)


def query(value, count=1):
    return np.full((count, 4), value, dtype=np.float32)


def test_32_callers_at_once_are_answered_by_one_call_and_each_gets_its_own(queue):
    index = Echo()
    found = asked_at_once(queue, index, [(query(n), 5, 3) for n in range(32)])
    assert index.calls == [(32, 5, 3)]
    for number, each in enumerate(found):
        scores, places = each.result()
        assert places.tolist() == [[number] * 5]
        assert scores.dtype == np.float32


def test_only_searches_of_one_index_depth_and_effort_are_joined(queue):
    index = Echo()
    other = Echo()
    searches = [(query(1), 5, 3), (query(2), 6, 3), (query(3), 5, 4), (query(4, count=2), 5, 3)]
    found = asked_at_once(queue, index, searches)
    assert index.calls == [(3, 5, 3), (1, 6, 3), (1, 5, 4)]
    assert [each.result()[1].shape for each in found] == [(1, 5), (1, 6), (1, 5), (2, 5)]
    queue.search(other, query(1), 5, 3)
    assert other.calls == [(1, 5, 3)]


def test_a_call_is_bounded(queue):
    index = Echo()
    asked_at_once(queue, index, [(query(n, count=400), 2, 1) for n in range(5)])
    assert sum(calls[0] for calls in index.calls) == 2000
    assert max(calls[0] for calls in index.calls) <= MOST_QUERIES


def test_an_error_reaches_the_caller_whose_search_it_is_and_no_other(queue):
    index = Echo()
    found = asked_at_once(queue, index, [(query(np.nan if n == 2 else n), 2, 1) for n in range(4)])
    assert isinstance(found[2].exception(), ValueError)
    assert [found[n].result()[1][0, 0] for n in (0, 1, 3)] == [0, 1, 3]


def test_everything_happens_on_one_thread_which_is_no_callers(queue):
    index = Echo()
    with ThreadPoolExecutor(8) as pool:
        for each in [pool.submit(queue.search, index, query(n), 1, 1) for n in range(50)]:
            each.result()
        made_on = queue.run(get_ident)
    assert index.threads == {made_on}
    assert made_on != get_ident()


def test_what_was_run_gives_its_result_or_its_error(queue):
    assert queue.run(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        queue.run(lambda: 1 // 0)
    assert queue.run(lambda: 6) == 6


def test_what_was_posted_is_done_and_its_failure_ignored(queue):
    done = Event()
    queue.post(lambda: 1 // 0)
    queue.post(done.set)
    assert done.wait(10)


def test_when_it_is_closed_what_was_asked_is_done_and_what_comes_later_gets_an_error():
    queue = DeviceQueue()
    held, go = Event(), Event()
    with ThreadPoolExecutor(3) as pool:
        running = pool.submit(queue.run, lambda: (held.set(), go.wait(), "done")[2])
        held.wait()
        waiting = pool.submit(queue.run, lambda: "also done")
        wait_for(lambda: queue._tasks.qsize() == 1)
        closing = pool.submit(queue.close)
        wait_for(lambda: queue._closed)
        with pytest.raises(RuntimeError, match="has ended"):
            queue.search(Echo(), query(1), 1, 1)
        go.set()
        assert (running.result(), waiting.result()) == ("done", "also done")
        closing.result()
    queue.post(lambda: None)
    with pytest.raises(RuntimeError, match="has ended"):
        queue.run(lambda: None)


def test_a_search_whose_caller_was_interrupted_is_not_made(queue, monkeypatch):
    index = Echo()
    held, go = Event(), Event()
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(queue.run, lambda: (held.set(), go.wait()))
        held.wait()
        with monkeypatch.context() as patched:
            patched.setattr(Future, "result", interrupted)
            with pytest.raises(KeyboardInterrupt):
                queue.search(index, query(1), 1, 1)
        go.set()
        holding.result()
    assert queue.run(lambda: "next") == "next"
    assert index.calls == []


def interrupted(future):
    raise KeyboardInterrupt


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes can be forked")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_gets_an_error_and_does_not_wait_forever(queue):
    child = os.fork()
    if child == 0:
        try:
            queue.run(lambda: None)
        except RuntimeError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_its_thread_does_not_keep_the_process_alive(queue):
    assert queue.run(current_thread).daemon
