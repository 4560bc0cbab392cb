from __future__ import annotations

import pytest
import torch

from intraneuron.config import DType
from intraneuron.models import number_format as module
from intraneuron.models.number_format import number_format

CPU = torch.device("cpu")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_format_that_is_asked_for_is_taken(dtype: DType) -> None:
    assert number_format(dtype, CPU) == dtype


@pytest.mark.parametrize(("tiles", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_auto_is_what_the_processor_is_good_at(monkeypatch: pytest.MonkeyPatch, tiles: bool, expected: str) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles)
    assert number_format("auto", CPU) == expected


def test_auto_is_float32_where_nobody_can_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported")
    assert number_format("auto", CPU) == "float32"
    assert number_format("auto", torch.device("mps")) == "float32"


@pytest.mark.parametrize(("has", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_auto_on_a_gpu_is_bfloat16_where_it_has_that(monkeypatch: pytest.MonkeyPatch, has: bool, expected: str) -> None:
    monkeypatch.setattr(module, "_gpu_has_bfloat16", lambda: has)
    assert number_format("auto", torch.device("cuda")) == expected
