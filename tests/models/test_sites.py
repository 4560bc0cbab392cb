from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tiny_models import LAYERS, loaded, tiny_bert, tiny_gpt2
from torch import nn

from intraneuron.errors import ModelError
from intraneuron.models.families import combine
from intraneuron.models.loading import LoadedModel
from intraneuron.models.projections import Projection
from intraneuron.models.sites import Site, self_check, tapped

IDS = torch.tensor([[3, 40, 41, 9, 12], [50, 7, 8, 33, 61]])
GIVEN = {"input_ids": IDS}


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_gpt2(tmp_path_factory.mktemp("gpt2")))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_bert(tmp_path_factory.mktemp("bert")))


def captured(model: LoadedModel, sites: tuple[Site, ...]) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
    seen = {}

    def keep(site: Site, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        assert x is not None
        seen[site.layer] = (x.clone(), activation.clone())

    with tapped(model.body, sites, keep, inputs=True) as forward:
        forward(input_ids=IDS)
    return seen


def test_captured_neurons_of_gpt2_are_those_of_a_forward_written_by_hand(gpt2: LoadedModel) -> None:
    seen = captured(gpt2, gpt2.sites)
    body: Any = gpt2.body
    with torch.no_grad():
        h = body.wte.weight[IDS] + body.wpe.weight[: IDS.shape[1]]
        mask = torch.full((5, 5), -torch.inf).triu(1)[None, None]
        for layer, block in enumerate(body.h):
            h = h + block.attn(block.ln_1(h), attention_mask=mask)[0]
            x = block.ln_2(h)
            u = x @ block.mlp.c_fc.weight + block.mlp.c_fc.bias
            activation = 0.5 * u * (1 + torch.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u**3)))
            h = h + activation @ block.mlp.c_proj.weight + block.mlp.c_proj.bias
            torch.testing.assert_close(seen[layer][0], x)
            torch.testing.assert_close(seen[layer][1], activation)


def test_captured_neurons_of_bert_are_those_of_a_forward_written_by_hand(bert: LoadedModel) -> None:
    seen = captured(bert, bert.sites)
    body: Any = bert.body
    with torch.no_grad():
        h = body.embeddings(IDS)
        for layer, block in enumerate(body.encoder.layer):
            x = block.attention(h)[0]
            dense = block.intermediate.dense
            u = x @ dense.weight.T + dense.bias
            activation = u * 0.5 * (1 + torch.erf(u / math.sqrt(2)))
            h = block.output.LayerNorm(block.output.dense(activation) + x)
            torch.testing.assert_close(seen[layer][0], x)
            torch.testing.assert_close(seen[layer][1], activation)


def test_only_wanted_layers_are_read_and_the_forward_stops_after_the_last(gpt2: LoadedModel) -> None:
    ran: list[str] = []
    handles = [
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, module in gpt2.body.named_modules()
    ]
    try:
        assert list(captured(gpt2, gpt2.sites[1:2])) == [1]
    finally:
        for handle in handles:
            handle.remove()
    assert "h.1.mlp.act" in ran
    assert not {"h.1.mlp.c_proj", "h.2.ln_1", "ln_f"} & set(ran)


def test_without_stop_the_model_runs_to_its_end(gpt2: LoadedModel) -> None:
    ran: list[int] = []
    body: Any = gpt2.body
    handle = body.ln_f.register_forward_hook(lambda *_: ran.append(1))
    with tapped(gpt2.body, gpt2.sites[:1], lambda *_: None, stop=False) as forward:
        forward(input_ids=IDS)
    handle.remove()
    assert ran == [1]


def test_x_is_handed_on_only_when_wanted(gpt2: LoadedModel) -> None:
    got: list[torch.Tensor | None] = []
    with tapped(gpt2.body, gpt2.sites, lambda _, x, __: got.append(x)) as forward:
        forward(input_ids=IDS)
    assert got == [None] * LAYERS


def test_hooks_are_removed_when_the_receiver_fails(gpt2: LoadedModel) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with (
        pytest.raises(ZeroDivisionError),
        tapped(gpt2.body, gpt2.sites, fail, inputs=True) as forward,
    ):
        forward(input_ids=IDS)
    assert not any(module._forward_pre_hooks for module in gpt2.body.modules())


@pytest.mark.parametrize("layer", range(LAYERS))
def test_the_self_check_fails_on_the_wrong_module_and_names_the_layer(gpt2: LoadedModel, layer: int) -> None:
    body: Any = gpt2.body
    block, other = body.h[layer], body.h[(layer + 1) % LAYERS]
    wrong: dict[str, dict[str, Any]] = {
        "what enters the MLP": {"output": Projection(block.mlp.c_fc)},
        "what enters the attention's projection": {"output": Projection(block.attn.c_proj)},
        "another layer": {"output": Projection(other.mlp.c_proj)},
        "another input projection": {"inputs": (Projection(other.mlp.c_fc),)},
        "another activation": {"activation": nn.functional.relu},
    }
    self_check(gpt2.body, gpt2.sites, GIVEN)
    for what, change in wrong.items():
        sites = list(gpt2.sites)
        sites[layer] = replace(sites[layer], **change)
        with pytest.raises(ModelError, match=f"^Layer {layer}: ") as caught:
            self_check(gpt2.body, sites, GIVEN)
        assert "captured neurons are not" in str(caught.value) or "saw no neurons" in str(caught.value), what


def test_the_self_check_fails_when_the_output_projection_does_not_use_the_captured_vector(
    gpt2: LoadedModel,
) -> None:
    """The activation fits, but the module does something else with it."""
    body: Any = gpt2.body
    handle = body.h[1].mlp.c_proj.register_forward_hook(lambda *inputs: inputs[-1] * 1.01)
    try:
        with pytest.raises(ModelError, match="Layer 1: the captured neurons are not the input of the output"):
            self_check(gpt2.body, gpt2.sites, GIVEN)
    finally:
        handle.remove()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_self_check_passes_in_half_precision(tmp_path: Path, dtype: torch.dtype) -> None:
    for make in (tiny_bert, tiny_gpt2):
        model = loaded(make(tmp_path / f"{make.__name__}-{dtype}"))
        self_check(model.body.to(dtype), model.sites, GIVEN)


def test_weights_are_out_by_in_for_both_kinds_of_projection(gpt2: LoadedModel, bert: LoadedModel) -> None:
    for model in (gpt2, bert):
        for site in model.sites:
            assert site.output.weight.shape == (16, 24) == (site.width, site.n_neurons)
            assert site.inputs[0].weight.shape == (24, 16)


def test_a_gated_mlp_is_the_activation_of_the_gate_times_up() -> None:
    gate, up = torch.tensor([-1.0, 2.0]), torch.tensor([5.0, 3.0])
    assert combine(torch.relu, (gate, up)).tolist() == [0.0, 6.0]
    assert combine(torch.relu, (gate,)).tolist() == [0.0, 2.0]
