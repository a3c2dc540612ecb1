"""Numbers of texts against a dictionary."""

from __future__ import annotations

import random

import numpy as np
import pytest

from mlcore.files.text_codes import (
    MAX_TEXT_BYTES,
    TextCodes,
    TextCodesError,
    Words,
    in_order,
    texts_of,
    words_of,
)


def words_of_texts(texts: list[str]) -> Words:
    encoded = [text.encode() for text in texts]
    sizes = np.array([len(text) for text in encoded])
    return words_of(b"".join(encoded) + bytes(8), np.cumsum(sizes) - sizes, sizes)


def random_texts(seed: int, number: int, longest: int) -> list[str]:
    draw = random.Random(seed)
    letters = "ab\x01\x7féω😀 "
    texts = ["".join(draw.choices(letters, k=draw.randint(1, longest))) for _ in range(number)]
    return [text for text in texts if len(text.encode()) <= MAX_TEXT_BYTES]


@pytest.mark.parametrize("longest", [1, 2, 3, 7, 20])
def test_texts_come_back_from_their_words(longest: int) -> None:
    texts = random_texts(longest, 200, longest)
    words = words_of_texts(texts)
    assert len(words) == -(-max(len(text.encode()) for text in texts) // 8)
    assert texts_of(words) == texts


@pytest.mark.parametrize("longest", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("in_runs", [False, True])
def test_numbers_are_equal_where_texts_are(longest: int, in_runs: bool) -> None:
    codes, seen = TextCodes(), dict[str, int]()
    # Short ones first, so that what is known already becomes wider.
    for seed, most in enumerate([1, 1, longest, longest, 1]):
        texts = random_texts(seed, 3000, most)
        texts = [text for text in texts for _ in range(3)] if in_runs else texts
        for text, number in zip(texts, codes.encode(words_of_texts(texts)).tolist(), strict=True):
            assert seen.setdefault(text, number) == number
    assert sorted(seen.values()) == list(range(len(codes)))
    assert texts_of(codes.words) == sorted(seen, key=seen.__getitem__)


def test_places_of_several_parts_are_those_in_the_order_of_bytes() -> None:
    parts, texts = [TextCodes(), TextCodes(), TextCodes()], set[str]()
    for seed, part in enumerate(parts[:2]):
        some = random_texts(seed, 500, 1 + 10 * seed)
        part.encode(words_of_texts(some))
        texts |= {*some}
    ordered, places = in_order(parts)
    assert ordered == sorted(texts)
    for part, of_part in zip(parts, places, strict=True):
        assert [ordered[place] for place in of_part] == texts_of(part.words)


def test_texts_of_one_key_are_an_error_and_never_mixed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.files.text_codes._keys_of", lambda words: words[0])
    codes = TextCodes()
    codes.encode(words_of_texts(["12345678a"]))
    for texts in (["12345678b"], ["12345678"], ["x" * 8 + "a", "x" * 8 + "b"]):
        with pytest.raises(TextCodesError):
            codes.encode(words_of_texts(texts))


def test_keys_that_were_drawn_up_to_share_a_slot_are_an_error() -> None:
    # The highest bits of key * ODD choose the slot; these keys are multiples of the inverse of ODD.
    inverse = pow(0x9E3779B97F4A7C15, -1, 2**64)
    keys = np.array([[number * inverse % 2**64 for number in range(1, 1000)]], np.uint64)
    with pytest.raises(TextCodesError):
        TextCodes().encode(keys)
