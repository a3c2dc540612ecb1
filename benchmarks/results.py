"""Measurements summarized: medians, spreads and ratios, as a table and as JSON values."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.report import format_table
from mlcore.numeric.threads import resolve_threads

__all__ = ["Measured", "describe_machine", "format_results", "ratios", "results_to_json"]


@dataclass(frozen=True)
class Measured:
    """All runs of one contestant, in order."""

    seconds: Sequence[float]
    peak_bytes: Sequence[int]
    own_bytes: Sequence[int] = ()

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds)


def format_results(results: Mapping[str, Measured], reference: str) -> str:
    """Return a table of seconds and their ratio to those of ``reference``."""
    base = results[reference]
    rows = [
        [
            name,
            f"{result.median:.3g}",
            f"{min(result.seconds):.3g}-{max(result.seconds):.3g}",
            "{:.2f} ({:.2f}-{:.2f})".format(*ratios(result.seconds, base.seconds)),
            f"{max(result.peak_bytes) / 2**20:.0f} MiB",
            f"{max(result.own_bytes) / 2**20:.0f} MiB" if result.own_bytes else "",
        ]
        for name, result in results.items()
    ]
    header = ["", "median s", "min-max s", f"ratio to {reference}", "peak memory", "own"]
    return format_table(header, rows)


def ratios(seconds: Sequence[float], base: Sequence[float]) -> tuple[float, float, float]:
    """Return the ratio of the medians, and the least and the greatest ratio within one turn.

    >>> ratios([2, 9, 8], [1, 3, 5])
    (2.6666666666666665, 1.6, 3.0)
    """
    of_turns = [one / other for one, other in zip(seconds, base, strict=True)]
    return statistics.median(seconds) / statistics.median(base), min(of_turns), max(of_turns)


def results_to_json(results: Mapping[str, Measured], reference: str) -> dict[str, object]:
    """Return the table of ``format_results`` as JSON values, with the seconds of every run."""
    return {
        name: {
            "seconds": list(result.seconds),
            "median_seconds": result.median,
            "ratio": result.median / results[reference].median,
            "peak_bytes": max(result.peak_bytes),
            "own_bytes": max(result.own_bytes, default=None),
        }
        for name, result in results.items()
    }


def describe_machine(packages: Sequence[str]) -> dict[str, object]:
    """Return the system, processor, cores, memory and versions that the figures depend on."""
    return {
        "system": platform.system(),
        "processor": _processor_name(),
        "cores": resolve_threads(None),
        "memory_bytes": _memory_bytes(),
        "versions": {
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in packages},
        },
    }


def _processor_name() -> str:
    """Return the architecture, and the name of the processor where /proc has it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return ", ".join([platform.machine(), *names[:1]])


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
