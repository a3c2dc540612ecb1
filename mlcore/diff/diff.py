"""Compare two models: what was trained on what, and what became of the neighbors of each item."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlcore.artifact import Model
from mlcore.diff.gate import parse_conditions
from mlcore.diff.neighbors import NeighborOverlap, compare_neighbors
from mlcore.diff.result import ABSENT, ChangedItem, Items, ListedItem, Mean, ModelData, ModelDiff
from mlcore.errors import DataError
from mlcore.evaluate.config import DEFAULT_CUTOFFS
from mlcore.evaluate.evaluate import check_cutoffs
from mlcore.evaluate.hits import find_positions
from mlcore.files.formats import refuse_table_name
from mlcore.files.options import PathLike
from mlcore.files.outputs import open_outputs
from mlcore.jsontext import format_document, leaves
from mlcore.lineage.command_run import CommandRun
from mlcore.numeric.csr import check_rows
from mlcore.progress import Progress, no_progress
from mlcore.recommend.recommender import Recommender
from mlcore.references import none_known
from mlcore.types import Float64Array, Int64Array

__all__ = ["diff_from_data", "diff_from_path"]

SHOWN_ITEMS = 10
# RBO of as much in common gives the same number, but added up in another order.
DECIMALS = 12


def diff_from_data(
    model_a: Model,
    model_b: Model,
    cutoffs: Sequence[int] = DEFAULT_CUTOFFS,
    fail_if: Sequence[str] = (),
    *,
    names: tuple[str, str] = ("model_a", "model_b"),
    progress: Progress = no_progress,
) -> ModelDiff:
    """Return how model b differs from model a.

    Neighbors are those of ``Recommender.similar_items``, compared by id for each item that is in both
    models: ``compare_neighbors`` has the formulas of overlap@K and RBO. The items that changed most
    have the lowest RBO; of equal ones the most popular in b come first, then the smaller id.

    popularity_shift = 1/2 sum over the items of either model of |s_b(i) - s_a(i)|, where s(i) is the
    share of the training's interactions that item i has: the total variation distance, from 0, the
    same shares, to 1, no item in common.

    Args:
        cutoffs: each K of overlap@K, >= 1.
        fail_if: conditions for ``ModelDiff.failure``, such as ``overlap@10<0.8``.
        names: of the models, for messages.

    Raises:
        ConfigError: a cutoff is out of range, or a condition has another syntax or no such metric.
        DataError: the models have no item in common, or one is no model.
        ArtifactError: ids are malformed, or as ``check_rows``; a mapped file was cut since.

    >>> from mlcore import Interactions, train_from_data
    >>> model = train_from_data(Interactions.from_columns(["u", "u"], ["a", "b"]))
    >>> diff_from_data(model, model).report()
    'no differences: overlap@10 1, rbo 1, popularity_shift 0'
    """
    check_cutoffs(cutoffs)
    conditions = parse_conditions(fail_if, cutoffs)
    models = (Model.expect("model_a", model_a), Model.expect("model_b", model_b))
    for model, name in zip(models, names):
        model.check_files()
        check_rows(model.similarity, f"{name}/similarity.npz")
    b_of_a = _match_items(models, names)  # (I_a,)
    found = compare_neighbors(model_a.similarity, model_b.similarity, b_of_a, cutoffs, progress)
    only_a = np.flatnonzero(b_of_a < 0)
    only_b = np.setdiff1d(np.arange(len(model_b.items)), b_of_a)
    measures = {f"overlap@{k}": values for k, values in found.overlap.items()} | {"rbo": found.rbo}
    return ModelDiff(
        settings=_changed_settings(model_a.config_json, model_b.config_json),
        data=(_data_of(model_a), _data_of(model_b)),
        items_in_both=len(found.rbo),
        items_gone=_most_popular(model_a, only_a),
        items_new=_most_popular(model_b, only_b),
        popularity_shift=_popularity_shift(model_a.popularity, model_b.popularity, b_of_a),
        neighbors={name: _mean(values) for name, values in measures.items()},
        items_with_same_list=int(found.same.sum()),
        pairs_in_both=found.num_pairs,
        pairs_with_other_weight=found.num_other_weights,
        changed_most=_changed_most(models, b_of_a[b_of_a >= 0], found, max(cutoffs)),
        fail_if=conditions,
        items_by_rbo=_by_tenths(found.rbo),
    )


def _match_items(models: tuple[Model, Model], names: tuple[str, str]) -> Int64Array:
    """Return the position in b of each item of a, -1 for none, (I_a,) int64."""
    ids_a, ids_b = (model.items.ids for model in models)
    b_of_a = find_positions(ids_a, ids_b)
    if (ids_a or ids_b) and not (b_of_a >= 0).any():
        fault = none_known(names[1], "item_id", ids_b, ids_a, names[0])
        raise fault or DataError(f"{names[1]}: item_id: expected items of {names[0]}, got no item")
    return b_of_a


def _changed_settings(
    config_a: Mapping[str, object], config_b: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    a, b = dict(leaves(config_a)), dict(leaves(config_b))
    pairs = {key: (a.get(key, ABSENT), b.get(key, ABSENT)) for key in {**a, **b}}
    # As text: 1 and 1.0 are one number in JSON, 1 and true are not.
    return {
        key: values
        for key, values in pairs.items()
        if ABSENT in values or format_document(values[0]) != format_document(values[1])
    }


def _data_of(model: Model) -> ModelData:
    attributes = model.attributes
    return ModelData(
        model.num_users,
        len(model.items),
        model.num_interactions,
        model.similarity.num_entries,
        model.users is not None,
        model.interactions_sha256,
        None if attributes is None else list(attributes.columns.ids),
        None if attributes is None else attributes.sha256(),
    )


def _most_popular(model: Model, items: Int64Array) -> Items:
    """Return some items of a model, those with the most users first; of equal ones the smaller id."""
    best = items[np.lexsort((items, -model.popularity[items]))][:SHOWN_ITEMS]
    ids = model.items.ids
    return Items(
        len(items), [ListedItem(ids[item], int(model.popularity[item])) for item in best.tolist()]
    )


def _popularity_shift(counts_a: Int64Array, counts_b: Int64Array, b_of_a: Int64Array) -> float:
    in_both = b_of_a >= 0
    shares_a = counts_a / max(1, int(counts_a.sum()))  # (I_a,)
    shares_b = counts_b / max(1, int(counts_b.sum()))  # (I_b,)
    before = np.zeros(len(shares_b))
    before[b_of_a[in_both]] = shares_a[in_both]
    gone = shares_a[~in_both].sum()
    return float((np.abs(shares_b - before).sum() + gone) / 2)


def _mean(values: Float64Array) -> Mean:
    if not len(values):
        return Mean(1.0, 1.0)  # two models without items
    return Mean(float(values.mean()), float(np.median(values)))


def _by_tenths(values: Float64Array) -> list[int]:
    """Return how many values lie in each tenth from 0 to 1; what only rounding keeps below an edge is on it."""
    tenths = np.floor((values * 10).round(DECIMALS)).astype(np.int64)
    counts: list[int] = np.bincount(np.minimum(tenths, 9), minlength=10).tolist()
    return counts


def _changed_most(
    models: tuple[Model, Model], positions: Int64Array, found: NeighborOverlap, longest: int
) -> list[ChangedItem]:
    """Return the items of lowest RBO.

    Args:
        positions: (C,) int64 in b, ascending, of the items that were compared.
        longest: neighbors to show.
    """
    changed = np.flatnonzero(~found.same)
    popularity = models[1].popularity[positions]  # (C,)
    order = np.lexsort((changed, -popularity[changed], found.rbo[changed].round(DECIMALS)))
    ids, recommenders = models[1].items.ids, [Recommender(model) for model in models]
    items = []
    for item in changed[order][:SHOWN_ITEMS].tolist():
        item_id = ids[positions[item]]
        lists = [
            [near.item_id for near in recommender.similar_items(item_id, longest)]
            for recommender in recommenders
        ]
        items.append(ChangedItem(item_id, int(popularity[item]), float(found.rbo[item]), *lists))
    return items


def diff_from_path(
    model_dir_a: PathLike,
    model_dir_b: PathLike,
    cutoffs: Sequence[int] = DEFAULT_CUTOFFS,
    fail_if: Sequence[str] = (),
    *,
    out_path: PathLike | None = None,
    lineage_path: PathLike | None = None,
    progress: Progress = no_progress,
) -> ModelDiff:
    """Open two models, compare them, write the result; return it.

    Writes the result of a failed gate too: ask ``ModelDiff.failure``.

    Args:
        out_path: for the difference as JSON.
        lineage_path: gets a line for it; None for ``lineage.jsonl`` beside it, if there is one.

    Raises:
        ConfigError: as ``diff_from_data``.
        DataError: as ``diff_from_data``; or the output lies in a model, has the name of a table, or the
            disk refused.
        ArtifactError: a subclass for each kind of fault of a directory.
    """
    check_cutoffs(cutoffs)
    parse_conditions(fail_if, cutoffs)  # before opening models
    inputs = {f"--model-dir {os.fspath(path)}": path for path in (model_dir_a, model_dir_b)}
    run = CommandRun("diff", {"difference": out_path}, lineage_path)
    run.note({"cutoffs": list(cutoffs), "fail_if": list(fail_if)})
    paths = [] if out_path is None else [out_path]
    with open_outputs(*paths, inputs=inputs, on_written=run.on_written) as streams:
        for path in paths:
            refuse_table_name(path)
        run.take(model_a=model_dir_a, model_b=model_dir_b)
        names = (os.fspath(model_dir_a), os.fspath(model_dir_b))
        model_a, model_b = map(Model.load, names)
        found = diff_from_data(model_a, model_b, cutoffs, fail_if, names=names, progress=progress)
        for stream in streams:
            stream.write(format_document(found.to_json()))
    return found
