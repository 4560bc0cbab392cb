"""Intervals of a whole study against the textbook's jackknife, every group left out from the sums on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from tests.test_engine import run
from tests.tiny_models import tiny_gpt2

from intraneuron.config import ObserveConfig, PartitionConfig, RunConfig, SpaceConfig
from intraneuron.data import CoreTokens, Space
from intraneuron.kernels.orthants import orthants
from intraneuron.models.loading import load_model
from intraneuron.models.spaces import read_space
from intraneuron.pipeline.analyse import analyse
from intraneuron.pipeline.numbers import BY_NAME
from intraneuron.pipeline.observe import observe
from intraneuron.pipeline.select import select

NUMBERS = ("mrpp_a", "distance_r")


def numbers(core: CoreTokens, space: Space, config: PartitionConfig) -> np.ndarray:
    """Return each number of each neuron, (N, M)."""
    [found] = analyse(core, space, config)
    return np.stack([BY_NAME[name].of(found.comparison) for name in NUMBERS], axis=1)


def half_width(full: np.ndarray, without: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return half a 95 % interval by the formula of Busing, Meijer and van der Leeden (1999)."""
    h, groups = 1 / share[:, None], len(share)
    center = groups * full - ((1 - 1 / h) * without).sum(axis=0)
    pseudo = h * full - (h - 1) * without
    variance = ((pseudo - center) ** 2 / (h - 1)).mean(axis=0)
    return np.asarray(stats.t.ppf(0.975, groups - 1) * np.sqrt(variance))


@pytest.mark.parametrize("segments", ["quantile:5", pytest.param("equal-width:3", marks=pytest.mark.slow)])
def test_a_small_layer_has_the_interval_of_all_its_neurons(tmp_path: Path, segments: str) -> None:
    folder = tiny_gpt2(tmp_path / "model", initializer_range=0.5)
    settings = PartitionConfig(segments=segments)
    study = run(folder, tmp_path / "study", layers=[1], segments=segments)
    model = load_model(str(folder), device="cpu")
    space = read_space(model, SpaceConfig())
    eligible = ~model.vocabulary.special & space.defined
    group = orthants(space.vector, eligible)
    [seen] = observe(model, ObserveConfig(layers=(1,)), run=RunConfig(device="cpu"), twins=("rotated",))
    share = np.array([(group == g).sum() for g in range(group.max() + 1) if (group == g).any()]) / eligible.sum()
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, activations in seen.populations.items():
        tokens = [select(activations, eligible & (group != g), core_tokens=30) for g in range(-1, group.max() + 1)]
        each = np.stack([numbers(core, space, settings) for core in tokens])
        defined = np.isfinite(each).all(axis=0)
        assert (np.isfinite(each).any(axis=0) == defined).all()
        assert (defined.sum(axis=0) > 10).all()
        full, *without = np.nanmean(each, axis=1)
        found[name] = full, np.stack([without[g] for g in range(len(without)) if (group == g).any()])
    neurons, rotated = found["neurons"], found["rotated"]
    alone = half_width(*neurons, share)
    left = half_width(neurons[0] - rotated[0], neurons[1] - rotated[1], share)
    rows = {row["number"]: row for row in study.summary()["claims"] if row["layer"] == 1}
    for i, name in enumerate(NUMBERS):
        assert rows[name]["neurons"] == pytest.approx(neurons[0][i], rel=1e-9)
        assert rows[name]["neurons_high"] - rows[name]["neurons"] == pytest.approx(alone[i], rel=1e-6)
        assert rows[name]["difference_high"] - rows[name]["difference"] == pytest.approx(left[i], rel=1e-6)
