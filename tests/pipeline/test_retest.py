"""Two forms of a neuron: every token in one of the parallel forms, and the agreement of the patterns of any two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.made_up import make_batch

from intraneuron.config import PartitionConfig, SimulateConfig
from intraneuron.data import CoreTokens, Space
from intraneuron.pipeline.retest import Forms, parallel_forms, retest_rows
from intraneuron.pipeline.simulate import simulate


@pytest.mark.parametrize("width", [40, 41])
def test_each_token_is_in_one_form_and_ranks_alternate(width: int) -> None:
    core = make_batch(12, width, seed=3).core()
    even, odd = parallel_forms(core)
    for i in range(len(core)):
        n = int(core.n[i])
        np.testing.assert_array_equal(even.token_id[i, : even.n[i]], core.token_id[i, :n:2])
        np.testing.assert_array_equal(odd.activation[i, : odd.n[i]], core.activation[i, 1:n:2])
        assert even.n[i] + odd.n[i] == n
        assert (even.token_id[i, even.n[i] :] == -1).all()
        assert np.isnan(odd.activation[i, odd.n[i] :]).all()


def planted(strength: float) -> tuple[CoreTokens, Space]:
    config = SimulateConfig(kind="steps", strength=strength, dimensions=24, categories=4, concentration=40.0)
    made = simulate(60, config, seed=3)
    return made.core, made.space


def with_twins(neurons: CoreTokens, space: Space) -> tuple[dict[str, Forms], Space]:
    """Return parallel forms of neurons and of their twins, made-up neurons without a relation, in one space."""
    made = simulate(60, SimulateConfig(dimensions=24, categories=4, concentration=40.0), seed=4)
    twins = replace(made.core, token_id=made.core.token_id + len(space.vector))
    forms = {"neurons": parallel_forms(neurons), "rotated": parallel_forms(twins)}
    return forms, Space("both", np.concatenate([space.vector, made.space.vector]))


def test_a_mixture_of_strong_and_absent_relations_is_found_again() -> None:
    (strong, space), (absent, other) = planted(0.9), planted(0.0)
    absent = replace(absent, token_id=absent.token_id + len(space.vector))
    both = CoreTokens.concatenate([strong[:30], absent[:30]])
    joined = Space("joined", np.concatenate([space.vector, other.vector]))
    populations, everything = with_twins(both, joined)
    rows = retest_rows({2: populations}, {2: everything}, PartitionConfig(), forms="ranks")
    assert {row["forms"] for row in rows} == {"ranks"}
    own = {(row["layer"], row["population"]): row for row in rows}
    assert own[None, "neurons"]["kappa"] > 0.8
    assert own[None, "neurons"]["kappa"] == own[2, "neurons"]["kappa"]
    assert own[2, "neurons"]["none_even"] == pytest.approx(0.5, abs=0.1)
    assert own[2, "rotated"]["none_odd"] > 0.8
    assert own[2, "neurons"]["neurons"] == 60


def test_neurons_that_cannot_be_tested_in_both_forms_are_left_out() -> None:
    core, space = planted(0.9)
    short = replace(
        core,
        n=np.where(np.arange(60) < 10, 38, core.n).astype(np.int32),
        token_id=np.where((np.arange(60) < 10)[:, None] & (np.arange(100) >= 38), -1, core.token_id).astype(np.int32),
        activation=np.where((np.arange(60) < 10)[:, None] & (np.arange(100) >= 38), np.nan, core.activation),
    )
    populations, everything = with_twins(short, space)
    rows = retest_rows({0: populations}, {0: everything}, PartitionConfig(), forms="ranks")
    assert {row["neurons"] for row in rows if row["population"] == "neurons"} == {50}


def test_a_neuron_that_is_another_one_the_second_time_agrees_as_by_chance() -> None:
    (strong, space), (absent, other) = planted(0.9), planted(0.0)
    absent = replace(absent, token_id=absent.token_id + len(space.vector))
    joined = Space("joined", np.concatenate([space.vector, other.vector]))
    first = CoreTokens.concatenate([strong[:30], absent[:30]])
    second = CoreTokens.concatenate([strong[:15], absent[:15], strong[30:45], absent[30:45]])
    populations, everything = with_twins(first, joined)
    same, mixed = (
        retest_rows({0: populations | {"neurons": two}}, {0: everything}, PartitionConfig(), forms="texts")[0]
        for two in ((first, first), (first, second))
    )
    assert (same["kappa"], same["agreement"]) == (1, 1)
    assert abs(mixed["kappa"]) < 0.1
