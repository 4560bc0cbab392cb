"""inn.test: one neuron from three arrays."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from tests import oracle
from tests.made_up import clustered_vectors

from intraneuron import neuron_card
from intraneuron.data import Card
from intraneuron.errors import DataError, SettingError
from intraneuron.one import one_neuron
from intraneuron.plain import plain

RNG = np.random.default_rng(3)
N = 40
TOKENS = [f" word{i}" for i in range(N)]
ACTIVATIONS = np.sort(RNG.gamma(2.0, size=N))[::-1].copy()
VECTORS = 3 * clustered_vectors(N, 8, seed=1).astype(np.float64)


def card(tokens: list[str] | None = None, activations: object = None, vectors: object = None, **options: str) -> Card:
    return one_neuron(
        TOKENS if tokens is None else tokens,
        ACTIVATIONS if activations is None else activations,  # type: ignore[arg-type]
        VECTORS if vectors is None else vectors,  # type: ignore[arg-type]
        segments=options.get("segments", "quantile:4"),
        categories=options.get("categories", "ward"),
        seed=0,
    )


def value(found: Card, name: str) -> float:
    return next(n.value for n in found.numbers if n.name == name)


def same(a: Card, b: Card) -> bool:
    """Tell whether two cards are equal, undefined numbers too."""
    return bool(plain(a.to_dict()) == plain(b.to_dict()))


def test_the_numbers_are_the_oracles() -> None:
    found, expected = card(), oracle.analyse(VECTORS, ACTIVATIONS, segments=4)
    for name in ("ami", "mrpp_a", "distance_r", "peak", "peak10", "peak5", "top_down_eta2", "interleaving"):
        assert value(found, name) == pytest.approx(expected[name], rel=1e-5, abs=1e-7)
    assert [t.category for t in found.tokens] == expected["label_meaning"].tolist()
    assert [t.segment for t in found.tokens] == expected["label_activation"].tolist()
    np.testing.assert_allclose([s.homogeneity for s in found.segments], expected["homogeneity"], rtol=1e-5)
    np.testing.assert_allclose([s.null for s in found.segments], expected["homogeneity_null"], rtol=1e-5)
    np.testing.assert_allclose([c.cliffs_delta for c in found.categories], expected["cliffs_delta"], rtol=1e-9)
    np.testing.assert_allclose([c.p for c in found.categories], expected["cliffs_delta_p"], rtol=1e-6)
    np.testing.assert_allclose([c.mean_activation for c in found.categories], expected["mean_activation"])


def test_tokens_in_any_order_give_the_same_card() -> None:
    order = np.random.default_rng(5).permutation(N)
    mixed = card([TOKENS[i] for i in order], ACTIVATIONS[order], VECTORS[order])
    assert same(mixed, card())


def test_lengths_of_vectors_and_lists_for_arrays_change_nothing() -> None:
    scale = np.random.default_rng(1).integers(0, 4, size=(N, 1))
    assert same(card(vectors=VECTORS * 2.0**scale), card())
    assert same(card(activations=ACTIVATIONS.tolist(), vectors=VECTORS.tolist()), card())


def test_sizes_and_zones_add_up() -> None:
    found = card()
    assert [t.rank for t in found.tokens] == list(range(N))
    assert [t.token for t in found.tokens] == TOKENS
    assert sum(s.size for s in found.segments) == N
    assert sum(c.size for c in found.categories) == sum(t.category >= 0 for t in found.tokens)
    assert (found.segments[0].high, found.segments[-1].low) == (ACTIVATIONS[0], ACTIVATIONS[-1])
    assert all(len(c.words) == 3 for c in found.categories)


def test_without_a_layer_there_is_no_twin_and_no_pattern() -> None:
    found = card()
    assert found.pattern == "untested"
    assert found.clustered is None
    assert all(math.isnan(v) for n in found.numbers for v in (n.shuffled, n.twin, n.twin95))
    assert "cannot be told from a random direction" in found.notes[0]


def test_one_neuron_by_itself_has_no_q() -> None:
    found = card()
    given = [*(one.q for one in found.numbers), *(one.q for one in found.segments)]
    assert all(math.isnan(q) for q in given)  # a family needs other neurons


def test_the_card_is_plain_json_without_nan() -> None:
    text = json.dumps(plain(card().to_dict()), allow_nan=False)
    back = json.loads(text)
    assert back["tokens"][0]["token"] == " word0"
    assert back["numbers"][0]["rotated"] is None


def test_one_category_leaves_its_questions_undefined_and_says_so() -> None:
    vectors = np.ones((N, 3)) + 1e-3 * np.random.default_rng(0).normal(size=(N, 3))
    vectors[:2] = np.array([[1, -1, 0], [1, -1, 0.001]])
    found = card(vectors=vectors)
    assert len(found.categories) == 1
    assert math.isnan(value(found, "ami"))
    assert math.isnan(value(found, "top_down_eta2"))
    assert math.isfinite(value(found, "mrpp_a"))
    assert math.isnan(found.categories[0].cliffs_delta)
    assert "Fewer than two categories" in found.notes[1]


@pytest.mark.parametrize("dimensions", [3, 4])
def test_one_vector_for_all_tokens_is_no_error(dimensions: int) -> None:
    found = card(vectors=np.ones((N, dimensions)))
    assert math.isnan(value(found, "distance_r"))


def test_the_least_number_of_tokens_is_enough() -> None:
    found = card(TOKENS[:20], ACTIVATIONS[:20], VECTORS[:20])
    assert len(found.tokens) == 20
    assert math.isnan(value(found, "peak"))  # nothing is left beside the top 20
    assert math.isfinite(value(found, "peak10"))


# Bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_activation_that_is_not_finite_is_named(bad: float) -> None:
    activations = ACTIVATIONS.copy()
    activations[7] = bad
    with pytest.raises(DataError, match=rf"Activations must be finite, got {bad} for token 7 \(' word7'\)"):
        card(activations=activations)


def test_constant_activations_have_no_axis() -> None:
    with pytest.raises(DataError, match=r"All 40 activations are 2\.5: there is no activation axis to cut"):
        card(activations=np.full(N, 2.5))


def test_too_few_tokens_are_counted() -> None:
    with pytest.raises(DataError, match="A neuron needs at least 20 tokens to be tested, got 19"):
        card(TOKENS[:19], ACTIVATIONS[:19], VECTORS[:19])


@pytest.mark.parametrize(
    ("tokens", "activations", "vectors"),
    [(TOKENS[:-1], None, None), (None, ACTIVATIONS[:-1], None), (None, None, VECTORS[:-1])],
)
def test_lengths_that_disagree_are_named(tokens: object, activations: object, vectors: object) -> None:
    with pytest.raises(DataError, match=r"must have one entry a token, got \d+ tokens, activations of shape \(\d+,\)"):
        card(tokens, activations, vectors)  # type: ignore[arg-type]


def test_arrays_of_other_dimensions_are_refused() -> None:
    with pytest.raises(DataError, match=r"activations of shape \(40, 1\)"):
        card(activations=ACTIVATIONS[:, None])
    with pytest.raises(DataError, match=r"vectors of shape \(40,\)"):
        card(vectors=VECTORS[:, 0])


@pytest.mark.parametrize("bad", [0.0, np.nan])
def test_a_vector_without_direction_is_named(bad: float) -> None:
    vectors = VECTORS.copy()
    vectors[5] = bad
    with pytest.raises(DataError, match=r"Vectors must be finite and not zero, got another for token 5 \(' word5'\)"):
        card(vectors=vectors)


def test_unknown_ways_of_grouping_are_refused() -> None:
    with pytest.raises(SettingError, match=r"segments \(--segments\) must be"):
        card(segments="thirds")
    with pytest.raises(SettingError, match=r"categories \(--categories\) must be ward"):
        card(categories="kmeans")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"segments": 5}, r"segments \(--segments\) must be quantile:G, .*, got 5\."),
        ({"categories": ["ward"]}, r"categories \(--categories\) must be ward, .*, got \['ward'\]\."),
        ({"seed": 2**70}, r"seed \(--seed\) must be a whole number from 0 to 2\^63 - 1, got 1180591620717411303424\."),
        ({"seed": -1}, r"seed \(--seed\) must be a whole number .*, got -1\."),
        ({"seed": 1.5}, r"seed \(--seed\) must be a whole number .*, got 1\.5\."),
    ],
)
def test_settings_of_a_wrong_type_are_told(given: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        neuron_card.test(TOKENS, ACTIVATIONS, VECTORS, **given)


@pytest.mark.parametrize(
    ("activations", "vectors", "text"),
    [
        (["high"] * N, None, "activations must be real numbers, got <U4"),
        (ACTIVATIONS + 1j, None, "activations must be real numbers, got complex128"),
        (torch.tensor(ACTIVATIONS + 1j), None, "activations must be real numbers, got complex128"),
        ([10**400] * N, None, r"activations must be numbers of shape \(n,\), got list"),
        (None, [[1.0], *[[1.0, 2.0]] * (N - 1)], r"vectors must be numbers of shape \(n, D\), got list"),
        (None, None, "vectors of shape"),
    ],
)
def test_what_is_no_array_of_real_numbers_is_told(activations: object, vectors: object, text: str) -> None:
    with pytest.raises(DataError, match=text):
        card(activations=activations, vectors=5 if activations is vectors else vectors)


def test_tokens_must_be_a_list() -> None:
    for tokens in (None, 5, "a" * N):
        with pytest.raises(DataError, match="tokens must be a list of texts, got"):
            neuron_card.test(tokens, ACTIVATIONS, VECTORS)  # type: ignore[arg-type]


def test_tensors_with_a_gradient_are_arrays() -> None:
    vectors = torch.tensor(VECTORS, requires_grad=True)
    assert same(card(activations=torch.tensor(ACTIVATIONS), vectors=vectors), card())
    assert same(card(activations=torch.tensor(ACTIVATIONS, requires_grad=True)), card())


@pytest.mark.parametrize("size", [-1000, -500, 500, 1000])
def test_vectors_of_any_size_give_the_same_card(size: int) -> None:
    assert same(card(vectors=VECTORS * 2.0**size), card())
    assert same(card(vectors=np.where(np.arange(N)[:, None] % 2, VECTORS * 2.0**size, VECTORS)), card())


def test_a_seed_of_numpy_is_a_seed() -> None:
    seed: Any = np.int64(3)
    assert same(
        neuron_card.test(TOKENS, ACTIVATIONS, VECTORS, seed=seed),
        neuron_card.test(TOKENS, ACTIVATIONS, VECTORS, seed=3),
    )


def test_the_order_in_which_tokens_are_given_does_not_matter_ties_included() -> None:
    activations = np.where(np.arange(N) % 3 > 0, 0.0, ACTIVATIONS)  # as a sparse latent's
    order = np.random.default_rng(7).permutation(N)
    first = card(activations=activations)
    again = card([TOKENS[i] for i in order], activations[order], VECTORS[order])
    assert [t.token for t in first.tokens] == [t.token for t in again.tokens]
    np.testing.assert_allclose([n.p for n in again.numbers], [n.p for n in first.numbers], rtol=1e-6)


def test_ties_across_a_segment_bound_are_told() -> None:
    assert not any("equal activation" in note for note in card().notes)
    activations = np.where(np.arange(N) < 12, ACTIVATIONS, 0.0)
    told = [note for note in card(activations=activations).notes if "equal activation" in note]
    assert told == [
        "2 segment bounds lie between tokens of equal activation, whose order is drawn (seed): what rests on segments, "
        "or on the order, rests on that draw."
    ]


def test_one_odd_token_among_equal_ones_makes_no_segment_test() -> None:
    vectors = np.tile(VECTORS[:1], (N, 1)) * np.linspace(0.1, 3, N)[:, None]
    vectors[5] = VECTORS[9]
    for seed in range(5):
        activations = np.random.default_rng(seed).permutation(ACTIVATIONS)
        found = card(activations=activations, vectors=vectors)
        assert math.isnan(next(n.p for n in found.numbers if n.name == "mrpp_a"))


def test_many_tokens_in_perfect_steps_have_no_p_of_0() -> None:
    vectors = np.repeat(np.eye(10), 100, axis=0) + 1e-3 * np.random.default_rng(1).normal(size=(1000, 10))
    found = card([f"t{i}" for i in range(1000)], np.arange(1000.0, 0, -1), vectors, segments="quantile:10")
    p = np.array([n.p for n in found.numbers])
    assert (p[np.isfinite(p)] > 0).all()
    assert (p[np.isfinite(p)] <= 1).all()
