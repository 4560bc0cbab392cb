from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny_models import NEURONS, loaded, tiny_gpt2

from intraneuron.data import CoreTokens, TokenActivations
from intraneuron.models.loading import LoadedModel, load_model
from intraneuron.models.texts import Windows, vocabulary_windows
from intraneuron.pipeline import precision as module
from intraneuron.pipeline.precision import has_room, precision, sampled_windows
from intraneuron.pipeline.select import select


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gpt2(tmp_path_factory.mktemp("models") / "gpt2")


@pytest.fixture(scope="module")
def model(folder: Path) -> LoadedModel:
    return loaded(folder)


def choosing(model: LoadedModel) -> Callable[[TokenActivations], CoreTokens]:
    return partial(select, eligible=~model.vocabulary.special, core_tokens=30)


def test_a_model_has_all_core_tokens_in_common_with_itself(model: LoadedModel) -> None:
    windows = vocabulary_windows(model)
    found = precision(model, model, windows, [0, 2], choose=choosing(model))
    assert found.overlap == {0: 1.0, 2: 1.0}
    assert found.positions == windows.positions


def test_the_overlap_is_the_share_of_core_tokens_in_common_of_plain_means(folder: Path, model: LoadedModel) -> None:
    """Of a bfloat16 model so coarse that something changes: by sorting the activations of every token."""
    short = load_model(str(folder), device="cpu", dtype="bfloat16")
    windows = vocabulary_windows(model)
    found = precision(short, model, windows, [1], choose=choosing(model))
    from intraneuron.config import ObserveConfig, RunConfig
    from intraneuron.pipeline.observe import observe

    chosen = []
    for one in (short, model):
        [seen] = observe(one, ObserveConfig(layers=(1,)), run=RunConfig())
        total = seen.populations["neurons"].total[0]
        ordinary = np.flatnonzero(~one.vocabulary.special)
        chosen.append(
            [
                {int(t) for t in ordinary[np.argsort(-total[ordinary, n], kind="stable")[:30]] if total[t, n] > 0}
                for n in range(NEURONS)
            ]
        )
    shares = [len(a & b) / min(len(a), len(b)) for a, b in zip(*chosen, strict=True) if a and b]
    assert found.overlap[1] == pytest.approx(np.mean(shares))
    assert 0.5 < found.overlap[1] < 1


def test_a_sample_is_spread_over_all_windows(model: LoadedModel) -> None:
    token_id = np.tile(np.arange(1000, dtype=np.int32)[:, None] % 256, (1, 8))
    windows = Windows(token_id, np.ones(token_id.shape, dtype=bool), (np.arange(1000) % 20).astype(np.int8))
    some = sampled_windows(windows, 800)
    assert some.positions == 800
    assert some.token_id[[0, -1], 0].tolist() == [0, 999 % 256]
    assert np.diff(np.unique(some.token_id[:, 0])).max() <= 20
    assert sampled_windows(windows, 10**9).positions == windows.positions
    assert len(sampled_windows(windows, 1)) == 1


def test_there_is_room_for_a_small_model_and_none_for_one_of_all_memory(
    model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert has_room(model)

    class Huge(torch.nn.Module):
        def parameters(self, recurse: bool = True):
            return iter([torch.empty(10**14, device="meta")])

    assert not has_room(replace(model, model=Huge()))
    monkeypatch.setattr(module, "Path", lambda _: Path("/nowhere"))
    assert has_room(replace(model, model=Huge()))
