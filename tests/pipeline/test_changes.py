"""Differences between studies: means by hand, and intervals that a jackknife of the difference itself gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from intraneuron.kernels.jackknife import jackknife_parts
from intraneuron.pipeline.changes import LayerNumbers, M, Side, change_rows, mean_rows
from intraneuron.pipeline.numbers import NUMBERS

NAMES = [number.name for number in NUMBERS]
GROUPS, NEURONS = 8, 20
SHARE = np.full(GROUPS, 1 / GROUPS)

Table = tuple[np.ndarray, np.ndarray]
"""Numbers of neurons, (N, M), and the same with each group left out, (J, N, M)."""


def table(seed: int, shared: np.ndarray, shift: float = 0.0) -> Table:
    rng = np.random.default_rng(seed)
    full = shift + rng.normal(size=(NEURONS, M))
    return full, full + shared + 0.05 * rng.normal(size=(GROUPS, NEURONS, M))


SHARED = np.random.default_rng(9).normal(size=(GROUPS, 1, M))
"""What leaving a group out does to all neurons of all studies alike."""

TABLES: dict[tuple[str, int, str], Table] = {
    (study, layer, who): table(i, SHARED, shift)
    for i, (study, layer, who, shift) in enumerate(
        (study, layer, who, 0.5 * (study == "b") + 0.2 * (who == "neurons"))
        for study in ("a", "b")
        for layer in (0, 1)
        for who in ("neurons", "twin")
    )
}


def side(study: str, *, groups: str = "one", layers: tuple[int, ...] = (0, 1), twin: str = "rotated") -> Side:
    def numbers(layer: int) -> LayerNumbers:
        some = {who: TABLES[study, layer, who] for who in ("neurons", "twin")}
        parts = {who: jackknife_parts(*one, SHARE, NEURONS) for who, one in some.items()}
        return LayerNumbers(layer, {who: full for who, (full, _) in some.items()}, parts)

    return Side(study, twin, [numbers(layer) for layer in layers], groups)


def one(rows: list[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    (found,) = [row for row in rows if all(row[k] == v for k, v in wanted.items())]
    return found


def mean_of(study: str, layer: int, who: str, number: int) -> float:
    return float(TABLES[study, layer, who][0][:, number].mean())


def left_out(study: str, layer: int, who: str, number: int) -> np.ndarray:
    return np.asarray(TABLES[study, layer, who][1][:, :, number].mean(axis=1))


def textbook(estimates: np.ndarray) -> float:
    """Return the standard error of an estimate from what it is without each of J equal groups."""
    return float(math.sqrt((GROUPS - 1) / GROUPS * ((estimates - estimates.mean()) ** 2).sum()))


T = float(stats.t.ppf(0.975, GROUPS - 1))


@pytest.mark.parametrize("number", [0, 5, M - 1])
def test_means_are_over_neurons_then_layers_and_own_is_their_difference(number: int) -> None:
    rows = mean_rows([side("a"), side("b")])
    for study in ("a", "b"):
        neurons = np.mean([mean_of(study, layer, "neurons", number) for layer in (0, 1)])
        twin = np.mean([mean_of(study, layer, "twin", number) for layer in (0, 1)])
        found = {
            of: one(rows, study=study, layer=None, of=of, number=NAMES[number])["value"]
            for of in ("neurons", "twin", "own")
        }
        assert found == pytest.approx({"neurons": neurons, "twin": twin, "own": neurons - twin})


def test_a_change_of_studies_with_the_same_groups_is_the_jackknife_of_the_change() -> None:
    found = one(change_rows([side("a"), side("b")]), of="own", layer_first=1, number="peak")
    i = NAMES.index("peak")

    def own(study: str) -> np.ndarray:
        return np.asarray(left_out(study, 1, "neurons", i) - left_out(study, 1, "twin", i))

    change = sum(
        sign * mean_of(study, 1, who, i)
        for study, who, sign in (("b", "neurons", 1), ("b", "twin", -1), ("a", "neurons", -1), ("a", "twin", 1))
    )
    assert found["interval"] == "paired"
    assert found["change"] == pytest.approx(change)
    assert found["high"] - found["change"] == pytest.approx(T * textbook(own("b") - own("a")))
    neurons = one(change_rows([side("a"), side("b")]), of="neurons", layer_first=None, number="peak")
    both = [left_out("b", layer, "neurons", i) - left_out("a", layer, "neurons", i) for layer in (0, 1)]
    assert neurons["change"] - neurons["low"] == pytest.approx(T * textbook(np.mean(both, axis=0)))


def test_variances_add_where_other_groups_are_left_out() -> None:
    i = NAMES.index("ami")
    found = one(change_rows([side("a"), side("b", groups="other")]), of="neurons", layer_first=0, number="ami")
    errors = [textbook(left_out(study, 0, "neurons", i)) for study in ("a", "b")]
    variance = sum(e**2 for e in errors)
    degrees = variance**2 / sum(e**4 / (GROUPS - 1) for e in errors)
    assert found["interval"] == "apart"
    assert found["high"] - found["change"] == pytest.approx(stats.t.ppf(0.975, degrees) * math.sqrt(variance))
    paired = one(change_rows([side("a"), side("b")]), of="neurons", layer_first=0, number="ami")
    assert paired["change"] == found["change"]
    assert paired["high"] - paired["low"] < 0.3 * (found["high"] - found["low"])  # most of the error is shared


def test_the_same_neurons_do_not_differ_whatever_is_left_out() -> None:
    same = Side("again", "rotated", side("a").layers, "one")
    for row in change_rows([side("a"), same]):
        assert (row["change"], row["low"], row["high"]) == (0, 0, 0)


def test_layers_of_one_study_are_a_change_too() -> None:
    found = one(change_rows([side("a", layers=(0,)), side("a", layers=(1,))]), of="twin", layer_first=0, number="peak")
    i = NAMES.index("peak")
    assert found["layer_second"] == 1
    change = left_out("a", 1, "twin", i) - left_out("a", 0, "twin", i)
    assert found["high"] - found["change"] == pytest.approx(T * textbook(change))


def test_every_study_is_compared_with_every_one_before_it() -> None:
    third = Side("c", "rotated", side("b").layers, "one")
    pairs = {(row["first"], row["second"]) for row in change_rows([side("a"), side("b"), third])}
    assert pairs == {("a", "b"), ("a", "c"), ("b", "c")}


def test_twins_of_different_kinds_are_not_compared() -> None:
    rows = change_rows([side("a"), side("b", twin="readout")])
    assert math.isnan(one(rows, of="own", layer_first=0, number="peak")["change"])
    assert math.isnan(one(rows, of="twin", layer_first=None, number="peak")["high"])
    assert math.isfinite(one(rows, of="neurons", layer_first=0, number="peak")["change"])


def test_without_a_twin_or_a_jackknife_what_needs_them_is_undefined() -> None:
    plain = [LayerNumbers(layer.layer, {"neurons": layer.values["neurons"]}, {}) for layer in side("b").layers]
    rows = change_rows([side("a"), Side("b", "rotated", plain, "one")])
    neurons = one(rows, of="neurons", layer_first=None, number="peak")
    assert math.isfinite(neurons["change"])
    assert math.isnan(neurons["low"])
    assert neurons["interval"] is None
    assert math.isnan(one(rows, of="own", layer_first=0, number="peak")["change"])


def test_a_number_without_any_value_is_undefined_and_the_others_are_not() -> None:
    broken = side("b")
    values = {who: full.copy() for who, full in broken.layers[0].values.items()}
    values["neurons"][:, 3] = np.nan
    layers = [LayerNumbers(0, values, broken.layers[0].parts), broken.layers[1]]
    rows = mean_rows([Side("b", "rotated", layers, "one"), side("a")])
    assert math.isnan(one(rows, study="b", layer=0, of="own", number=NAMES[3])["value"])
    assert one(rows, study="b", layer=None, of="neurons", number=NAMES[3])["value"] == pytest.approx(
        mean_of("b", 1, "neurons", 3)
    )
    assert math.isfinite(one(rows, study="b", layer=0, of="own", number=NAMES[4])["value"])
