"""What trec_eval says of lists: the oracle of the metrics it has."""

from __future__ import annotations

from collections.abc import Mapping

# A metric without a counterpart there needs cases by hand in test_metrics.
OF_TREC_EVAL = {
    "precision": "P_{n}",
    "recall": "recall_{n}",
    "hit_rate": "success_{n}",
    "ndcg": "ndcg_cut_{n}",
    "map": "map_cut_{n}",
    "mrr": "recip_rank",
}


def trec_eval_of(
    run: Mapping[str, Mapping[str, float]], truth: Mapping[str, Mapping[str, int]], n: int
) -> dict[str, dict[str, float]]:
    """Return the measures of lists that end at n: trec_eval's reciprocal rank knows no cutoff."""
    import pytrec_eval

    names = {"recip_rank", *(f"{name}.{n}" for name in ("P", "recall", "success"))}
    names |= {f"ndcg_cut.{n}", f"map_cut.{n}"}
    found: dict[str, dict[str, float]] = pytrec_eval.RelevanceEvaluator(truth, names).evaluate(run)
    return found
