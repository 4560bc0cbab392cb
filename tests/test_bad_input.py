"""Bad input gives right numbers or one clear sentence; never a warning, never a traceback."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tests import oracle
from tests.made_up import clustered_vectors
from tests.tiny_models import NEURONS, tiny_gpt2
from transformers import GPT2LMHeadModel

from intraneuron import api, neuron_card
from intraneuron.data import Card, CoreTokens, Space
from intraneuron.errors import DataError, SettingError
from intraneuron.one import LARGEST
from intraneuron.pipeline.background import background
from intraneuron.pipeline.compare import compare
from intraneuron.pipeline.partition import categorize, segment
from intraneuron.plain import plain
from intraneuron.report.terminal import card_text

N = 40
ACTIVATION = np.sort(np.random.default_rng(3).gamma(2.0, size=N))[::-1].copy()
VECTORS = clustered_vectors(N, 8, seed=1).astype(np.float64)


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def card(tokens: list[str], activations: np.ndarray, vectors: np.ndarray, segments: str = "quantile:5") -> Card:
    """Return the card, which can be shown in every way."""
    found = neuron_card.test(tokens, activations, vectors, segments=segments)
    assert card_text(found)
    assert found.figure() is not None
    return found


def words(n: int) -> list[str]:
    return [f" w{i}" for i in range(n)]


def numbers(found: Card) -> dict[str, tuple[float, float]]:
    return {one.name: (one.value, one.p) for one in found.numbers}


# Vectors -------------------------------------------------------------------------------------------------------------


def test_duplicate_vectors_give_the_oracles_numbers() -> None:
    twice = VECTORS[np.arange(N) // 2]
    found, expected = numbers(card(words(N), ACTIVATION, twice)), oracle.analyse(twice, ACTIVATION, segments=5)
    for name in ("mrpp_a", "distance_r", "peak", "peak10", "peak5"):
        assert found[name][0] == pytest.approx(expected[name], rel=1e-5, abs=1e-7)
    for name, p in (("distance_r", "distance_p"), ("peak", "peak_p"), ("mrpp_a", "mrpp_p")):
        assert found[name][1] == pytest.approx(expected[p], rel=1e-3)


def test_one_vector_for_all_tokens_leaves_what_rests_on_likeness_undefined() -> None:
    found = numbers(card(words(N), ACTIVATION, np.ones((N, 5))))
    for name in ("distance_r", "mrpp_a"):
        assert all(map(math.isnan, found[name])), name
    assert all(math.isnan(found[name][1]) for name in ("peak", "peak10", "peak5", "abstraction", "tightness"))


@pytest.mark.parametrize("bad", [0.0, math.nan, math.inf])
def test_a_vector_without_direction_is_refused_with_its_token(bad: float) -> None:
    vectors = VECTORS.copy()
    vectors[7] = bad
    with pytest.raises(DataError, match=r"Vectors must be finite and not zero, got another for token 7 \(' w7'\)"):
        card(words(N), ACTIVATION, vectors)


@pytest.mark.parametrize("bad", [0.0, math.nan])
def test_a_space_with_such_vectors_is_refused_where_a_core_token_is_one(bad: float) -> None:
    vectors = VECTORS.copy()
    vectors[[3, 9]] = bad
    space, zero = Space.from_vectors("input", vectors), np.zeros(1, dtype=np.int32)
    token_id = np.arange(N, dtype=np.int32)[None]
    core = CoreTokens(
        zero, zero, np.array([N], np.int32), token_id, ACTIVATION[None], np.ones((1, N), np.int64), np.full(1, np.nan)
    )
    with pytest.raises(DataError, match="2 core tokens have no vector in the space 'input'"):
        categorize(core, space)
    without = np.flatnonzero(space.defined)[None].astype(np.int32)
    kept = CoreTokens(
        zero, zero, np.array([N - 2], np.int32), without, ACTIVATION[None, 2:], np.ones((1, N - 2), np.int64),
        np.full(1, np.nan),
    )  # fmt: skip
    around = background(space, np.ones(N, dtype=bool))
    assert around.size == N - 2
    found = compare(kept, space, categorize(kept, space), segment(kept), background=around)
    assert np.isfinite(found.effects["peak"].p[0]).all()
    # All eligible tokens are core: nothing is left to draw, so tightness is 0 and has no p.
    assert found.effects["tightness"].effect_size[0] == pytest.approx(0, abs=1e-6)
    assert np.isnan(found.effects["tightness"].p[0])


# Tokens and activations ----------------------------------------------------------------------------------------------


def test_all_tokens_of_one_form_have_no_abstraction_and_all_else() -> None:
    same, other = card(["same"] * N, ACTIVATION, VECTORS), card(words(N), ACTIVATION, VECTORS)
    assert all(map(math.isnan, numbers(same).pop("abstraction")))
    for name in set(numbers(other)) - {"abstraction"}:
        assert plain(numbers(same)[name]) == plain(numbers(other)[name])


@pytest.mark.parametrize("scale", [1e300, 1e150, 1e-150, -1e-290])
def test_the_unit_of_activation_changes_no_number(scale: float) -> None:
    scale = math.copysign(2.0 ** round(math.log2(abs(scale))), scale) / 16
    plus = ACTIVATION if scale > 0 else -ACTIVATION
    for segments in ("quantile:5", "equal-width:5"):
        found, expected = (card(words(N), plus * s, VECTORS, segments) for s in (scale, math.copysign(1, scale)))
        assert plain(numbers(found)) == plain(numbers(expected))
        assert [one.selectivity for one in found.categories] == [one.selectivity for one in expected.categories]
        assert found.tokens[0].activation == (plus * scale).max()


def test_an_activation_that_no_mean_can_be_taken_of_is_refused() -> None:
    with pytest.raises(DataError, match=r"Activations must be at most 1e\+300 in size, got 1.7e\+308. Scale them"):
        card(words(N), np.append(ACTIVATION[1:], 10 * 1.7e307), VECTORS)
    assert LARGEST == 1e300


@pytest.mark.parametrize("n", [20, 1000])
def test_the_fewest_and_the_most_core_tokens_give_the_oracles_numbers(n: int) -> None:
    rng = np.random.default_rng(n)
    vectors, activation = clustered_vectors(n, 8, seed=2).astype(np.float64), np.sort(rng.gamma(2.0, size=n))[::-1]
    S, segment_of = oracle.similarity(oracle.unit_rows(vectors)), oracle.segment_labels(activation, 5)[0]
    expected = oracle.mrpp(S, segment_of) | oracle.distance(S, activation) | oracle.peak(S, 20, "peak")
    found = numbers(card(words(n), activation, vectors))
    for name in ("mrpp_a", "distance_r", "peak"):
        assert found[name][0] == pytest.approx(expected[name], rel=1e-4, abs=1e-6, nan_ok=True), name
    assert found["distance_r"][1] == pytest.approx(expected["distance_p"], rel=1e-3)
    assert math.isnan(found["peak"][0]) == (n < 22)


# The command ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def odd_model(tmp_path: Path) -> Path:
    """Return a model whose embedding has twenty equal rows and four of zeros."""
    path = tiny_gpt2(tmp_path / "odd")
    model = GPT2LMHeadModel.from_pretrained(path)
    with torch.no_grad():
        table = model.transformer.wte.weight
        table[40:60] = table[40]
        table[60:64] = 0
    model.save_pretrained(path)
    return path


@pytest.mark.slow
def test_a_study_leaves_out_tokens_without_a_vector_and_keeps_duplicates(odd_model: Path, tmp_path: Path) -> None:
    study = api.study(odd_model, out=tmp_path / "study", layers=[0], core_tokens=100, device="cpu")
    frame = study.neurons()
    assert len(frame) == NEURONS
    tested = frame.filter(frame["n"] >= 20)
    assert len(tested) > 0
    core = study.folder.core_tokens("neurons", 0)
    assert not np.isin(core.token_id, np.arange(60, 64)).any()
    assert np.isin(core.token_id, np.arange(40, 60)).any()
    assert tested["tightness"].is_finite().all()
    assert tested["tightness_p"].is_finite().all()


@pytest.mark.slow
def test_a_study_of_a_thousand_core_tokens_uses_as_many_as_there_are(odd_model: Path, tmp_path: Path) -> None:
    study = api.study(odd_model, out=tmp_path / "study", layers=[0], core_tokens=1000, device="cpu")
    n = study.neurons()["n"].to_numpy()
    assert 20 <= n.max() < 1000
    with pytest.raises(SettingError, match="must be between 20 and 1000, got 1001"):
        api.study(odd_model, out=tmp_path / "other", core_tokens=1001)
