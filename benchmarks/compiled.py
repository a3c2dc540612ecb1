"""Our contestants with the compiled kernels, and without them."""

from __future__ import annotations

import os

from mlcore import native
from mlcore.errors import ConfigError

__all__ = ["BARE", "choose_kernels"]

BARE = "mlcore on numpy + scipy"


def choose_kernels(name: str) -> None:
    """Have a contestant do without the compiled kernels if its name begins with ``BARE``.

    For a process that has not asked for them yet.

    Raises:
        ConfigError: they are missing, and the figures would be those of another contestant.
    """
    if name.startswith(BARE):
        os.environ[native.SWITCH] = "0"
    elif native.library() is None:
        raise ConfigError(f"{name}: expected the compiled kernels of mlcore.native, got none")
