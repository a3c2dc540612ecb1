"""mlcore.numeric.threads: the order of the input, bounded memory, and no thread left behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import mlcore.numeric.threads
from mlcore import ConfigError, Interactions, train_from_data
from mlcore.numeric.threads import map_in_order, resolve_threads


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_results_come_in_the_order_of_the_input(count: int, threads: int) -> None:
    assert list(map_in_order(str, range(count), threads)) == [str(item) for item in range(count)]


def test_results_come_in_order_though_the_first_is_done_last() -> None:
    second_is_done = threading.Event()

    def slow_first(item: int) -> int:
        if item == 0:
            assert second_is_done.wait(10)
        else:
            second_is_done.set()
        return item

    assert list(map_in_order(slow_first, range(2), threads=2)) == [0, 1]


def test_several_threads_work_at_once_and_one_uses_none() -> None:
    meeting = threading.Barrier(3)

    def meet(item: int) -> str:
        meeting.wait(10)  # raises BrokenBarrierError unless three are here at once
        return threading.current_thread().name

    assert len(set(map_in_order(meet, range(3), threads=3))) == 3
    here = threading.current_thread()
    assert list(map_in_order(lambda _: threading.current_thread(), range(3), 1)) == [here] * 3


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_input_is_taken_lazily_with_two_results_a_thread_waiting_at_most(threads: int) -> None:
    taken = 0

    def count() -> Iterator[int]:
        nonlocal taken
        for item in range(100):
            taken += 1
            yield item

    results = map_in_order(str, count(), threads)
    assert taken == 0
    for done in range(1, 101):
        next(results)
        waiting = taken - done
        assert waiting == (0 if threads == 1 else min(2 * threads, 100 - done))
    assert next(results, None) is None


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_is_raised_in_its_place_and_ends_the_rest(threads: int) -> None:
    started: list[int] = []

    def fail_at_5(item: int) -> int:
        started.append(item)
        if item == 5:
            raise KeyError(item)
        return item

    before = threading.active_count()
    results = map_in_order(fail_at_5, range(1000), threads)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(KeyError, match="5"):
        next(results)
    assert len(started) < 5 + 3 * threads + 1
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_of_the_input_is_raised_too(threads: int) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("input")

    before = threading.active_count()
    with pytest.raises(KeyError, match="input"):
        list(map_in_order(str, broken(), threads))
    assert threading.active_count() == before


def test_a_consumer_that_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    results = map_in_order(str, range(1000), threads=3)
    assert next(results) == "0" and threading.active_count() > before
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_work_that_has_not_begun_when_the_consumer_stops_is_not_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = threading.Event()

    class Pool(ThreadPoolExecutor):
        def __exit__(self, *error: Any) -> bool | None:
            stopped.set()
            return super().__exit__(*error)

    started: list[int] = []

    def wait_after_0(item: int) -> int:
        started.append(item)
        assert item == 0 or stopped.wait(10)
        return item

    monkeypatch.setattr(mlcore.numeric.threads, "ThreadPoolExecutor", Pool)
    results = map_in_order(wait_after_0, range(100), threads=2)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    # 3 and 4 were handed out, but both threads were busy with 1 and 2
    assert max(started) <= 2


def test_as_many_threads_as_asked_or_one_for_each_core_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resolve_threads(3) == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    assert resolve_threads(None) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert resolve_threads(None) == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert resolve_threads(None) == 1


@pytest.mark.parametrize("threads", [0, -2, 100_000, 2.5, "2"])
def test_no_threads_are_refused(threads: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_threads(threads)
    assert str(caught.value) == f"threads: expected an integer from 1 to 1024, got {threads!r}"
    with pytest.raises(ConfigError):
        train_from_data(Interactions.from_columns(["u"], ["a"]), threads=threads)
