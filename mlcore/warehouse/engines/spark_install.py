"""Checks for what Spark needs on this machine: the packages of the extra ``[spark]``, and Java."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import warnings
from collections.abc import Iterator

from mlcore.errors import MlcoreError, shorten

__all__ = ["check_java", "check_packages", "check_pandas", "quiet_pandas"]

_LEAST_VERSION = 4  # the first that takes and gives tables of Arrow


def check_packages() -> None:
    """Refuse to run without the packages of the extra.

    Raises:
        MlcoreError: one is missing or too old.

    >>> check_packages()
    """
    hint = 'pip install ".[spark]" in the folder of mlcore, or pip install pyspark pyarrow pandas'
    try:
        import pyarrow  # noqa: F401
        import pyspark
    except ImportError as error:
        name = str(error.name).partition(".")[0]
        raise MlcoreError(
            f"{name}: expected the extra [spark] to be installed, got no such package", hint
        ) from None
    if int(pyspark.__version__.partition(".")[0]) < _LEAST_VERSION:
        raise MlcoreError(
            f"pyspark: expected version {_LEAST_VERSION} or newer, got {pyspark.__version__}", hint
        )


def check_pandas() -> None:
    """Refuse to run Python on the workers without pandas, which pyspark asks for then.

    Raises:
        MlcoreError: it is missing.

    >>> check_pandas()
    """
    if importlib.util.find_spec("pandas") is None:
        raise MlcoreError(
            "pandas: expected it to be installed, as pyspark asks for it where workers run Python, got "
            "no such package",
            'pip install ".[spark]" in the folder of mlcore, or pip install pandas',
        )


@contextlib.contextmanager
def quiet_pandas() -> Iterator[None]:
    """Let pyspark not say that pandas is newer than itself: nothing of it is used.

    >>> with quiet_pandas():
    ...     warnings.warn("PySpark does not yet fully support pandas >= 3.0.0.", FutureWarning)
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet", FutureWarning)
        yield


def check_java() -> None:
    """Refuse to run where Spark would find no Java.

    Raises:
        MlcoreError: there is none in ``JAVA_HOME``, or on the ``PATH`` if that is not set.

    >>> from unittest.mock import patch
    >>> with patch.dict(os.environ, {"JAVA_HOME": "nowhere"}):
    ...     check_java()
    Traceback (most recent call last):
    ...
    mlcore.errors.MlcoreError: java: expected Java 17 or newer, got none in JAVA_HOME, 'nowhere'
    """
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=os.path.join(home, "bin") if home else None) is None:
        got = f"none in JAVA_HOME, {shorten(home)}" if home else "none"
        raise MlcoreError(
            f"java: expected Java 17 or newer, got {got}",
            "install a JDK, and set JAVA_HOME to its folder if it is not on the PATH",
        )
