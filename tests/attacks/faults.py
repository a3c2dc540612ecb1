"""Each system call of a writing command fails in turn: what is left is old or new, as the command says.

``python -m tests.attacks.faults --seconds 60 --seed 1`` tries random cases; ``--command NAME --inject
rename:error=EIO:when=1`` runs one again.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
import os
import random
import re
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from mlcore import MlcoreError, verify_model
from tests.attacks import TEMPLATE
from tests.attacks.calls import CALLS, Call, Injection, attached, injected, read_calls
from tests.attacks.forks import Done, Forks, Program, Runner
from tests.cli.cases import INTERACTIONS, REPOSITORY

__all__ = ["COMMANDS", "Bench", "Command", "Tally", "cases_of"]

SIGNALS = ("SIGINT", "SIGTERM", "SIGKILL")
_INTERRUPTED = re.compile(r"error: interrupted\b.*")
_NOTHING = "nothing was written"


@dataclass(frozen=True)
class Command:
    """A command that writes, in a folder where ``before`` made what it replaces.

    Attributes:
        outputs: paths of what appears, all together.
        log: a file that gets a line for each output.
        resumes: keeps what is finished for the next run, which ends it.
    """

    name: str
    line: str
    outputs: tuple[str, ...]
    before: str = ""
    log: str = ""
    resumes: bool = False
    needs: str = ""


def _replacing(name: str, line: str, *outputs: str, log: str = "", needs: str = "") -> Command:
    """Return a command that replaces what it made with another ``{0}``: 1, then 2."""
    return Command(name, line.format(2), outputs, line.format(1), log, needs=needs)


_LOGGED = "--lineage lineage.jsonl"
COMMANDS = [
    Command("train", "train --interactions events.csv --out-dir new/model", ("new/model",)),
    Command("train into a folder", "train --interactions events.csv --out-dir empty", ("empty",)),
    _replacing("train --overwrite", "train --interactions events.csv --set num_neighbors={0} "
               f"--out-dir made --overwrite {_LOGGED}", "made", log="lineage.jsonl"),
    Command("publish", "publish --model-dir model --to new/current", ("new/current",)),
    Command("publish --keep 1", "publish --model-dir model --to current --keep 1", ("current",),
            "publish --model-dir other --to current"),
    _replacing("predict", "predict --model-dir model --all-users --top-n {0} --out lists.jsonl "
               + _LOGGED, "lists.jsonl", log="lineage.jsonl"),
    _replacing("predict JSON Lines", "predict --model-dir model --users events.csv --top-n {0} "
               "--out lists.jsonl", "lists.jsonl"),
    _replacing("predict gzip", "predict --model-dir model --all-users --top-n {0} --out lists.csv.gz",
               "lists.csv.gz"),
    _replacing("predict Parquet", "predict --model-dir model --all-users --top-n {0} "
               "--out lists.parquet", "lists.parquet", needs="duckdb"),
    _replacing("preprocess", "preprocess --interactions events.csv --min-item-interactions {0} "
               "--out clean.csv", "clean.csv"),
    Command("preprocess --in-place", "preprocess --interactions events.csv "
            "--min-item-interactions 2 --in-place --out events.csv", ("events.csv",)),
    _replacing("split", "split --interactions events.csv --strategy last-n --n {0} "
               f"--train-out a.csv --test-out b.jsonl {_LOGGED}", "a.csv", "b.jsonl",
               log="lineage.jsonl"),
    _replacing("evaluate", "evaluate --predictions predictions.jsonl --ground-truth events.csv "
               f"--cutoffs {{0}} --out metrics.json --per-user-out users.csv {_LOGGED}",
               "metrics.json", "users.csv", log="lineage.jsonl"),
    _replacing("compare", "compare --baseline predictions.jsonl --candidate predictions.jsonl "
               "--ground-truth events.csv --cutoffs {0} --out comparison.json", "comparison.json"),
    _replacing("diff", "diff --model-dir model --model-dir other --cutoffs {0} --out diff.json",
               "diff.json"),
    _replacing("generate", "generate --users 9 --items 5 --interactions 20 --seed {0} "
               "--out made.csv --items-out made-items.csv", "made.csv", "made-items.csv"),
    _replacing("run_sql", "run_sql --query cap_history.sql --table interactions=events.csv --param "
               f"max_user_interactions={{0}} --out capped.csv {_LOGGED}", "capped.csv",
               log="lineage.jsonl", needs="duckdb"),
    Command("tune", "tune --interactions events.csv --validation events.csv --metric ndcg@2 --trials 2 "
            "--out-dir tuning", ("tuning/config.json",), resumes=True, needs="optuna"),
]  # fmt: skip

# Of those of Python, the ones that Go has.
COMMANDS_IN_GO = [one for one in COMMANDS if one.name in ("predict JSON Lines", "predict gzip")]

INPUTS = [
    "train --interactions events.csv --out-dir model",
    "train --interactions events.csv --similarity cosine --out-dir other",
    "predict --model-dir model --all-users --out predictions.jsonl",
]


@dataclass
class Tally:
    """What was tried, by system call, and what was wrong with it."""

    tried: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        calls = ", ".join(f"{name} {count}" for name, count in sorted(self.tried.items()))
        total = sum(self.tried.values())
        return f"{total} injections, {self.missed} missed, {len(self.wrong)} wrong ({calls})"


class Bench:
    """One command on copies of a folder: what it makes undisturbed, and what with a fault."""

    def __init__(
        self, command: Command, forks: Forks, room: Path, program: Runner | None = None
    ) -> None:
        self.command = command
        self._forks, self._runner, self._log = forks, program or forks, room / "strace"
        self._start, self.folder = room / "start", room / "work"
        self._prepare()
        self.old = self.state()
        self._run()  # which loads the modules, so that no later run does
        self.calls = self._trace()
        self.new = self.state()
        assert self.new != self.old, "a command that changes nothing"

    def _prepare(self) -> None:
        self._start.mkdir(parents=True)
        (self._start / "events.csv").write_text(INTERACTIONS)
        (self._start / "empty").mkdir()
        shutil.copy(REPOSITORY / "sql/cap_history.sql", self._start)
        for line in [*INPUTS, *([self.command.before] if self.command.before else [])]:
            done = self._forks.run(line, self._start)
            assert done.status == 0, f"{line}: {done.stderr}"
        self._renew()

    def _renew(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._start, self.folder, symlinks=True)

    def _run(self, injection: Injection | None = None, names: Sequence[str] = ()) -> Done:
        with ExitStack() as stack:
            return self._runner.run(
                self.command.line,
                self.folder,
                lambda pid: names
                and stack.enter_context(attached(pid, self._log, names, injection)),
            )

    def _trace(self) -> list[Call]:
        self._renew()
        done = self._run(names=list(CALLS))
        assert done.status == 0, f"{self.command.line}: {done.stderr}"
        return list(read_calls(self._log, self.folder))

    def state(self) -> dict[str, str | None]:
        """Return the digest of each output, None where there is none."""
        return {name: digest(self.folder / name) for name in self.command.outputs}

    def hidden(self) -> list[str]:
        """Return what is left beside the outputs."""
        found = [path.relative_to(self.folder) for path in self.folder.rglob("*")]
        return sorted(str(path) for path in found if ".partial-" in path.name)

    def attack(self, injection: Injection, tally: Tally) -> None:
        """Run with a fault, then without, and note what is wrong."""
        self._renew()
        done = self._run(injection, [injection.name])
        if not self._was_hit(injection):
            tally.missed += 1
            return
        tally.tried[injection.name] += 1
        problems = [*self._judge(injection, done), *self._judge_next()]
        if problems:
            case = f"--command {self.command.name!r} --inject {injection}"
            found = f"{case}: {'; '.join(problems)}: exit code {done.status}, {done.stderr!r}"
            tally.wrong.append(found)
            print(found, flush=True)

    def _was_hit(self, injection: Injection) -> bool:
        if "error" in injection.fault:
            return any(call.injected for call in read_calls(self._log, self.folder))
        numbers = {call.number for call in read_calls(self._log, self.folder)}
        return int(injection.when) in numbers

    def _judge(self, injection: Injection, done: Done) -> Iterator[str]:
        state = self.state()
        changed = [name for name, found in state.items() if found != self.old[name]]
        # A disk that takes nothing takes no message either.
        is_mute = injection.name == "write" and "+" in injection.when and not done.stderr
        if done.status not in (0, 1) and "SIGKILL" not in injection.fault and not is_mute:
            yield f"exit code {done.status}"
        if not self.command.resumes:
            yield from self._judge_state(state, changed, done)
        if self.command.log:
            yield from self._judge_log(state, done)
        if done.status == 1 and not is_mute:
            yield from self._judge_words(changed, injected(self._log), done.stderr)
        elif "error:" in done.stderr or "Traceback" in done.stderr:
            yield "an error, and exit code 0"

    def _judge_state(
        self, state: dict[str, str | None], changed: list[str], done: Done
    ) -> Iterator[str]:
        for name, found in state.items():
            is_aside = f"is the former {name}" in done.stderr
            absent = found is None and ((done.status < 0 and len(state) > 1) or is_aside)
            if found not in (self.old[name], self.new[name]) and not absent:
                yield f"{name} is torn"
        if (done.status == 0) != (state == self.new) and done.status >= 0:
            yield f"exit code {done.status}, and changed: {changed}"
        if changed and state != self.new and done.status < 0 and None not in state.values():
            yield f"some are old, some new: {changed} changed"

    def _judge_log(self, state: dict[str, str | None], done: Done) -> Iterator[str]:
        lines = (self.folder / self.command.log).read_bytes().splitlines(keepends=True)
        before = len((self._start / self.command.log).read_bytes().splitlines())
        if any(not line.endswith(b"\n") for line in lines) and done.status >= 0:
            yield "a torn line"
        whole = [json.loads(line) for line in lines if line.endswith(b"\n")]
        known = {record["output"]["sha256"] for record in whole}
        for name, found in state.items():
            if found is not None and found not in known:
                yield f"{name} has no line"
        if done.status == 1 and state == self.old and len(lines) > before:
            yield "a line of an output that is not there"

    def _judge_words(self, changed: list[str], error: str | None, said: str) -> Iterator[str]:
        lines = said.splitlines()
        errors = [line for line in lines if line.startswith("error: ")]
        strange = [line for line in lines if not line.startswith(("error: ", "hint: ", "note: "))]
        if len(errors) != 1 or strange:
            yield "not one line"
            return
        if _NOTHING in errors[0] and changed:
            yield f"changed: {changed}"
        names_all = all(name in errors[0] for name in changed)
        if not names_all and not self.command.resumes:
            yield f"does not say that it changed {changed}"
        if error is None:
            if not _INTERRUPTED.fullmatch(errors[0]):
                yield "does not say that it was interrupted"
            return
        if not TEMPLATE.fullmatch(errors[0]) or ".partial-" in errors[0]:
            yield "not our template"
        if os.strerror(getattr(errno, error)) not in errors[0]:
            yield "does not say why"

    def _judge_next(self) -> Iterator[str]:
        done = self._run()
        if done.status != 0 or self.state() != self.new:
            # What was published is not made anew, and a folder that is full is not filled.
            if not (done.status == 1 and self.state() == self.new):
                yield f"the next run: {done.status} {done.stderr!r}"
        elif left := self.hidden():
            yield f"the next run leaves {left}"


def digest(path: Path) -> str | None:
    """Return the digest of a file, or of a model by its manifest; None if there is none."""
    if path.is_dir():
        path = path / "manifest.json"
        try:
            if path.exists():
                verify_model(path.parent)
        except MlcoreError:
            return "damaged"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def cases_of(calls: Sequence[Call], rng: random.Random) -> Iterator[Injection]:
    """Yield injections without end: into a call of each name, of each name and path, then into any."""
    for kind in (lambda call: call.name, lambda call: (call.name, *map(_plain, call.paths))):
        kinds: dict[Hashable, list[Call]] = {}
        for call in calls:
            kinds.setdefault(kind(call), []).append(call)
        chosen = [rng.choice(alike) for alike in kinds.values()]
        rng.shuffle(chosen)
        yield from (_inject(call, rng) for call in chosen)
    while calls:
        yield _inject(rng.choice(calls), rng)


def _plain(path: str) -> str:
    return re.sub(r"partial-[0-9a-f]+|\.\d{8}T.*?-[0-9a-f]{12}", "", path)


def _inject(call: Call, rng: random.Random) -> Injection:
    if rng.random() < 0.3:
        return Injection(call.name, f"signal={rng.choice(SIGNALS)}", str(call.number))
    error = rng.choice(CALLS[call.name])
    # A full disk stays full; a call that is interrupted is made again, without end.
    on = "+" * (error != "EINTR" and rng.random() < 0.2)
    return Injection(call.name, f"error={error}", f"{call.number}{on}")


def attack_for(
    seconds: float, seed: int, commands: Sequence[Command], room: Path, program: Runner | None
) -> Tally:
    """Attack each command for its share of the time."""
    tally, rng = Tally(), random.Random(seed)
    with Forks(room) as forks:
        for number, command in enumerate(commands):
            end = time.monotonic() + seconds / len(commands)
            bench = Bench(command, forks, room / str(number), program)
            for injection in cases_of(bench.calls, rng):
                if time.monotonic() > end:
                    break
                bench.attack(injection, tally)
    return tally


def main(argv: Sequence[str] | None = None) -> int:
    """Attack for some time and print what was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--command", help="one of the names; default: all")
    parser.add_argument("--inject", help="one injection into this command")
    parser.add_argument("--go", type=Path, help="the program in Go; attacks the commands it has")
    args = parser.parse_args(argv)
    program = Program(args.go.resolve()) if args.go else None
    known = COMMANDS_IN_GO if program else COMMANDS
    commands = [one for one in known if args.command in (None, one.name)]
    with tempfile.TemporaryDirectory() as name:
        if args.inject:
            tally = Tally()
            with Forks(Path(name)) as forks:
                bench = Bench(commands[0], forks, Path(name) / "0", program)
                call, fault, when = args.inject.split(":")
                bench.attack(Injection(call, fault, when.removeprefix("when=")), tally)
        else:
            tally = attack_for(args.seconds, args.seed, commands, Path(name), program)
    print(f"seed {args.seed}: {tally}")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
