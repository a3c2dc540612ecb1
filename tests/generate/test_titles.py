"""mlcore.generate.titles: no two books share a title."""

from __future__ import annotations

from mlcore.generate.generate import generate_interactions
from mlcore.generate.titles import GENRES, book_title


def test_titles_are_unique_ascii_without_comma_or_quote() -> None:
    # 500 items of each genre: all 64 combinations, seven volumes and part of the eighth
    titles = [item.title for item in generate_interactions(1, 10_000, 1, seed=1).catalogue]
    assert len(set(titles)) == 10_000
    assert all(title.isascii() and title.isprintable() for title in titles)
    assert not set(',"\\') & set("".join(titles))
    assert any(title.endswith(" (volume 8)") for title in titles)


def test_no_title_comes_from_two_genres_or_two_positions() -> None:
    titles = [book_title(genre, position) for genre in GENRES for position in range(64)]
    assert len(GENRES) == len({genre.name for genre in GENRES}) == 20
    assert {(len(genre.openings), len(genre.endings)) for genre in GENRES} == {(8, 8)}
    assert len(set(titles)) == 20 * 64
