"""Made-up cards and summaries, in the exact shapes that a study produces, for tests of pictures and pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from intraneuron.data import Curve
from intraneuron.data.card import Card, CardCategory, CardNumber, CardSegment, CardToken
from intraneuron.pipeline.robust import beside_of
from intraneuron.pipeline.settling import SIZES, settling_rows

NAN = math.nan
THEMES = (
    "river lake sea shore harbor creek bay delta stream canal ocean pond gulf strait lagoon marsh",
    "minister senate vote treaty law court judge party cabinet mayor clerk council bill decree crown envoy",
    "violin opera choir drum tune chord hymn flute organ song rhythm solo duet melody harp bass",
    "bread butter soup cheese salt honey pepper rice cake apple pear wine tea milk oil flour",
    "quickly slowly gently boldly rarely often nearly hardly soon later merely fully partly truly badly well",
    "iron copper silver gold zinc lead nickel cobalt steel tin brass chrome bronze metal ore alloy",
    "seven eleven twelve twenty",
)
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "{{7*7}} ${evil}",
    "safe\u202etxt.exe",
    "nul\x00byte",
    "two\nlines\r\n",
    "\x1b[31mred\x1b]0;title\x07",
    "\ud800lone",
    "\u2028line\u2029para",
    "x" * 300,
    " river",
    "   ",
    "",
    "[bold red]markup[/]",
    "\u0301mark",
    "שלום",
    "水",
    "&amp;<b>",
    "\ufeffbom",
)
SEGMENTS = 5
NUMBERS = (
    ("ami", "C1", "Agreement of categories and segments", 0.041, 0.001, 0.029, 0.0),
    ("mrpp_a", "C1", "Segments tighter than chance", 0.013, 0.0, 0.009, 0.0),
    ("distance_r", "C1", "Near in activation, near in meaning", -0.052, 0.0, -0.038, 0.0),
    ("information_category", "C1", "What the segment tells of the category", 0.062, 0.0, 0.045, 0.0),
    ("information_segment", "C1", "What the category tells of the segment", 0.058, 0.0, 0.044, 0.0),
    ("peak", "C2", "Top 20 more alike than the rest", 0.043, 0.0, 0.034, 0.0),
    ("peak10", "C2", "Top 10 more alike than the rest", 0.061, 0.0, 0.046, 0.0),
    ("peak5", "C2", "Top 5 more alike than the rest", 0.082, 0.0, 0.057, 0.0),
    ("top_down_eta2", "C3", "Activation explained by category", 0.052, 0.0, 0.041, 0.0),
    ("interleaving", "C4", "Categories interleave along the activation", 0.931, 1.0, 0.952, 1.0),
)


def make_card(
    tokens: int = 100, categories: int = 6, rotated: bool = True, words: tuple[str, ...] | None = None
) -> Card:
    """Build a card with ``categories`` themes spread over the axis, the last four tokens in none."""
    rng = np.random.default_rng(tokens + categories)
    activation = np.sort(1.2 + rng.exponential(0.35, tokens))[::-1]
    groups = np.array([int(rng.integers(0, categories)) if categories else -1 for _ in range(tokens)])
    groups[tokens - min(4, tokens // 20) :] = -1
    used = dict.fromkeys(range(-1, categories), 0)
    made = []
    for rank, group in enumerate(groups.tolist()):
        theme = THEMES[group].split() if group < len(THEMES) else ["alpha", "beta", "gamma"]
        turn, used[group] = used[group], used[group] + 1
        text = words[rank % len(words)] if words else f" {theme[turn % len(theme)]}" + "s" * (turn // len(theme))
        segment = rank * SEGMENTS // tokens
        made.append(CardToken(rank, text, float(activation[rank]), 5 + rank, group, segment))
    return Card(
        name="L3N204",
        model="docs-lm",
        mode="corpus",
        space="input",
        pattern="peak" if rotated else "untested",
        reliability=0.91,
        silhouette=0.117,
        clustered=True if rotated else None,
        tokens=tuple(made),
        categories=tuple(_category(made, group) for group in range(categories)),
        segments=tuple(_segment(made, segment, rotated) for segment in range(SEGMENTS)),
        numbers=tuple(_number(row, rotated) for row in NUMBERS),
        notes=("2 core tokens are byte fragments.",),
        rank_correlation=0.88,
        overlap=0.79,
    )


def _category(tokens: list[CardToken], group: int) -> CardCategory:
    inside = [token.activation for token in tokens if token.category == group]
    outside = [token.activation for token in tokens if token.category != group]
    words = tuple(token.token for token in tokens if token.category == group)[:3]
    greater = sum(a > b for a in inside for b in outside) / max(1, len(inside) * len(outside))
    mean = float(np.mean(inside)) if inside else NAN
    return CardCategory(group, len(inside), words, mean, 2 * greater - 1 if outside else NAN, 0.03 + group / 20, 0.07)


def _segment(tokens: list[CardToken], segment: int, rotated: bool) -> CardSegment:
    inside = [token.activation for token in tokens if token.segment == segment]
    if not inside:
        return CardSegment(segment, 0, *[NAN] * 7)
    homogeneity = 0.142 - 0.022 * segment
    twin = 0.121 - 0.012 * segment if rotated else NAN
    p = 0.0004 if segment == 0 else 0.2 * segment
    ends = (min(inside), max(inside))
    purity = (0.45 - segment / 20, 0.31)
    return CardSegment(segment, len(inside), *ends, homogeneity, 0.098, p, min(1.0, 2 * p), twin, *purity)


def _number(row: tuple[Any, ...], rotated: bool) -> CardNumber:
    name, claim, _, value, shuffled, twin, _ = row
    return CardNumber(
        name, claim, value * 1.1, 0.012, 0.041, shuffled, twin if rotated else NAN, 2 * twin if rotated else NAN
    )


def empty_card() -> Card:
    """Build the card of a neuron that was never active: no token, every number undefined."""
    numbers = tuple(CardNumber(row[0], row[1], *[NAN] * 6) for row in NUMBERS)
    return replace(
        make_card(),
        tokens=(),
        categories=(),
        segments=(),
        numbers=numbers,
        pattern="insufficient",
        reliability=NAN,
        rank_correlation=NAN,
        overlap=NAN,
        silhouette=NAN,
        clustered=None,
    )


def hostile_card() -> Card:
    """Build a card whose tokens, words, name, model and notes try to break pictures and pages."""
    card = make_card(words=HOSTILE)
    return replace(card, model="<b>model</b>\x1b[2J", notes=("</script><script>alert(2)</script>",))


OTHERS = ("untrained", "readout", "frequency")


def make_summary(layers: tuple[int, ...] = (0, 1), rotated: bool = True, others: bool = False) -> dict[str, Any]:
    """Build a summary with every table; without ``rotated`` that twin is null or absent; ``others``: further twins."""
    rng = np.random.default_rng(len(layers))
    populations = ["neurons", "shuffled", "rotated"] if rotated else ["neurons", "shuffled"]
    populations += OTHERS if others else ()
    return {
        "model": "docs-lm",
        "mode": "corpus",
        "space": "input",
        "settings": {
            "observe": {"layers": list(layers), "mode": "auto", "core_tokens": 100, "min_count": "auto", "seed": 0},
            "space": {"space": "input", "center": False},
            "partition": {"categories": "ward", "segments": "quantile:5"},
            "twin": {"twins": populations[1:]},
            "layers": list(layers),
            "mode": "corpus",
        },
        "layers": list(layers),
        "n_neurons": 512 * len(layers),
        "populations": populations,
        "claims": [
            _claim(row, layer, rotated, rng) | (_beside_others(row) if others else {})
            for row in NUMBERS
            for layer in ([None, *layers] if len(layers) > 1 else [None])
        ],
        "profile": [row for layer in layers for population in populations for row in _profile(layer, population)],
        "distributions": [row for population in populations for row in _distributions(population, rng)],
        "deltas": [row for layer in layers for population in populations for row in _deltas(layer, population)],
        "patterns": [
            {"layer": layer, "population": population, "pattern": pattern, "share": share}
            for layer in layers
            for population, shares in _patterns().items()
            if population in populations
            for pattern, share in shares.items()
        ],
        "reliability": make_reliability(layers, [name for name in populations if name != "shuffled"]),
        "notes": ["71 % of neurons were cut into 10 categories, the upper bound."],
    }


def make_full_range(
    layers: tuple[int, ...] = (0, 1), populations: tuple[str, ...] = ("neurons", "rotated"), rise: float = 4.0
) -> dict[str, Any]:
    """Build the full range of a summary; the larger ``rise``, the nearer to the top homogeneity rises."""
    groups: tuple[int | None, ...] = (None, *layers)
    return {
        "profile": [
            row for layer in groups for population in populations for row in _percentiles(layer, population, rise)
        ],
        "shape": [_shape(layer, "rotated" in populations) for layer in groups],
    }


def _percentiles(layer: int | None, population: str, rise: float) -> list[dict[str, Any]]:
    own = population == "neurons"
    rows = []
    for percentile in range(1, 101):
        above = (0.2 if own else 0.14) * (percentile / 100) ** rise - 0.01 * (layer or 0)
        row = {"layer": layer, "population": population, "percentile": percentile, "homogeneity": above + 0.3}
        row |= {"above": above, "low": above - 0.02, "high": above + 0.02, "neurons": 512}
        left = dict.fromkeys(("difference", "difference_low", "difference_high"), NAN if own else 0.06)
        rows.append(row | left)
    return rows


def _shape(layer: int | None, rotated: bool) -> dict[str, Any]:
    beside = {"top_twin": 0.14 if rotated else NAN, "beyond": 12 if rotated else None, "below": 3 if rotated else None}
    bounds = {"difference": 0.06, "difference_low": 0.01, "difference_high": 0.11} if rotated else {}
    return {
        **{"layer": layer, "top": 0.2, "top_low": 0.18, "top_high": 0.22, **beside, **bounds},
        **{"highest": 100, "highest_above": 0.2, "half_from": 85, "rank_correlation": 0.99},
    }


def without_model(summary: dict[str, Any]) -> dict[str, Any]:
    """Return what a summary would be of published lists: readout twins stand where rotated ones do."""

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(renamed(key)): renamed(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [renamed(one) for one in value]
        return value.replace("rotated", "readout") if isinstance(value, str) else value

    found: dict[str, Any] = renamed(summary)
    of = {"reference": "readout"}
    unread = {
        "median": None,
        "rank_correlation": None,
        "overlap": None,
        "min_count": [0],
        "testable": 512,
        "layers": [],
    }
    changed = {"mode": "published", "space": "vectors", "reliability": unread, "other_mode": None, **of}
    found["settings"]["space"]["space"] = "vectors"
    return found | changed | {"claims": [row | of for row in found["claims"]]}


def make_reliability(
    layers: tuple[int, ...] = (0, 1), populations: Sequence[str] = ("neurons", "rotated"), settled_at: float = 0.4
) -> dict[str, Any]:
    """Build what halves of a text say; core tokens are settled at ``settled_at`` million tokens in layer 0."""
    shards = np.array(SIZES)
    curves = {
        layer: {name: _curve(shards, settled_at * (1 + layer) * (1 + 0.2 * i)) for i, name in enumerate(populations)}
        for layer in layers
    }
    own = {"chosen": True, "min_count_reliability": 0.83, "reliability": 0.87, "rank_correlation": 0.85}
    return {
        **{"median": 0.87, "rank_correlation": 0.85, "overlap": 0.74, "min_count": [12], "testable": 500},
        "core_tokens": 100.0,
        "layers": [{"layer": layer, "min_count": 12, "testable": 500, "overlap": 0.74} | own for layer in layers],
        **settling_rows(curves),
    }


def _curve(shards: np.ndarray, settled: float) -> Curve:
    """Return a curve by Spearman-Brown's law, with a correlation of 0.9 at ``settled`` million tokens."""
    length = 48_000.0 * shards
    odds = 9 * length / (1e6 * settled)
    common = 3 * np.sqrt(length / (1e6 * settled))
    return Curve(np.zeros(len(shards), dtype=int), shards, length, odds / (1 + odds), common / (1 + common))


def _claim(row: tuple[Any, ...], layer: int | None, rotated: bool, rng: np.random.Generator) -> dict[str, Any]:
    number, claim, title, value, shuffled, twin, chance = row
    neurons = value * float(rng.uniform(0.85, 1.15))
    half = abs(value) * 0.15
    return {
        **{"claim": claim, "number": number, "title": title, "layer": layer},
        **{"neurons": neurons, "neurons_low": neurons - half, "neurons_high": neurons + half},
        **{"shuffled": shuffled, "rotated": twin if rotated else None},
        "difference": neurons - twin if rotated else None,
        "difference_low": neurons - twin - half if rotated else None,
        "difference_high": neurons - twin + half if rotated else None,
        **{"share_neurons": 0.31, "share_shuffled": 0.05, "share_rotated": 0.24 if rotated else None},
        "expected_by_chance": int(chance),
        "note": "",
    }


def _beside_others(row: tuple[Any, ...]) -> dict[str, Any]:
    value, left = 0.3 * row[3], 0.7 * row[3]
    out: dict[str, Any] = {}
    for name in OTHERS:
        out |= {name: value, f"share_{name}": 0.11}
        if name != "frequency":
            out |= {f"difference_{name}{end}": left + half for end, half in (("", 0), ("_low", -0.01), ("_high", 0.01))}
    return out


def _profile(layer: int, population: str) -> list[dict[str, Any]]:
    size = {"neurons": 0.05, "rotated": 0.035, "untrained": 0.02, "readout": 0.015}.get(population, 0.0)
    rows = []
    for start in range(91):
        value = size * (math.exp(-start / 15) - 0.25) * (1 + 0.1 * layer)
        band = 0.004 if population == "neurons" else None
        rows.append(
            {"layer": layer, "population": population, "rank": start + 4.5, "homogeneity": value}
            | {"low": value - band if band else None, "high": value + band if band else None}
        )
    return rows


def _distributions(population: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    rows = []
    for number, edges, center, width in (
        ("ami", np.linspace(-0.1, 0.3, 41), {"neurons": 0.04, "rotated": 0.03}, 0.05),
        ("interleaving", np.linspace(0.4, 1.4, 51), {"neurons": 0.93, "rotated": 0.95}, 0.12),
    ):
        counts, _ = np.histogram(rng.normal(center.get(population, number == "interleaving"), width, 4000), edges)
        for low, high, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True):
            rows.append({"number": number, "population": population, "low": low, "high": high, "share": count / 4000})
    return rows


def _deltas(layer: int, population: str) -> list[dict[str, Any]]:
    spread = {"neurons": 0.62, "rotated": 0.55}.get(population, 0.3)
    return [
        {"layer": layer, "population": population, "category": category, "n_categories": k}
        | {"delta": spread * (0.45 - category / (k - 1)) * (1 - 0.05 * layer)}
        for k in (4, 10)
        for category in range(k)
    ]


def _patterns() -> dict[str, dict[str, float]]:
    none = {"steps": 0.0, "gradient": 0.0, "peak": 0.0, "mixed": 0.0, "none": 0.98, "insufficient": 0.02}
    return {
        "neurons": {"steps": 0.07, "gradient": 0.03, "peak": 0.09, "mixed": 0.04, "none": 0.75, "insufficient": 0.02},
        "rotated": {"steps": 0.03, "gradient": 0.02, "peak": 0.04, "mixed": 0.02, "none": 0.88, "insufficient": 0.01},
        **dict.fromkeys(("shuffled", *OTHERS), none),
    }


def make_calibration(rotated: bool = True) -> dict[str, list[dict[str, Any]]]:
    """Build the tables of a calibration: one test within its bounds, one out of them, one with too few shuffles."""
    sizes = {
        "homogeneity 1": (1.0, 1.0, 1.0),
        "homogeneity_stepdown 1": (1.0, 1.0, 1.0),
        "mrpp": (1.0, 1.0, 1.8),
        "peak 20": (1.0, 1.0, 1.0),
    }
    levels = ((0.05, 0.04, 0.9, 1.1), (0.01, 0.09, 0.85, 1.15), (0.001, 0.27, 0.6, 1.45))
    shares = {"share_cloud": 0.65, "share_rotated": 0.50 if rotated else NAN, "share_neurons": 0.58}
    size = [
        {
            **{"test": test, "question": test.split()[0], "group": None, "level": level, "share": ratio * level},
            **{"ratio": ratio, "ratio_low": ratio - half, "ratio_high": ratio + half},
            **{"bound_low": low, "bound_high": high, "discrete": False, "enough": test != "peak 20"},
            **{"out": ratio > high, "shuffles": 50_000, "neurons": 900, **shares, "share_shuffled": 0.05},
        }
        for test, ratios in sizes.items()
        for ratio, (level, half, low, high) in zip(ratios, levels, strict=True)
    ]
    plans: list[dict[str, Any]] = [
        {"kind": kind, "strength": s, "noise": 0.0} for kind in ("gradient", "peak", "steps") for s in (0.0, 0.5, 1.0)
    ]
    power = [
        plan | {"neurons": 200, "number": number, "share_p": min(1.0, 0.05 + 2 * plan["strength"]), "share_q": 0.1}
        for plan in plans
        for number in ("ami", "peak")
    ]
    patterns = [
        plan | {"pattern": name, "share": share} for plan in plans for name, share in (("peak", 0.3), ("none", 0.7))
    ]
    reach = [{"kind": "peak", "noise": 0.0, "number": "ami", "at_p": 0.4, "at_q": NAN}]
    both = {"layer": None, "population": "neurons", "neurons": 900}
    retest = [
        both | {"forms": "ranks", "agreement": 0.88, "kappa": 0.39},
        both | {"forms": "texts", "agreement": 0.91, "kappa": 0.52},
    ] * rotated
    return {"size": size, "power": power, "patterns": patterns, "reach": reach, "retest": retest}


def make_specifications() -> list[dict[str, Any]]:
    """Build the table of a robustness: a number that turns on centring, two whose intervals say the same in all."""
    rows = []
    for number, claim, zones, shift in (
        ("ami", "C1", ("quantile:5", "natural"), 0.02),
        ("peak", "C2", (None,), 0.0),
        ("interleaving", "C4", (None,), 0.0),
    ):
        for place, (center, tokens, segments) in enumerate(product((False, True), (50, 100), zones)):
            difference = 0.05 + 0.001 * place - 2 * shift - shift * center
            half = 0.012 if number == "ami" else 0.001
            low, high = difference - half, difference + half
            row = {
                **{"claim": claim, "number": number, "space": "input", "center": center, "segments": segments},
                **{"categories": "ward" if number == "ami" else None, "core_tokens": tokens},
                **{"forms": "all", "sign": "positive", "cross_fit": False, "neurons": difference, "twin": 0.0},
                **{"difference": difference, "low": low, "high": high, "detectable": 1.4 * half},
                **{"n": 24, "n_twin": 24, "left_out": "tokens"},
                **{"beside": beside_of(-1 if number == "interleaving" else 1, low, high)},
                **{"own": (center, tokens, segments or "quantile:5") == (False, 100, "quantile:5")},
            }
            rows += [row | {"layer": layer} for layer in (None, 0)]
    return rows
