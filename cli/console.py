"""What all commands share: help, progress, and the border where errors become one line."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO

from mlcore.errors import DataWarning, MlcoreError, from_os_error, shorten
from mlcore.interrupts import Stop, describe_written, stoppable
from mlcore.lazy import LazyModule
from mlcore.printable import JOINERS, printable, printable_json

__all__ = ["Outcome", "Parser", "TerminalProgress", "command_line", "make_parser", "run"]

difflib: Any = LazyModule("difflib")

QUIET_SECONDS = 2.0
BAR = 20  # characters
COLUMNS = 80  # of a terminal that does not say
# What an option is called in other tools, or in other commands of ours.
_ELSEWHERE = {
    "--cutoffs": ("k", "n", "top-n", "top-k"),
    "--ground-truth": ("test", "truth", "qrels"),
    "--interactions": ("input", "in", "data", "train", "events"),
    "--model-dir": ("model", "in"),
    "--out": ("output", "o", "out-dir"),
    "--out-dir": ("output", "o", "out", "model-dir"),
    "--test-fraction": ("ratio", "test-size", "fraction"),
    "--top-n": ("n", "k", "top-k", "limit"),
}


def command_line(name: str) -> str:
    """Return how to run a command, in the form that was typed.

    ``python -m mlcore train``, ``python -m cli train``, ``python -m cli.train``, or else
    ``mlcore train``, the installed script.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)  # None for a script
    module = "" if spec is None else spec.name.removesuffix(".__main__")
    if module.startswith("cli."):
        return f"python -m cli.{name}"
    return f"python -m {module} {name}" if module in ("cli", "mlcore") else f"mlcore {name}"


class Parser(argparse.ArgumentParser):
    """Adds to a complaint of ``argparse`` which option an unknown one may be meant to be."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._typed: list[str] = []
        self._settings: dict[str, str] = {}

    def add_settings(self, keys: Iterable[str]) -> None:
        """Note keys of ``--set``, which may be taken for options of their own."""
        for key in keys:
            self._settings.setdefault(_plain(key), key)
            self._settings.setdefault(_plain(key.removesuffix(".name").rpartition(".")[2]), key)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as ``argparse`` does."""
        self._typed = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def was_given(self, option: str) -> bool:
        """Return whether an option stands in what was parsed, even with its default."""
        return any(word.partition("=")[0] == option for word in self._typed)

    def error(self, message: str) -> Any:
        """Exit with 2; the last line on stderr is the complaint."""
        super().error(printable(message + (self._meant(message) or "")))

    def _meant(self, message: str) -> str | None:
        if not re.search("unrecognized arguments|required", message):
            return None
        for typed in self._typed:
            name = typed.partition("=")[0]
            if name.startswith("-") and name.strip("-") and name not in self._option_string_actions:
                option = self._option_like(_plain(name))
                return None if option is None else f"; is {option} meant by {name}?"
        wanted = re.search("required.*?(--[a-z-]+)", message)
        if wanted and self._typed and not self._typed[0].startswith("-"):
            return f"; is {wanted[1]} {self._typed[0]} meant?"
        return None

    def _option_like(self, name: str) -> str | None:
        options = {_plain(one): one for one in self._option_string_actions if one[:2] == "--"}
        elsewhere = [one for one, names in _ELSEWHERE.items() if name in names]
        known = {
            **{key: f"--set {setting}=..." for key, setting in self._settings.items()},
            **{name: one for one in elsewhere if one in options.values()},
            **options,
        }
        alike = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        longer = [one for one in known if one.startswith(f"{name}-")]
        shorter = [one for one in known if name.startswith(f"{one}-")]
        found = (one for one in (name, *alike, *longer, *shorter) if one in known)
        return known.get(next(found, ""))


def _plain(name: str) -> str:
    return name.strip("-").lower().replace("_", "-")


def make_parser(name: str, description: str | None, example: str) -> Parser:
    """Return a parser with the options every command has.

    Args:
        description: the docstring of the command's module.
        example: arguments that work, shown at the end of the help.
    """
    parser = Parser(
        prog=command_line(name),
        description=description,
        epilog=f"example:\n  {command_line(name)} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--progress", action="store_true", help="show progress even if stderr is not a terminal"
    )
    return parser


class TerminalProgress:
    """Progress of a step on a stream, once it has taken more than two seconds."""

    def __init__(self, stream: TextIO, asked: bool) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._asked = asked
        self._enabled = asked or self._is_terminal
        self._begun = self._last = time.monotonic()
        self._step, self._first = "", 0
        self._shown = False
        self._out_of_memory: Exception | None = None

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show the progress of a step, at most five times a second."""
        if not self._enabled:
            return
        now = time.monotonic()
        if step != self._step:
            self._step, self._begun, self._first = step, now, done
        if now - self._begun < QUIET_SECONDS or now - self._last < (
            0.2 if self._is_terminal else QUIET_SECONDS
        ):
            return
        self._last, self._shown = now, True
        if self._is_terminal:
            self._write(f"\r{self._bar(step, done, total)[: self._columns() - 1]}\x1b[K")
        else:
            share = f": {100 * done // total} %" if total else f": {done}" if done else ""
            self._write(f"{printable(step)}{share} ({now - self._begun:.0f} s)\n")

    def _columns(self) -> int:
        with suppress(OSError, ValueError):
            return os.get_terminal_size(self._stream.fileno()).columns or COLUMNS
        return COLUMNS

    def _bar(self, step: str, done: int, total: int) -> str:
        """Return one line: how far a step is, how fast, and how long it may take still.

        Ours and not that of a library, as the core has none and the terminal needs no more.
        """
        seconds = max(self._last - self._begun, 1e-3)
        rate = (done - self._first) / seconds
        fast = f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.2g}/s" if rate > 0 else ""
        if not total:
            count = f": {done:,}{fast}" if done else ""
            return f"{printable(step)}{count} ({seconds:.0f} s)"
        left = f", {(total - done) / rate:,.0f} s left" if rate > 0 else ""
        filled = min(BAR, BAR * done // total)
        bar = "#" * filled + "." * (BAR - filled)
        return f"{printable(step)} [{bar}] {100 * done // total} %{fast}{left}"

    def detail(self, text: str) -> None:
        """Print a line that stays, if progress is shown at all."""
        if self._enabled:
            self.show(text)

    def show(self, text: str) -> None:
        """Print a line that stays, with ``--progress`` its details in its place."""
        self.close()
        self._step = ""  # the next report starts a step
        self._out_of_memory = getattr(text, "out_of_memory", self._out_of_memory)  # of a Message
        if self._asked:
            text = getattr(text, "details", text)  # of a Message
        self._write(printable(text, keep="\n") + "\n")

    def out_of_memory(self, error: MemoryError) -> Exception:
        """Return the error of the memory plan that was shown last, or one for work without a plan."""
        from mlcore.memory.plan import LARGER_MACHINE

        got = shorten(str(error), 100) if str(error) else "too little"
        other = MlcoreError(f"memory: expected enough for the work, got {got}", LARGER_MACHINE)
        return self._out_of_memory or other

    def close(self) -> None:
        """Clear the line on the terminal."""
        if self._shown and self._is_terminal:
            self._write("\r\x1b[K")
            self._shown = False

    def _write(self, text: str) -> None:
        _print_courtesy(text, self._stream)


@dataclass(frozen=True)
class Outcome:
    """What a command prints.

    Attributes:
        failure: to end with after the result is written.
        is_data: JSON for programs, which only a terminal gets with escapes for people.
    """

    text: str
    failure: MlcoreError | None = None
    is_data: bool = False


def run(
    work: Callable[[TerminalProgress], str | Outcome],
    args: argparse.Namespace,
    *outputs: str | None,
    goes_on: bool = False,
) -> int:
    """Do the work of a command and return its exit code: known errors become one line here.

    Prints what ``work`` returns, to stderr if standard output holds the result itself. Signals stop
    the work until its outputs are in place; see ``mlcore.interrupts``.

    Args:
        work: returns a summary, or a result for standard output.
        outputs: paths of results; ``-`` is standard output, as ``/dev/stdout``.
        goes_on: whether signals stop the work even when an output is in place, as others follow.

    Returns:
        0, or 1 after one line that says what was wrong. Other exceptions pass.
    """
    progress = TerminalProgress(sys.stderr, args.progress)
    fills_stdout = any(_is_stdout(path) for path in outputs if path is not None)
    with stoppable(goes_on) as stop:
        try:
            stop.begin()
            with warnings.catch_warnings():
                warnings.simplefilter("always", DataWarning)
                warnings.showwarning = partial(_show_warning, warnings.showwarning)
                result = work(progress)
            progress.close()
            outcome = result if isinstance(result, Outcome) else Outcome(result)
            stop.can_stop = True
            _report(outcome, sys.stderr if fills_stdout else sys.stdout, stop)
            return 0
        except BrokenPipeError:
            _drop(sys.stdout)  # the reader has seen enough
            return 1
        except KeyboardInterrupt:
            stop.can_stop = False
            progress.close()
            _complain(f"error: interrupted{printable(describe_written())}")
            return 1
        except (MlcoreError, OSError, MemoryError) as caught:
            stop.can_stop = False
            progress.close()
            error = progress.out_of_memory(caught) if isinstance(caught, MemoryError) else caught
            _complain(f"error: {printable(str(error))}")
            if isinstance(error, MlcoreError) and error.hint:
                _complain(f"hint: {error.hint}")
            return 1


def _report(outcome: Outcome, stream: TextIO, stop: Stop) -> None:
    """Print the result; if there are files as well, they count, and what is printed is a courtesy."""
    try:
        _print_result(outcome, stream)
    except (BrokenPipeError, KeyboardInterrupt, MlcoreError) as error:
        if not stop.names:
            raise
        _drop(sys.stdout)
        if isinstance(error, MlcoreError):
            _complain(f"note: {printable(str(error))}")
    stop.can_stop = False
    if outcome.failure is not None:
        raise outcome.failure


def _complain(line: str) -> None:
    _print_courtesy(f"{line}\n", sys.stderr)


def _print_courtesy(text: str, stream: TextIO) -> None:
    """Print what is no result: where nobody can read it, the work goes on."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:  # the terminal is gone
        _drop(stream)


def _is_stdout(path: str) -> bool:
    # The import costs a start of the command some time, which most need not spend.
    if path == "-" or not os.path.exists(path):
        return path == "-"
    from mlcore.files.outputs import descriptor_of

    return descriptor_of(path) == 1


def _print_result(outcome: Outcome, stream: TextIO) -> None:
    text = outcome.text
    if not outcome.is_data:
        text = printable(text, keep="\n" + JOINERS)
    elif stream.isatty():
        text = printable_json(text)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8")  # ids may be in any script, whatever the locale
    if stream is sys.stderr:
        return _print_courtesy(text and f"{text}\n", stream)  # the result is on standard output
    try:
        print(text, end="\n" if text else "", file=stream, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop(sys.stdout)
        raise from_os_error(error, "standard output", "room to write") from error


def _drop(stream: TextIO) -> None:
    # Otherwise Python would flush again at exit, and complain, or exit with 120.
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _show_warning(
    show_other: Callable[..., None], message: Warning | str, *details: Any, **more: Any
) -> None:
    if isinstance(message, DataWarning):
        _complain(f"note: {message}")
    else:
        show_other(message, *details, **more)
