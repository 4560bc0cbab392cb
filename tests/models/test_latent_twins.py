from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_models import WIDTH, loaded, tiny_gpt2
from tests.tiny_saes import LATENTS, K, save_sae, tensors

from intraneuron.models import latent_twins
from intraneuron.models.latent_twins import places, rotated_twin
from intraneuron.models.latents import LatentSite, load_sae
from intraneuron.models.loading import LoadedModel
from intraneuron.models.twins import RotatedTwin, input_moments

SAMPLE = 700


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_gpt2(tmp_path_factory.mktemp("model") / "tiny"))


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    """Vectors with a mean, unequal spreads, and long tails, so that latents fire rarely and far."""
    random = torch.Generator().manual_seed(4)
    normal = torch.randn(SAMPLE, WIDTH, generator=random)
    return normal**3 * torch.linspace(0.2, 1.5, WIDTH) + torch.linspace(-1, 1, WIDTH)


def site_of(model: LoadedModel, path: Path, architecture: str, *, sparse: float = 3.0) -> LatentSite:
    weights = tensors(sparse=sparse)
    weights["b_enc"][:6] = -1e6  # dead latents, and some that always fire
    weights["b_enc"][6:12] = 1e6
    site = load_sae(save_sae(path, architecture, weights=weights), model=model).site(1)
    assert isinstance(site, LatentSite)
    return site


def blocks(x: torch.Tensor, size: int = 256) -> latent_twins.Blocks:
    return lambda: iter(x.split(size))


@pytest.mark.parametrize("architecture", ["relu", "jumprelu"])
def test_the_twin_fires_as_often_as_the_latent_that_it_is_held_against(
    model: LoadedModel, x: torch.Tensor, tmp_path: Path, architecture: str
) -> None:
    site = site_of(model, tmp_path / "sae", architecture)
    twin = rotated_twin(site, blocks(x), seed=3)
    fires = (site.sae.latents(x) > 0).sum(dim=0)[torch.from_numpy(twin.drawn).long()]
    assert torch.equal((twin.activations(x) > 0).sum(dim=0), fires)
    assert {0, SAMPLE} < set(fires.tolist())
    assert len(set(fires.tolist())) > 10


def test_its_preactivation_spreads_like_that_of_its_latent(model: LoadedModel, x: torch.Tensor, tmp_path: Path) -> None:
    site = site_of(model, tmp_path / "sae", "relu")
    twin = rotated_twin(site, blocks(x), seed=3)
    latent = torch.from_numpy(twin.drawn).long()
    real = x @ site.sae.weight[latent].T
    torch.testing.assert_close(twin.preactivations(x)[0].std(dim=0), real.std(dim=0), rtol=1e-3, atol=1e-3)


def test_a_jumprelu_twin_jumps_at_the_threshold_of_its_latent(
    model: LoadedModel, x: torch.Tensor, tmp_path: Path
) -> None:
    site = site_of(model, tmp_path / "sae", "jumprelu")
    twin = rotated_twin(site, blocks(x), seed=3)
    assert site.sae.threshold is not None
    own = site.sae.threshold[torch.from_numpy(twin.drawn).long()].expand(SAMPLE, -1)
    found = twin.activations(x)
    assert (found[found > 0] > own[found > 0]).all()
    u = twin.preactivations(x)[0]
    torch.testing.assert_close(found, torch.where((u > own) & (u > 0), u, 0))


def test_a_top_k_twin_competes_among_its_own_for_as_large_a_share(
    model: LoadedModel, x: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intraneuron.models.twins.MAX_ROTATED", LATENTS // 2)
    site = site_of(model, tmp_path / "sae", "topk")
    twin = rotated_twin(site, blocks(x), seed=3)
    found = twin.activations(x)
    assert found.shape == (SAMPLE, LATENTS // 2)
    assert int((found > 0).sum(dim=1).max()) == K // 2
    u = twin.preactivations(x)[0]
    for position in range(5):
        best = u[position].topk(K // 2)
        assert torch.equal(found[position, best.indices], best.values.relu())
    latent = torch.from_numpy(twin.drawn).long()
    real = x @ site.sae.weight[latent].T + site.sae.bias[latent]
    torch.testing.assert_close(u.mean(dim=0), real.mean(dim=0), rtol=1e-3, atol=1e-2)


def test_the_share_of_places_is_rounded_to_one_at_least() -> None:
    assert [places(32, 2000, 16384), places(32, 2000, 65536), places(8, 2000, 65536), places(6, 40, 40)] == [4, 1, 1, 6]


def test_no_digit_depends_on_how_many_rows_are_held_at_a_time(
    model: LoadedModel, x: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(model, tmp_path / "sae", "jumprelu")
    first = rotated_twin(site, blocks(x), seed=3)
    monkeypatch.setattr(latent_twins, "COLUMNS", 7)
    again = rotated_twin(site, blocks(x), seed=3)
    assert np.array_equal(first.drawn, again.drawn)
    torch.testing.assert_close(first.biases[0], again.biases[0])
    monkeypatch.setattr(latent_twins, "ROWS", 3)
    torch.testing.assert_close(first.weights[0], rotated_twin(site, blocks(x), seed=3).weights[0])


def test_it_depends_on_the_seed_and_the_layer(model: LoadedModel, x: torch.Tensor, tmp_path: Path) -> None:
    site = site_of(model, tmp_path / "sae", "relu")
    same, other = (rotated_twin(site, blocks(x), seed=seed) for seed in (3, 4))
    assert torch.equal(same.weights[0], rotated_twin(site, blocks(x), seed=3).weights[0])
    assert not torch.equal(same.weights[0], other.weights[0])


def test_its_directions_have_the_covariance_of_the_encoder(model: LoadedModel, x: torch.Tensor, tmp_path: Path) -> None:
    """R W with rows of R of independent N(0, 1/N) has the covariance W'W / N, before it is scaled."""
    site = site_of(model, tmp_path / "sae", "relu")
    _, turned = latent_twins._turned(site, 4000, seed=1)
    expected = (site.sae.weight.T @ site.sae.weight / LATENTS).double().numpy()
    np.testing.assert_allclose(np.cov(turned.T, bias=True), expected, atol=0.12 * np.abs(expected).max())


def test_neurons_have_the_twin_that_they_had(model: LoadedModel, x: torch.Tensor) -> None:
    site = model.sites[1]
    twin = rotated_twin(site, blocks(x), seed=5)
    plain = RotatedTwin.build(site, *input_moments(blocks(x)()), 24, seed=5)
    assert torch.equal(twin.weights[0], plain.weights[0])
    assert torch.equal(twin.biases[0], plain.biases[0])


@pytest.mark.parametrize(("above", "value"), [(0, 9.0034), (1, 7.0), (2, 4.0), (3, 2.0)])
def test_as_many_values_as_wanted_are_above_the_number_between_them(above: int, value: float) -> None:
    column = torch.tensor([[5.0], [9.0], [3.0], [1.0]])
    found = latent_twins._between(column, torch.tensor([above]))
    assert found.tolist() == [pytest.approx(value, abs=1e-3)]
    assert int((column > found).sum()) == above


def test_all_values_can_be_above() -> None:
    column = torch.tensor([[5.0], [9.0]])
    assert int((column > latent_twins._between(column, torch.tensor([2]))).sum()) == 2
