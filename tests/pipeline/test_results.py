from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.made_up import make_batch

from intraneuron.data import Vocabulary
from intraneuron.pipeline.compare import compare
from intraneuron.pipeline.partition import categorize, segment
from intraneuron.pipeline.pattern import FLAGS
from intraneuron.pipeline.results import Population, results

PROMISED = """
layer neuron n reliability top_tokens n_categories silhouette clustered top_down_h top_down_eta2 top_down_p top_down_q
interleaving interleaving_p interleaving_q n_segments homogeneity homogeneity_null homogeneity_z homogeneity_p
homogeneity_q homogeneity_stepdown_p peak peak_z peak_p peak_q peak10 peak10_p peak5 peak5_p mrpp_a mrpp_p mrpp_q
distance_r distance_p distance_q ami agreement_x2 agreement_p agreement_q flag_steps flag_gradient flag_peak flag_mixed
pattern
"""
COLUMNS = PROMISED.split()
"""What FORMATS promises of results.parquet."""

BEYOND = {
    *("peak10_z", "peak10_q", "peak5_z", "peak5_q", "information_category", "information_segment"),
    *("selectivity", "selectivity_p", "purity", "purity_null", "purity_p", "entropy", "entropy_null"),
    *("abstraction", "abstraction_p", "abstraction_q", "tightness", "tightness_p", "tightness_q"),
    *("rank_correlation", "overlap"),
}

BATCH = make_batch(9, 40)
CORE = BATCH.core()
VOCABULARY = Vocabulary(
    np.array([f"t{i}" for i in range(200)], dtype=object), np.zeros(200, bool), np.zeros(200, bool), np.arange(200)
)


@pytest.fixture(scope="module")
def population() -> Population:
    categories, segments = categorize(CORE, BATCH.space()), segment(CORE)
    return Population(
        CORE, categories, segments, compare(CORE, BATCH.space(), categories, segments, spelling=BATCH.spelling())
    )


def table(population: Population, *, clustered: float | None = 0.1, flagged: bool = True) -> pl.DataFrame:
    found = {flag: np.arange(9) == k for k, flag in enumerate(FLAGS, 3)} if flagged else None
    return results(population, VOCABULARY, clustered_above=clustered, flags=found)


def test_the_columns_are_those_that_are_promised_and_named_ones_beyond(population: Population) -> None:
    assert set(table(population).columns) == {*COLUMNS, *BEYOND}
    assert [c for c in table(population).columns if c in COLUMNS] == COLUMNS


def test_there_is_one_row_a_neuron_and_lists_are_of_one_length(population: Population) -> None:
    frame = table(population)
    assert frame["neuron"].to_list() == CORE.neuron.tolist()
    for name in ("homogeneity", "homogeneity_z", "homogeneity_p", "homogeneity_q", "homogeneity_stepdown_p"):
        assert frame[name].dtype == pl.Array(pl.Float64, 5)
    assert frame.drop("clustered").null_count().sum_horizontal().item() == 0


def test_top_tokens_are_the_ten_most_active_ones_as_text(population: Population) -> None:
    for i, words in enumerate(table(population)["top_tokens"].to_list()):
        assert words == [f"t{t}" for t in CORE.token_id[i, : min(10, CORE.n[i])]]


def test_values_are_the_effects_and_z_is_the_effect_in_null_deviations(population: Population) -> None:
    frame, effects = table(population), population.comparison.effects
    np.testing.assert_array_equal(frame["top_down_h"], effects["top_down"].observed)
    np.testing.assert_array_equal(frame["top_down_eta2"], effects["top_down"].effect_size)
    np.testing.assert_array_equal(frame["interleaving"], effects["interleaving"].effect_size)
    np.testing.assert_array_equal(frame["mrpp_a"], effects["mrpp"].effect_size)
    np.testing.assert_array_equal(frame["ami"], effects["agreement"].effect_size)
    np.testing.assert_array_equal(frame["agreement_x2"], effects["agreement"].observed)
    np.testing.assert_array_equal(frame["peak10_p"], effects["peak"].p[:, 1])
    np.testing.assert_array_equal(frame["information_segment"], effects["information"].observed[:, 1])
    zone = effects["homogeneity"]
    z = (zone.observed - zone.null_mean) / zone.null_std
    np.testing.assert_allclose(frame["homogeneity_z"].to_numpy(), z, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(frame["homogeneity_null"], population.comparison.mean_similarity)


def test_flags_and_clusters_are_null_without_twins_to_judge_by(population: Population) -> None:
    frame = table(population, clustered=None, flagged=False)
    for name in ("clustered", *(f"flag_{flag}" for flag in FLAGS)):
        assert frame[name].dtype == pl.Boolean
        assert frame[name].null_count() == 9
    assert set(frame["pattern"]) == {"untested", "insufficient"}


def test_flags_patterns_and_clusters_are_those_given(population: Population) -> None:
    frame = table(population, clustered=0.2)
    assert frame["pattern"].to_list()[3:7] == list(FLAGS)
    assert frame["flag_gradient"].to_list() == [i == 4 for i in range(9)]
    quality = population.categories.quality
    assert frame["clustered"].to_list() == [None if np.isnan(q) else q > 0.2 for q in quality]
    assert np.isnan(quality).sum() == 2
    assert frame["pattern"].to_list()[1:3] == ["insufficient"] * 2
