"""mlcore.numeric.hashing: the hash that SQL computes too."""

from __future__ import annotations

from mlcore.numeric.hashing import draw_digest


def test_a_draw_is_the_md5_of_key_comma_seed() -> None:
    # printf 'é,a,7' | md5sum, in UTF-8
    assert draw_digest("é,a", 7) == "09975ef22237097939229a9d71b64232"
    assert draw_digest("é,a", 8) != draw_digest("é,a", 7)
