from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from tests.lens_models import KINDS, HandMade, bridge, hooked, missing
from tests.tiny_families import FAMILIES
from tests.tiny_models import CONTEXT, LAYERS, NEURONS, WIDTH, loaded, tiny_gpt2
from torch import nn

from intraneuron.api import study as study_of
from intraneuron.config import ObserveConfig, RunConfig, SpaceConfig, SpaceName
from intraneuron.errors import ModelError, SettingError
from intraneuron.models.lens import LensProjection, as_loaded, load_lens
from intraneuron.models.loading import LoadedModel, load_model
from intraneuron.models.sites import self_check, tapped
from intraneuron.models.spaces import read_space
from intraneuron.models.texts import pack
from intraneuron.pipeline.observe import observe

IDS = torch.tensor([[13, 40, 41, 19, 12], [50, 17, 18, 33, 61]])


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / request.param
    return tiny_gpt2(path) if request.param == "gpt2" else FAMILIES[request.param].save(path)


@pytest.fixture(params=KINDS)
def lens(request: pytest.FixtureRequest, folder: Path) -> Any:
    """Return a model of TransformerLens with the weights of the folder."""
    reason = missing(request.param)
    if reason:
        pytest.skip(reason)
    model = KINDS[request.param](folder)
    model.name_of_kind = request.param
    return model


def captured(model: LoadedModel) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
    seen = {}

    def keep(site: Any, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        assert x is not None
        seen[site.layer] = (x.clone(), activation.clone())

    with tapped(model.body, model.sites, keep, inputs=True) as forward:
        forward(input_ids=IDS, use_cache=False)
    return seen


def test_activations_are_ours_on_the_same_weights(lens: Any, folder: Path) -> None:
    ours, theirs = captured(loaded(folder)), captured(load_lens(lens))
    assert list(ours) == list(theirs) == list(range(LAYERS))
    for layer, (x, activation) in ours.items():
        torch.testing.assert_close(theirs[layer][1], activation, rtol=1e-4, atol=1e-4)
        folded = "folded" in lens.name_of_kind
        assert torch.allclose(theirs[layer][0], x, atol=1e-4) != folded  # folding takes the norm's gain out of x
        assert activation.std() > 0.1


def test_they_are_what_the_model_itself_caches(lens: Any) -> None:
    with torch.inference_mode():
        _, cache = lens.run_with_cache(IDS)
    for layer, (_, activation) in captured(load_lens(lens)).items():
        torch.testing.assert_close(activation, cache[f"blocks.{layer}.mlp.hook_post"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("corpus", [False, True], ids=["vocabulary", "texts"])
def test_observing_it_gives_our_sums_and_the_same_rotated_twin(lens: Any, folder: Path, corpus: bool) -> None:
    own, model = loaded(folder), load_lens(lens)
    documents = [f"the cat {word} on a red mat" for word in ("sat", "ran", "walks", "walked") * 15]
    texts = [pack(documents, each) if corpus else None for each in (own, model)]
    ours, theirs = (
        list(observe(each, ObserveConfig(), run=RunConfig(), twins=("rotated",), texts=windows))
        for each, windows in zip((own, lens), texts, strict=True)
    )
    for a, b in zip(ours, theirs, strict=True):
        assert list(a.populations) == list(b.populations) == ["neurons", "rotated"]
        for name, activations in a.populations.items():
            assert np.array_equal(activations.count, b.populations[name].count)
            np.testing.assert_allclose(b.populations[name].total, activations.total, rtol=1e-3, atol=1e-3)


def test_it_has_our_vocabulary_and_context_and_spaces(lens: Any, folder: Path) -> None:
    ours, theirs = loaded(folder), load_lens(lens)
    assert np.array_equal(ours.vocabulary.token, theirs.vocabulary.token)
    assert np.array_equal(ours.vocabulary.special, theirs.vocabulary.special)
    assert theirs.context == CONTEXT
    assert (theirs.kind, theirs.device, theirs.dtype) == ("causal", torch.device("cpu"), torch.float32)
    if "folded" not in lens.name_of_kind:
        for space in get_args(SpaceName):
            own, its = (read_space(model, SpaceConfig(space)) for model in (ours, theirs))
            np.testing.assert_allclose(own.vector, its.vector, atol=1e-6)


def test_the_self_check_fails_when_the_hook_is_another(lens: Any) -> None:
    model = load_lens(lens)
    for hook in ("blocks.1.mlp.hook_pre", "blocks.2.mlp.hook_post"):
        sites = [replace(s, point=lens.hook_dict[hook]) if s.layer == 1 else s for s in model.sites]
        with pytest.raises(ModelError, match=r"^Layer 1: "):
            self_check(model.body, sites, {"input_ids": IDS})


def test_the_hash_is_of_the_weights(lens: Any) -> None:
    first = load_lens(lens)
    assert load_lens(lens).weight_hash == first.weight_hash
    with torch.no_grad():
        next(lens.parameters()).view(-1)[0] += 1
    other = load_lens(lens)
    assert (other.weight_hash != first.weight_hash, other.config_hash == first.config_hash) == (True, True)


def test_a_study_of_it_is_made_and_gone_on_with(lens: Any, tmp_path: Path) -> None:
    study = study_of(lens, out=tmp_path / "study", core_tokens=40)
    written = (study.path / "manifest.toml").read_bytes()
    assert study.summary["n_neurons"] == LAYERS * NEURONS
    assert study_of(lens, out=tmp_path / "study", core_tokens=40).path == study.path
    assert (study.path / "manifest.toml").read_bytes() == written
    assert "of transformer-lens" in str(study.methods())


def test_an_mlp_that_a_bridge_never_calls_is_read_at_its_hooks(tmp_path: Path) -> None:
    """OPT's projections stand in the block itself."""
    reason = missing("bridge")
    if reason:
        pytest.skip(reason)
    path = FAMILIES["opt"].save(tmp_path / "opt")
    ours, theirs = captured(loaded(path)), captured(load_lens(bridge(path)))
    for layer, (_, activation) in ours.items():
        torch.testing.assert_close(theirs[layer][1].reshape(activation.shape), activation, rtol=1e-4, atol=1e-4)


def test_padding_on_the_left_is_ours_to_say(tmp_path: Path) -> None:
    """With such a tokenizer TransformerLens masks what a window begins with, when that is its padding token."""
    reason = missing("hooked")
    if reason:
        pytest.skip(reason)
    lens = hooked(tiny_gpt2(tmp_path / "model"))
    bos = lens.tokenizer.bos_token_id
    seen = []
    for side in ("right", "left"):
        lens.tokenizer.padding_side = side
        model = load_lens(lens)
        with tapped(model.body, model.sites, lambda _, __, a: seen.append(a.clone())) as forward:
            forward(input_ids=torch.tensor([[bos, bos, 41, 40, 12]]))
    for right, left in zip(seen[:LAYERS], seen[LAYERS:], strict=True):
        torch.testing.assert_close(left, right)


# Without the package -------------------------------------------------------------------------------------------------


def test_what_has_the_parts_of_such_a_model_is_read_like_one() -> None:
    lens = HandMade()
    model = as_loaded(lens)
    assert (model.name, model.family, len(model.sites)) == ("TransformerLens-made", "HandMade", LAYERS)
    assert model.sites[0].inputs[0].weight.shape == (NEURONS, WIDTH)
    for layer, (x, activation) in captured(model).items():
        mlp: Any = lens.blocks[layer].mlp
        with torch.no_grad():
            torch.testing.assert_close(activation, nn.functional.gelu(x @ mlp.W_in + mlp.b_in))
    assert as_loaded(model) is model


def refused(model: object) -> str:
    with pytest.raises(ModelError) as caught:
        as_loaded(model)
    return str(caught.value)


def test_a_model_that_is_none_of_these_is_refused_by_its_class() -> None:
    expected = "A model comes from inn.load_model or from TransformerLens, got Linear."
    assert refused(nn.Linear(2, 2)) == expected
    with pytest.raises(ModelError, match=expected):
        study_of(nn.Linear(2, 2))
    with pytest.raises(SettingError, match=r"^model must be a name or a path, got 5\.$"):
        study_of(5)


def test_a_model_without_a_tokenizer_is_refused_with_how_to_give_one() -> None:
    lens = HandMade()
    lens.tokenizer = None
    assert refused(lens).startswith("The model TransformerLens-made has no tokenizer. Give it one: model.set_")


def test_a_tokenizer_of_more_tokens_than_are_embedded_is_refused() -> None:
    lens = HandMade()
    lens.tokenizer.add_tokens(["<more>"])
    assert "tokens, but the model embeds only" in refused(lens)


def test_a_nonlinearity_across_neurons_is_refused() -> None:
    message = refused(HandMade(act_fn="solu_ln"))
    assert message.startswith("The nonlinearity solu_ln of TransformerLens-made is none that acts on each neuron by")


def test_a_model_that_reads_both_ways_or_has_no_blocks_is_refused() -> None:
    both_ways, bare = HandMade(attention_dir="bidirectional"), HandMade()
    bare.blocks = nn.ModuleList()
    for lens in (both_ways, bare):
        assert "(HandMade) has no blocks that read from left to right with an mlp.hook_post each." in refused(lens)


def test_an_mlp_without_its_two_weights_is_refused() -> None:
    lens = HandMade()
    mlp: Any = lens.blocks[1].mlp
    del mlp.W_out
    assert "Layer 1 of TransformerLens-made (HandMadeMlp) has no weights W_in and W_out of one dense" in refused(lens)


def test_a_bias_behind_the_gate_is_refused_by_the_self_check() -> None:
    """TransformerLens adds b_in of a gated MLP after the product; where it is not 0, no twin is like that."""
    lens = HandMade()
    mlps: list[Any] = [block.mlp for block in lens.blocks]
    for mlp in mlps:
        mlp.W_gate = nn.Parameter(torch.randn(WIDTH, NEURONS))
    assert "the captured neurons are not the activation of the MLP's input" in refused(lens)


def test_its_untrained_twin_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^twins \(--twins\) untrained makes the model anew from its configuration"):
        study_of(HandMade(), out=tmp_path / "study", twins=["untrained"])
    assert not (tmp_path / "study").exists()


def test_its_name_is_refused_where_only_names_are_known() -> None:
    with pytest.raises(ModelError, match=r"is one of TransformerLens, which is handed over in Python: inn\.study\("):
        load_model("TransformerLens-gpt2")


def test_projections_have_their_weights_out_by_in() -> None:
    mlp: Any = HandMade().blocks[0].mlp
    out = LensProjection(module=mlp, mlp=mlp, letter="out")
    assert out.weight.shape == (WIDTH, NEURONS)
    x = torch.randn(2, NEURONS)
    torch.testing.assert_close(out.apply(x), x @ mlp.W_out + mlp.b_out)


def test_nothing_of_transformer_lens_is_imported_unasked() -> None:
    code = "import sys, intraneuron.models.lens; print('transformer_lens' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
