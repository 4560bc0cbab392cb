"""What a study is said to cost grows with what it does."""

from __future__ import annotations

from typing import Any

import pytest
from tests.tiny_models import tiny_gpt2

from intraneuron import estimate as module
from intraneuron.estimate import Estimate, estimate
from intraneuron.missing import every_stage
from intraneuron.planning import plan
from intraneuron.settings import settings_from


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_gpt2(tmp_path_factory.mktemp("models") / "gpt2"))


@pytest.fixture(autouse=True)
def _steady(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_speed", lambda: 1e6)  # a machine so slow that the forward pass counts


def cost(model: str, **settings: Any) -> Estimate:
    planned = plan(model, *settings_from({"device": "cpu"} | settings))
    return estimate(planned, every_stage(planned))


def test_more_layers_core_tokens_and_twins_cost_more(model: str) -> None:
    base = cost(model, layers=(0,))
    for more in ({"layers": (0, 1)}, {"layers": (0,), "core_tokens": 200}):
        found = cost(model, **more)
        assert found.seconds > base.seconds
        assert found.disk > base.disk


def test_the_untrained_twin_is_a_second_model(model: str) -> None:
    usual, more = (cost(model, twins=("shuffled", twin)) for twin in ("readout", "untrained"))
    assert more.seconds > 1.9 * usual.seconds - 20
    assert more.memory > usual.memory
    assert more.disk > usual.disk  # its space


def test_nothing_to_do_costs_next_to_nothing(model: str) -> None:
    planned = plan(model, *settings_from({"device": "cpu"}))
    found = estimate(planned, {})
    assert found.seconds <= 10
    assert found.disk == 0
