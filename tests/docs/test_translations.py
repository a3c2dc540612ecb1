"""docs.translations: a translation that is behind its original is listed."""

from __future__ import annotations

import pytest

from docs.blocks import blocks
from docs.pages import ROOT
from docs.translations import TRANSLATIONS, main, record, split_sections, stale

ENGLISH = "# Title\n\nIntro.\n\n## One\n\n```sh\n## no heading\n```\n\n## Two\n\nText.\n"
JAPANESE = "# 題\n\n序。\n\n## 一\n\n本文。\n\n## 二\n\n本文。\n"


def test_every_translation_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_a_translation_has_the_code_of_its_original(name: str) -> None:
    translated, english = (
        [(one.language, one.marks, one.text) for one in blocks((ROOT / page).read_text("utf-8"))]
        for page in (name, TRANSLATIONS[name])
    )
    comment = "# your table"
    kept = [one for one in english if one[0] != "go"]  # shown once, in English
    assert [text[2].replace("# 自分の表", comment) for text in translated] == [
        text[2] for text in kept
    ]
    assert [one[:2] for one in translated] == [one[:2] for one in kept]


def test_a_heading_in_code_is_none() -> None:
    assert [part.splitlines()[0] for part in split_sections(ENGLISH)] == [
        "# Title",
        "## One",
        "## Two",
    ]
    assert "".join(split_sections(ENGLISH)) == ENGLISH


def test_what_is_recorded_is_up_to_date_until_the_original_changes() -> None:
    recorded = record(JAPANESE, ENGLISH, "page.md")
    assert stale(recorded, ENGLISH, "page.md") == []
    assert record(recorded, ENGLISH, "page.md") == recorded
    changed = ENGLISH.replace("Text.", "Another text.")
    assert stale(recorded, changed, "page.md") == ["## 二: made from another '## Two'"]


def test_a_section_without_a_record_or_without_a_translation_is_listed() -> None:
    assert len(stale(JAPANESE, ENGLISH, "page.md")) == 3
    recorded = record(JAPANESE, ENGLISH, "page.md")
    longer = f"{ENGLISH}\n## Three\n\nNew.\n"
    assert stale(recorded, longer, "page.md") == ["3 sections, page.md has 4"]
