"""Nonlinearities as tables: the bits of the function itself, or the function itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.models.test_fused import OfTwo, OverRows, Shifted
from tests.tiny_families import FAMILIES
from tests.tiny_models import CONTEXT, loaded, tiny_gpt2
from torch import nn
from transformers import AutoModel
from transformers.activations import ACT2FN

from intraneuron.models.loading import load_model
from intraneuron.models.tabulated import FEWEST, Tabulated, tabulated

SHORT = (torch.bfloat16, torch.float16)
FUNCTIONS = ("gelu_new", "gelu", "gelu_pytorch_tanh", "quick_gelu", "relu2", "mish")


class Counted(nn.Module):
    """Stands in for a function, and counts how often it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x


def table_of(name: str, dtype: torch.dtype) -> tuple[Tabulated, Counted]:
    instead = Counted()
    found = tabulated(ACT2FN[name], dtype, instead)
    assert found is not None
    return found, instead


@pytest.mark.parametrize("dtype", SHORT)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_have_the_bits_of_the_function(name: str, dtype: torch.dtype) -> None:
    table, instead = table_of(name, dtype)
    x = (torch.randn(3, 100, 192, generator=torch.Generator().manual_seed(0)) * 4).to(dtype)
    x[0, 0, :6] = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, 1e-30])
    expected = ACT2FN[name](x)
    got = table(x)
    assert got.dtype == dtype
    assert got.shape == x.shape
    same = (got.view(torch.int16) == expected.view(torch.int16)) | (got.isnan() & expected.isnan())
    assert same.all()
    assert instead.calls == 0


@pytest.mark.parametrize(
    "function",
    [OverRows(), OfTwo(), ACT2FN["relu"], ACT2FN["silu"], nn.Identity(), nn.Dropout(0.5)],
    ids=lambda function: type(function).__name__,
)
def test_what_is_no_function_of_every_value_or_quick_already_is_no_table(function: nn.Module) -> None:
    for dtype in SHORT:
        assert tabulated(function, dtype, function) is None


def test_any_function_of_every_value_can_be_one() -> None:
    assert tabulated(Shifted(), torch.bfloat16, Shifted()) is not None


def test_where_the_table_is_of_no_use_the_function_is_called() -> None:
    table, instead = table_of("gelu_new", torch.bfloat16)
    many = torch.zeros(FEWEST + 4, dtype=torch.bfloat16)
    others = [
        many.float(),
        many[: FEWEST - 4],
        many[: FEWEST + 1],
        many[1:-3],
        torch.zeros(2 * FEWEST, dtype=torch.bfloat16)[::2],
        many.half(),
    ]
    for calls, x in enumerate(others, 1):
        table(x)
        assert instead.calls == calls
    table(many)
    assert instead.calls == len(others)
    with_gradient = many.clone().requires_grad_(True)
    table(with_gradient)
    assert instead.calls == len(others) + 1


def test_a_model_in_bfloat16_computes_the_bits_that_transformers_computes(tmp_path: Path) -> None:
    folder = tiny_gpt2(tmp_path / "gpt2")
    plain = AutoModel.from_pretrained(folder).to(torch.bfloat16).eval()
    model = load_model(str(folder), device="cpu", dtype="bfloat16")
    assert model.replaced.tabulated == ("NewGELUActivation",)
    assert model.replaced.fused == ()
    ids = torch.arange(60 * CONTEXT).reshape(60, CONTEXT) % 60
    assert ids.numel() * model.sites[0].n_neurons >= FEWEST
    with torch.inference_mode():
        a, b = plain(ids).last_hidden_state, model.body(ids).last_hidden_state
    assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("family", "names"), [("bloom", ("BloomGelu",)), ("gemma2", ("GELUTanh",)), ("llama", ()), ("phi3", ())]
)
def test_families_have_tables_in_short_formats_alone(tmp_path: Path, family: str, names: tuple[str, ...]) -> None:
    folder = FAMILIES[family].save(tmp_path / family)
    assert load_model(str(folder), device="cpu", dtype="bfloat16").replaced.tabulated == names
    assert loaded(folder).replaced.tabulated == ()
