from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from intraneuron.errors import ModelError
from intraneuron.models.projections import Projection, is_projection


def test_a_weight_is_out_by_in_for_linear_and_conv1d_alike() -> None:
    for module in (nn.Linear(3, 5), Conv1D(5, 3)):
        assert Projection(module).weight.shape == (5, 3)


@pytest.mark.parametrize("module", [nn.Linear(3, 6), nn.Linear(3, 6, bias=False), Conv1D(6, 3)])
def test_a_part_of_a_projection_gives_that_part_of_its_outputs(module: nn.Module) -> None:
    x = torch.randn(4, 3)
    with torch.no_grad():
        torch.testing.assert_close(Projection(module, 2, 5).apply(x), module(x)[:, 2:5])
        torch.testing.assert_close(Projection(module).apply(x), module(x))


def test_an_input_of_another_width_gives_nothing() -> None:
    assert Projection(nn.Linear(3, 6)).apply(torch.randn(4, 2)).shape == (4, 0)


def test_a_projection_without_a_weight_is_an_error() -> None:
    with pytest.raises(ModelError, match=r"^A projection should have a weight, got ReLU\.$"):
        _ = Projection(nn.ReLU()).weight


def test_what_is_a_linear_map_is_told_from_what_is_not() -> None:
    assert is_projection(nn.Linear(2, 2))
    assert is_projection(Conv1D(2, 2))
    for other in (nn.Embedding(2, 2), nn.LayerNorm(2), nn.ReLU(), nn.Sequential(nn.Linear(2, 2)), nn.Conv1d(2, 2, 1)):
        assert not is_projection(other)
