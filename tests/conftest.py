"""Settings of the whole suite."""

from collections import defaultdict

import pytest
from hypothesis import settings

# Machines are shared, so no example has a deadline; the same examples everywhere, so that a failure
# in one place can be seen in another.
settings.register_profile("mlcore", deadline=None, derandomize=True)
settings.load_profile("mlcore")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases of the queries each engine ran, and how long it took with its start."""
    counts: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)
    for reports in list(terminalreporter.stats.values()):
        for report in reports:
            engine = dict(getattr(report, "user_properties", ())).get("sql engine")
            if engine is not None:
                counts[engine] += report.when == "call"
                seconds[engine] += report.duration
    for engine, count in counts.items():
        terminalreporter.line(f"sql cases: {engine} {count} cases {seconds[engine]:.1f} s")
