"""mlcore.memory.available: what is there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlcore.memory.available import available_bytes, format_bytes


def files(root: Path, contents: dict[str, str]) -> Path:
    for name, text in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


MEMINFO = (
    "MemTotal:       9000 kB\nMemFree:         100 kB\nMemAvailable:   7000 kB\nCached: 5 kB\n"
)


def test_the_machine_says_what_is_available(tmp_path: Path) -> None:
    assert available_bytes(files(tmp_path, {"proc/meminfo": MEMINFO})) == 7000 * 1024


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        pytest.param(
            # A limit of 5,000,000, of which 2,000,000 are used, 300,000 of these for file pages.
            {
                "proc/self/cgroup": "0::/job\n",
                "sys/fs/cgroup/job/memory.max": "5000000\n",
                "sys/fs/cgroup/job/memory.current": "2000000\n",
                "sys/fs/cgroup/job/memory.stat": "anon 7\ninactive_file 300000\nactive_file 9\n",
            },
            3_300_000,
            id="version 2",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/slice/job\n",
                "sys/fs/cgroup/slice/job/memory.max": "max\n",
                "sys/fs/cgroup/slice/job/memory.current": "2000000\n",
                "sys/fs/cgroup/slice/memory.max": "4000000\n",
                "sys/fs/cgroup/slice/memory.current": "3000000\n",
            },
            1_000_000,
            id="a limit further up",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "12:cpu:/job\n4:cpuacct,memory:/job\n1:name=systemd:/a:b\n",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "5000000\n",
                "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "2000000\n",
                "sys/fs/cgroup/memory/job/memory.stat": "inactive_file 1\ntotal_inactive_file 40\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "6000000\n",
            },
            3_000_040,
            id="version 1",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/of/the/host\n",
                "sys/fs/cgroup/memory.max": "5000000\n",
                "sys/fs/cgroup/memory.current": "1000000\n",
            },
            4_000_000,
            id="a container that sees its own group only",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/../../other\n",
                "sys/fs/cgroup/memory.max": "5000000\n",
                "sys/fs/cgroup/memory.current": "1000000\n",
                "sys/other/memory.max": "1\n",
                "sys/other/memory.current": "0\n",
            },
            4_000_000,
            id="a path that leads out",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/job\n",
                "sys/fs/cgroup/job/memory.max": "5\n",
                "sys/fs/cgroup/job/memory.current": "7\n",
            },
            0,
            id="more used than allowed",
        ),
        pytest.param(
            {"proc/self/cgroup": "nonsense\n\n0::/job\n", "sys/fs/cgroup/job/memory.max": "5\n"},
            7000 * 1024,
            id="files that say nothing",
        ),
    ],
)
def test_a_control_group_bounds_what_is_available(
    tmp_path: Path, contents: dict[str, str], expected: int
) -> None:
    assert available_bytes(files(tmp_path, {"proc/meminfo": MEMINFO, **contents})) == expected


def test_the_machine_counts_where_the_limit_of_the_group_is_higher(tmp_path: Path) -> None:
    group = {
        "proc/meminfo": MEMINFO,
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/memory.max": "7168001\n",
        "sys/fs/cgroup/memory.current": "0\n",
    }
    assert available_bytes(files(tmp_path, group)) == 7_168_000


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is unknown")
def test_this_machine_has_some_memory() -> None:
    available = available_bytes()
    assert available is not None and 0 < available < 2**50


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0.0 MiB"),
        (5 * 2**20, "5.0 MiB"),
        (102.4 * 2**20, "102 MiB"),
        (999 * 2**20, "999 MiB"),
        (1000 * 2**20, "1.0 GiB"),
        (80 * 10**9, "74.5 GiB"),
    ],
)
def test_sizes_are_shown_in_the_unit_that_fits(size: float, shown: str) -> None:
    assert format_bytes(int(size)) == shown
