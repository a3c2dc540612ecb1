"""What all commands share: parsers, progress, and the border where errors become one line."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO

from mlcore.files.options import FORMATS, ColumnNames, Format, InputOptions
from mlcore.errors import DataWarning, MlcoreError, from_os_error

__all__ = [
    "InputArgs",
    "Outcome",
    "TerminalProgress",
    "add_dry_run_option",
    "add_format_option",
    "add_input_options",
    "command_line",
    "make_parser",
    "run",
]

QUIET_SECONDS = 2.0


class InputArgs(argparse.Namespace):
    """Options of every command that reads interactions."""

    format: Format | None
    user_column: str
    item_column: str
    weight_column: str
    timestamp_column: str

    def input_options(self) -> InputOptions:
        """Return how the tables are read."""
        columns = ColumnNames(
            self.user_column, self.item_column, self.weight_column, self.timestamp_column
        )
        return InputOptions(columns, self.format)


def command_line(name: str) -> str:
    """Return what runs a command, in the form that was typed.

    ``python -m mlcore train``, ``python -m cli train``, ``python -m cli.train``, or else
    ``mlcore train``, as the installed script is called.
    """
    spec = getattr(sys.modules["__main__"], "__spec__", None)  # None for a script
    module = "" if spec is None else spec.name.removesuffix(".__main__")
    if module.startswith("cli."):
        return f"python -m cli.{name}"
    return f"python -m {module} {name}" if module in ("cli", "mlcore") else f"mlcore {name}"


def make_parser(name: str, description: str | None, example: str) -> argparse.ArgumentParser:
    """Return a parser with the options every command has.

    Args:
        description: the module's text.
        example: arguments that work, for the end of the help.
    """
    parser = argparse.ArgumentParser(
        prog=command_line(name),
        description=description,
        epilog=f"example:\n  {command_line(name)} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--progress", action="store_true", help="show progress even if stderr is no terminal"
    )
    return parser


def add_format_option(parser: Any) -> None:
    """Add ``--format``.

    Args:
        parser: or a group of one.
    """
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="of tables whose name does not tell, such as - for standard input",
    )


def add_dry_run_option(parser: Any) -> None:
    """Add ``--dry-run``.

    Args:
        parser: or a group of one.
    """
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print how much memory it would take, and write nothing; exit code 1 if too much",
    )


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how a file of interactions is to be read.

    Args:
        parser: gets a group of its own for them.
    """
    group = parser.add_argument_group("input")
    add_format_option(group)
    defaults = ColumnNames()
    for field in ("user", "item", "weight", "timestamp"):
        default = getattr(defaults, field)
        group.add_argument(
            f"--{field}-column", default=default, metavar="NAME", help=f"default: {default}"
        )


class TerminalProgress:
    """Shows how far a step is, once it has taken more than two seconds."""

    def __init__(self, stream: TextIO, asked: bool) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._enabled = asked or self._is_terminal
        self._begun = self._last = time.monotonic()
        self._step = ""
        self._shown = False

    def __call__(self, step: str, done: int, total: int) -> None:
        """Take a report; show it if it is time to."""
        if not self._enabled:
            return
        now = time.monotonic()
        if step != self._step:
            self._step, self._begun = step, now
        if now - self._begun < QUIET_SECONDS or now - self._last < (
            0.2 if self._is_terminal else QUIET_SECONDS
        ):
            return
        self._last, self._shown = now, True
        share = f"{100 * done // total} %" if total else f"{done}"
        line = f"{step}: {share} ({now - self._begun:.0f} s)"
        self._stream.write(f"\r{line}\x1b[K" if self._is_terminal else f"{line}\n")
        self._stream.flush()

    def tell(self, text: str) -> None:
        """Show a line that stays, if progress is shown at all."""
        if self._enabled:
            self.show(text)

    def show(self, text: str) -> None:
        """Show a line that stays."""
        self.close()
        self._step = ""  # what is reported next begins anew
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Remove the line from the terminal."""
        if self._shown and self._is_terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False


@dataclass(frozen=True)
class Outcome:
    """What a command prints, and the error it ends with although its result stands."""

    text: str
    failure: MlcoreError | None = None


def run(
    work: Callable[[TerminalProgress], str | Outcome],
    args: argparse.Namespace,
    *outputs: str | None,
) -> int:
    """Do the work of a command and return its exit code: the one border for errors.

    Prints what ``work`` returns; to stderr if standard output holds the result itself.

    Args:
        work: takes a progress, returns a summary or a result for standard output, perhaps with a
            failure to end with.
        args: the parsed options.
        outputs: where results go; ``-`` is standard output.

    Returns:
        0, or 1 after one line that says what was wrong. Other exceptions pass.
    """
    progress = TerminalProgress(sys.stderr, args.progress)
    previous = _stop_on_sigterm()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", DataWarning)
            warnings.showwarning = partial(_show_warning, warnings.showwarning)
            result = work(progress)
        progress.close()
        outcome = result if isinstance(result, Outcome) else Outcome(result)
        _print_result(outcome.text, sys.stderr if "-" in outputs else sys.stdout)
        if outcome.failure is not None:
            raise outcome.failure
        return 0
    except BrokenPipeError:
        _drop_stdout()  # whoever read our output has seen enough
        return 1
    except KeyboardInterrupt:
        progress.close()
        # What went to standard output cannot be taken back.
        written = "" if "-" in outputs else ", nothing was written"
        print(f"error: interrupted{written}", file=sys.stderr)
        return 1
    except (MlcoreError, OSError) as error:
        progress.close()
        print(f"error: {error}", file=sys.stderr)
        if isinstance(error, MlcoreError) and error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    finally:
        if previous is not None:
            signal.signal(signal.SIGTERM, previous)


def _print_result(text: str, stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8")  # ids are of any script, whatever the terminal says
    try:
        print(text, end="\n" if text else "", file=stream, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_stdout()
        raise from_os_error(error, "standard output", "room to write") from error


def _drop_stdout() -> None:
    # Or Python would try once more at exit, and complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop_on_sigterm() -> Any:
    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    try:
        return signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread
        return None


def _show_warning(
    show_other: Callable[..., None], message: Warning | str, *details: Any, **more: Any
) -> None:
    if isinstance(message, DataWarning):
        print(f"note: {message}", file=sys.stderr)
    else:
        show_other(message, *details, **more)
