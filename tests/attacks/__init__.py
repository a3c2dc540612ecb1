"""Attacks: failing system calls, kills, and damaged files of every kind.

``make attack MINUTES=n`` runs ``python -m tests.attacks``; the tests here run samples of the same.
"""

import re

__all__ = ["TEMPLATE"]

# Of the line that says why a command failed.
TEMPLATE = re.compile(r"error: (?:\S.*: )?expected .+, got .+")
