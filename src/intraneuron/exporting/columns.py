"""The columns of every exported table: one table, from which types, codebook and tests are read.

Letters as in ``docs/formulas.md``: n core tokens; m of them in a category; k categories; n_g tokens of a group g
(a category or a segment); S_ab the cosine of tokens a and b, and S its mean over all pairs; h_g its mean over the
pairs inside g.
"""

from __future__ import annotations

from typing import get_args

from intraneuron.config import LongTable, Twin
from intraneuron.exporting.column import ANY, AT_MOST_1, COSINE, FROM_1, NOT_NEGATIVE, SHARE, Column

POPULATIONS = ("neurons", *get_args(Twin))
PATTERNS = ("steps", "gradient", "peak", "mixed", "none", "insufficient", "untested")

_BENJAMINI = "10.1111/j.2517-6161.1995.tb02031.x"
_KAZI = "10.1016/0167-9473(94)00064-2"
_MIELKE = "10.1080/03610927608827451"


# fmt: off
def _p(name: str, formula: str, *reference: str) -> Column:
    return Column(name, "number", "probability", SHARE, formula, reference)


def _q(name: str) -> Column:
    of = name.removesuffix("_q")
    text = f"Benjamini and Hochberg's adjusted p of {of}, over all layers of the study; a family a population and group"
    return Column(name, "number", "probability", SHARE, text, ("#q-false-discovery-rate", _BENJAMINI))


def _sd(name: str, of: str, *reference: str) -> Column:
    return Column(name, "number", "as the value", NOT_NEGATIVE, f"standard deviation of {of} under its null", reference)


POPULATION = Column("population", "text", "none", POPULATIONS, "neurons, or the twin whose row it is", ("#twins",))
LAYER = Column("layer", "integer", "none", NOT_NEGATIVE, "layer of the model, from 0", ("#layer-neuron",))
NEURON = Column("neuron", "integer", "none", NOT_NEGATIVE,
    "number in its layer, from 0; a row of rotated, untrained or readout has no relation to the neuron of its number",
    ("#layer-neuron",))

NEURONS = (
    POPULATION, LAYER, NEURON,
    Column("n", "integer", "tokens", NOT_NEGATIVE, "core tokens that the neuron has", ("#n",)),
    Column("min_count", "integer", "sightings", FROM_1, "sightings that a token of its layer needed to be eligible",
        ("#notation",)),
    Column("reliability", "number", "none", AT_MOST_1,
        "2r / (1 + r), r the correlation of the two halves' mean activations over core tokens (cross-fit: r)",
        ("#reliability",)),
    Column("rank_correlation", "number", "none", AT_MOST_1,
        "2r / (1 + r), r the rank correlation of the two halves' mean activations (cross-fit: r)",
        ("#rank_correlation", "10.2307/1412159")),
    Column("overlap", "number", "share", SHARE,
        "core tokens that both halves of the text select / the smaller half's core tokens", ("#overlap",)),
    Column("n_categories", "integer", "categories", (0, 10), "k, categories of at least 3 tokens", ("#n_categories",)),
    Column("silhouette", "number", "none", COSINE,
        "mean over tokens of (b - a) / max(a, b): mean distances 1 - S_ab to the own and to the nearest other group",
        ("#silhouette", "10.1016/0377-0427(87)90125-7")),
    Column("clustered", "true or false", "none", ANY,
        "silhouette above the 95th percentile of the layer's rotated twins (without a model: readout); missing without",
        ("#clustered",)),
    Column("top_down_h", "number", "none", NOT_NEGATIVE,
        "Kruskal and Wallis's H with tie correction, of activations by category",
        ("#top_down_h", "10.1080/01621459.1952.10483441")),
    Column("top_down_eta2", "number", "share of rank variance", AT_MOST_1, "(H - k + 1) / (m - k); 0 by chance",
        ("#top_down_eta2",)),
    _p("top_down_p", "P(H at least as large), activations dealt at random to the m tokens",
        "#top_down_p-top_down_q", "#beta-tail-of-kruskal-wallis"),
    _q("top_down_q"),
    Column("interleaving", "number", "none", NOT_NEGATIVE,
        "(R - k) / (E[R] - k), R the runs of one category in the order of activation; 1 by chance",
        ("#interleaving", "10.1214/aoms/1177731909")),
    _p("interleaving_p", "mid-p of so few runs: P(R less) + P(R equal) / 2; lower tail",
        "#interleaving_p-interleaving_q", "10.1214/aoms/1177731909"),
    _q("interleaving_q"),
    Column("n_segments", "integer", "segments", NOT_NEGATIVE, "segments asked for; 0 when not tested",
        ("#n_segments",)),
    Column("homogeneity_null", "number", "cosine", COSINE, "S, the mean cosine over all pairs of core tokens",
        ("#homogeneity_null",)),
    *(
        column
        for name, top in (("peak", 20), ("peak10", 10), ("peak5", 5))
        for column in (
            Column(name, "number", "cosine", (-2, 2),
                f"mean cosine inside the {top} most active tokens - that inside the rest; 0 by chance",
                ("#peak-peak10-peak5",)),
            Column(f"{name}_z", "number", "standard deviations", ANY, f"{name} / its exact SD under the null",
                ("#peak_z-peak10_z-peak5_z", _KAZI)),
            _p(f"{name}_p", f"P({name} at least as large), activations dealt at random to the n tokens",
                "#peak_p-peak10_p-peak5_p-peak_q-peak10_q-peak5_q", _KAZI),
            _q(f"{name}_q"),
        )
    ),
    Column("mrpp_a", "number", "none", AT_MOST_1,
        "A = 1 - d / (1 - S), d the mean over segments of 1 - h_g, weighted by n_g; 0 by chance",
        ("#mrpp_a", _MIELKE)),
    _p("mrpp_p", "P(A at least as large), activations dealt at random to the n tokens", "#mrpp_p-mrpp_q", _MIELKE),
    _q("mrpp_q"),
    Column("distance_r", "number", "correlation", COSINE,
        "Pearson correlation, over pairs, of the difference of midranks and S_ab; 0 by chance, below it in favour",
        ("#distance_r",)),
    _p("distance_p", "P(r at most as large), activations dealt at random to the n tokens",
        "#distance_p-distance_q", "#four-moments-of-distance"),
    _q("distance_q"),
    Column("ami", "number", "none", AT_MOST_1,
        "adjusted mutual information of category and segment: (MI - E[MI]) / (mean entropy - E[MI]); 0 by chance",
        ("#ami",)),
    Column("agreement_x2", "number", "none", NOT_NEGATIVE, "Pearson's chi-square of categories by segments",
        ("#agreement_x2",)),
    _p("agreement_p", "P(chi-square at least as large) over tables of the same margins; mid-p with two groups",
        "#agreement_p-agreement_q", _KAZI),
    _q("agreement_q"),
    Column("information_category", "number", "share", AT_MOST_1, "(MI - E[MI]) / entropy of the category",
        ("#information_category-information_segment",)),
    Column("information_segment", "number", "share", AT_MOST_1, "(MI - E[MI]) / entropy of the segment",
        ("#information_category-information_segment",)),
    Column("abstraction", "number", "standard deviations", ANY,
        "z of segment 1's homogeneity in meaning - z of that in spelling (1 - edit distance / longer length)",
        ("#abstraction-abstraction_p-abstraction_q",)),
    _p("abstraction_p", "P(abstraction at least as large), a random subset of the core tokens as segment 1",
        "#abstraction-abstraction_p-abstraction_q"),
    _q("abstraction_q"),
    Column("tightness", "number", "cosine", (-2, 2), "S - mean cosine over all pairs of the eligible vocabulary",
        ("#tightness-tightness_p-tightness_q",)),
    _p("tightness_p", "P(S at least as large) of n random eligible tokens", "#random-tokens"),
    _q("tightness_q"),
    *(
        Column(f"flag_{name}", "true or false", "none", ANY,
            f"q below 0.05, and {which} beyond the bar of the rotated twins (without a model: of readout)",
            ("#flag_steps-flag_gradient-flag_peak-flag_mixed", "#bars"))
        for name, which in (
            ("steps", "ami"), ("gradient", "distance_r"), ("peak", "peak"),
            ("mixed", "mrpp_a, top_down_eta2 or interleaving"),
        )
    ),
    Column("pattern", "text", "none", PATTERNS, "the first flag that holds", ("#pattern",)),
)

TOKENS = (
    POPULATION, LAYER, NEURON,
    Column("rank", "integer", "none", FROM_1, "place in the order of activation, from 1, the most active",
        ("#notation",)),
    Column("token_id", "integer", "none", NOT_NEGATIVE, "number in the model's vocabulary, from 0", ("#notation",)),
    Column("token", "text", "none", ANY, "text of the token, its leading space or mark of a word's inside kept",
        ("#notation",)),
    Column("activation", "number", "activation", ANY,
        "mean activation over sightings; cross-fit: over those in the second half of the text", ("#notation",)),
    Column("count", "integer", "sightings", FROM_1,
        "how often the token was seen; cross-fit: in the second half of the text", ("#notation",)),
    Column("category", "integer", "none", (1, 10),
        "by meaning, from 1, of the highest mean activation; missing for a token in none", ("#n_categories",)),
    Column("segment", "integer", "none", FROM_1, "by activation, from 1, the most active; missing when not tested",
        ("#n_segments",)),
)

CATEGORIES = (
    POPULATION, LAYER, NEURON,
    Column("category", "integer", "none", (1, 10), "number, from 1, of the highest mean activation",
        ("#n_categories",)),
    Column("size", "integer", "tokens", (3, None), "n_g, core tokens in it", ("#n_categories",)),
    *(Column(f"word_{i}", "text", "none", ANY, f"the {place} nearest to the category's mean vector", ("#n_categories",))
        for i, place in ((1, "token"), (2, "second token"), (3, "third token"))),
    Column("mean_activation", "number", "activation", ANY, "mean of its tokens' activations", ("#n_categories",)),
    Column("cliffs_delta", "number", "none", COSINE,
        "2 U / (n_g (m - n_g)) - 1, against all other tokens with a category; category 1's is above 0 by its choice",
        ("#effects-that-have-no-column-of-their-own", "10.1037/0033-2909.114.3.494")),
    Column("cliffs_delta_null", "number", "none", (0, 0), "mean of cliffs_delta under the null: 0",
        ("#effects-that-have-no-column-of-their-own",)),
    _sd("cliffs_delta_null_sd", "cliffs_delta", "#effects-that-have-no-column-of-their-own"),
    _p("cliffs_delta_p", "P(U at least as far from its mean): rank sum, two-sided",
        "#exact-rank-sum", "10.1214/aoms/1177730491"),
    _q("cliffs_delta_q"),
    Column("activation_share", "number", "share", SHARE,
        "sum of its tokens' activation above the last core token's / that of all m tokens",
        ("#selectivity-selectivity_p",)),
    Column("activation_share_null", "number", "share", SHARE, "n_g / m", ("#selectivity-selectivity_p",)),
    _sd("activation_share_null_sd", "activation_share", "#selectivity-selectivity_p"),
    Column("selectivity", "number", "share", COSINE, "activation_share - activation_share_null",
        ("#selectivity-selectivity_p",)),
    _p("selectivity_p", "twice the smaller tail of activation_share, activations dealt at random to the m tokens",
        "#selectivity-selectivity_p"),
    _q("selectivity_q"),
)

SEGMENTS = (
    POPULATION, LAYER, NEURON,
    Column("segment", "integer", "none", FROM_1, "number, from 1, the most active", ("#n_segments",)),
    Column("size", "integer", "tokens", NOT_NEGATIVE, "n_g, core tokens in it", ("#n_segments",)),
    Column("high", "number", "activation", ANY, "upper bound: the highest activation, or the middle of the gap above",
        ("#n_segments",)),
    Column("low", "number", "activation", ANY, "lower bound: the middle of the gap below, or the lowest activation",
        ("#n_segments",)),
    Column("homogeneity", "number", "cosine", COSINE, "h_g; missing under 3 tokens", ("#homogeneity",)),
    Column("homogeneity_null", "number", "cosine", COSINE, "S: the mean of h_g over random subsets of n_g core tokens",
        ("#homogeneity_null",)),
    _sd("homogeneity_null_sd", "homogeneity", "#homogeneity_z", _KAZI),
    Column("homogeneity_z", "number", "standard deviations", ANY, "(h_g - S) / homogeneity_null_sd",
        ("#homogeneity_z", _KAZI)),
    _p("homogeneity_p", "P(h_g at least as large) of random subsets of n_g core tokens",
        "#homogeneity_p-homogeneity_q", _KAZI),
    _q("homogeneity_q"),
    Column("stepdown_null", "number", "cosine", COSINE, "mean cosine over all pairs of this and the lower segments",
        ("#homogeneity_stepdown_p",)),
    _sd("stepdown_null_sd", "homogeneity among this and the lower segments", "#homogeneity_stepdown_p", _KAZI),
    _p("stepdown_p", "P(h_g at least as large) of random subsets of the tokens of this and the lower segments",
        "#homogeneity_stepdown_p", _KAZI),
    _q("stepdown_q"),
    Column("purity", "number", "share", SHARE, "tokens of its commonest category / its tokens with a category",
        ("#purity-purity_null-purity_p",)),
    Column("purity_null", "number", "share", SHARE, "exact mean of purity over random segments of the same size",
        ("#purity-purity_null-purity_p",)),
    _sd("purity_null_sd", "purity", "#purity-purity_null-purity_p"),
    _p("purity_p", "exact P(purity at least as large) of random segments of the same size",
        "#purity-purity_null-purity_p"),
    _q("purity_q"),
    Column("entropy", "number", "nats", NOT_NEGATIVE, "- sum of x ln x over the categories' shares x of its tokens",
        ("#entropy-entropy_null",)),
    Column("entropy_null", "number", "nats", NOT_NEGATIVE, "exact mean of entropy; it has no p, purity is the test",
        ("#entropy-entropy_null",)),
    _sd("entropy_null_sd", "entropy", "#entropy-entropy_null"),
)

VECTORS = (
    Column("space", "text", "none", ANY, "the study's space; the untrained twin has its own", ("#notation",)),
    Column("token_id", "integer", "none", NOT_NEGATIVE, "number in the model's vocabulary, from 0", ("#notation",)),
    Column("token", "text", "none", ANY, "text of the token", ("#notation",)),
    Column("count", "integer", "sightings", NOT_NEGATIVE, "how often the study saw the token", ("#notation",)),
)
# fmt: on

LONG: dict[LongTable, tuple[Column, ...]] = {
    "neurons": NEURONS,
    "tokens": TOKENS,
    "categories": CATEGORIES,
    "segments": SEGMENTS,
}


def vector_columns(dimensions: int) -> tuple[Column, ...]:
    """Return the columns of the table ``vectors``: a token, and the D numbers of its unit vector."""
    kind, where = "number in single precision", ("#notation",)
    numbers = range(1, dimensions + 1)
    return (*VECTORS, *(Column(f"v{d}", kind, "none", COSINE, f"entry {d} of its unit vector", where) for d in numbers))
