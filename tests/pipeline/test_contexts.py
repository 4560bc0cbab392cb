from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.tiny_families import FAMILIES
from tests.tiny_models import LETTERS, NEURONS, WORDS, loaded, tiny_bert, tiny_gpt2

from intraneuron.config import ObserveConfig, RunConfig, Sign
from intraneuron.data import CoreTokens, Partition
from intraneuron.data.contexts import Contexts
from intraneuron.models.feeding import at_tokens, model_arguments
from intraneuron.models.loading import LoadedModel
from intraneuron.models.sites import Site, tapped
from intraneuron.models.texts import Windows, pack
from intraneuron.pipeline import passes
from intraneuron.pipeline.contexts import AFTER, BEFORE, PER_SEGMENT, Sightings, contexts, draw
from intraneuron.pipeline.observe import observe
from intraneuron.pipeline.partition import segment
from intraneuron.pipeline.select import select
from intraneuron.pipeline.task import Task

MAKE = {"gpt2": tiny_gpt2, "bert": tiny_bert, "t5": FAMILIES["t5, gated"].save}
TOP = 4


@pytest.fixture(scope="module", params=MAKE)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(MAKE[request.param](tmp_path_factory.mktemp("models") / request.param))


@pytest.fixture(scope="module")
def windows(model: LoadedModel) -> Windows:
    rng = np.random.default_rng(0)
    return pack([" ".join(rng.choice([*WORDS, *LETTERS], int(rng.integers(1, 40)))) for _ in range(80)], model)


@pytest.fixture(scope="module")
def parts(model: LoadedModel, windows: Windows) -> dict[int, tuple[CoreTokens, Partition]]:
    found = {}
    for one in observe(model, ObserveConfig(layers=(0, 2)), run=RunConfig(), texts=windows):
        core = select(one.populations["neurons"], ~model.vocabulary.special, core_tokens=30)
        found[one.layer] = core, segment(core, "quantile:5")
    return found


def task_of(model: LoadedModel, windows: Windows, seed: int = 0) -> Task:
    return Task(model, windows, seed, corpus=True, rotated=False)


@pytest.fixture(scope="module")
def activations(model: LoadedModel, windows: Windows) -> dict[int, np.ndarray]:
    """Activations at every token, (W, C, N) a layer, from one plain forward pass."""
    seen = {}

    def keep(site: Site, _: torch.Tensor | None, activation: torch.Tensor) -> None:
        shape = (*windows.token_id.shape, NEURONS)
        seen[site.layer] = at_tokens(activation.reshape(shape), decoder=site.decoder).float().numpy().copy()

    with tapped(model.body, model.sites, keep) as forward:
        forward(**model_arguments(model.kind, model.model.config, windows.token_id, model.device))
    return seen


@pytest.fixture(scope="module")
def found(model: LoadedModel, windows: Windows, parts: dict[int, tuple[CoreTokens, Partition]]) -> list[Contexts]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(passes.BATCH_POSITIONS, "cpu", 60)
        return list(contexts(task_of(model, windows), parts, top=TOP))


def places(windows: Windows, one: Contexts, m: int) -> list[tuple[int, int]]:
    """Return where in the windows the tokens of a context stand in this order, all of them counted."""
    own = one.token_id[m, : one.n[m]]
    hits = []
    for w, (row, counted) in enumerate(zip(windows.token_id, windows.counted, strict=True)):
        for first in range(len(row) - len(own) + 1):
            stretch = slice(first, first + len(own))
            if np.array_equal(row[stretch], own) and counted[stretch].all():
                hits.append((w, first))
    return hits


def test_every_context_is_a_stretch_of_text_with_the_activations_of_a_plain_forward_pass(
    windows: Windows, found: list[Contexts], activations: dict[int, np.ndarray]
) -> None:
    assert [one.layer for one in found] == [0, 2]
    rng = np.random.default_rng(0)
    for one in found:
        for m in rng.choice(len(one), 150):
            n, neuron = int(one.n[m]), int(one.neuron[m])
            assert 0 <= one.at[m] < n <= BEFORE + 1 + AFTER
            assert one.at[m] <= BEFORE
            assert n - one.at[m] - 1 <= AFTER
            assert (one.token_id[m, n:] == -1).all()
            assert np.isnan(one.activation[m, n:]).all()
            shown = one.activation[m, :n]
            assert any(
                np.allclose(shown, activations[one.layer][w, first : first + n, neuron], rtol=1e-3, atol=1e-4)
                for w, first in places(windows, one, m)
            )


def test_top_contexts_are_the_windows_of_highest_activation_in_their_order(
    windows: Windows, found: list[Contexts], activations: dict[int, np.ndarray]
) -> None:
    for one in found:
        highest = np.where(windows.counted[:, :, None], activations[one.layer], -np.inf).max(axis=1)
        for neuron in range(NEURONS):
            top = (one.neuron == neuron) & (one.segment == -1)
            shown = one.activation[top, one.at[top]]
            assert one.rank[top].tolist() == list(range(len(shown)))
            expected = np.sort(highest[:, neuron])[::-1][:TOP]
            np.testing.assert_allclose(shown, expected[expected > 0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("sign", "turn"), [("negative", np.negative), ("magnitude", np.abs)])
def test_contexts_of_another_sign_are_those_farthest_from_0(
    model: LoadedModel,
    windows: Windows,
    parts: dict[int, tuple[CoreTokens, Partition]],
    activations: dict[int, np.ndarray],
    sign: Sign,
    turn: Callable[[np.ndarray], np.ndarray],
) -> None:
    for one in contexts(task_of(model, windows), parts, top=TOP, sign=sign):
        turned = turn(activations[one.layer])
        highest = np.where(windows.counted[:, :, None], turned, -np.inf).max(axis=1)
        for neuron in range(NEURONS):
            top = (one.neuron == neuron) & (one.segment == -1)
            expected = np.sort(highest[:, neuron])[::-1][:TOP]
            shown = one.activation[top, one.at[top]]
            np.testing.assert_allclose(shown, expected[expected > 0], rtol=1e-3, atol=1e-4)


def test_contexts_of_a_segment_are_of_its_tokens_another_one_each(
    found: list[Contexts], parts: dict[int, tuple[CoreTokens, Partition]]
) -> None:
    for one in found:
        core, segments = parts[one.layer]
        for row, neuron in enumerate(core.neuron):
            for group in range(int(segments.n_groups[row])):
                own = (one.neuron == neuron) & (one.segment == group)
                tokens = one.token_id[own, one.at[own]]
                belong = core.token_id[row, segments.label[row] == group]
                assert len(set(tokens)) == len(tokens) == min(PER_SEGMENT, len(belong))
                assert np.isin(tokens, belong).all()


def test_a_sighting_is_drawn_from_all_of_its_token_and_the_draw_is_keyed_by_the_neuron(
    model: LoadedModel, windows: Windows, parts: dict[int, tuple[CoreTokens, Partition]]
) -> None:
    core, segments = parts[0]
    sightings = Sightings.of(windows, len(model.vocabulary))
    seen = defaultdict(set)
    for seed in range(60):
        drawn = draw(core, segments, sightings, seed=seed)
        token = windows.token_id[drawn.window, drawn.position]
        assert windows.counted[drawn.window, drawn.position].all()
        assert (np.diff(drawn.window) >= 0).all()
        for t, w, p in zip(token, drawn.window, drawn.position, strict=True):
            seen[int(t)].add((int(w), int(p)))
    shares = [len(places) / (windows.counted & (windows.token_id == t)).sum() for t, places in seen.items()]
    assert max(shares) <= 1
    assert np.median(shares) == 1
    every, some = draw(core, segments, sightings, seed=3), draw(core[5:9], segments[5:9], sightings, seed=3)
    own = np.isin(every.neuron, core.neuron[5:9])
    assert np.array_equal(every.window[own], some.window)
    assert np.array_equal(every.position[own], some.position)


def test_batches_and_layers_change_nothing(
    model: LoadedModel, windows: Windows, parts: dict[int, tuple[CoreTokens, Partition]], found: list[Contexts]
) -> None:
    [alone] = contexts(task_of(model, windows), {2: parts[2]}, top=TOP)
    for name in ("neuron", "segment", "rank", "at", "n", "token_id"):
        assert np.array_equal(getattr(alone, name), getattr(found[1], name)), name
    np.testing.assert_allclose(alone.activation, found[1].activation, rtol=1e-3, atol=1e-4)


def test_progress_counts_every_position_once(
    model: LoadedModel, windows: Windows, parts: dict[int, tuple[CoreTokens, Partition]]
) -> None:
    done: list[int] = []
    list(contexts(task_of(model, windows), {0: parts[0]}, top=TOP, progress=done.append))
    assert done[-1] == windows.positions
