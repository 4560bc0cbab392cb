from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.tiny_models import NEURONS, loaded, tiny_gpt2

from intraneuron.models.loading import LoadedModel
from intraneuron.models.texts import Windows, vocabulary_windows
from intraneuron.pipeline import memory as module
from intraneuron.pipeline import select
from intraneuron.pipeline import task as task_module
from intraneuron.pipeline.memory import pass_bytes, plan_passes
from intraneuron.pipeline.sums import piece_bytes
from intraneuron.pipeline.task import Piece, Task


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(tiny_gpt2(tmp_path_factory.mktemp("models") / "gpt2"))


@pytest.fixture(scope="module")
def text(model: LoadedModel) -> Windows:
    """Two tokens that occur often, and some that do not."""
    rng = np.random.default_rng(0)
    token_id = np.where(rng.random((800, 8)) < 0.5, rng.integers(65, 67, (800, 8)), rng.integers(0, 256, (800, 8)))
    return Windows(
        token_id.astype(np.int32), np.ones(token_id.shape, dtype=bool), (np.arange(800) % 20).astype(np.int8)
    )


def layers_of(passes: list[list[Piece]]) -> list[list[int]]:
    return [[piece.layer for piece in one] for one in passes]


def test_layers_fill_passes_from_the_last_so_that_the_short_pass_is_the_small_one(model: LoadedModel) -> None:
    task = Task(model, vocabulary_windows(model), 0, corpus=False, rotated=False)
    sites = [replace(model.sites[0], layer=layer) for layer in range(8)]
    assert layers_of(plan_passes(task, sites, int(3.5 * 4 * len(task.halves.seen) * NEURONS))) == [
        [0, 1],
        [2, 3, 4],
        [5, 6, 7],
    ]
    assert layers_of(plan_passes(task, sites, 10**12)) == [list(range(8))]
    assert layers_of(plan_passes(task, sites, 1)) == [[layer] for layer in range(8)]


def test_a_layer_that_does_not_fit_is_cut_into_as_few_slices_as_fit(
    model: LoadedModel, text: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NARROWEST", 2)
    monkeypatch.setattr(select, "SAMPLE", 2)  # what is kept of the whole layer beside the first slice is small
    monkeypatch.setattr(task_module, "JACKKNIFE_NEURONS", 1)
    task = Task(model, text, 0, corpus=True, rotated=True)
    whole = pass_bytes(task, [Piece(model.sites[0])])
    for memory in (whole, whole - 1, int(0.9 * whole)):
        passes = plan_passes(task, model.sites, memory)
        of = passes[0][0].of
        assert [(piece.layer, piece.index) for one in passes for piece in one] == [
            (site.layer, index) for site in model.sites for index in range(of)
        ]
        assert all(len(one) == 1 and pass_bytes(task, one) <= memory for one in passes)
        assert of == 1 or pass_bytes(task, [Piece(model.sites[0], 0, of - 1)]) > memory
    assert of > 1


def test_slices_are_no_narrower_for_what_is_never_cut(
    model: LoadedModel, text: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NARROWEST", 1)
    task = Task(model, text, 0, corpus=True, rotated=True)
    third = pass_bytes(task, [Piece(model.sites[0], 2, 3)])
    assert pass_bytes(task, [Piece(model.sites[0], 0, NEURONS)]) > 4 * third  # nearly all of it is kept shard by shard
    assert len(plan_passes(task, model.sites[:1], 2 * third)) == 3
    assert len(plan_passes(task, model.sites[:1], 2 * third - 2)) == 4


def test_slices_are_never_narrower_than_the_narrowest(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NARROWEST", 7)
    task = Task(model, vocabulary_windows(model), 0, corpus=False, rotated=True)
    passes = plan_passes(task, model.sites[:1], 1)
    assert [one[0].of for one in passes] == [NEURONS // 7] * (NEURONS // 7)


def test_the_memory_of_a_pass_is_that_of_the_tables_it_fills(model: LoadedModel, text: Windows) -> None:
    from intraneuron.pipeline.sums import PieceSums

    for task in (
        Task(model, text, 0, corpus=True, rotated=True),
        Task(model, vocabulary_windows(model), 0, corpus=False, rotated=True),
    ):
        for piece in (Piece(model.sites[0]), Piece(model.sites[0], 0, 3), Piece(model.sites[0], 2, 3)):
            held = sum(array.nbytes for array in PieceSums(task, piece, None).state().values())
            assert piece_bytes(task, piece) == held > 0


def test_the_untrained_twin_takes_memory_for_the_neurons_that_are_wanted_alone(model: LoadedModel) -> None:
    every = Task(model, vocabulary_windows(model), 0, corpus=False, rotated=False)
    few = replace(every, most=NEURONS // 2)
    assert 2 * piece_bytes(few, Piece(model.sites[0])) == piece_bytes(every, Piece(model.sites[0]))
