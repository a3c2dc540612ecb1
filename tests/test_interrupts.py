"""When signals stop a command, and when they wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlcore.interrupts import (
    describe_written,
    held_signals,
    note_stream,
    note_written,
    stoppable,
)

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the system has other signals")
NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(params=NUMBERS, ids=lambda number: number.name)
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal whose handler raises KeyboardInterrupt, and is the same afterwards."""
    number: signal.Signals = request.param
    former = signal.signal(number, signal.default_int_handler)
    yield number
    assert signal.signal(number, former) is signal.default_int_handler


def test_a_held_signal_comes_when_the_block_has_ended(number: signal.Signals) -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), held_signals():
        signal.raise_signal(number)
        steps.append("the rest of the block")
        with held_signals():
            signal.raise_signal(number)
        steps.append("and what is around it")
    assert len(steps) == 2


def test_a_held_signal_is_not_lost_in_an_error(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), held_signals():
        signal.raise_signal(number)
        raise ZeroDivisionError


def test_without_a_signal_nothing_is_held(number: signal.Signals) -> None:
    with held_signals():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_an_ignored_signal_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    with stoppable() as stop, held_signals():
        stop.begin()
        signal.raise_signal(number)
    signal.signal(number, signal.default_int_handler)


def test_a_thread_holds_nothing_as_nothing_stops_it() -> None:
    done: list[Any] = []

    def work() -> None:
        with stoppable() as stop, held_signals():
            stop.begin()
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.default_int_handler]


def test_a_command_is_stopped_until_its_output_is_in_place(number: signal.Signals) -> None:
    with stoppable() as stop:
        stop.begin()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        with held_signals():
            signal.raise_signal(number)
            note_written("a.csv")
        signal.raise_signal(number)
        assert describe_written() == "; written: a.csv"


def test_a_command_that_goes_on_is_stopped_all_the_same(number: signal.Signals) -> None:
    with stoppable(goes_on=True) as stop:
        stop.begin()
        steps = []
        with pytest.raises(KeyboardInterrupt), stoppable() as inner:  # as the demo runs commands
            inner.begin()
            note_written("a.csv")
            signal.raise_signal(number)
            steps.append("the rest of the inner one")
        assert steps and describe_written() == "; written: a.csv"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        with stoppable() as inner:  # which has been stopped already
            inner.begin()
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
    assert describe_written() == ", nothing was written"


def test_a_signal_before_the_work_stops_it_at_its_begin(number: signal.Signals) -> None:
    with stoppable() as stop:
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            stop.begin()


def test_nothing_is_promised_of_a_stream() -> None:
    with stoppable():
        note_stream()
        assert describe_written() == ""


def test_an_import_is_not_torn(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "interrupted_module", raising=False)
    (tmp_path / "interrupted_module.py").write_text(
        f"import signal\nsignal.raise_signal({number:d})\nis_whole = True\n"
    )
    alarm = signal.getsignal(signal.SIGALRM)
    with stoppable() as stop:
        stop.begin()
        with pytest.raises(KeyboardInterrupt):
            import interrupted_module  # type: ignore[import-not-found]

            signal.sigtimedwait([], 10)
    assert interrupted_module.is_whole
    assert signal.getsignal(signal.SIGALRM) is alarm
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


CODE = """\
import signal, sys
from mlcore.interrupts import end_on_signals, stoppable
end_on_signals()
{before}
with stoppable() as stop:
    try:
        stop.begin()
        {within}
    except KeyboardInterrupt:
        print("stopped", flush=True)
{after}
sys.exit(3)
"""
RAISE = "signal.raise_signal(int(sys.argv[1]))"


@pytest.mark.parametrize(
    ("place", "status", "out", "err"),
    [
        ("before", 1, "", "error: interrupted, nothing was written\n"),
        ("within", 3, "stopped\n", ""),
        ("after", 3, "", ""),  # all is said and done
    ],
)
def test_a_process_that_was_started_for_a_command_ends_without_a_traceback(
    place: str, status: int, out: str, err: str, number: signal.Signals
) -> None:
    code = CODE.format(**{"before": "", "within": "", "after": "", place: RAISE})
    done = subprocess.run(
        [sys.executable, "-c", code, str(number.value)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, out, err)
