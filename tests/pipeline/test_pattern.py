from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import oracle
from tests.made_up import make_batch

from intraneuron.data import Comparison
from intraneuron.pipeline.compare import compare, with_q
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.pipeline.partition import categorize, segment
from intraneuron.pipeline.pattern import FLAGS, PATTERNS, bar_of, bars, flags, patterns


def compared(seed: int, *, q: float = 1.0) -> Comparison:
    """Return 40 neurons with q drawn from [0, ``q``]."""
    b = make_batch(40, 30, seed=seed)
    core, space = b.core(), b.space()
    found = compare(core, space, categorize(core, space), segment(core))
    rng = np.random.default_rng(seed)
    effects = {name: replace(e, q=q * rng.random(e.p.shape)) for name, e in found.effects.items()}
    return replace(found, effects=effects)


OWN, TWIN = compared(1, q=0.12), compared(2)


def row_of(comparison: Comparison, i: int) -> dict[str, float]:
    """Return what the oracle needs to know of neuron i."""
    row: dict[str, float] = {"n": 100 if np.isfinite(comparison.mean_similarity[i]) else 5}
    for question, (effect, _) in oracle.EFFECT.items():
        row[effect] = BY_NAME[effect].of(comparison)[i]
        row[f"{question}_q"] = BY_NAME[effect].q_of(comparison)[i]
    return row


def test_flags_and_patterns_are_the_oracles() -> None:
    found = flags(OWN, bars(TWIN))
    names = patterns(OWN, found)
    twins = {effect: BY_NAME[effect].of(TWIN) for effect, _ in oracle.EFFECT.values()}
    for i in range(40):
        expected = oracle.pattern_flags(row_of(OWN, i), twins)
        assert names[i] == expected["pattern"]
        for flag in FLAGS:
            assert found[flag][i] == expected[f"flag_{flag}"], flag
    assert len(set(names)) >= 4


def test_a_flag_needs_both_a_small_q_and_an_effect_beyond_the_twins() -> None:
    limits = bars(TWIN)
    for name in ("ami", "distance_r", "interleaving"):
        number = BY_NAME[name]
        sure = {n: replace(e, q=np.zeros(e.q.shape)) for n, e in OWN.effects.items()}
        holds = flags(replace(OWN, effects=sure), limits)
        unsure = {n: replace(e, q=np.full(e.q.shape, 0.05)) for n, e in OWN.effects.items()}
        flag = next(f for f, names in FLAGS.items() if name in names)
        beyond = number.sign * number.of(OWN) > number.sign * limits[name]
        assert (holds[flag] | ~beyond).all()
        assert not flags(replace(OWN, effects=unsure), limits)[flag].any()


@pytest.mark.parametrize("name", ["ami", "distance_r", "peak", "interleaving"])
def test_5_percent_of_the_twins_go_beyond_their_bar(name: str) -> None:
    number = BY_NAME[name]
    values = number.of(TWIN)[np.isfinite(number.of(TWIN))]
    assert (number.sign * values > number.sign * bar_of(name, TWIN)).mean() == pytest.approx(0.05, abs=1 / len(values))


def test_without_twins_neurons_are_untested_and_too_few_tokens_come_first() -> None:
    names = patterns(OWN, None)
    tested = np.isfinite(OWN.mean_similarity)
    assert set(names[tested]) == {"untested"}
    assert set(names[~tested]) == {"insufficient"}
    everything = {flag: np.ones(40, dtype=bool) for flag in FLAGS}
    assert set(patterns(OWN, everything)[tested]) == {"steps"}
    assert set(patterns(OWN, everything)[~tested]) == {"insufficient"}
    assert set(names) | {"none", *FLAGS} == set(PATTERNS)


def test_twins_of_which_none_could_be_tested_raise_no_flag() -> None:
    empty = {n: replace(e, effect_size=np.full(e.p.shape, np.nan)) for n, e in TWIN.effects.items()}
    limits = bars(replace(TWIN, effects=empty))
    assert np.isnan(list(limits.values())).all()
    assert not any(flag.any() for flag in flags(OWN, limits).values())


def test_q_of_a_comparison_gives_fewer_flags_than_p() -> None:
    q = with_q([OWN.effects["agreement"]])[0].q
    p = OWN.effects["agreement"].p
    known = np.isfinite(p)
    assert (q[known] >= p[known]).all()
