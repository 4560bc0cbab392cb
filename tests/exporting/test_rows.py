"""Long rows against the nouns of the study, read one neuron at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from intraneuron import api
from intraneuron.cards import build_card
from intraneuron.config import LongTable
from intraneuron.errors import StudyError
from intraneuron.exporting.column import typed
from intraneuron.exporting.columns import LONG
from intraneuron.exporting.rows import ROWS, Part

POPULATIONS = ("neurons", "shuffled", "rotated", "untrained")
TESTS = (("_null", "null_mean"), ("_null_sd", "null_std"), ("_p", "p"), ("_q", "q"))


def part(study: api.Study, population: str = "neurons", layer: int = 2, neurons: tuple[int, ...] | None = None) -> Part:
    token = pl.Series(study.folder.vocabulary().token.tolist())
    return Part(study.folder, population, layer, neurons, token)


def rows(of: Part, table: LongTable) -> pl.DataFrame:
    return typed(ROWS[table](of), LONG[table])


def test_a_neurons_rows_say_what_its_card_says(study: api.Study) -> None:
    of = part(study)
    tables = {table: rows(of, table) for table in LONG}
    checked = 0
    for neuron in range(len(tables["neurons"])):
        card = build_card(study.folder, 2, neuron)
        tokens, categories, segments = (
            tables[name].filter(neuron=neuron).rows(named=True) for name in ("tokens", "categories", "segments")
        )
        for one, row in zip(card.tokens, tokens, strict=True):
            assert (row["rank"], row["token"], row["activation"]) == (one.rank + 1, one.token, one.activation)
            assert row["count"] == one.count
            assert row["category"] == (one.category + 1 if one.category >= 0 else None)
            assert row["segment"] == (one.segment + 1 if one.segment >= 0 else None)
        for own, row in zip(card.categories, categories, strict=True):
            assert (row["category"], row["size"]) == (own.category + 1, own.size)
            assert (row["word_1"], row["word_2"], row["word_3"]) == own.words
            assert row["mean_activation"] == pytest.approx(own.mean_activation)
            for name, value in (("cliffs_delta", own.cliffs_delta), ("selectivity", own.selectivity)):
                assert row[name] == pytest.approx(value) or (row[name] is None and np.isnan(value))
        for zone, row in zip(card.segments, segments, strict=True):
            assert (row["segment"], row["size"], row["high"]) == (zone.segment + 1, zone.size, zone.high)
            assert row["low"] == zone.low
            assert (row["homogeneity_p"], row["homogeneity_q"]) == (zone.p, zone.q)
            assert row["homogeneity_z"] == pytest.approx((zone.homogeneity - zone.null) / row["homogeneity_null_sd"])
        checked += len(categories) > 1 and len(segments) == 5
    assert checked > 5


@pytest.mark.parametrize("population", POPULATIONS)
def test_numbers_of_a_group_stand_at_their_group_and_sizes_add_up(study: api.Study, population: str) -> None:
    of = part(study, population)
    folder, tokens = study.folder, rows(of, "tokens")
    assert len(tokens) == of.core().n.sum()
    for table, by, effect, column in (
        ("categories", "category", "category_delta", "cliffs_delta_q"),
        ("categories", "category", "selectivity", "selectivity_q"),
        ("segments", "segment", "homogeneity_stepdown", "stepdown_q"),
        ("segments", "segment", "segment_purity", "purity_q"),
    ):
        frame = rows(of, table)  # type: ignore[arg-type]
        stored = of.effect(effect).q
        expected = [stored[row["neuron"], row[by] - 1] for row in frame.rows(named=True)]
        np.testing.assert_array_equal(frame[column].fill_null(float("nan")).to_numpy(), expected)
        counted = tokens.drop_nulls(by).group_by("neuron", by).len()
        both = frame.join(counted, on=["neuron", by], how="left").with_columns(pl.col("len").fill_null(0))
        assert both["size"].to_list() == both["len"].to_list()
    assert len(rows(of, "neurons")) == len(pl.read_parquet(folder.layer_file(f"{population}/core_tokens", 2)))


STORED = {
    "categories": {
        **{f"cliffs_delta{end}": ("category_delta", field) for end, field in TESTS},
        **{"cliffs_delta": ("category_delta", "observed"), "selectivity": ("selectivity", "effect_size")},
        **{"activation_share": ("selectivity", "observed"), "activation_share_null": ("selectivity", "null_mean")},
        **{"activation_share_null_sd": ("selectivity", "null_std")},
        **{"selectivity_p": ("selectivity", "p"), "selectivity_q": ("selectivity", "q")},
    },
    "segments": {
        **{f"homogeneity{end}": ("homogeneity", field) for end, field in (("", "observed"), *TESTS)},
        **{f"stepdown{end}": ("homogeneity_stepdown", field) for end, field in TESTS},
        **{f"purity{end}": ("segment_purity", field) for end, field in (("", "observed"), *TESTS)},
        **{f"entropy{end}": ("segment_entropy", field) for end, field in (("", "observed"), *TESTS)},
    },
}
"""Which stored array each column holds."""


@pytest.mark.parametrize("layer", [0, 2])
@pytest.mark.parametrize("population", ["neurons", "rotated"])
@pytest.mark.parametrize("table", STORED)
def test_every_number_of_a_group_is_the_stored_one(
    study: api.Study, table: LongTable, population: str, layer: int
) -> None:
    of = part(study, population, layer)
    frame, by = rows(of, table), {"categories": "category", "segments": "segment"}[table]
    at = (frame["neuron"].to_numpy(), frame[by].to_numpy() - 1)
    for column, (question, field) in STORED[table].items():
        if column in frame.columns:
            stored = getattr(of.effect(question), field)
            found = frame[column].cast(pl.Float64).fill_null(float("nan")).to_numpy()
            np.testing.assert_array_equal(found, stored[at], err_msg=column)
    numbers = {name for name in frame.columns if frame[name].dtype.is_float()}
    derived = {"mean_activation", "high", "low", "homogeneity_z"}
    assert numbers - derived <= set(STORED[table])


def test_what_is_not_known_is_missing(study: api.Study) -> None:
    file = Path(study.folder.layer_file("neurons/core_tokens", 2))
    frame = pl.read_parquet(file)
    frame.with_columns(count=pl.Series(np.full((len(frame), part(study).core().width), -1))).write_parquet(file)
    assert rows(part(study), "tokens")["count"].null_count() == len(rows(part(study), "tokens"))


@pytest.mark.parametrize("table", LONG)
def test_some_neurons_have_the_rows_that_they_have_among_all(study: api.Study, table: LongTable) -> None:
    few = rows(part(study, neurons=(3, 11)), table)
    assert few.equals(rows(part(study), table).filter(pl.col("neuron").is_in([3, 11])))
    assert set(few["neuron"]) == {3, 11}


@pytest.mark.parametrize("table", LONG)
def test_rows_stand_in_the_order_of_neurons_and_then_of_what_they_number(study: api.Study, table: LongTable) -> None:
    frame = rows(part(study), table)
    number = {"tokens": "rank", "categories": "category", "segments": "segment"}.get(table, "neuron")
    by = list(dict.fromkeys(["neuron", number]))
    assert frame.select(by).equals(frame.select(by).sort(by))
    assert set(frame["population"]) == {"neurons"}
    assert set(frame["layer"]) == {2}


def test_a_table_whose_words_do_not_fit_its_categories_is_damaged(study: api.Study) -> None:
    file = Path(study.folder.layer_file("neurons/categories", 2))
    frame = pl.read_parquet(file)
    frame.with_columns(words=pl.col("words").list.head(1)).write_parquet(file)
    with pytest.raises(StudyError, match=r"layer-02.parquet is damaged \(it has the words of \d+ categories, but \d+"):
        rows(part(study), "categories")
