"""What measurements amount to: medians, spreads and ratios, as a table and as JSON values."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

from benchmarks.report import format_table
from mlcore.threads import resolve_threads

__all__ = ["Measured", "describe_machine", "format_results", "results_to_json"]


@dataclass(frozen=True)
class Measured:
    """All runs of one contestant, in order."""

    seconds: Sequence[float]
    peak_bytes: Sequence[int]

    @property
    def median(self) -> float:
        """The middle one of the seconds."""
        return statistics.median(self.seconds)


def format_results(results: Mapping[str, Measured], reference: str) -> str:
    """Return a table, seconds and their ratio to those of one contestant.

    Args:
        results: by name.
        reference: the name of the contestant whose ratio is 1.
    """
    base = results[reference].median
    rows = [
        [
            name,
            f"{result.median:.2f}",
            f"{min(result.seconds):.2f}-{max(result.seconds):.2f}",
            f"{result.median / base:.2f}",
            f"{max(result.peak_bytes) / 2**20:.0f} MiB",
        ]
        for name, result in results.items()
    ]
    return format_table(["", "median s", "min-max s", f"ratio to {reference}", "peak memory"], rows)


def results_to_json(results: Mapping[str, Measured], reference: str) -> dict[str, object]:
    """Return the same as JSON values, with the seconds of every run.

    Args:
        results: by name.
        reference: the name of the contestant whose ratio is 1.
    """
    return {
        name: {
            "seconds": list(result.seconds),
            "median_seconds": result.median,
            "ratio": result.median / results[reference].median,
            "peak_bytes": max(result.peak_bytes),
        }
        for name, result in results.items()
    }


def describe_machine(packages: Sequence[str]) -> dict[str, object]:
    """Return what the figures depend on: system, processor, cores, versions.

    Args:
        packages: whose versions count, besides Python's.
    """
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": resolve_threads(None),
        "versions": {
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in packages},
        },
    }
