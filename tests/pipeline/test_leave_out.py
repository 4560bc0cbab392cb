"""Leaving groups out in one pass is leaving them out one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.made_up import make_batch

from intraneuron.config import PartitionConfig
from intraneuron.data import CoreTokens, Spelling, TokenActivations
from intraneuron.data.effect import ARRAYS
from intraneuron.pipeline import leave_out
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.leave_out import compare_without, select_without
from intraneuron.pipeline.select import select

BATCH = make_batch(12, 30, seed=6)
V = BATCH.total.shape[1]
ACTIVATIONS = TokenActivations(2, np.arange(12, dtype=np.int32), BATCH.count[:1], BATCH.total[:1])
GROUP = np.random.default_rng(1).permutation(np.arange(V) % 5)
GROUPS = range(-1, 5)
SPELLING = Spelling.from_tokens([f"{v * 7919 % 1000:b}" for v in range(V)])


def one_by_one(group: np.ndarray = GROUP) -> list[CoreTokens]:
    return [select(ACTIVATIONS, BATCH.eligible & (group != g), core_tokens=30) for g in GROUPS]


def assert_same(found: CoreTokens, expected: CoreTokens) -> None:
    for name in CoreTokens.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


@pytest.mark.parametrize("spare", [1, 2, 3])
def test_one_pass_selects_what_a_pass_a_group_selects(spare: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave_out, "SPARE", spare)
    found = select_without(ACTIVATIONS, BATCH.eligible, GROUP, GROUPS, core_tokens=30)
    for core, expected in zip(found, one_by_one(), strict=True):
        assert_same(core, expected)


def test_the_next_token_of_a_form_stands_in_for_one_that_is_left_out() -> None:
    form = (np.arange(V) // 4).astype(np.int32)
    found = select_without(ACTIVATIONS, BATCH.eligible, GROUP, GROUPS, core_tokens=30, form=form)
    for g, core in zip(GROUPS, found, strict=True):
        assert_same(core, select(ACTIVATIONS, BATCH.eligible & (g != GROUP), core_tokens=30, form=form))


def test_a_group_that_holds_most_core_tokens_is_replaced_from_all_that_are_left() -> None:
    top = select(ACTIVATIONS, BATCH.eligible, core_tokens=80).token_id[0]
    group = GROUP.copy()
    group[top[top >= 0]] = 4
    found = select_without(ACTIVATIONS, BATCH.eligible, group, GROUPS, core_tokens=30)
    for core, expected in zip(found, one_by_one(group), strict=True):
        assert_same(core, expected)


@pytest.mark.parametrize("spelling", [None, SPELLING], ids=["no spelling", "spelling"])
def test_each_comparison_is_the_one_that_its_core_tokens_have_by_themselves(spelling: Spelling | None) -> None:
    full, *without = one_by_one()
    some = np.arange(len(full)) < 3
    slower = np.where(some[:, None], without[0].activation * np.linspace(1, 0.5, 30), without[0].activation)
    without[0] = replace(full, activation=np.where(some[:, None], slower, full.activation))  # other means only
    config = PartitionConfig(segments="equal-width:4")
    found = compare_without(full, without, BATCH.space(), config, spelling=spelling)
    for core, comparison in zip([full, *without], [found[0], *found[1]], strict=True):
        [alone] = analyse(core, BATCH.space(), config, estimates_only=True, spelling=spelling)
        assert list(comparison.effects) == list(alone.comparison.effects)
        for name, effect in alone.comparison.effects.items():
            for field in ARRAYS:
                ours, theirs = getattr(comparison.effects[name], field), getattr(effect, field)
                width = theirs.shape[1:] and theirs.shape[1]
                if width:  # blocks with more groups than this one are wider
                    assert np.isnan(ours[:, width:]).all()
                    ours = ours[:, :width]
                np.testing.assert_array_equal(ours, theirs, err_msg=f"{name} {field}")
        np.testing.assert_array_equal(comparison.profile, alone.comparison.profile)
