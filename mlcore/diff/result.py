"""The result of comparing two models: a summary, JSON, a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlcore.diff.gate import Condition
from mlcore.errors import GateError, shorten, shorten_json

__all__ = ["ABSENT", "ChangedItem", "Items", "ListedItem", "Mean", "ModelData", "ModelDiff"]

ABSENT = object()  # in place of a setting that one configuration does not have


@dataclass(frozen=True)
class ModelData:
    """What a model was trained on, and what it stores.

    Attributes:
        attributes: the columns of its catalogue, or None without one.
        attributes_sha256: of all their values.
    """

    users: int
    items: int
    interactions: int
    pairs: int
    with_users: bool
    interactions_sha256: str
    attributes: Sequence[str] | None = None
    attributes_sha256: str | None = None


@dataclass(frozen=True)
class ListedItem:
    """An item and its users in the training of the model that has it."""

    item_id: str
    popularity: int


@dataclass(frozen=True)
class Items:
    """Items that only one of the models has, and the ten most popular of them."""

    count: int
    most_popular: Sequence[ListedItem]


@dataclass(frozen=True)
class Mean:
    """A measure over the items of both models."""

    mean: float
    median: float


@dataclass(frozen=True)
class ChangedItem:
    """An item whose neighbors changed.

    Attributes:
        popularity: its users in b.
        neighbors_a: as many of the best as the greatest cutoff says.
    """

    item_id: str
    popularity: int
    rbo: float
    neighbors_a: Sequence[str]
    neighbors_b: Sequence[str]


@dataclass(frozen=True, repr=False)
class ModelDiff:
    """How model b differs from model a.

    Attributes:
        settings: dotted key of each setting that differs, with its values in a and b, or ABSENT.
        data: of a and of b.
        items_in_both: C.
        popularity_shift: see ``diff_from_data``.
        neighbors: ``overlap@K`` and ``rbo`` over the C items, see ``compare_neighbors``.
        items_with_same_list: of the C items, those with the same neighbors in the same order.
        pairs_in_both: stored pairs of the same two items.
        pairs_with_other_weight: of these.
        changed_most: up to ten items, the lowest RBO first.
        fail_if: conditions of the gate.
        items_by_rbo: how many of the C items have an RBO in each tenth from 0 to 1, the last with 1.
    """

    settings: Mapping[str, tuple[object, object]]
    data: tuple[ModelData, ModelData]
    items_in_both: int
    items_gone: Items
    items_new: Items
    popularity_shift: float
    neighbors: Mapping[str, Mean]
    items_with_same_list: int
    pairs_in_both: int
    pairs_with_other_weight: int
    changed_most: Sequence[ChangedItem]
    fail_if: Sequence[Condition] = ()
    items_by_rbo: Sequence[int] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers that a gate may bound.

        ``overlap@K`` and ``rbo`` are means over the items in both, ``same_list_share`` is their share
        with the same list, ``items_gone_share`` is of the items of a, ``items_new_share`` of b.
        """
        gone, new = self.items_gone.count, self.items_new.count
        same, both = self.items_with_same_list, self.items_in_both
        return {
            **{name: measure.mean for name, measure in self.neighbors.items()},
            "same_list_share": same / both if both else 1.0,
            "popularity_shift": self.popularity_shift,
            "items_gone": gone,
            "items_new": new,
            "items_gone_share": gone / max(1, self.data[0].items),
            "items_new_share": new / max(1, self.data[1].items),
        }

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs, the weights of all pairs included."""
        changed = (
            self.settings,
            self.data[0] != self.data[1],
            self.items_gone.count or self.items_new.count,
            self.popularity_shift,
            self.items_with_same_list < self.items_in_both,
            self.pairs_with_other_weight,
        )
        return not any(changed)

    def failure(self) -> GateError | None:
        """Return why the gate fails, or None."""
        faults = self._faults()
        return GateError("; ".join(faults)) if faults else None

    def _faults(self) -> list[str]:
        metrics = self.metrics
        faults = (condition.fault(metrics) for condition in self.fail_if)
        return [fault for fault in faults if fault is not None]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {_show(value)}" for name, value in self.metrics.items())
        return f"ModelDiff({shown})"

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a row for each metric, as ``pandas.DataFrame`` and ``polars.DataFrame`` take them."""
        return [{"metric": name, "value": value} for name, value in self.metrics.items()]

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``diff.json``; a setting that one side lacks has no value there."""
        a, b = self.data
        gate = {
            "fail_if": list(map(str, self.fail_if)),
            "passed": not self._faults(),
            "faults": self._faults(),
        }
        return {
            "configuration": {
                key: {side: value for side, value in zip("ab", values) if value is not ABSENT}
                for key, values in self.settings.items()
            },
            "data": {
                "same_interactions": a.interactions_sha256 == b.interactions_sha256,
                "a": asdict(a),
                "b": asdict(b),
            },
            "items": {
                "in_both": self.items_in_both,
                "gone": _items_to_json(self.items_gone),
                "new": _items_to_json(self.items_new),
            },
            "neighbors": {
                **{name: asdict(measure) for name, measure in self.neighbors.items()},
                "items_with_same_list": self.items_with_same_list,
                "pairs_in_both": self.pairs_in_both,
                "pairs_with_other_weight": self.pairs_with_other_weight,
                "items_by_rbo": list(self.items_by_rbo),
                "changed_most": [
                    {
                        "item_id": item.item_id,
                        "popularity": item.popularity,
                        "rbo": item.rbo,
                        "a": list(item.neighbors_a),
                        "b": list(item.neighbors_b),
                    }
                    for item in self.changed_most
                ],
            },
            "metrics": self.metrics,
            "gate": gate if self.fail_if else None,
        }

    def report(self) -> str:
        """Return the summary for people: one line if nothing differs."""
        if self.is_empty:
            shown = ", ".join(f"{name} {_show(self.metrics[name])}" for name in self.neighbors)
            return f"no differences: {shown}, popularity_shift 0"
        parts = [self._configuration(), self._data(), self._items(), self._neighbors()]
        return "\n".join(line for part in parts for line in part)

    def _configuration(self) -> list[str]:
        if not self.settings:
            return ["configuration: the same"]
        return ["configuration:"] + [
            f"  {key}: {_setting(a)} -> {_setting(b)}" for key, (a, b) in self.settings.items()
        ]

    def _data(self) -> list[str]:
        a, b = map(asdict, self.data)
        same = a.pop("interactions_sha256") == b.pop("interactions_sha256")
        of_a, of_b = a.pop("attributes_sha256"), b.pop("attributes_sha256")
        changed = [
            f"{name} {_setting(a[name])} -> {_setting(b[name])}" for name in a if a[name] != b[name]
        ]
        if of_a != of_b and a["attributes"] == b["attributes"]:
            changed.append("other values of attributes")
        shown = "the same interactions" if same else "other interactions"
        return [", ".join([f"data: {shown}", *changed])]

    def _items(self) -> list[str]:
        sides = {"gone": self.items_gone, "new": self.items_new}
        counts = "".join(f", {items.count} {side}" for side, items in sides.items())
        shift = f"popularity_shift {_show(self.popularity_shift)}"
        lines = [f"items: {self.items_in_both} in both{counts}; {shift}"]
        for side, items in sides.items():
            listed = [f"{shorten(it.item_id)} ({it.popularity} users)" for it in items.most_popular]
            more = ", ..." if items.count > len(listed) else ""
            lines += [f"  {side}: {', '.join(listed)}{more}"] if listed else []
        return lines

    def _neighbors(self) -> list[str]:
        lines = ["neighbors of the items in both:"]
        for name, measure in self.neighbors.items():
            lines.append(f"  {name}: mean {_show(measure.mean)}, median {_show(measure.median)}")
        share = _show(self.metrics["same_list_share"])
        lines.append(f"  the same list: {self.items_with_same_list} items, a share of {share}")
        lines.append(
            f"  another weight: {self.pairs_with_other_weight} of {self.pairs_in_both} pairs in both"
        )
        if self.changed_most:
            lines.append("changed most, by rbo:")
        for item in self.changed_most:
            lines.append(f"  {shorten(item.item_id)} ({_show(item.rbo)}):")
            for side, neighbors in (("a", item.neighbors_a), ("b", item.neighbors_b)):
                lines.append(f"    {side}: {', '.join(map(shorten, neighbors)) or 'none'}")
        return lines


def _items_to_json(items: Items) -> dict[str, Any]:
    return {"count": items.count, "most_popular": [asdict(item) for item in items.most_popular]}


def _setting(value: object) -> str:
    return "absent" if value is ABSENT else shorten_json(value)


def _show(value: float) -> str:
    """Return a number with four decimals, but 1 and 0 only for themselves.

    >>> _show(1.0), _show(0.99999), _show(0.5), _show(3)
    ('1', '0.99999', '0.5', '3')
    """
    rounded = round(value, 4)
    return f"{value if rounded in (0, 1) else rounded:.15g}"
