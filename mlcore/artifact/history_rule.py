"""What turns the events of a request into a history: the rule of the training, as a model carries it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from mlcore.aggregate import AGGREGATES, Aggregate
from mlcore.artifact.manifest import NORMALIZATION_FILES
from mlcore.errors import (
    ConfigError,
    CsrError,
    DataError,
    ManifestError,
    VersionError,
    shorten_json,
)
from mlcore.history_decay import (
    HISTORY_DECAYS,
    ExponentialHistoryDecay,
    HistoryDecay,
    NoHistoryDecay,
    order_of_rows,
)
from mlcore.ids import IdMap
from mlcore.interactions import Interactions
from mlcore.numeric.pairs import combine_pairs, sort_pairs
from mlcore.numeric.ranges import offsets
from mlcore.types import CsrMatrix, Float64Array, Int32Array, Int64Array
from mlcore.weighting import NO_TIME, WEIGHTINGS, Normalization, Weighting

__all__ = ["HistoryRule", "normalization_arrays"]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


@dataclass(frozen=True)
class HistoryRule:
    """The rule: combine the events of an item, weigh, then count the last items more.

    Attributes:
        aggregate: see ``Events.aggregate``.
        weighting: with its reference time, if it has a half-life.
        normalization: what it took of the training.
        history_decay: also of the stored histories, which are without it.
    """

    aggregate: Aggregate
    weighting: Weighting
    normalization: Normalization
    history_decay: HistoryDecay = NoHistoryDecay()

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, object],
        normalization: Normalization,
        place: str,
        uses_order: bool = False,
    ) -> HistoryRule:
        """Return the rule in ``config.json``; other keys are passed over.

        Args:
            place: the file, for messages.
            uses_order: whether the model has the feature ``history_order``.

        Raises:
            ManifestError: a value is malformed, or the normalization is that of another weighting.
            VersionError: an aggregate, a weighting or a decay of a later version.
        """
        decay = _history_decay(config, place) if uses_order else NoHistoryDecay()
        aggregate = _name(config, "aggregate", AGGREGATES, place)
        weighting = config.get("weighting")
        if not isinstance(weighting, dict):
            raise _malformed(f"{place}: weighting", "an object", weighting)
        place = f"{place}: weighting"
        kind = WEIGHTINGS[_name(weighting, "name", list(WEIGHTINGS), place)]
        half_life = weighting.get("half_life_days")
        settings: dict[str, Any] = {}
        if half_life is not None or "half_life_days" not in weighting:
            settings["half_life_days"] = _number(weighting, "half_life_days", place, above=True)
            time = weighting.get("reference_time")
            if not isinstance(time, str) or not _TIME.fullmatch(time):
                raise _malformed(f"{place}: reference_time", "YYYY-MM-DDTHH:MM:SS.ffffffZ", time)
            settings["reference_time"] = time
        if kind.name == "bm25":
            settings["k1"] = _number(weighting, "k1", place)
        try:
            rule = cls(cast(Aggregate, aggregate), kind(**settings), normalization, decay)
        except ConfigError as error:
            raise ManifestError(f"{place}: {error}") from None
        found = {name for name, value in normalization._asdict().items() if value is not None}
        if found != kind.uses:
            raise ManifestError(
                f"{place}: name: expected a weighting with {', '.join(sorted(found)) or 'no arrays'}, "
                f"as the model has, got {kind.name!r}"
            )
        return rule

    def apply(
        self,
        rows: Int32Array,
        items: Int32Array,
        weights: Float64Array,
        times: Int64Array,
        names: list[str],
        catalogue: IdMap,
        now: int | None = None,
    ) -> CsrMatrix:
        """Return the histories of events, (R, I) float32.

        Times order the items of a history, where it has a decay; items with an event without one come
        last, in the order of the last such event. No other order changes a bit.

        Args:
            rows: (E,) the history of each event, below R.
            items: (E,) below I.
            weights: (E,) finite and above 0.
            times: (E,) microseconds since 1970 UTC, or ``NO_TIME``.
            names: of the R histories, for messages.
            catalogue: the I items.
            now: in microseconds; None for the reference time.

        Raises:
            DataError: a time is after ``now``, or a weight is not above 0 or does not fit float32.
            CsrError: an element of the normalization is faulty.
        """
        num_items = len(catalogue)
        keys, combined, latest = combine_pairs(
            self.aggregate, *sort_pairs(rows, items, (len(names), num_items), weights, times)
        )
        of_rows, columns = np.divmod(keys, num_items) if num_items else (keys, keys)
        counts = np.bincount(of_rows, minlength=len(names))
        matrix = CsrMatrix(offsets(counts), columns.astype(np.int32), combined, num_items)
        histories = Interactions(names, catalogue.load(), matrix, latest)
        if not np.isfinite(combined).all():
            place = histories.place_of(int(np.flatnonzero(np.isinf(combined))[0]))
            raise DataError(f"weight: {place}: expected a finite sum, got Infinity")
        self._check_arrays({"item_norms": columns, "length_factors": counts[counts > 0] - 1})
        weighted = self.weighting.apply_to_histories(histories, self.normalization, now)
        if not self.history_decay.uses_order:
            return weighted
        assert latest is not None
        undated = np.flatnonzero(times == NO_TIME)  # events
        last = np.zeros(len(keys), np.int64)  # event without a time of each item
        pairs = np.searchsorted(keys, rows[undated].astype(np.int64) * num_items + items[undated])
        np.maximum.at(last, pairs, undated)
        order = order_of_rows(weighted.indptr, latest, last)
        decayed = self.history_decay.apply(weighted.indptr, weighted.data, order)
        return replace(weighted, data=decayed)

    def _check_arrays(self, used: Mapping[str, Int64Array]) -> None:
        """Refuse a model whose arrays have a wrong element among those used, by their positions."""
        for part, positions in used.items():
            values = getattr(self.normalization, part)
            if values is None:
                continue
            fine = np.isfinite(values[positions])
            if part == "item_norms":
                fine &= values[positions] >= 0
            if not fine.all():
                position = int(positions[int(np.flatnonzero(~fine)[0])])
                file, array = NORMALIZATION_FILES[part]
                raise CsrError(
                    f"{file}: {array}.npy: element {position}: expected a finite number"
                    f"{' of at least 0' if part == 'item_norms' else ''}, got {values[position]}"
                )


def normalization_arrays(normalization: Normalization) -> dict[str, dict[str, Float64Array]]:
    """Return the arrays of each file.

    >>> normalization_arrays(Normalization(length_factors=np.ones(1)))
    {'length_factors.npz': {'factors': array([1.])}}
    """
    return {
        file: {array: value}
        for (file, array), value in zip(NORMALIZATION_FILES.values(), normalization)
        if value is not None
    }


def _history_decay(config: Mapping[str, object], place: str) -> HistoryDecay:
    decay, place = config.get("history_decay"), f"{place}: history_decay"
    if not isinstance(decay, dict):
        raise _malformed(place, "an object", decay)
    kind = HISTORY_DECAYS[_name(decay, "name", list(HISTORY_DECAYS), place)]
    if kind is ExponentialHistoryDecay:
        return ExponentialHistoryDecay(_number(decay, "half_life_items", place, above=True))
    return kind()


def _name(value: Mapping[str, object], key: str, known: Any, place: str) -> str:
    name = value.get(key)
    if not isinstance(name, str):
        raise _malformed(f"{place}: {key}", "a string", name)
    if name not in known:
        raise VersionError(
            f"{place}: {key}: expected one of {', '.join(known)}, got {shorten_json(name)}",
            "the model was written by another version of mlcore",
        )
    return name


def _number(value: Mapping[str, object], key: str, place: str, above: bool = False) -> float:
    number = value.get(key)
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        try:
            converted = float(number)
        except OverflowError:
            converted = math.inf
        if math.isfinite(converted) and (converted > 0 if above else converted >= 0):
            return converted
    rule = "a finite number above 0" if above else "a finite number of at least 0"
    raise _malformed(f"{place}: {key}", rule, number)


def _malformed(place: str, expected: str, got: object) -> ManifestError:
    return ManifestError(f"{place}: expected {expected}, got {shorten_json(got)}")
