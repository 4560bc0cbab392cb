"""definitions: what each number of a report is, under the settings of its study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intraneuron.config import K_MAX, MIN_GROUP
from intraneuron.figures.reference import Reference
from intraneuron.report.wording import HIGHEST

Definition = tuple[str, str, str]
"""What is defined, in which words, by which formula (empty without one)."""

LINKAGES = {
    "ward": "Ward linkage on squared chord distances 2(1 − cosine)",
    "average": "average linkage on distances 1 − cosine",
    "complete": "complete linkage on distances 1 − cosine",
}
SPACES = {"input": "token embeddings", "output": "unembedding", "vectors": "those of a file"}
FIXED: tuple[Definition, ...] = (
    (
        "Tightness",
        "How much more alike a neuron's core tokens are than as many random eligible tokens of the vocabulary; 0 by "
        "chance. It says that there is a category, and nothing about zones of it; shuffled twins have the same.",
        "mean S over the core tokens, minus mean S over the vocabulary",
    ),
    (
        "Agreement (AMI)",
        "How far segment and category tell the same, corrected for chance; 0 by chance, 1 if identical.",
        "(MI − E[MI]) / (½(H(category) + H(segment)) − E[MI])",
    ),
    (
        "Tight segments (MRPP A)",
        "How much more alike tokens are inside segments than if activations were dealt at random; 0 by chance.",
        "1 − δ/E[δ], with δ = Σ (n_g/n)(1 − h_g)",
    ),
    (
        "Distance (r)",
        "Correlation over pairs of tokens of their distance in activation rank with their similarity; "
        "negative: near in activation, near in meaning.",
        "Pearson r of |rank_a − rank_b| and cosine",
    ),
    (
        "Segment → category, category → segment",
        "Share of the uncertainty about one that the other removes, minus what it removes by chance.",
        "1 − H(category | segment)/H(category), minus its expectation",
    ),
    (
        "Homogeneity",
        "Mean cosine over all pairs of tokens inside a segment; its null is a random subset of the neuron's own "
        "tokens of the same size.",
        "h_g = mean of S_ab over a < b in g",
    ),
    (
        "Peak",
        "Homogeneity of the 20 (10, 5) most active tokens minus that of the rest; 0 by chance.",
        "h(top 20) − h(rest)",
    ),
    (
        "Profile",
        "Homogeneity of ten neighbouring tokens along the activation, minus the neuron's mean similarity.",
        "h(ranks r..r+9) − mean S",
    ),
    (
        "Categories (eta²)",
        "Share of the variance of activation ranks that lies between categories (Kruskal-Wallis); 0 by chance.",
        "(H − k + 1) / (m − k)",
    ),
    (
        "Cliff's delta (δ)",
        "Chance that a token of the category is more active than one of the others, minus the chance of the reverse.",
        "P(x > y) − P(x < y), from −1 to 1",
    ),
    (
        "Interleaving",
        "Runs of equal categories along the activation axis; 0 if each category has a zone of its own, 1 by chance.",
        "(R − k) / (E[R] − k)",
    ),
    (
        "Selectivity",
        "A category's share of the neuron's activation (above that of its last core token), minus its share of tokens.",
        "Σ over c of (a − a_K) / Σ over all of (a − a_K), minus n_c/m",
    ),
    (
        "Purity",
        "Share of a zone's tokens that are of its commonest category; random zones of its size have a known mean.",
        "max over categories of n_gc / n_g",
    ),
    (
        "Abstraction",
        "How much more alike the most active zone is in meaning than in spelling, in standard deviations of random "
        "zones; spelling is compared by the share of letters that need no edit.",
        "z(meaning) − z(form)",
    ),
)
P_SOURCES = (
    "How often a value at least as extreme would come if activations were dealt at random to the neuron's own tokens. "
    "As a rule from two to four exact moments of all ways to deal; small p of zones are mixed over how many tokens of "
    "three kinds they take. Purity and interleaving (up to 128 tokens): from the exact distribution; Cliff's delta and "
    "two categories: likewise (approximate with ties or over 120 tokens); selectivity: a saddlepoint in its tails; "
    "zones and categories under 10 tokens: random draws where p is small."
)
OUTCOMES: tuple[Definition, ...] = (
    ("p", P_SOURCES, ""),
    ("q", "p after Benjamini-Hochberg over all neurons of the study, one family for each question.", ""),
    (
        "Difference",
        "Mean over neurons minus mean over {name} twins: what random directions do not show.",
        "mean(neurons) − mean({name})",
    ),
)
PATTERN: Definition = (
    "Pattern",
    "The first of steps, gradient, peak and mixed whose test has q < 0.05 and whose effect is above the 95th "
    "percentile of the layer's {name} twins.",
    "",
)


def definitions(settings: Mapping[str, Any], mode: str, twin: Reference) -> tuple[Definition, ...]:
    """Define every number of a report; ``settings`` are those of the study's summary, ``twin`` is that of reference."""
    groups = settings["partition"]
    return (
        _core_tokens(settings["observe"], mode),
        _categories(str(groups["categories"]), settings["space"]),
        ("Segments (zones)", *_segments(str(groups["segments"]))),
        *FIXED,
        *(_beside(one, twin) for one in OUTCOMES),
        _interval(mode),
        _beside(PATTERN, twin),
    )


def _beside(definition: Definition, twin: Reference) -> Definition:
    """Name the twins of reference in a definition."""
    name, meaning, formula = definition
    return name, meaning.replace("{name}", twin.name), formula.replace("{name}", twin.name)


def _core_tokens(observe: Mapping[str, Any], mode: str) -> Definition:
    wanted = observe["core_tokens"]
    if mode == "published":
        meaning = (
            f"The tokens of a neuron's published list that have a vector: the {wanted} of highest activation above 0, "
            "or as many as there are."
        )
        return "Core tokens", meaning, f"K = {wanted}"
    meaning = (
        f"The tokens to which a neuron responds most: the {wanted} of {HIGHEST[observe.get('sign', 'positive')]}, or "
        "as many as there are."
    )
    return "Core tokens", meaning, f"K = {wanted}"


def _categories(method: str, space: Mapping[str, Any]) -> Definition:
    vectors = SPACES.get(str(space["space"]), str(space["space"])) + (", centred" if space["center"] else "")
    name, _, amount = method.partition(":")
    cut = (
        f"where groups are less alike than a cosine of {amount}"
        if name == "threshold"
        else "where the mean silhouette is highest"
    )
    linkage = LINKAGES.get("average" if name == "threshold" else name, name)
    meaning = (
        f"Groups of core tokens by meaning: {linkage} of their vectors ({vectors}), cut {cut}; groups under "
        f"{MIN_GROUP} tokens are dropped."
    )
    return "Categories", meaning, f"1 − cosine ≤ 1 − {amount}" if name == "threshold" else f"k in 2..{amount or K_MAX}"


def _segments(method: str) -> tuple[str, str]:
    """Return meaning and formula of zones."""
    name, _, amount = method.partition(":")
    how, formula = {
        "quantile": (f"{amount} zones of equally many tokens", f"⌊r·{amount}/n⌋ + 1 for the token of rank r, from 0"),
        "equal-width": (
            f"{amount} zones of equal width between the neuron's lowest and highest activation",
            f"{amount} − ⌊{amount}·(a − min a)/(max a − min a)⌋ for activation a, at least 1",
        ),
        "natural": (
            f"{amount or 'as few as fit, up to 10,'} zones with the least squared distance from their means (Fisher)",
            "least SSW" if amount else "least SSW, fewest zones with 1 − SSW/SST ≥ 0.85",
        ),
        "top": (f"the ⌈{amount}·n⌉ most active tokens, and the rest", f"1 for ranks under {amount}·n, from 0; else 2"),
    }.get(name, (method, ""))
    return f"Groups of core tokens by activation, contiguous along the axis; 1 is the most active. Here {how}.", formula


def _interval(mode: str) -> Definition:
    parts = "a shard of the text" if mode == "corpus" else "a group of like tokens"
    if mode == "published":
        parts += ", which leave the lists without being replaced"
    meaning = (
        f"95 % delete-a-group jackknife: everything is done again without {parts}, one after the other. Neurons share "
        "tokens, so an interval from neurons alone would be too narrow."
    )
    return "Interval", meaning, ""
