"""The rotated twin of an SAE's latents, and which kind of twin a site has.

A latent fires on few tokens, and how few is its own. The pre-activation of a random direction with the same mean and
deviation has another tail, mostly a shorter one, and would be above the threshold on other numbers of tokens: it would
differ from the latent before anybody asks on which tokens. So the twin has the deviation of the latent that it is held
against, and is shifted until it fires as often. In a top-k SAE no latent has a threshold of its own: there the twin has
mean and deviation, as for neurons, and competes with the other artificial latents for as large a share of the places as
the latents have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import torch

from intraneuron.models.latents import LatentSite
from intraneuron.models.sae import keep_largest
from intraneuron.models.sites import Site
from intraneuron.models.twins import RotatedTwin, draw, fold, input_moments, rotated_rows

ROWS = 64
"""Rows of R that are held at a time: an SAE may have 65,536 latents."""

COLUMNS = 256
"""Artificial latents whose pre-activations over the sample are held at a time."""

Blocks = Callable[[], Iterable[torch.Tensor]]
"""Gives a sample of x in blocks, (P, D) each, as often as it is called."""


def rotated_twin(site: Site, sample: Blocks, seed: int) -> RotatedTwin:
    """Return the rotated twin of a site, from a sample of x, what enters its input projections.

    Parameters
    ----------
    site : Site
    sample : callable
        Gives blocks of x, (P, D).
    seed : int
    """
    mean, cov = input_moments(sample())
    if not isinstance(site, LatentSite):
        return RotatedTwin.build(site, mean, cov, rotated_rows(site), seed)
    drawn, turned = _turned(site, rotated_rows(site), seed)
    weight, bias = fold(site.inputs[0], turned, drawn, mean, cov)
    twin = RotatedTwin(site.layer, drawn, (weight,), (bias,), site.activation)
    if site.sae.architecture == "topk":
        k = places(site.sae.k or 0, len(drawn), site.n_neurons)
        return replace(twin, activation=lambda u: keep_largest(u, k))
    own = torch.zeros(len(drawn), device=weight.device)
    if site.sae.threshold is not None:
        own = site.sae.threshold[torch.from_numpy(drawn).long()].clamp(min=0)
    biases = (_biases(site, twin, own, sample),)
    return replace(twin, biases=biases, activation=lambda u: u.relu() * (u > own))


def places(k: int, rows: int, latents: int) -> int:
    """Return how many of the artificial latents of a top-k SAE fire at a position: as large a share, at least one.

    >>> places(32, 2000, 16384), places(32, 2000, 65536), places(64, 1000, 1000)
    (4, 1, 64)
    """
    return max(1, round(k * rows / latents))


def _turned(site: Site, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the latent that each row is held against, int32 (N',), and R W, float64 (N', D)."""
    drawn = np.empty(rows, dtype=np.int32)
    weight = site.inputs[0].weight.float().cpu()
    turned = np.empty((rows, weight.shape[1]))
    for start in range(0, rows, ROWS):
        R = np.empty((min(ROWS, rows - start), site.n_neurons), dtype=np.float32)
        for i in range(len(R)):
            drawn[start + i] = draw(site, start + i, seed, R[i])
        R /= np.sqrt(site.n_neurons, dtype=np.float32)
        turned[start : start + len(R)] = (torch.from_numpy(R) @ weight).numpy()
    return drawn, turned


def _biases(site: Site, twin: RotatedTwin, threshold: torch.Tensor, sample: Blocks) -> torch.Tensor:
    """Return the bias with which each artificial latent fires at as many positions of the sample as its latent."""
    found = [
        _some_biases(site, twin, threshold, sample, slice(start, start + COLUMNS))
        for start in range(0, len(twin.drawn), COLUMNS)
    ]
    return torch.cat(found)


def _some_biases(site: Site, twin: RotatedTwin, threshold: torch.Tensor, sample: Blocks, some: slice) -> torch.Tensor:
    encoder, latent = site.inputs[0], torch.from_numpy(twin.drawn[some]).long()
    weight, bias = encoder.weight[latent], torch.zeros(len(latent)) if encoder.bias is None else encoder.bias[latent]
    own = threshold[some]
    fires = torch.zeros(len(latent), dtype=torch.long, device=weight.device)
    seen: list[torch.Tensor] = []
    for block in sample():
        x = block.to(weight.device, torch.float32)
        fires += (torch.addmm(bias, x, weight.T) > own).sum(dim=0)
        seen.append(x @ twin.weights[0][some].T)
    return own - _between(torch.cat(seen), fires)


def _between(values: torch.Tensor, above: torch.Tensor) -> torch.Tensor:
    """Return, a column of (P, n), a number that as many values as wanted are above, (n,)."""
    ordered = values.sort(dim=0, descending=True).values
    last = len(values) - 1
    higher = ordered.gather(0, (above - 1).clamp(min=0)[None])[0]
    lower = ordered.gather(0, above.clamp(max=last)[None])[0]
    beyond = 1e-3 * ordered.std(dim=0)  # more than rounding
    between = torch.where(above == 0, ordered[0] + beyond, (higher + lower) / 2)
    return torch.where(above > last, ordered[-1] - beyond, between)
