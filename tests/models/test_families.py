from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tests.tiny_families import FAMILIES, PLAIN, TinyFamily
from tests.tiny_models import CONTEXT, LAYERS, byte_level_tokenizer, loaded, save
from torch import nn

from intraneuron.errors import ModelError
from intraneuron.models.families import TESTED, combine, find_stacks
from intraneuron.models.feeding import model_arguments
from intraneuron.models.loading import LoadedModel
from intraneuron.models.projections import Projection
from intraneuron.models.sites import find_sites, self_check, tapped
from intraneuron.models.texts import vocabulary_windows

IDS = np.array([[13, 40, 41, 19, 12], [50, 17, 18, 33, 61]])


@pytest.fixture(scope="module", params=FAMILIES)
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyFamily, LoadedModel]:
    """Return a family and its tiny model, which has passed the self-check."""
    family = FAMILIES[request.param]
    return family, loaded(family.save(tmp_path_factory.mktemp("tiny")))


def arguments(model: LoadedModel) -> dict[str, Any]:
    return model_arguments(model.kind, model.model.config, IDS, model.device)


def test_captured_neurons_are_those_of_an_mlp_written_by_hand(tiny: tuple[TinyFamily, LoadedModel]) -> None:
    family, model = tiny
    seen: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    into: dict[int, torch.Tensor] = {}

    def keep(site: Any, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        assert x is not None
        seen[site.layer] = (x.clone(), activation.clone())

    blocks = family.all_blocks(model.body)
    assert len(blocks) == len(model.sites) == LAYERS * len(family.blocks.split())
    with tapped(model.body, model.sites, keep, inputs=True, stop=False) as forward:
        for site in model.sites:  # what the block itself gives to its last projection
            site.output.module.register_forward_pre_hook(lambda _, given, at=site.layer: into.update({at: given[0]}))
        forward(**arguments(model))
    for site, block in zip(model.sites, blocks, strict=True):
        x, activation = seen[site.layer]
        assert site.n_neurons == family.neurons
        torch.testing.assert_close(activation, family.by_hand(block, x))
        torch.testing.assert_close(activation, into[site.layer])
        assert activation.std() > 0


def test_the_self_check_fails_when_the_hook_is_on_a_wrong_module(tiny: tuple[TinyFamily, LoadedModel]) -> None:
    _, model = tiny
    for site in model.sites:
        other = model.sites[site.layer - 1]
        for wrong in (
            {"output": Projection(site.inputs[0].module)},
            {"output": other.output},
            {"inputs": other.inputs},
            {"inputs": site.inputs * 2},
            {"activation": nn.functional.softplus},
        ):
            sites = [replace(site, **wrong) if each is site else each for each in model.sites]
            with pytest.raises(ModelError, match=f"^Layer {site.layer}: "):
                self_check(model.body, sites, arguments(model))


def test_gate_and_up_may_not_be_swapped() -> None:
    gate, up = torch.tensor([1.0, -2.0]), torch.tensor([3.0, 4.0])
    assert combine(torch.relu, [gate, up]).tolist() == [3.0, 0.0]


def test_every_tested_family_is_here_and_of_the_kind_that_the_table_says(tiny: tuple[TinyFamily, LoadedModel]) -> None:
    _, model = tiny
    assert model.family in TESTED[model.kind]
    assert {name.split(",")[0] for name in FAMILIES} == {name for names in TESTED.values() for name in names}


@pytest.mark.parametrize(
    ("config", "model", "settings"),
    [
        ("MixtralConfig", "MixtralForCausalLM", {"num_local_experts": 2}),
        ("Qwen2MoeConfig", "Qwen2MoeForCausalLM", {"num_experts": 2, "moe_intermediate_size": 8}),
        ("Qwen3MoeConfig", "Qwen3MoeForCausalLM", {"num_experts": 2, "moe_intermediate_size": 8}),
    ],
)
def test_a_mixture_of_experts_is_refused_with_the_reason(
    tmp_path: Path, config: str, model: str, settings: dict[str, Any]
) -> None:
    family = TinyFamily(config, model, lambda _, x: x, PLAIN | {"num_key_value_heads": 1} | settings)
    with pytest.raises(ModelError, match=r"is a mixture of experts \(\w+\): a router sends each token to a few of"):
        loaded(family.save(tmp_path / "mixture"))


@pytest.mark.parametrize(("family", "token"), [("bert", "sep_token"), ("t5", "eos_token")])
def test_a_tokenizer_without_what_stands_around_a_text_is_refused(tmp_path: Path, family: str, token: str) -> None:
    model = loaded(FAMILIES[family].save(tmp_path / family))
    setattr(model.tokenizer, token, None)
    with pytest.raises(ModelError, match=rf"has no {token}, which an {model.kind} model reads around a text\."):
        vocabulary_windows(model)


def test_an_encoder_decoder_that_does_not_say_how_its_decoder_starts_is_refused(tmp_path: Path) -> None:
    family = replace(FAMILIES["t5"], settings=FAMILIES["t5"].settings | {"decoder_start_token_id": None})
    with pytest.raises(ModelError, match=r"names no decoder_start_token_id in its config\.json"):
        loaded(family.save(tmp_path / "t5"))


def test_a_window_is_as_long_as_there_are_positions_behind_that_of_padding(tmp_path: Path) -> None:
    """RoBERTa counts positions from behind the number of its padding token."""
    family = replace(FAMILIES["roberta"], settings=PLAIN | {"pad_token_id": 3})
    model = loaded(family.save(tmp_path / "roberta"))
    assert model.context == CONTEXT - 4
    model.body(torch.full((1, model.context), 20))
    with pytest.raises((IndexError, RuntimeError)):
        model.body(torch.full((1, model.context + 1), 20))
    assert loaded(FAMILIES["bert"].save(tmp_path / "bert")).context == CONTEXT


def test_a_model_with_eyes_is_read_where_it_reads_text(tmp_path: Path) -> None:
    text = {"vocab_size": len(byte_level_tokenizer()), "head_dim": 8, "pad_token_id": 0, "num_key_value_heads": 1}
    eye = {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 5, "num_attention_heads": 2}
    config = transformers.Gemma3Config(
        text_config=PLAIN | text, vision_config=eye | {"image_size": 28, "patch_size": 14}, mm_tokens_per_image=4
    )
    path = save(tmp_path / "seeing", transformers.Gemma3ForConditionalGeneration(config), byte_level_tokenizer())
    model = loaded(path)
    assert (model.kind, len(model.sites), model.sites[0].width) == ("causal", LAYERS, PLAIN["hidden_size"])


class Block(nn.Module):
    """A block with attention and whatever parts are given."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        self.attention = type("TinyAttention", (nn.Linear,), {})(4, 4)
        for name, part in parts.items():
            self.add_module(name, part)


def test_a_block_without_one_mlp_is_refused_with_what_it_has() -> None:
    three = {"a": nn.Linear(4, 6), "b": nn.Linear(4, 6), "c": nn.Linear(4, 6), "d": nn.Linear(6, 4), "act": nn.ReLU()}
    for parts in (three, three | {"c": nn.Linear(4, 5)}):
        body = nn.Module()
        body.add_module("blocks", nn.ModuleList([Block(**parts)]))
        with pytest.raises(ModelError, match=r"^Layer 0 \(Block\) should have one MLP: .*; got 4 projections outside"):
            find_sites(body, "odd", [1])


def test_a_model_of_a_causal_family_that_reads_both_ways_is_refused(tmp_path: Path) -> None:
    """It would see padding, which causal models are given unmasked."""
    tiny = FAMILIES["gemma3_text"]
    family = replace(tiny, settings=tiny.settings | {"use_bidirectional_attention": True})
    with pytest.raises(ModelError, match=r"is of a causal family, but what it does with a token depends on later ones"):
        loaded(family.save(tmp_path / "both-ways"))


def test_a_model_whose_layers_share_their_weights_is_refused(tmp_path: Path) -> None:
    family = TinyFamily("AlbertConfig", "AlbertModel", lambda _, x: x, PLAIN | {"embedding_size": 16}, wordpiece=True)
    with pytest.raises(
        ModelError, match=r"should have 3 blocks of attention and MLP, as its config\.json says, got 1\."
    ):
        loaded(family.save(tmp_path / "albert"))


def test_a_model_of_more_stacks_than_it_should_have_is_refused() -> None:
    """The second would be read as a decoder, a place later."""
    mlp = {"into": nn.Linear(4, 6), "out": nn.Linear(6, 4), "act": nn.ReLU()}
    body = nn.Module()
    for name in ("first", "second"):
        body.add_module(name, nn.ModuleList([Block(**mlp)]))
    with pytest.raises(ModelError, match=r"should have 1 blocks .*, got 1 and 1\."):
        find_sites(body, "odd", [1])
    assert [site.decoder for site in find_sites(body, "odd", [1, 1])] == [False, True]


def test_what_is_no_transformer_is_refused() -> None:
    with pytest.raises(ModelError, match=r"^The model odd \(Linear\) has no list of blocks with attention and one MLP"):
        find_stacks(nn.Linear(3, 3), "odd")


def test_a_model_of_another_family_is_taken_when_it_is_built_the_same_way(tmp_path: Path) -> None:
    tokenizer = byte_level_tokenizer()
    settings = PLAIN | {"num_key_value_heads": 1, "vocab_size": len(tokenizer), "pad_token_id": 0}
    model = transformers.StableLmForCausalLM(transformers.StableLmConfig(**settings))
    assert "stablelm" not in TESTED["causal"]
    assert len(loaded(save(tmp_path / "other", model, tokenizer)).sites) == LAYERS
