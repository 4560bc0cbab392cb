from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.lens_models import KINDS as LENS_KINDS
from tests.lens_models import missing
from tests.tiny_families import FAMILIES
from tests.tiny_models import LAYERS, NEURONS, WIDTH, loaded, tiny_bert, tiny_gpt2
from tests.tiny_saes import HOOK, LATENTS, by_hand, save_sae, tensors

from intraneuron.config import ObserveConfig, RunConfig
from intraneuron.errors import ModelError, SettingError
from intraneuron.models.feeding import model_arguments
from intraneuron.models.latents import LatentSite, load_sae
from intraneuron.models.loading import LoadedModel, load_model
from intraneuron.models.sites import tapped
from intraneuron.models.texts import pack, vocabulary_windows
from intraneuron.pipeline.observe import observe

IDS = np.array([[13, 40, 41, 19, 12], [50, 17, 18, 33, 61]])


@pytest.fixture(scope="module", params=[tiny_gpt2, tiny_bert])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = request.param(tmp_path_factory.mktemp("model") / "tiny")
    return path


def hidden_states(model: LoadedModel, ids: np.ndarray) -> tuple[torch.Tensor, ...]:
    with torch.inference_mode():
        given = model_arguments(model.kind, model.model.config, ids, model.device)
        states: tuple[torch.Tensor, ...] = model.body(**given, output_hidden_states=True).hidden_states
    return states


@pytest.mark.parametrize("architecture", ["relu", "jumprelu", "topk"])
def test_captured_latents_are_those_of_the_residual_stream_encoded_by_hand(
    folder: Path, tmp_path: Path, architecture: str
) -> None:
    model = load_sae(save_sae(tmp_path / "sae", architecture), model=str(folder), device="cpu")
    seen: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def keep(site: Any, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        assert x is not None
        seen[site.layer] = (x.clone(), activation.clone())

    with tapped(model.body, model.sites, keep, inputs=True) as forward:
        forward(**model_arguments(model.kind, model.model.config, IDS, model.device))
    assert list(seen) == [1]
    value = hidden_states(model, IDS)[2]
    torch.testing.assert_close(seen[1][0], value - tensors()["b_dec"])
    torch.testing.assert_close(seen[1][1], by_hand(value, tensors(), architecture), rtol=1e-4, atol=1e-5)
    assert 0.02 < (seen[1][1] > 0).float().mean() < 0.6


def test_the_sites_are_those_of_the_saes_and_the_model_says_how_deep_it_is(folder: Path, tmp_path: Path) -> None:
    paths = [save_sae(tmp_path / name, weights=tensors(latents=n)) for name, n in (("a", 30), ("b", 50))]
    hooks = ["blocks.2.hook_resid_pre", "blocks.0.hook_mlp_out"]
    model = load_sae(paths, model=str(folder), hook=hooks, device="cpu")
    assert (model.layers, model.depth) == ((0, 2), LAYERS)
    assert [site.n_neurons for site in model.sites] == [50, 30]
    assert (model.site(2).n_neurons, model.site(2).width) == (30, WIDTH)
    assert [sae.hook for sae in model.saes] == hooks[::-1]
    assert load_sae(paths[::-1], model=model_of(folder), hook=hooks[::-1]).sae_hash == model.sae_hash
    assert model_of(folder).sae_hash is None


def model_of(folder: Path) -> LoadedModel:
    return load_model(str(folder), device="cpu")


def test_an_sae_of_the_neurons_reads_the_neurons(folder: Path, tmp_path: Path) -> None:
    path = save_sae(tmp_path / "sae", weights=tensors(width=NEURONS))
    model = load_sae(path, model=model_of(folder), hook="blocks.1.mlp.hook_post")
    assert model.site(1).width == NEURONS


@pytest.mark.parametrize("corpus", [False, True], ids=["vocabulary", "texts"])
@pytest.mark.parametrize("architecture", ["relu", "topk"])
def test_sums_of_latents_are_those_of_a_plain_loop(
    folder: Path, tmp_path: Path, architecture: str, corpus: bool
) -> None:
    model = load_sae(save_sae(tmp_path / "sae", architecture), model=model_of(folder))
    documents = [f"the cat {word} on a red mat" for word in ("sat", "ran", "walks", "walked") * 15]
    windows = pack(documents, model) if corpus else vocabulary_windows(model)
    [seen] = observe(model, ObserveConfig(), run=RunConfig(), texts=windows if corpus else None, twins=("rotated",))
    total = np.zeros((2 if corpus else 1, len(model.vocabulary), LATENTS))
    for row, counted, shard in zip(windows.token_id, windows.counted, windows.shard, strict=True):
        ids = row[row >= 0]
        latents = by_hand(hidden_states(model, ids[None])[2][0], tensors(), architecture).numpy()
        for token, count, latent in zip(ids, counted, latents, strict=False):
            total[int(shard) % len(total), token] += latent * count
    np.testing.assert_allclose(seen.populations["neurons"].total, total, rtol=1e-3, atol=1e-3)
    assert seen.layer == 1
    assert seen.populations["rotated"].total.shape == total.shape


def test_latents_of_a_model_in_half_precision_are_float32(folder: Path, tmp_path: Path) -> None:
    path = save_sae(tmp_path / "sae")
    half = load_sae(path, model=str(folder), device="cpu", dtype="bfloat16")
    got: list[torch.Tensor] = []
    with tapped(half.body, half.sites, lambda _, __, a: got.append(a)) as forward:
        forward(**model_arguments(half.kind, half.model.config, IDS, half.device))
    assert (half.dtype, got[0].dtype) == (torch.bfloat16, torch.float32)


@pytest.mark.parametrize("kind", LENS_KINDS)
def test_latents_on_a_model_of_transformer_lens_are_the_same(kind: str, tmp_path: Path) -> None:
    reason = missing(kind)
    if reason:
        pytest.skip(reason)
    folder, path = FAMILIES["llama"].save(tmp_path / "llama"), save_sae(tmp_path / "sae")
    each = []
    for model in (loaded(folder), LENS_KINDS[kind](folder)):
        [seen] = observe(load_sae(path, model=model), ObserveConfig(), run=RunConfig())
        each.append(seen.populations["neurons"].total)
    np.testing.assert_allclose(each[1], each[0], rtol=1e-3, atol=1e-3)
    assert each[0].max() > 0.1


def test_layers_without_an_sae_are_refused_with_those_that_have_one(folder: Path, tmp_path: Path) -> None:
    model = load_sae(save_sae(tmp_path / "sae"), model=model_of(folder))
    with pytest.raises(SettingError, match=r"has no layer 0: its layers are 1\.$"):
        list(observe(model, ObserveConfig(layers=(0,)), run=RunConfig()))


def test_an_sae_of_another_width_is_refused_with_both(folder: Path, tmp_path: Path) -> None:
    path = save_sae(tmp_path / "sae", weights=tensors(width=WIDTH + 3))
    with pytest.raises(ModelError) as caught:
        load_sae(path, model=model_of(folder))
    assert str(caught.value) == (
        f"The SAE {path} reads vectors of width {WIDTH + 3}, but {HOOK} of {folder} has {WIDTH}. Is it of this model, "
        "and of this place (--hook)?"
    )


def test_two_saes_of_one_layer_are_refused(folder: Path, tmp_path: Path) -> None:
    paths = [save_sae(tmp_path / name) for name in "ab"]
    with pytest.raises(ModelError, match=r"^Two SAEs read layer 1, and a latent's name would mean two\."):
        load_sae(paths, model=model_of(folder), hook=["blocks.1.hook_resid_pre", "blocks.1.hook_resid_post"])


def test_a_site_of_latents_is_the_same_wherever_its_layer_stands(folder: Path, tmp_path: Path) -> None:
    model = load_sae(save_sae(tmp_path / "sae"), model=model_of(folder))
    site = model.site(1)
    assert isinstance(site, LatentSite)
    assert replace(site, layer=2).sae is site.sae
    assert site.inputs[0].weight.shape == (LATENTS, WIDTH)
