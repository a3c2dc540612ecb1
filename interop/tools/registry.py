"""How a case is written: one function whose name is the case and whose docstring is the note."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from interop.tools.draft import Draft, Model, make_model
from interop.tools.suite import FLAGS, STAGES, VERDICTS

__all__ = ["GOOD", "PLAIN", "REGISTRY", "Registered", "invalid", "predict", "text", "valid"]

Function = Callable[[Draft], Any]

GOOD = make_model(
    ["apple", "bread", "cream"],
    {
        ("apple", "bread"): 0.5,
        ("apple", "cream"): 0.25,
        ("bread", "apple"): 0.5,
        ("cream", "apple"): 0.25,
        ("cream", "bread"): 0.75,
    },
    {"ann": {"apple": 1, "bread": 2}, "bob": {"bread": 1.5, "cream": 3}},
)
# What most invalid cases break in one place.
PLAIN = GOOD.without_users()


@dataclass(frozen=True)
class Registered:
    """A case before it is written.

    Attributes:
        id: folder and name.
        function: changes a draft of ``model``; for texts, returns the lines.
        model: what the draft starts from.
        rules: ids of the rules it tests, the main one first.
        verdict: of a refused model, or of each request.
        stage: the last one that may refuse the model.
        flags: some of ``FLAGS``.
    """

    id: str
    function: Function
    model: Model
    rules: Sequence[str]
    verdict: str | None
    stage: str | None
    flags: Sequence[str]

    @property
    def note(self) -> str:
        """What is special about the case, in one sentence."""
        return " ".join((self.function.__doc__ or "").split())


REGISTRY: dict[str, Registered] = {}


def _register(
    folder: str,
    rules: str,
    model: Model = GOOD,
    verdict: str | None = None,
    stage: str | None = None,
    flags: str = "",
) -> Callable[[Function], Function]:
    assert verdict is None or verdict in VERDICTS, verdict
    assert stage is None or stage in STAGES, stage
    assert set(flags.split()) <= set(FLAGS), flags

    def add(function: Function) -> Function:
        id_ = f"{folder}/{function.__name__}"
        assert id_ not in REGISTRY, f"{id_}: two functions of this name"
        assert function.__doc__, f"{id_}: no docstring"
        REGISTRY[id_] = Registered(
            id_, function, model, rules.split(), verdict, stage, flags.split()
        )
        return function

    return add


def valid(rules: str, model: Model = GOOD, flags: str = "") -> Callable[[Function], Function]:
    """Register a model that every reader must accept."""
    return _register("valid", rules, model, flags=flags)


def invalid(
    rules: str, verdict: str, stage: str = "open", *, model: Model = PLAIN, flags: str = ""
) -> Callable[[Function], Function]:
    """Register a model with one fault."""
    return _register("invalid", rules, model, verdict, stage, flags)


def predict(rules: str, model: Model, verdict: str | None = None) -> Callable[[Function], Function]:
    """Register requests to a model; ``verdict`` is of a model whose fault they find."""
    return _register("predict", rules, model, verdict)


def text(rules: str) -> Callable[[Function], Function]:
    """Register lines of values and their texts."""
    return _register("text", rules)
