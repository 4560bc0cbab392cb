from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_models import loaded, tiny_bert, tiny_gpt2
from torch import nn

from intraneuron.models.loading import LoadedModel
from intraneuron.models.projections import Projection
from intraneuron.models.sites import Site, tapped
from intraneuron.models.twins import RotatedTwin, input_moments, rotated_rows

ROWS = 40


@pytest.fixture(scope="module", params=["gpt2", "bert"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    make = {"gpt2": tiny_gpt2, "bert": tiny_bert}[request.param]
    return loaded(make(tmp_path_factory.mktemp(request.param)))


@pytest.fixture(scope="module")
def x(model: LoadedModel) -> torch.Tensor:
    """Return what enters the second MLP, at 400 positions."""
    seen: list[torch.Tensor] = []

    def keep(_: Site, x: torch.Tensor | None, __: torch.Tensor) -> None:
        assert x is not None
        seen.append(x.clone())

    ids = torch.from_numpy(np.random.default_rng(0).integers(10, 90, (40, 10)))
    site = model.sites[1]
    with tapped(model.body, [site], keep, inputs=True) as forward:
        forward(input_ids=ids)
    return seen[0].reshape(-1, site.width)


def gated(width: int = 8, neurons: int = 30) -> tuple[Site, torch.Tensor]:
    torch.manual_seed(0)
    gate, up = nn.Linear(width, neurons), nn.Linear(width, neurons, bias=False)
    site = Site(
        2, neurons, (Projection(gate), Projection(up)), Projection(nn.Linear(neurons, width)), nn.functional.silu
    )
    return site, 3 + torch.randn(500, width) @ torch.randn(width, width)


def test_a_twin_has_the_mean_and_deviation_of_the_neurons_it_drew(model: LoadedModel, x: torch.Tensor) -> None:
    site = model.sites[1]
    twin = RotatedTwin.build(site, *input_moments([x]), ROWS, seed=5)
    with torch.no_grad():
        [mine] = twin.preactivations(x)
        real = site.inputs[0].apply(x)[:, torch.from_numpy(twin.drawn).long()]
    torch.testing.assert_close(mine.mean(0), real.mean(0), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(mine.std(0), real.std(0), rtol=1e-4, atol=1e-4)


def test_its_directions_are_random_mixtures_of_the_neurons_directions(model: LoadedModel, x: torch.Tensor) -> None:
    """Undo shift and scale: what is left is R W, with R drawn again here."""
    site = model.sites[1]
    twin = RotatedTwin.build(site, *input_moments([x]), ROWS, seed=5)
    with torch.no_grad():
        weight = site.inputs[0].weight
        for row in range(ROWS):
            stream = np.random.default_rng([5, 1, row, 1])
            assert twin.drawn[row] == stream.integers(site.n_neurons)
            expected = torch.from_numpy(stream.standard_normal(site.n_neurons, dtype=np.float32)) @ weight
            cosine = nn.functional.cosine_similarity(twin.weights[0][row], expected, dim=0)
            assert cosine == pytest.approx(1, abs=1e-5)


def test_rows_do_not_depend_on_how_many_there_are(model: LoadedModel, x: torch.Tensor) -> None:
    site, moments = model.sites[1], input_moments([x])
    many, few = (RotatedTwin.build(site, *moments, rows, seed=5) for rows in (ROWS, 7))
    assert np.array_equal(many.drawn[:7], few.drawn)
    torch.testing.assert_close(many.weights[0][:7], few.weights[0])
    torch.testing.assert_close(many.biases[0][:7], few.biases[0], rtol=1e-4, atol=1e-5)


def test_rows_depend_on_seed_and_layer(model: LoadedModel, x: torch.Tensor) -> None:
    moments = input_moments([x])
    site = model.sites[1]
    first = RotatedTwin.build(site, *moments, ROWS, seed=5)
    again = RotatedTwin.build(site, *moments, ROWS, seed=5)
    other_seed = RotatedTwin.build(site, *moments, ROWS, seed=6)
    other_layer = RotatedTwin.build(replace(site, layer=2), *moments, ROWS, seed=5)
    assert torch.equal(first.weights[0], again.weights[0])
    for other in (other_seed, other_layer):
        assert not torch.allclose(first.weights[0], other.weights[0])
        assert not np.array_equal(first.drawn, other.drawn)


def test_activations_are_the_familys_function_of_the_preactivations(model: LoadedModel, x: torch.Tensor) -> None:
    site = model.sites[1]
    twin = RotatedTwin.build(site, *input_moments([x]), ROWS, seed=5)
    with torch.no_grad():
        [pre] = twin.preactivations(x)
        got = twin.activations(x)
        approximate = "tanh" if model.family == "gpt2" else "none"
        torch.testing.assert_close(got, nn.functional.gelu(pre, approximate=approximate))
    assert got.shape == (len(x), ROWS)
    assert got.dtype == torch.float32


def test_gate_and_up_share_their_rows_and_each_has_its_own_moments() -> None:
    site, x = gated()
    twin = RotatedTwin.build(site, *input_moments([x]), 20, seed=0)
    with torch.no_grad():
        pre = twin.preactivations(x)
        for projection, mine in zip(site.inputs, pre, strict=True):
            real = projection.apply(x)[:, torch.from_numpy(twin.drawn).long()]
            torch.testing.assert_close(mine.mean(0), real.mean(0), rtol=1e-3, atol=1e-3)
            torch.testing.assert_close(mine.std(0), real.std(0), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(twin.activations(x), nn.functional.silu(pre[0]) * pre[1])
        # The same row of R gives the directions of both.
        gate, up = (projection.weight.double().numpy() for projection in site.inputs)
        stream = np.random.default_rng([0, 2, 3, 1])
        stream.integers(site.n_neurons)
        row = stream.standard_normal(site.n_neurons, dtype=np.float32)
        for weight, folded in ((gate, twin.weights[0]), (up, twin.weights[1])):
            assert np.corrcoef(row @ weight, folded[3].numpy())[0, 1] == pytest.approx(1, abs=1e-5)


def test_a_twin_is_rounded_as_its_layer_is_and_its_moments_are_those_of_rounded_weights() -> None:
    """One direction of x is far from zero: rounding a weight there by itself would move the mean by many deviations."""
    torch.manual_seed(0)
    linear = nn.Linear(64, 200).to(torch.bfloat16)
    x = (torch.randn(4000, 64) + 300 * torch.nn.functional.one_hot(torch.tensor(5), 64)).to(torch.bfloat16)
    site = Site(0, 200, (Projection(linear),), Projection(nn.Linear(200, 64)), nn.functional.silu)
    twin = RotatedTwin.build(site, *input_moments([x]), 100, seed=0)
    assert (twin.weights[0].dtype, twin.biases[0].dtype) == (torch.bfloat16, torch.bfloat16)
    assert twin.activations(x).dtype == torch.bfloat16
    drawn = torch.from_numpy(twin.drawn).long()
    wide = x.double()
    mine = wide @ twin.weights[0].double().T + twin.biases[0].double()
    real = (wide @ linear.weight.double().T + linear.bias.double())[:, drawn]
    torch.testing.assert_close(mine.std(0), real.std(0), rtol=5e-3, atol=0)
    rounding = twin.biases[0].double().abs() / 2**8
    assert ((mine.mean(0) - real.mean(0)).abs() <= rounding + 1e-3).all()
    unrounded = (wide @ (twin.weights[0].double() * (1 + 2**-9)).T).mean(0) - (mine.mean(0) - twin.biases[0].double())
    assert unrounded.abs().max() > 0.1 * real.std(0).median()


def test_moments_over_blocks_are_those_of_all_positions_even_far_from_zero() -> None:
    x = torch.from_numpy(np.random.default_rng(0).normal(1000, [1, 2, 0.1], (3000, 3))).float()
    mean, cov = input_moments(x.split(700))
    wide = x.double().numpy()
    np.testing.assert_allclose(mean, wide.mean(0), rtol=1e-12)
    np.testing.assert_allclose(cov, np.cov(wide.T, bias=True), rtol=1e-8, atol=1e-10)


def test_a_layer_of_constant_input_gives_finite_constant_neurons() -> None:
    site, x = gated()
    twin = RotatedTwin.build(site, *input_moments([x[:1].repeat(50, 1)]), 10, seed=0)
    with torch.no_grad():
        got = twin.activations(x[:1])
        real = site.inputs[0].apply(x[:1])[:, torch.from_numpy(twin.drawn).long()]
        torch.testing.assert_close(twin.preactivations(x[:1])[0], real)
    assert torch.isfinite(got).all()


def test_there_are_as_many_rows_as_neurons_up_to_two_thousand(tmp_path: Path) -> None:
    site = loaded(tiny_bert(tmp_path / "b")).sites[0]
    assert rotated_rows(site) == 24
    assert rotated_rows(replace(site, n_neurons=6400)) == 2000
