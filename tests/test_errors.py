"""mlcore.errors: one template for every message, and the place before it."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from mlcore import errors
from mlcore.errors import (
    ArtifactError,
    ConfigError,
    DataError,
    MlcoreError,
    UnknownUserError,
    at,
    from_os_error,
    os_errors_at,
    shorten,
    shorten_json,
)


def test_a_place_is_added_before_the_message_and_the_hint_stays() -> None:
    with pytest.raises(DataError) as caught, at("a.csv:7"), at("weight"):
        raise DataError("expected more", "look there")
    assert (str(caught.value), caught.value.hint) == (
        "a.csv:7: weight: expected more",
        "look there",
    )
    assert caught.value.__suppress_context__


def test_an_error_below_the_kind_becomes_of_the_kind_and_any_other_passes() -> None:
    with pytest.raises(DataError) as caught, at("a.csv"):
        raise UnknownUserError("expected a user")
    assert type(caught.value) is DataError
    for other in (ConfigError("unchanged"), ValueError("unchanged")):
        with pytest.raises(type(other), match="^unchanged$"), at("a.csv"):
            raise other
    with pytest.raises(ConfigError, match="^config.json: changed$"), at("config.json", ConfigError):
        raise ConfigError("changed")


def test_every_error_is_an_mlcore_error_and_every_artifact_error_has_a_verdict_of_its_own() -> None:
    found = [getattr(errors, name) for name in errors.__all__]
    classes = [one for one in found if inspect.isclass(one) and issubclass(one, Exception)]
    assert all(issubclass(one, (MlcoreError, Warning)) for one in classes)
    verdicts = [one.verdict for one in classes if issubclass(one, ArtifactError)]
    assert len(verdicts) > 5 and len(set(verdicts)) == len(verdicts)


def test_a_long_value_is_cut() -> None:
    assert shorten(np.zeros((2, 1))) == "array([[0.],        [0.]])"
    assert shorten("x" * 100) == "'" + "x" * 59 + "..."
    assert shorten_json(["x" * 100], 10) == '["xxxxxxxx...'


def test_json_is_shown_as_json_and_never_fails() -> None:
    assert shorten_json({"a": [True, None, 1.5, "\u00e9"]}) == '{"a": [true, null, 1.5, "\u00e9"]}'
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shorten_json(deep) == "deeply nested JSON"


def test_an_error_of_the_system_is_named_even_without_words() -> None:
    assert str(from_os_error(OSError(), "a", "b")) == "a: expected b, got 'OSError'"
    assert str(from_os_error(OSError("odd"), "a", "b")) == "a: expected b, got 'odd'"


def test_an_error_of_the_system_in_a_block_names_its_path() -> None:
    with pytest.raises(DataError, match="^a.csv: expected a file, got 'No such file"):
        with os_errors_at("a.csv", "a file"):
            open("/no-such-folder/a.csv")


@pytest.mark.parametrize(
    ("path", "expected", "hint"),
    [
        ("nowhere/a.csv", "a file to write to", "there is no folder nowhere: mkdir -p nowhere"),
        ("nowhere/a.csv", "a readable file", "there is no folder nowhere"),
        ("gs://shop/a.csv", "a readable file", "only files of this machine are read and written"),
        ("~/a.csv", "a file to write to", "~ is a folder only where the shell replaces it"),
        ("a-*.csv", "a readable file", "no file matches the pattern"),
        ("a.csv", "a readable file", ""),
    ],
)
def test_the_hint_at_a_path_that_leads_nowhere(path: str, expected: str, hint: str) -> None:
    error = from_os_error(FileNotFoundError(2, "No such file or directory"), path, expected)
    assert (error.hint or "").startswith(hint) and bool(error.hint) == bool(hint)
