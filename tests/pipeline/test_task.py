from __future__ import annotations

import numpy as np
import pytest
from tests.tiny_models import NEURONS, loaded, tiny_gpt2

from intraneuron.models.loading import LoadedModel
from intraneuron.models.texts import vocabulary_windows
from intraneuron.pipeline.task import Piece, Task


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_gpt2(tmp_path_factory.mktemp("models") / "gpt2"))


@pytest.mark.parametrize("size", [1, 7, 24, 3072])
@pytest.mark.parametrize("of", [1, 2, 5, 24])
def test_slices_are_all_neurons_once_in_their_order_and_of_nearly_one_width(
    model: LoadedModel, size: int, of: int
) -> None:
    slices = [np.arange(size)[Piece(model.sites[0], index, of).columns(size)] for index in range(of)]
    assert np.concatenate(slices).tolist() == list(range(size))
    widths = [len(one) for one in slices]
    assert max(widths) - min(widths) <= 1


def test_only_the_first_of_several_slices_has_the_sample_of_the_layer(model: LoadedModel) -> None:
    site = model.sites[0]
    assert Piece(site).sample(3072) is None
    assert Piece(site, 1, 2).sample(3072) is None
    sample = Piece(site, 0, 2).sample(3072)
    assert sample is not None
    assert sample.tolist() == list(range(0, 3072, 12))


def test_the_subset_of_the_jackknife_is_that_of_its_seed_layer_and_population(model: LoadedModel) -> None:
    def subset(seed: int, layer: int, population: str) -> list[int]:
        task = Task(model, vocabulary_windows(model), seed, corpus=True, rotated=True, most=None)
        found: list[int] = task.subset(model.sites[layer], population).tolist()
        return found

    assert subset(0, 0, "neurons") == list(range(NEURONS))
    from intraneuron.pipeline import task as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "JACKKNIFE_NEURONS", 6)
        found = {(s, n, p): tuple(subset(s, n, p)) for s in (0, 1) for n in (0, 1) for p in ("neurons", "rotated")}
        assert all(len(one) == 6 and sorted(one) == list(one) for one in found.values())
        assert len(set(found.values())) == len(found)
