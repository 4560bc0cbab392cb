from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.lens_models import KINDS as LENS_KINDS
from tests.lens_models import missing
from tests.tiny_families import FAMILIES, TinyFamily
from tests.tiny_models import LAYERS, loaded
from torch import nn

from intraneuron.errors import ModelError
from intraneuron.models.feeding import model_arguments
from intraneuron.models.lens import load_lens
from intraneuron.models.loading import LoadedModel
from intraneuron.models.places import KINDS, find_place
from intraneuron.models.sites import tapped

IDS = np.array([[13, 40, 41, 19, 12], [50, 17, 18, 33, 61]])


@pytest.fixture(scope="module", params=FAMILIES)
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyFamily, LoadedModel]:
    family = FAMILIES[request.param]
    return family, loaded(family.save(tmp_path_factory.mktemp("tiny")))


def arguments(model: LoadedModel) -> dict[str, Any]:
    return model_arguments(model.kind, getattr(model.model, "config", None), IDS, model.device)


def passing(model: LoadedModel, hook: str) -> torch.Tensor:
    """Return what passes a place in one forward pass."""
    seen: list[torch.Tensor] = []
    handle = find_place(model, hook, arguments(model)).read(lambda value: seen.append(value.clone()))
    with torch.inference_mode():
        model.body(**arguments(model))
    handle.remove()
    [value] = seen
    return value


def test_the_residual_stream_is_what_transformers_calls_hidden_states(tiny: tuple[TinyFamily, LoadedModel]) -> None:
    _, model = tiny
    with torch.inference_mode():
        out = model.body(**arguments(model), output_hidden_states=True)
    stacks = [out.hidden_states] if "hidden_states" in out else [out.encoder_hidden_states, out.decoder_hidden_states]
    layer = 0
    for states in stacks:
        for i in range(LAYERS):
            torch.testing.assert_close(passing(model, f"blocks.{layer}.hook_resid_pre"), states[i])
            if i + 1 < LAYERS:  # what leaves the last one has gone through a norm in transformers' list
                torch.testing.assert_close(passing(model, f"blocks.{layer}.hook_resid_post"), states[i + 1])
            layer += 1


def test_an_mlps_output_is_what_the_block_loses_without_it(tiny: tuple[TinyFamily, LoadedModel]) -> None:
    """Not in models that norm the sum of both (BERT and its kin)."""
    _, model = tiny
    if model.kind == "encoder":
        pytest.skip("the sum of stream and MLP is normed: nothing is lost by itself")
    for layer in range(len(model.sites)):
        place = find_place(model, f"blocks.{layer}.hook_mlp_out", arguments(model))
        whole, added = (passing(model, f"blocks.{layer}.{kind}") for kind in ("hook_resid_post", "hook_mlp_out"))
        handle = place.module.register_forward_hook(lambda _, __, out: torch.zeros_like(out))
        without = passing(model, f"blocks.{layer}.hook_resid_post")
        handle.remove()
        torch.testing.assert_close(whole - without, added.reshape(whole.shape), rtol=1e-3, atol=1e-4)
        assert added.std() > 1e-3


def test_an_encoders_mlp_output_is_that_of_its_projection(tiny: tuple[TinyFamily, LoadedModel]) -> None:
    _, model = tiny
    if model.kind == "encoder":
        for site in model.sites:
            place = find_place(model, f"blocks.{site.layer}.hook_mlp_out", arguments(model))
            assert (place.module, place.side) == (site.output.module, "output")


def test_what_enters_the_output_projection_is_the_neurons(tiny: tuple[TinyFamily, LoadedModel]) -> None:
    _, model = tiny
    seen: dict[int, torch.Tensor] = {}
    with tapped(model.body, model.sites, lambda s, _, a: seen.update({s.layer: a.clone()}), stop=False) as forward:
        forward(**arguments(model))
    for layer, activation in seen.items():
        torch.testing.assert_close(passing(model, f"blocks.{layer}.mlp.hook_post"), activation)


@pytest.mark.parametrize("kind", LENS_KINDS)
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_the_places_of_transformer_lens_have_the_same(
    kind: str, family: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    reason = missing(kind)
    if reason:
        pytest.skip(reason)
    path = FAMILIES[family].save(tmp_path_factory.mktemp("lens") / family)
    ours, theirs = loaded(path), load_lens(LENS_KINDS[kind](path))
    same = KINDS if "folded" not in kind or family == "llama" else ("mlp.hook_post",)  # centring shifts the stream
    for place in same:
        for layer in range(LAYERS):
            hook = f"blocks.{layer}.{place}"
            torch.testing.assert_close(passing(theirs, hook), passing(ours, hook), rtol=1e-3, atol=1e-4)


@pytest.fixture
def gpt2(tmp_path: Path) -> LoadedModel:
    return loaded(FAMILIES["gpt2"].save(tmp_path / "gpt2"))


@pytest.mark.parametrize(
    "hook",
    [
        "blocks.3.hook_resid_post",
        "blocks.1.attn.hook_z",
        "blocks.1.hook_mlp_in",
        "layers.1",
        "",
        "blocks.-1.hook_resid_pre",
    ],
)
def test_a_place_that_the_model_does_not_have_is_refused_with_those_that_it_has(gpt2: LoadedModel, hook: str) -> None:
    model = gpt2
    with pytest.raises(ModelError) as caught:
        find_place(model, hook, arguments(model))
    assert str(caught.value) == (
        f"{model.name} has no place {hook!r} that an SAE can read. Places (--hook): blocks.L.hook_resid_pre, "
        "blocks.L.hook_resid_post, blocks.L.hook_mlp_out, blocks.L.mlp.hook_post, where L is a layer from 0 to 2."
    )


def test_a_model_without_one_stream_is_refused_there(gpt2: LoadedModel) -> None:
    """The second block is given something else than the first hands on."""
    model = gpt2
    body: Any = model.body
    block: nn.Module = body.h[1]
    block.register_forward_pre_hook(lambda _, given: (given[0] + 1, *given[1:]), prepend=True)
    with pytest.raises(ModelError, match=r"^What leaves layer 0 of .* is not what enters the next one"):
        find_place(model, "blocks.0.hook_resid_post", arguments(model))
    assert find_place(model, "blocks.0.hook_mlp_out", arguments(model)).layer == 0


def test_hooks_are_gone_afterwards(gpt2: LoadedModel) -> None:
    model = gpt2
    for kind in KINDS:
        find_place(model, f"blocks.1.{kind}", arguments(model))
    assert not any(m._forward_pre_hooks or m._forward_hooks for m in model.body.modules())
