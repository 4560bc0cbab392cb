"""The untrained twin is the same model with initial weights, and making it changes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.tiny_families import FAMILIES
from tests.tiny_models import LAYERS, NEURONS, tiny_bert, tiny_gpt2

from intraneuron.config import SpaceConfig
from intraneuron.models.loading import LoadedModel, load_model
from intraneuron.models.spaces import read_space
from intraneuron.models.untrained import untrained


@pytest.fixture(scope="module", params=["gpt2", "bert"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    make = {"gpt2": tiny_gpt2, "bert": tiny_bert}[request.param]
    return load_model(str(make(tmp_path_factory.mktemp("models") / request.param)), device="cpu")


def weights(model: LoadedModel) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.model.parameters()])


def test_it_has_the_same_shape_and_other_weights(model: LoadedModel) -> None:
    fresh = untrained(model, 3)
    assert [site.n_neurons for site in fresh.sites] == [NEURONS] * LAYERS
    assert weights(fresh).shape == weights(model).shape
    assert (weights(fresh) != weights(model)).float().mean() > 0.5
    assert not any(p.requires_grad for p in fresh.model.parameters())
    assert not fresh.model.training
    assert fresh.weight_hash != model.weight_hash


def test_the_padding_token_has_a_vector_like_the_others(tmp_path: Path) -> None:
    """It starts as zero in some families, and may be a word."""
    fresh = untrained(load_model(str(FAMILIES["llama"].save(tmp_path / "llama")), device="cpu"), 3)
    vectors = fresh.model.get_input_embeddings().weight
    assert 0.5 < float(vectors[0].norm() / vectors[1:].norm(dim=1).mean()) < 2


def test_its_weights_are_those_of_the_seed(model: LoadedModel) -> None:
    assert torch.equal(weights(untrained(model, 3)), weights(untrained(model, 3)))
    assert not torch.equal(weights(untrained(model, 3)), weights(untrained(model, 4)))


def test_neither_the_model_nor_the_random_state_of_torch_changes(model: LoadedModel) -> None:
    before, state = weights(model).clone(), torch.random.get_rng_state()
    untrained(model, 3)
    assert torch.equal(weights(model), before)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_its_space_is_its_own(model: LoadedModel) -> None:
    own, trained = (read_space(one, SpaceConfig()).vector for one in (untrained(model, 3), model))
    assert own.shape == trained.shape
    assert (own != trained).mean() > 0.9
