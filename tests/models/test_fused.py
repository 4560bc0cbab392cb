from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.tiny_families import FAMILIES
from tests.tiny_models import LAYERS, loaded, tiny_bert, tiny_gpt2
from torch import nn
from transformers import AutoModel
from transformers.activations import ACT2FN

from intraneuron.models.fused import ROUNDING, Gelu, Replaced, fuse_activations


class Block(nn.Module):
    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.attention = _Attention()
        self.up, self.act, self.down = nn.Linear(4, 8), function, nn.Linear(8, 4)


class _Attention(nn.Module):
    pass


class Model(nn.Module):
    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(function), Block(function)])


@pytest.mark.parametrize("name", ["gelu_new", "gelu_fast", "gelu_accurate"])
def test_gelu_written_out_in_python_becomes_one_step_that_is_the_same_function(name: str) -> None:
    slow = ACT2FN[name]
    model = Model(slow)
    assert fuse_activations(model, "tiny") == Replaced(fused=(type(slow).__name__,))
    fast = model.blocks[0].act
    assert type(fast) is Gelu
    assert type(model.blocks[1].act) is Gelu
    for size in (100, 20_000):  # torch's, and ours
        x = torch.cat([torch.randn(size) * 4, torch.tensor([0.0, 40.0, -40.0, 1e20, torch.inf])])
        torch.testing.assert_close(fast(x), slow(x), rtol=ROUNDING, atol=ROUNDING)
        torch.testing.assert_close(fast(x.double()), slow(x.double()), rtol=ROUNDING, atol=ROUNDING)
        torch.testing.assert_close(fast(x[::3]), slow(x[::3]), rtol=ROUNDING, atol=ROUNDING)


class Shifted(nn.Module):
    """GELU by tanh with a constant that differs in its fifth digit."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 0.5 * x * (1 + torch.tanh(0.79789 * (x + 0.044715 * x**3)))


class OverRows(nn.Module):
    """Not of every value by itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(x, -1)


class OfTwo(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x * y


@pytest.mark.parametrize(
    "function",
    [
        *(ACT2FN[name] for name in ("gelu", "gelu_pytorch_tanh", "quick_gelu", "silu", "relu", "relu2", "mish")),
        *(Shifted(), OverRows(), OfTwo(), nn.GELU(approximate="tanh")),
    ],
    ids=lambda function: type(function).__name__,
)
def test_every_other_function_stays(function: nn.Module) -> None:
    model = Model(function)
    assert fuse_activations(model, "tiny") == Replaced()
    assert model.blocks[0].act is function


def test_what_a_model_computes_is_the_same_but_for_rounding(tmp_path: Path) -> None:
    folder = tiny_gpt2(tmp_path / "gpt2")
    plain, model = AutoModel.from_pretrained(folder).eval(), loaded(folder)
    assert model.replaced.fused == ("NewGELUActivation",)
    functions = [type(module) for module in model.body.modules() if isinstance(module, nn.GELU)]
    assert functions == [Gelu] * LAYERS
    ids = torch.arange(40).reshape(4, 10)
    with torch.inference_mode():
        a, b = plain(ids).last_hidden_state, model.body(ids).last_hidden_state
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "fused"), [("bloom", ("BloomGelu",)), ("gptj", ("NewGELUActivation",)), ("phi3", ())]
)
def test_families_with_a_slow_gelu_are_known_by_what_it_computes(
    tmp_path: Path, family: str, fused: tuple[str, ...]
) -> None:
    assert loaded(FAMILIES[family].save(tmp_path / family)).replaced.fused == fused


def test_an_encoder_with_exact_gelu_keeps_it(tmp_path: Path) -> None:
    assert loaded(tiny_bert(tmp_path / "bert")).replaced.fused == ()
