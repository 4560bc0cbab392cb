"""simulate: made-up neurons in which a known relation between meaning and activation is planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np

from intraneuron.config import K_MAX, MIN_TOKENS, Kind, SimulateConfig
from intraneuron.data import CoreTokens, Space
from intraneuron.errors import SettingError
from intraneuron.kernels.von_mises_fisher import around

K_LARGEST = 1000
TOP = 0.2
"""Share of the tokens that the category of a planted peak has."""

ARC = np.pi
"""How far the categories of a gradient reach around: the first and the last are opposites."""

_SIMULATE = 4  # last word of seeds


@dataclass(frozen=True)
class Simulated:
    """Made-up neurons.

    Attributes
    ----------
    core : CoreTokens
        Every neuron has tokens of its own: those of row i are ``i n`` to ``(i + 1) n - 1``.
    space : Space
        Their vectors.
    category : int16 (N, n)
        The category that each token was drawn from, -1 for none.
    """

    core: CoreTokens
    space: Space
    category: np.ndarray


def simulate(size: int, config: SimulateConfig | None = None, *, seed: int = 0, first: int = 0) -> Simulated:
    r"""Make up neurons whose tokens' meaning and activation have a planted relation.

    Tokens of a category lie around its direction (von Mises-Fisher), tokens of none anywhere. With s the plan,
    standardised over a neuron's tokens with a category, and e standard normal,

    .. math:: \ln a = strength \cdot s + \sqrt{1 - strength^2}\, e.

    The plan of ``steps`` is a level for each category, in random order; of ``gradient`` the place of the category on
    an arc of directions from one to its opposite; of ``peak`` 1 for one category, a fifth of the tokens, and 0 for
    the others; ``none`` has no plan, whatever the strength. Directions of categories are random but for ``gradient``.

    Parameters
    ----------
    size : int
        N.
    config : SimulateConfig
    seed, first : int
        Neuron ``first + i`` is the same however many are made: each is keyed by (seed, neuron).

    Raises
    ------
    SettingError
        For a setting out of its range.
    """
    config = config or SimulateConfig()
    _check(size, config)
    n, D = config.core_tokens, config.dimensions
    vectors = np.empty((size, n, D), dtype=np.float32)
    activation, category = np.empty((size, n)), np.empty((size, n), dtype=np.int16)
    for i in range(size):
        rng = np.random.default_rng([seed, first + i, _SIMULATE])
        vectors[i], activation[i], category[i] = _neuron(config, rng)
    token_id = np.arange(size * n, dtype=np.int32).reshape(size, n)
    core = CoreTokens(
        layer=np.zeros(size, dtype=np.int32),
        neuron=np.arange(first, first + size, dtype=np.int32),
        n=np.full(size, n, dtype=np.int32),
        token_id=token_id,
        activation=activation,
        count=np.full((size, n), -1, dtype=np.int64),
        reliability=np.full(size, np.nan),
    )
    return Simulated(core, Space.from_vectors("simulated", vectors.reshape(-1, D)), category)


def _neuron(config: SimulateConfig, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vectors, activations and categories of one neuron, the most active token first."""
    category = _categories(config, rng)
    inside = category >= 0
    mean = _directions(config, rng)[np.maximum(category, 0)]
    vectors = around(mean, np.where(inside, config.concentration, 0.0), rng)
    plan = PLANS[config.kind](category, config.categories, rng)
    plan = np.where(inside, _standardised(plan, inside), 0.0)
    strength = np.where(inside & (plan != 0), config.strength, 0.0)
    latent = strength * plan + np.sqrt(1 - strength**2) * rng.standard_normal(len(plan))
    order = np.argsort(-latent, kind="stable")
    return vectors[order], np.exp(latent[order]), category[order]


def _categories(config: SimulateConfig, rng: np.random.Generator) -> np.ndarray:
    """Return a category a token, of nearly equal sizes; that of a peak has a fifth of the tokens."""
    loose = round(config.noise * config.core_tokens)
    left = config.core_tokens - loose
    if config.kind == "peak":
        top = min(round(TOP * config.core_tokens), left)
        rest = 1 + np.arange(left - top) % (config.categories - 1)
        category = np.concatenate([np.full(loose, -1), np.zeros(top, dtype=int), rest])
    else:
        category = np.concatenate([np.full(loose, -1), np.arange(left) % config.categories])
    return np.asarray(rng.permutation(category).astype(np.int16))


def _directions(config: SimulateConfig, rng: np.random.Generator) -> np.ndarray:
    """Return the direction of each category, (k, D)."""
    k, D = config.categories, config.dimensions
    if config.kind != "gradient":
        rows = rng.standard_normal((k, D))
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    plane = np.linalg.qr(rng.standard_normal((D, 2)))[0].T
    angle = ARC * np.arange(k) / (k - 1)
    return np.asarray(np.cos(angle)[:, None] * plane[0] + np.sin(angle)[:, None] * plane[1])


def _none(category: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    del k, rng
    return np.zeros(len(category))


def _gradient(category: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    del k, rng
    return category.astype(float)


def _peak(category: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    del k, rng
    return np.asarray((category == 0).astype(float))


def _steps(category: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(rng.permutation(k)[np.maximum(category, 0)].astype(float))


PLANS: dict[Kind, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "none": _none,
    "gradient": _gradient,
    "peak": _peak,
    "steps": _steps,
}
"""What log activation follows, a token, before it is standardised."""


def _standardised(plan: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return a plan with mean 0 and standard deviation 1 over the tokens with a category; 0 when it is flat."""
    own = plan[inside]
    spread = float(own.std()) if len(own) else 0.0
    if not spread > 0:
        return np.zeros(len(plan))
    return np.asarray((plan - own.mean()) / spread)


def _check(size: int, config: SimulateConfig) -> None:
    limits: dict[str, tuple[float, float]] = {
        **{"strength": (0, 1), "noise": (0, 1), "core_tokens": (MIN_TOKENS, K_LARGEST)},
        **{"categories": (2, K_MAX), "dimensions": (2, np.inf), "concentration": (0, np.inf)},
    }
    if config.kind not in get_args(Kind):
        msg = f"kind must be one of {', '.join(get_args(Kind))}, got {config.kind!r}."
        raise SettingError(msg)
    for name, (low, high) in limits.items():
        value = getattr(config, name)
        if not low <= value <= high or not np.isfinite(value):
            allowed = f"at least {low}" if np.isinf(high) else f"between {low} and {high}"
            msg = f"{name} must be {allowed}, got {value!r}."
            raise SettingError(msg)
    if size < 1:
        msg = f"size must be at least 1 neuron, got {size!r}."
        raise SettingError(msg)
