from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiny_families import FAMILIES
from tests.tiny_models import LAYERS, NEURONS, WORDS, loaded, tiny_bert, tiny_gpt2

from intraneuron.config import Mode, ObserveConfig, RunConfig
from intraneuron.errors import DataError, SettingError
from intraneuron.models.configuration import layers_of
from intraneuron.models.feeding import model_arguments
from intraneuron.models.loading import LoadedModel
from intraneuron.models.sites import Site, find_sites, tapped
from intraneuron.models.texts import SHARDS, Windows, pack, vocabulary_windows
from intraneuron.models.twins import RotatedTwin
from intraneuron.pipeline import memory as memory_module
from intraneuron.pipeline import passes, select, task
from intraneuron.pipeline.observe import Observation, observe
from intraneuron.pipeline.task import JACKKNIFE_NEURONS, Task

TINY = 1e-9
"""GiB into which no two layers fit."""


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny products in two threads spend their time waiting for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


MAKE = {"gpt2": tiny_gpt2, "bert": tiny_bert, "phi3": FAMILIES["phi3"].save, "t5": FAMILIES["t5, gated"].save}
"""One of each kind, and halves of one projection as gate and up."""


@pytest.fixture(scope="module", params=MAKE)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return loaded(MAKE[request.param](tmp_path_factory.mktemp(request.param)))


@pytest.fixture(scope="module")
def windows(model: LoadedModel) -> Windows:
    rng = np.random.default_rng(0)
    return pack([" ".join(rng.choice(WORDS, rng.integers(2, 20))) for _ in range(90)], model)


@pytest.fixture(params=["vocabulary", "corpus"])
def texts(request: pytest.FixtureRequest, windows: Windows) -> Windows | None:
    return windows if request.param == "corpus" else None


def observed(model: LoadedModel, texts: Windows | None, **options: Any) -> list[Observation]:
    config = replace(ObserveConfig(), **options.pop("config", {}))
    run = RunConfig(memory=options.pop("memory", 2.5))
    return list(observe(model, config, run=run, texts=texts, **options))


def one_by_one(model: LoadedModel, rows: Iterator[list[int]]) -> Iterator[dict[int, tuple[np.ndarray, ...]]]:
    """Run each row of token ids by itself, without padding: x and activations of every layer."""
    seen: dict[int, tuple[np.ndarray, ...]] = {}

    def keep(site: Site, x: torch.Tensor | None, activation: torch.Tensor) -> None:
        assert x is not None
        late = int(site.decoder)
        seen[site.layer] = (x[0, late:].numpy().copy(), activation[0, late:].numpy().copy())

    with tapped(model.body, model.sites, keep, inputs=True) as forward:
        for ids in rows:
            # The whole row goes into the decoder here, so that it reads the last token too.
            start = {"decoder_input_ids": torch.tensor([[0, *ids]])} if model.kind == "encoder-decoder" else {}
            forward(input_ids=torch.tensor([ids]), **start)
            yield dict(seen)


def arrays(observation: Observation) -> list[np.ndarray]:
    parts = [*observation.populations.values(), *observation.shards.values()]
    return [array for part in parts for array in (part.neuron, part.count, part.total)]


def test_vocabulary_mode_is_each_token_alone_in_its_minimal_context(model: LoadedModel) -> None:
    result = observed(model, None)
    tokenizer, ordinary = model.tokenizer, np.flatnonzero(~model.vocabulary.special).tolist()
    before, after = {
        "causal": ([tokenizer.bos_token_id], []),
        "encoder": ([tokenizer.cls_token_id], [tokenizer.sep_token_id]),
        "encoder-decoder": ([], [tokenizer.eos_token_id]),
    }[model.kind]
    some = ordinary[::7]
    for token, seen in zip(some, one_by_one(model, iter([*before, i, *after] for i in some)), strict=True):
        for layer, (_, activation) in seen.items():
            total = result[layer].populations["neurons"].total
            np.testing.assert_allclose(total[0, token], activation[len(before)], rtol=1e-4, atol=1e-5)
    for observation in result:
        neurons = observation.populations["neurons"]
        assert neurons.total.shape == (1, len(model.vocabulary), NEURONS)
        assert np.array_equal(neurons.count[0], ~model.vocabulary.special)
        assert not neurons.total[0, model.vocabulary.special].any()
        assert observation.shards == {}


def test_corpus_sums_are_those_of_a_plain_loop(model: LoadedModel, windows: Windows) -> None:
    size = len(model.vocabulary)
    total = np.zeros((len(model.sites), 2, size, NEURONS))
    count = np.zeros((2, size), dtype=int)
    rows = iter(row[row >= 0].tolist() for row in windows.token_id)
    for w, seen in enumerate(one_by_one(model, rows)):
        for at in np.flatnonzero(windows.counted[w]):
            token, half = windows.token_id[w, at], windows.shard[w] % 2
            count[half, token] += 1
            for layer, (_, activation) in seen.items():
                total[layer, half, token] += activation[at]
    result = observed(model, windows)
    assert [observation.layer for observation in result] == list(range(len(model.sites)))
    for observation in result:
        neurons = observation.populations["neurons"]
        assert np.array_equal(neurons.count, count)
        assert np.array_equal(neurons.neuron, np.arange(NEURONS))
        # T5's sums reach 350, those of the others 105, and padding changes how a product is cut up.
        atol = 1e-3 if model.kind == "encoder-decoder" else 1e-4
        np.testing.assert_allclose(neurons.total, total[observation.layer], rtol=1e-4, atol=atol)


def test_special_tokens_padding_and_first_positions_leave_nothing(model: LoadedModel, windows: Windows) -> None:
    special = model.vocabulary.special
    [first, *_] = observed(model, windows, twins=("rotated",))
    assert first.populations["neurons"].count.sum() == windows.counted.sum() < windows.token_id.size
    for part in first.populations.values():
        assert not part.count[:, special].any()
        assert not part.total[:, special].any()
        assert not part.total[part.count == 0].any()


def test_the_twin_of_vocabulary_mode_has_the_moments_of_the_neurons_it_drew(model: LoadedModel) -> None:
    result = observed(model, None, twins=("rotated",), config={"seed": 4})
    ordinary = np.flatnonzero(~model.vocabulary.special)
    seen = {}

    def keep(site: Site, x: torch.Tensor | None, _: torch.Tensor) -> None:
        assert x is not None
        seen[site.layer] = x[:, 1 if model.kind != "encoder-decoder" or site.decoder else 0].double().numpy()

    with tapped(model.body, model.sites, keep, inputs=True) as forward:
        forward(**model_arguments(model.kind, model.model.config, vocabulary_windows(model).token_id, model.device))
    for observation in result:
        layer = observation.layer
        x = seen[layer]
        twin = RotatedTwin.build(model.sites[layer], x.mean(0), np.cov(x.T, bias=True), NEURONS, seed=4)
        with torch.no_grad():
            expected = twin.activations(torch.from_numpy(x)).numpy()
        got = observation.populations["rotated"]
        np.testing.assert_allclose(got.total[0, ordinary], expected, rtol=2e-3, atol=2e-3)
        assert np.array_equal(got.count, observation.populations["neurons"].count)
        assert not got.total[0, model.vocabulary.special].any()


def test_the_twin_of_corpus_mode_reads_the_same_positions_as_the_neurons(
    model: LoadedModel, windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every position in the pilot, its sums are those of a twin made from all of x."""
    monkeypatch.setattr(passes, "PILOT_WINDOWS", len(windows))
    result = observed(model, windows, twins=("rotated",))
    rows = [row[row >= 0].tolist() for row in windows.token_id]
    every = list(one_by_one(model, iter(rows)))
    where = [np.flatnonzero(counted[: len(row)]) for counted, row in zip(windows.counted, rows, strict=True)]
    token = np.concatenate([windows.token_id[w, at] for w, at in enumerate(where)])
    half = np.concatenate([np.full(len(at), windows.shard[w] % 2) for w, at in enumerate(where)])
    for observation in result:
        layer = observation.layer
        x = np.concatenate([every[w][layer][0][at] for w, at in enumerate(where)]).astype(np.float64)
        twin = RotatedTwin.build(model.sites[layer], x.mean(0), np.cov(x.T, bias=True), NEURONS, seed=0)
        expected = np.zeros((2, len(model.vocabulary), NEURONS))
        with torch.no_grad():
            np.add.at(expected, (half, token), twin.activations(torch.from_numpy(x)).numpy())
        got = observation.populations["rotated"]
        np.testing.assert_allclose(got.total, expected, rtol=5e-3, atol=5e-3)
        assert np.array_equal(got.count, observation.populations["neurons"].count)


def test_shards_split_the_halves_for_a_keyed_subset_of_neurons(
    model: LoadedModel, windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "JACKKNIFE_NEURONS", 7)
    result = observed(model, windows, twins=("rotated",))
    subsets = []
    for observation in result:
        assert list(observation.shards) == list(observation.populations) == ["neurons", "rotated"]
        for name, shards in observation.shards.items():
            whole = observation.populations[name]
            assert shards.total.shape == (SHARDS, len(model.vocabulary), 7)
            for half in (0, 1):
                assert np.array_equal(shards.count[half::2].sum(0), whole.count[half])
                np.testing.assert_allclose(
                    shards.total[half::2].sum(0), whole.total[half][:, shards.neuron], rtol=1e-4, atol=1e-4
                )
            subsets.append(tuple(shards.neuron))
    assert len(set(subsets)) == len(subsets)
    again = observed(model, windows, twins=("rotated",))
    assert [tuple(s.neuron) for o in again for s in o.shards.values()] == subsets


def test_all_neurons_are_split_when_there_are_no_more_than_the_jackknife_takes(
    model: LoadedModel, windows: Windows
) -> None:
    [first, *_] = observed(model, windows)
    assert NEURONS <= JACKKNIFE_NEURONS
    assert np.array_equal(first.shards["neurons"].neuron, np.arange(NEURONS))


def test_groups_of_layers_change_no_digit(model: LoadedModel, texts: Windows | None) -> None:
    together, apart = (observed(model, texts, twins=("rotated",), memory=memory) for memory in (2.5, TINY))
    assert [(one.layer, one.index, one.of) for one in apart] == [(site.layer, 0, 1) for site in model.sites]
    for a, b in zip(together, apart, strict=True):
        assert a.layer == b.layer
        for x, y in zip(arrays(a), arrays(b), strict=True):
            assert np.array_equal(x, y)


def test_slices_of_neurons_change_no_digit(
    model: LoadedModel, texts: Windows | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = observed(model, texts, twins=("rotated",))
    monkeypatch.setattr(memory_module, "NARROWEST", 5)
    monkeypatch.setattr(select, "SAMPLE", 3)
    slices = observed(model, texts, twins=("rotated",), memory=TINY)
    assert [(one.layer, one.index, one.of) for one in slices] == [
        (n, i, 4) for n in range(len(whole)) for i in range(4)
    ]
    for layer, one in enumerate(whole):
        own = slices[4 * layer : 4 * layer + 4]
        for name, activations in one.populations.items():
            parts = [part.populations[name] for part in own]
            assert np.array_equal(np.concatenate([part.neuron for part in parts]), activations.neuron)
            assert np.array_equal(np.concatenate([part.total for part in parts], axis=2), activations.total)
            assert all(np.array_equal(part.count, activations.count) for part in parts)
        assert [bool(part.shards) for part in own] == [texts is not None, False, False, False]
        for name, shards in one.shards.items():
            assert np.array_equal(own[0].shards[name].total, shards.total)
        assert [part.sample is not None for part in own] == [texts is not None, False, False, False]
        if texts is not None:
            sample = one.populations["neurons"].columns(select.sampled(NEURONS))
            assert len(sample.neuron) == 3
            assert own[0].sample is not None
            assert np.array_equal(own[0].sample.neuron, sample.neuron)
            assert np.array_equal(own[0].sample.total, sample.total)


def test_observing_one_layer_gives_the_same_digits_as_observing_all(model: LoadedModel, texts: Windows | None) -> None:
    every = observed(model, texts, twins=("rotated",))
    [one] = observed(model, texts, twins=("rotated",), config={"layers": (1,)})
    assert one.layer == 1
    for x, y in zip(arrays(one), arrays(every[1]), strict=True):
        assert np.array_equal(x, y)


def test_the_size_of_batches_changes_no_more_than_rounding(
    model: LoadedModel, texts: Windows | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = observed(model, texts, twins=("rotated",))
    monkeypatch.setitem(passes.BATCH_POSITIONS, "cpu", 30)
    small = observed(model, texts, twins=("rotated",))
    for a, b in zip(large, small, strict=True):
        for x, y in zip(arrays(a), arrays(b), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-3)


def test_rare_tokens_make_compact_tables_with_the_same_sums(model: LoadedModel, windows: Windows) -> None:
    """The last token alone, then with all others beside it in other windows: a compact and a full table."""
    keep = windows.shard < 2
    few = Windows(windows.token_id[keep], windows.counted[keep], windows.shard[keep])
    task = Task(model, few, 0, corpus=True, rotated=False)
    assert len(task.shards.seen) < len(task.shards.count)
    [a, *_] = observed(model, few)
    for half in (0, 1):
        np.testing.assert_array_equal(a.shards["neurons"].total[half], a.populations["neurons"].total[half])
        assert not a.shards["neurons"].total[half + 2 :: 2].any()


def test_half_precision_is_summed_in_float32(model: LoadedModel, texts: Windows | None) -> None:
    half = replace(model, model=type(model.model)(model.model.config))
    half.model.load_state_dict(model.model.state_dict())
    half.model.to(torch.bfloat16).eval()
    half = replace(half, sites=find_sites(half.body, half.name, layers_of(half.model, half.name)), dtype=torch.bfloat16)
    for a, b in zip(observed(half, texts, twins=("rotated",)), observed(model, texts), strict=True):
        x, y = (o.populations["neurons"].total for o in (a, b))
        assert x.dtype == np.float32
        assert np.corrcoef(x.ravel(), y.ravel())[0, 1] > 0.99
        assert a.populations["rotated"].total.dtype == np.float32


@pytest.mark.parametrize(
    ("mode", "given", "parts"),
    [("auto", False, 1), ("auto", True, 2), ("corpus", True, 2), ("vocabulary", True, 1)],
)
def test_texts_decide_the_mode_unless_it_is_given(
    model: LoadedModel, windows: Windows, mode: Mode, given: bool, parts: int
) -> None:
    stream = observe(model, ObserveConfig(mode=mode), run=RunConfig(), texts=windows if given else None)
    assert next(stream).populations["neurons"].parts == parts


def test_progress_counts_positions_of_all_passes_up_to_the_total(
    model: LoadedModel, windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(passes.BATCH_POSITIONS, "cpu", 60)
    calls: list[tuple[int, int]] = []
    observed(model, windows, progress=lambda done, total: calls.append((done, total)), memory=TINY)
    done, totals = zip(*calls, strict=True)
    assert set(totals) == {len(model.sites) * windows.positions}
    assert list(done) == sorted(set(done))
    assert done[-1] == totals[0]
    assert len(done) > 3 * len(model.sites)


def test_corpus_mode_without_texts_is_refused(model: LoadedModel) -> None:
    with pytest.raises(SettingError) as caught:
        observe(model, ObserveConfig(mode="corpus"), run=RunConfig())
    assert str(caught.value) == (
        "Corpus mode needs texts, got none. Give --texts FILE, FOLDER or docs, or use --mode vocabulary."
    )


@pytest.mark.parametrize("layer", [-1, 2 * LAYERS])
def test_a_layer_that_the_model_does_not_have_is_refused(model: LoadedModel, layer: int) -> None:
    named = replace(model, name="minilm")
    with pytest.raises(SettingError) as caught:
        observe(named, ObserveConfig(layers=(0, layer)), run=RunConfig())
    assert str(caught.value) == f"The model minilm has no layer {layer}: its layers are 0 to {len(model.sites) - 1}."


def test_no_layer_at_all_is_refused(model: LoadedModel) -> None:
    with pytest.raises(SettingError, match=rf"No layer is wanted\. The layers of .* are 0 to {len(model.sites) - 1}\."):
        observe(model, ObserveConfig(layers=()), run=RunConfig())


def test_an_activation_that_is_not_finite_is_an_error_that_names_the_neuron(
    model: LoadedModel, texts: Windows | None
) -> None:
    weight = model.sites[1].inputs[0].weight
    before = float(weight[20, 3])
    for value in (torch.nan, torch.inf):
        with torch.no_grad():
            weight[20, 3] = value
        try:
            stream = observe(model, ObserveConfig(), run=RunConfig(), texts=texts, twins=("rotated",))
            assert next(stream).layer == 0
            with pytest.raises(DataError, match="The activation of L1N20 is NaN or infinite on some token"):
                next(stream)
        finally:
            with torch.no_grad():
                weight[20, 3] = before
