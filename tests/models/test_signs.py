"""Activations below 0 are asked for only where the lowest ones mean something."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tiny_families import FAMILIES

from intraneuron.errors import SettingError
from intraneuron.models.loading import load_model
from intraneuron.models.signs import check_negative


@pytest.mark.parametrize("family", ["llama", "gemma", "t5, gated"])
def test_products_of_gate_and_up_have_both_signs(family: str, tmp_path: Path) -> None:
    check_negative(load_model(str(FAMILIES[family].save(tmp_path / "model")), device="cpu"))


@pytest.mark.parametrize(
    ("family", "said"),
    [("gpt2", "are lowest in the middle"), ("bert", "are lowest in the middle"), ("opt", "never are")],
)
def test_a_nonlinearity_without_a_gate_is_refused_unless_it_rises_all_the_way(
    family: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match=said):
        check_negative(load_model(str(FAMILIES[family].save(tmp_path / "model")), device="cpu"))


def test_tanh_rises_all_the_way(tmp_path: Path) -> None:
    path = FAMILIES["gpt2"].save(tmp_path / "model")
    config = path / "config.json"
    config.write_text(config.read_text().replace('"gelu_new"', '"tanh"'))
    check_negative(load_model(str(path), device="cpu"))
