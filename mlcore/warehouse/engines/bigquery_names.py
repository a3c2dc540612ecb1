"""Names, labels and prices of BigQuery."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from mlcore.errors import ConfigError, DataError, shorten
from mlcore.memory.available import format_bytes

__all__ = ["billed_bytes", "check_dataset", "check_labels", "check_table", "price_words"]

_PROJECT = r"(?:[a-z0-9.-]+:)?[A-Za-z0-9-]+"
_DATASET = r"[A-Za-z0-9_]+"
_DATASET_NAME = re.compile(rf"(?:{_PROJECT}\.)?{_DATASET}")
# No backtick, quote or backslash, so that the name can stand in backticks and in a text.
_TABLE_NAME = re.compile(rf"(?:{_PROJECT}\.)?{_DATASET}\.\w[\w -]*")
_LABEL_KEY, _LABEL_VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")
_OWN_LABELS = ("tool", "query")
_MAX_LABELS = 64

_MIB, _TIB = 2**20, 2**40
_LEAST_PER_TABLE = 10 * _MIB


def check_dataset(name: str) -> None:
    """Refuse what is no ``DATASET`` or ``PROJECT.DATASET``, by a ConfigError.

    >>> check_dataset("my-project.shop")
    """
    if not _DATASET_NAME.fullmatch(name):
        raise ConfigError(f"dataset: expected DATASET or PROJECT.DATASET, got {shorten(name)}")


def check_table(name: str) -> None:
    """Refuse what is no ``DATASET.TABLE`` or ``PROJECT.DATASET.TABLE``, by a DataError.

    >>> check_table("shop.events")
    """
    if not _TABLE_NAME.fullmatch(name):
        raise DataError(
            f"table: expected DATASET.TABLE or PROJECT.DATASET.TABLE, got {shorten(name)}"
        )


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuse labels of jobs that break BigQuery's rules; of letters only a to z are allowed.

    Raises:
        ConfigError: a key or a value breaks them, mlcore uses the key, or there are too many.

    >>> check_labels({"team": "shop"})
    """
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or key in _OWN_LABELS:
            raise ConfigError(
                "labels: expected keys of a-z, 0-9, _ and -, from a letter on, at most 63 long, "
                f"other than {' and '.join(_OWN_LABELS)}, got {shorten(key)}"
            )
        if not _LABEL_VALUE.fullmatch(value):
            raise ConfigError(
                f"labels: {key}: expected at most 63 of a-z, 0-9, _ and -, got {shorten(value)}"
            )
    if len(labels) + len(_OWN_LABELS) > _MAX_LABELS:
        raise ConfigError(
            f"labels: expected at most {_MAX_LABELS - len(_OWN_LABELS)}, got {len(labels)}"
        )


def billed_bytes(processed: int, tables: int) -> int:
    """Return the most bytes that a query bills: max(processed, tables x 10 MiB), in whole MiB.

    Source: BigQuery's pricing of queries on demand, which also bills at least 10 MiB for a query.

    Args:
        processed: bytes, of a dry run.
        tables: the number that it reads, >= 0.

    >>> billed_bytes(1, tables=2) // 2**20
    20
    """
    return -(-max(processed, max(tables, 1) * _LEAST_PER_TABLE) // _MIB) * _MIB


def price_words(processed: int, tables: int, dollars_per_tib: float) -> str:
    """Return what a run would process and cost at most, in words: billed / 2^40 x price.

    Args:
        processed: bytes, of a dry run.
        tables: the number that it reads.

    >>> price_words(1_320_702_444, 1, 6.25).split(" (")[0]
    'would process 1.2 GiB, at most $0.0076 on demand'
    """
    dollars = billed_bytes(processed, tables) / _TIB * dollars_per_tib
    return (
        f"would process {format_bytes(processed)}, "
        f"at most ${math.ceil(dollars * 10_000) / 10_000:.4f} on demand "
        f"(${dollars_per_tib:g} per TiB beyond the free one of each month; "
        "at least 10 MiB for each table)"
    )
