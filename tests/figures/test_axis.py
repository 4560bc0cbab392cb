"""The axis of the spectrum: where activations stand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intraneuron.figures.axis import Axis

EVEN = [float(value) for value in np.linspace(1, 2, 50)]
SKEWED = [float(value) for value in 0.1 * 1.02 ** np.arange(80)] + [4.0, 5.0]
POSITIVE = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40)
ANY = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


def test_evenly_spread_activations_stand_on_a_linear_axis() -> None:
    axis = Axis.of(EVEN)
    assert axis.constant is None
    assert axis.position(1.5) == pytest.approx(0.5)


def test_an_axis_is_stretched_when_half_of_the_tokens_would_crowd_at_its_low_end() -> None:
    axis = Axis.of(SKEWED)
    middle = float(np.median(SKEWED))
    assert axis.constant is not None
    assert (middle - SKEWED[0]) / (SKEWED[-1] - SKEWED[0]) < 0.05 < 0.15 < axis.position(middle)


def test_activations_below_zero_are_never_stretched() -> None:
    assert Axis.of([-1.0, *SKEWED]).constant is None


@given(POSITIVE | ANY)
def test_every_activation_stands_on_the_axis_and_order_is_kept(activations: list[float]) -> None:
    axis = Axis.of(activations)
    positions = [axis.position(value) for value in sorted(activations)]
    assert all(-1e-9 <= position <= 1 + 1e-9 for position in positions)
    assert positions == sorted(positions)


@given(POSITIVE, st.floats(0, 1))
def test_a_position_leads_back_to_its_activation(activations: list[float], position: float) -> None:
    axis = Axis.of(activations)
    assert axis.position(axis.activation(position)) == pytest.approx(position, abs=1e-6)


@given(POSITIVE)
def test_the_ticks_of_a_stretched_axis_lie_on_it(activations: list[float]) -> None:
    axis = Axis.of(activations)
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks() or [])


def test_a_stretched_axis_has_round_ticks() -> None:
    assert Axis.of(SKEWED).ticks() == [0.1, 0.2, 0.5, 1.0, 2.0, 5.0]
