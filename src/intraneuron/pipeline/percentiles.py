"""percentiles: sums of all tokens and a space -> how alike the tokens of each activation percentile are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from intraneuron.data import Background, Percentiles, Space, TokenActivations
from intraneuron.kernels.background import tightness
from intraneuron.kernels.percentiles import bounds_of, group_homogeneity, lengths_of, percentile_groups
from intraneuron.kernels.percentiles_without import homogeneity_without
from intraneuron.kernels.sums_by_group import tiled
from intraneuron.pipeline.background import background

PERCENTILES = 100


@dataclass(frozen=True)
class Range:
    """The tokens that percentiles are made of, which all neurons of a layer share.

    Attributes
    ----------
    token : int64 array, (V',)
        Which tokens, ascending.
    tiles : float32 array, (T, V', 16)
        Their unit vectors (:func:`intraneuron.kernels.sums_by_group.tiled`).
    background : Background
        What random ones among them have in common.
    """

    token: np.ndarray
    tiles: np.ndarray
    background: Background


def whole_range(space: Space, eligible: np.ndarray) -> Range:
    """Return the eligible tokens, bool (V,), that have a vector in a space.

    Raises
    ------
    DataError
        When fewer than two are left.
    """
    token = np.flatnonzero(eligible & space.defined)
    return Range(token, tiled(space.vector[token]), background(space, eligible))


def percentiles(activations: TokenActivations, over: Range) -> Percentiles:
    """Cut the whole vocabulary into 100 activation percentiles, and test each against as many random tokens.

    Order: mean activation, in float64; ties: the smaller token id ranks first. Every token of ``over`` was seen.

    The null needs no draws and is shared by all neurons: a random subset of the eligible tokens, of which there are at
    most two sizes. Its mean and variance are exact, and p is a shifted lognormal tail with its third moment
    (:func:`intraneuron.kernels.background.tightness`).
    """
    group, apart = percentile_groups(activations.total, activations.count, over.token, PERCENTILES)
    homogeneity = group_homogeneity(over.tiles, group, apart)
    tokens = sizes(len(over.token))
    std, p = _null(homogeneity, tokens, over.background)
    with np.errstate(invalid="ignore"):
        z = (homogeneity - over.background.mean) / std
    neuron = activations.neuron.astype(np.int32)
    return Percentiles(activations.layer, neuron, tokens, over.background.mean, homogeneity, z, p)


def sizes(n: int) -> np.ndarray:
    """Return how many of n tokens each percentile holds, the least active first, int32 (100,).

    >>> sizes(250)[[0, 49, 50, 99]].tolist()
    [2, 2, 3, 3]
    """
    bound = np.empty(PERCENTILES + 1, dtype=np.int64)
    bounds_of(n, PERCENTILES, bound)
    return np.diff(bound)[::-1].astype(np.int32)


def _null(homogeneity: np.ndarray, tokens: np.ndarray, found: Background) -> tuple[np.ndarray, np.ndarray]:
    """Return the null's standard deviation for each percentile of each neuron, and p, both (N, G)."""
    n = np.broadcast_to(tokens, homogeneity.shape).ravel()
    std, p = tightness(homogeneity.ravel(), n, found.size, found.mean, found.sums)
    return std.reshape(homogeneity.shape), p.reshape(homogeneity.shape)


def percentiles_without(
    activations: TokenActivations, over: Range, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return homogeneity above that of random tokens, with all tokens and with each group of them left out.

    Parameters
    ----------
    activations : TokenActivations
    over : Range
    group : int (V,)
        Of each token; those that hold no token of ``over`` are passed over.

    Returns
    -------
    full : float64 (N, G)
    without : float64 (J, N, G)
        Both the percentiles and what random tokens have in common are those of the tokens that stay.
    share : float64 (J,)
        Of the tokens.
    """
    used, left = np.unique(group[over.token], return_inverse=True)
    left = left.ravel()
    group_of, apart = percentile_groups(activations.total, activations.count, over.token, PERCENTILES)
    full = group_homogeneity(over.tiles, group_of, apart) - over.background.mean
    found = homogeneity_without(activations.total, activations.count, over.token, over.tiles, left, PERCENTILES)
    without = found.transpose(1, 0, 2) - _means_without(over, left, len(used))[:, None, None]
    return full, without, np.bincount(left) / len(left)


def _means_without(over: Range, left: np.ndarray, groups: int) -> np.ndarray:
    """Return the mean cosine over the pairs of the tokens that stay when each group leaves, float64 (J,)."""
    lengths, square = lengths_of(over.tiles), np.zeros(groups)
    for tile in over.tiles:
        sums = np.stack([tile[left == j].sum(axis=0, dtype=np.float64) for j in range(groups)])
        square += ((sums.sum(axis=0) - sums) ** 2).sum(axis=1)
    kept = len(left) - np.bincount(left, minlength=groups).astype(np.float64)
    gone = np.bincount(left, weights=lengths, minlength=groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((square - (lengths.sum() - gone)) / (kept * (kept - 1)))
