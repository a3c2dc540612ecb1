"""mlcore.diff.diff: two models of a few baskets, whose differences are worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore import Interactions, Model, Recommender, TrainConfig, train_from_data
from mlcore.artifact import Attributes
from mlcore.diff.diff import diff_from_data, diff_from_path
from mlcore.diff.result import ABSENT, ListedItem, Mean, ModelDiff
from mlcore.errors import ConfigError, CsrError, DataError, MissingFileError
from mlcore.files.catalogue import Catalogue
from mlcore.ids import IdMap
from mlcore.similarity import Dot
from mlcore.types import CsrMatrix

FIXTURES = Path(__file__).parents[2] / "fixtures"


def train(config: TrainConfig = TrainConfig(Dot()), **baskets: str) -> Model:
    rows = [(user, item) for user, items in baskets.items() for item in items.split()]
    return train_from_data(Interactions.from_columns(*zip(*rows)), config)


@pytest.fixture(scope="module")
def before() -> Model:
    # Neighbors: jam: tea; milk: tea 2, sugar 1; sugar: milk, tea; tea: milk 2, jam 1, sugar 1
    return train(ann="tea milk sugar", bob="tea milk", eve="tea jam")


@pytest.fixture(scope="module")
def after() -> Model:
    # cake: tea; milk: sugar, tea; sugar: tea 2, milk 1; tea: sugar 2, cake 1, milk 1
    config = TrainConfig(Dot(), num_neighbors=50)
    return train(config, ann="tea milk sugar", bob="tea sugar", eve="tea cake")


@pytest.fixture(scope="module")
def found(before: Model, after: Model) -> ModelDiff:
    return diff_from_data(before, after, [1, 2], ["overlap@2<0.5", "items_gone>0"])


def test_catalogues_that_differ_are_told(before: Model) -> None:
    def with_brands(*brands: str, column: str = "brand") -> Model:
        table = Catalogue(["jam", "tea"], {column: [0, 1]}, brands)
        return replace(before, attributes=Attributes.encode(table, before.items))

    acme = with_brands("acme", "zeta")
    assert diff_from_data(acme, with_brands("acme", "zeta")).is_empty
    other = diff_from_data(acme, with_brands("zeta", "acme"))
    assert not other.is_empty
    assert "data: the same interactions, other values of attributes" in other.report()
    assert other.to_json()["data"]["a"]["attributes"] == ["brand"]
    renamed = diff_from_data(acme, with_brands("acme", "zeta", column="maker")).report()
    assert 'attributes ["brand"] -> ["maker"]' in renamed
    assert 'attributes null -> ["brand"]' in diff_from_data(before, acme).report()


def test_configuration_and_data(found: ModelDiff) -> None:
    assert found.settings == {"num_neighbors": (100, 50)}
    a, b = found.data
    assert (a.users, a.items, a.interactions, a.pairs, a.with_users) == (3, 4, 7, 8, True)
    assert a.interactions_sha256 != b.interactions_sha256
    assert replace(a, interactions_sha256="") == replace(b, interactions_sha256="")


def test_items_and_their_popularity(found: ModelDiff) -> None:
    assert found.items_in_both == 3
    assert (found.items_gone.count, found.items_new.count) == (1, 1)
    assert found.items_gone.most_popular == [ListedItem("jam", 1)]
    assert found.items_new.most_popular == [ListedItem("cake", 1)]
    # Of 7 interactions: milk 2 -> 1, sugar 1 -> 2, jam 1 -> 0, cake 0 -> 1
    assert found.popularity_shift == pytest.approx(2 / 7)


def test_neighbors_of_the_items_in_both(found: ModelDiff) -> None:
    swapped = 0.9 / 1.9  # milk and sugar, X = 0, 2
    of_tea = 0.81 * 2 / 3 / 2.71  # X = 0, 0, 2
    assert found.neighbors["overlap@1"] == Mean(0, 0)
    assert found.neighbors["overlap@2"].mean == pytest.approx(2 / 3)
    assert found.neighbors["overlap@2"].median == 1
    assert found.neighbors["rbo"].mean == pytest.approx((2 * swapped + of_tea) / 3)
    assert found.neighbors["rbo"].median == pytest.approx(swapped)
    assert found.items_with_same_list == 0
    # Of milk, sugar and tea, to each of the two others; milk-sugar has 1 in both.
    assert (found.pairs_in_both, found.pairs_with_other_weight) == (6, 4)


def test_the_items_that_changed_most(found: ModelDiff) -> None:
    shown = [
        (it.item_id, it.popularity, it.neighbors_a, it.neighbors_b) for it in found.changed_most
    ]
    # Sugar and milk have one RBO; sugar has more users in b.
    assert shown == [
        ("tea", 3, ["milk", "jam"], ["sugar", "cake"]),
        ("sugar", 2, ["milk", "tea"], ["tea", "milk"]),
        ("milk", 1, ["tea", "sugar"], ["sugar", "tea"]),
    ]


def test_a_gate_names_each_metric_that_is_out_of_its_bound(found: ModelDiff) -> None:
    assert str(found.failure()) == "items_gone: expected at most 0, got 1"


def test_a_model_does_not_differ_from_itself(before: Model) -> None:
    found = diff_from_data(before, before, [1, 10], ["rbo<1", "overlap@10<1", "popularity_shift>0"])
    assert found.report() == "no differences: overlap@1 1, overlap@10 1, rbo 1, popularity_shift 0"
    assert found.failure() is None and found.is_empty
    assert (found.changed_most, found.settings, found.metrics["same_list_share"]) == ([], {}, 1)


def test_another_weight_alone_is_a_difference(before: Model) -> None:
    similarity = replace(before.similarity, data=before.similarity.data * 2)
    found = diff_from_data(before, replace(before, similarity=similarity))
    assert found.metrics["same_list_share"] == 1 and not found.is_empty
    assert (found.pairs_in_both, found.pairs_with_other_weight) == (8, 8)


def test_settings_of_one_side_only(before: Model) -> None:
    config = {"similarity": {"name": "cosine", "a": {"b": 1.0, "c": True}}, "old": None}
    other = {"similarity": {"name": "cosine", "a": {"b": 1, "c": 1}, "d": {}}, "new": [1]}
    found = diff_from_data(replace(before, config_json=config), replace(before, config_json=other))
    assert found.settings == {
        "similarity.a.c": (True, 1),
        "old": (None, ABSENT),
        "new": (ABSENT, [1]),
    }


def test_ids_are_compared_and_the_ten_most_popular_are_shown() -> None:
    def basket(first: int, last: int) -> str:
        return " ".join(f"i{item:02}" for item in range(first, last))

    old = train(u=basket(0, 30), v=basket(0, 12), w=basket(5, 6))
    found = diff_from_data(old, train(u=basket(25, 30)))
    assert found.items_gone.count == 25
    expected = [("i05", 3), *((f"i{item:02}", 2) for item in [0, 1, 2, 3, 4, 6, 7, 8, 9])]
    assert [(it.item_id, it.popularity) for it in found.items_gone.most_popular] == expected


def test_models_without_a_common_item_are_refused_with_the_likely_reason(before: Model) -> None:
    other = train(ann="Tea Milk")
    with pytest.raises(DataError) as caught:
        diff_from_data(before, other)
    assert str(caught.value) == "model_b: item_id: expected items of model_a, got none of them"
    assert caught.value.hint == "is 'Milk' meant to be 'milk'? upper and lower case differ"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cutoffs": [0]}, "cutoffs: expected integers >= 1, got 0"),
        ({"cutoffs": [5, 5]}, "cutoffs: expected each once, got 5,5"),
        ({"fail_if": ["rbo"]}, "fail_if: expected a metric, one of < <= > >=, and a number"),
    ],
)
def test_settings_are_refused_before_the_models_are_opened(
    options: dict[str, Any], message: str, before: Model
) -> None:
    with pytest.raises(ConfigError, match=message):
        diff_from_data(before, before, **options)
    with pytest.raises(ConfigError, match=message):
        diff_from_path("no such", "model", **options)


def test_an_item_that_is_twice_in_a_row_is_refused(before: Model) -> None:
    similarity = before.similarity
    indices, begin = (
        similarity.indices.copy(),
        similarity.indptr[:-1][np.diff(similarity.indptr) > 1][0],
    )
    indices[begin + 1] = indices[begin]
    faulty = replace(before, similarity=replace(similarity, indices=indices))
    with pytest.raises(
        CsrError, match="^model_b/similarity.npz: expected item positions .* ascend"
    ):
        diff_from_data(before, faulty)


def test_a_position_of_no_item_is_refused(before: Model) -> None:
    indices = before.similarity.indices.copy()
    indices[0] = 4
    faulty = replace(before, similarity=replace(before.similarity, indices=indices))
    with pytest.raises(CsrError, match="^model_b/similarity.npz: expected item positions that"):
        diff_from_data(before, faulty)


def test_two_fixtures_by_their_paths(tmp_path: Path) -> None:
    names = ("cosine_tf_idf", "jaccard_source")
    a, b = (FIXTURES / "small" / name / "model" for name in names)
    calls: list[str] = []
    found = diff_from_path(
        a, b, [5], out_path=tmp_path / "diff.json", progress=lambda step, *_: calls.append(step)
    )
    assert json.loads((tmp_path / "diff.json").read_text()) == found.to_json()
    assert set(calls) == {"comparing neighbors"}
    assert found.settings["similarity.name"] == ("cosine", "jaccard")
    assert found.data[0].interactions_sha256 == found.data[1].interactions_sha256
    assert (found.items_gone.count, found.items_new.count, found.popularity_shift) == (0, 0, 0)
    one, other = map(Recommender.load, (a, b))
    shares = []
    for item in one.model.items.ids:
        lists = [[it.item_id for it in model.similar_items(item, 5)] for model in (one, other)]
        longer = max(map(len, lists))
        shares.append(len({*lists[0]} & {*lists[1]}) / longer if longer else 1)
    assert found.metrics["overlap@5"] == pytest.approx(np.mean(shares))


def test_nothing_is_written_if_a_model_is_missing(tmp_path: Path) -> None:
    model = FIXTURES / "small/jaccard_source/model"
    with pytest.raises(MissingFileError):
        diff_from_path(model, tmp_path / "none", out_path=tmp_path / "diff.json")
    assert list(tmp_path.iterdir()) == []


def test_models_without_items_differ_in_nothing_and_from_others_by_all(before: Model) -> None:
    none = replace(
        before,
        items=IdMap.from_ids([]),
        similarity=CsrMatrix(
            np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32), 0
        ),
        popularity=np.empty(0, np.int64),
    )
    assert diff_from_data(none, none).is_empty
    with pytest.raises(
        DataError, match="^model_b: item_id: expected items of model_a, got no item$"
    ):
        diff_from_data(before, none)
    with pytest.raises(
        DataError, match="^model_b: item_id: expected items of model_a, got none of"
    ):
        diff_from_data(none, before)


@pytest.mark.parametrize("name", ["model_a", "model_b"])
def test_what_is_no_model_is_refused_with_the_cure(name: str, before: Model) -> None:
    models: dict[str, Any] = {"model_a": before, "model_b": before} | {name: "model"}
    with pytest.raises(DataError, match=f"^{name}: expected a Model, got 'model'$") as caught:
        diff_from_data(**models)
    assert caught.value.hint is not None and "Model.load" in caught.value.hint


def test_one_condition_is_no_list_of_them(before: Model) -> None:
    with pytest.raises(ConfigError, match="^fail_if: expected a list of conditions, got 'rbo<1'$"):
        diff_from_data(before, before, fail_if="rbo<1")
