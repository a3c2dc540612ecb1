"""What strace shows becomes calls on what is in a folder."""

from __future__ import annotations

from pathlib import Path

from tests.attacks.calls import Call, injected, read_calls

LOG = """\
12 openat(AT_FDCWD</w>, "a.csv", O_RDONLY|O_CLOEXEC) = 3</w/a.csv>
12 write(1<pipe:[7]>, ""..., 3)            = 3
12 write(3</w/a.csv>, ""..., 9 <unfinished ...>
13 write(4</w/.a.partial-0>, ""..., 3)     = -1 ENOSPC (No space left on device) (INJECTED)
12 <... write resumed>)                    = 9
12 --- SIGINT {si_signo=SIGINT, si_code=SI_KERNEL} ---
12 unlinkat(5</w/d>, "x", 0)               = 0
12 rename("/w/.a.partial-0", "/w/a.csv")   = 0
12 openat(AT_FDCWD</elsewhere>, "a.csv", O_RDONLY) = 3</elsewhere/a.csv>
12 +++ exited with 0 +++
"""


def test_calls_are_counted_by_thread_and_name(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG)
    assert list(read_calls(log, Path("/w"))) == [
        Call("openat", 1, ("a.csv", "a.csv")),
        Call("write", 2, ("a.csv",)),
        Call("write", 1, (".a.partial-0",), injected=True),
        Call("unlinkat", 1, ("d", "d/x")),
        Call("rename", 1, (".a.partial-0", "a.csv")),
    ]
    assert injected(log) == "ENOSPC"
