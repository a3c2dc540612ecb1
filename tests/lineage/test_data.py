"""Datasets: files and tables as inputs and output of a run."""

from __future__ import annotations

from mlcore.lineage.contents import FileFacts
from mlcore.lineage.data import Dataset


def test_a_file_has_the_size_and_digest_of_its_content() -> None:
    facts = FileFacts(24, "1" * 64)
    assert Dataset.of_file("a.csv", "csv", facts, ["user_id", "n"], 3, table="t") == Dataset(
        "t", "a.csv", None, "csv", 3, 24, "1" * 64, ("user_id", "n")
    )


def test_a_file_that_cannot_be_read_again_has_none() -> None:
    dataset = Dataset.of_file("-", "jsonl", None, ["n"])
    assert dataset == Dataset(None, "-", None, "jsonl", None, None, None, ("n",))


def test_a_stored_table_has_a_name_and_no_file() -> None:
    dataset = Dataset.of_stored("shop.events", ["n"], 7, table="t")
    assert dataset == Dataset("t", None, "shop.events", None, 7, None, None, ("n",))
