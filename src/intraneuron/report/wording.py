"""The sentences of reports and cards: what is asked, what each number means, what a pattern says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intraneuron.data.card import Card
from intraneuron.data.display import UNDEFINED, is_defined, number
from intraneuron.figures.claim_rows import bounds, interval, written
from intraneuron.figures.reference import Reference
from intraneuron.pipeline.numbers import reference_of
from intraneuron.report.verdict import OF_ABSENCE, Verdict, verdict

_QUESTION = (
    "A neuron of a language model responds to a set of words, strongly to some and weakly to others. "
    "This report asks whether, inside that response, a zone of activation (say, its strongest fifth) picks out a "
    "zone of meaning, and whether it does so more than {directions}, which show what would "
    "be seen without any neuron."
)
TWINS = {
    "shuffled": "Shuffled twins have the same tokens, the activations dealt at random: they check the arithmetic.",
    "frequency": "Frequency twins have the same tokens with their activations dealt among those seen about equally "
    "often: what they show comes from how often tokens are seen.",
    "rotated": "Rotated twins are random directions through the same layer, with the same inputs: they show the "
    "relation that any direction has, so only what goes beyond them is the neurons' own.",
    "untrained": "Untrained twins are neurons of the same model with initial weights, in the space of its initial "
    "embeddings: they show what the architecture does before it has learned anything.",
    "readout": "Readout twins read the token embeddings themselves along random directions: they show what projection "
    "does without a model (in deep layers less than it does there).",
}
HIGHEST = {
    "positive": "highest mean activation above 0",
    "negative": "lowest mean activation below 0",
    "magnitude": "mean activation farthest from 0, on either side",
}
"""Which tokens are core tokens, by the sign of activation that is looked at."""

WEAK = "The pattern of a single neuron is weak evidence: compare shares of neurons with those of the twins."
_PATTERNS = {
    "none": "no relation beyond that of {directions}",
    "steps": "zones of activation and categories of meaning go together more than in random directions",
    "gradient": "tokens near each other in activation are near in meaning, more than in random directions",
    "peak": "the most active tokens are more alike than the rest, more than in random directions",
    "mixed": "a relation beyond that of random directions, but not of one clear kind",
    "insufficient": "fewer than 20 core tokens, so nothing was tested",
    "untested": "no {name} twin was observed, so nothing can be called a pattern",
}
CLAIMS = {
    "C0": "The tokens that a neuron responds to are a category.",
    "C1": "A relation between zones of activation and categories of meaning exists, but is tenuous.",
    "C2": "The relation exists mainly for tokens of very high activation.",
    "C3": "Categories differ in mean activation, particularly those of low activation.",
    "C4": "Categories interleave along the activation axis.",
    "C5": "This feeds categorical restructuring, and abstraction, in the next layer.",
}
VERDICTS: dict[Verdict, str] = {
    "more": "more than in random directions",
    "no more": "no more than in random directions",
    "less": "less than in random directions",
    "by chance": "no more than by chance",
    "untested": "not testable",
}
VERDICTS_OF_ABSENCE = VERDICTS | {
    "more": "categories lie apart more than in random directions",
    "no more": "categories lie apart no more than in random directions",
    "less": "categories lie apart less than in random directions",
    "by chance": "as by chance, in line with the claim",
}
BRIEF: dict[Verdict, str] = {
    "more": "more",
    "no more": "no more",
    "less": "less",
    "by chance": "as by chance",
    "untested": UNDEFINED,
}
BRIEF_OF_ABSENCE = BRIEF | {"more": "apart more", "no more": "apart no more", "less": "apart less"}
KEY_NUMBERS = {"C1": "ami", "C2": "peak", "C3": "top_down_eta2", "C4": "interleaving"}
SHORT_NAMES = {
    "tightness": "tightness",
    "ami": "agreement (AMI)",
    "mrpp_a": "tight segments (A)",
    "distance_r": "distance (r)",
    "information_category": "segment → category",
    "information_segment": "category → segment",
    "peak": "peak, top 20",
    "peak10": "peak, top 10",
    "peak5": "peak, top 5",
    "homogeneity_top": "top segment",
    "top_down_eta2": "categories (eta²)",
    "interleaving": "interleaving",
    "purity_top": "purity, top",
    "abstraction": "abstraction (z)",
}
CITATION = (
    "The question and the claims: Pichat et al. (2025), Intra-neuronal attention within language models, "
    "arXiv:2503.12992. "
    "The software: The intraneuron developers, intraneuron (version {version})."
)


def twins_said(populations: Sequence[str]) -> str:
    """Say what the twins of a study are for; populations are named as in ``summary.json``."""
    there = [name for name in TWINS if name in populations]
    if not there:
        return "No twin was asked for: nothing tells these numbers from those of random directions."
    many = f"{len(there)} twins" if len(there) > 1 else "a twin"
    return " ".join([f"Every number stands beside {many}.", *(TWINS[name] for name in there)])


def short_name(name: str) -> str:
    """Name a number in a few plain words."""
    return SHORT_NAMES.get(name, name.replace("_", " "))


def question(twin: Reference) -> str:
    """Say what a report asks, beside the twins of reference."""
    return _QUESTION.format(directions=twin.directions)


def pattern_meaning(pattern: str, twin: Reference) -> str:
    """Say what a pattern means beside the twins of reference; nothing of unknown ones."""
    return _PATTERNS.get(pattern, "").format(name=twin.name, directions=twin.directions)


def pattern_sentence(pattern: str, twin: Reference) -> str:
    """Say what a pattern is called and means; unknown ones are only named."""
    meaning = pattern_meaning(pattern, twin)
    return f"Pattern {pattern}: {meaning}." if meaning else f"Pattern {pattern}."


def halves_said(card: Card) -> str:
    """Say how far two halves of the text agree on a neuron; nothing where it was read in no text."""
    facts = [f"reliability {number(card.reliability, 2)}"] if is_defined(card.reliability) else []
    if is_defined(card.rank_correlation):
        facts.append(f"of ranks {number(card.rank_correlation, 2)}")
    if is_defined(card.overlap):
        facts.append(f"{card.overlap:.0%} of core tokens in common")
    return f"two halves of the text: {', '.join(facts)}" if facts else ""


def whole_model(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows that speak of the whole model: those without a layer, or all when there is one layer."""
    return [row for row in rows if row.get("layer") is None] or (
        list(rows) if len({row.get("layer") for row in rows}) == 1 else []
    )


def key_rows(summary: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the row of the claims table that stands for each claim."""
    rows = {row["number"]: row for row in whole_model(list(summary.get("claims") or ()))}
    return {claim: rows[name] for claim, name in KEY_NUMBERS.items() if name in rows}


def said(row: Mapping[str, Any]) -> str:
    """Say what a row of the claims table says to its claim.

    >>> said({"claim": "C4", "number": "interleaving"})
    'not testable'
    """
    words = VERDICTS_OF_ABSENCE if row.get("claim") in OF_ABSENCE else VERDICTS
    return words[verdict(row)] + _could_see(row)


UNSEEN: dict[Verdict, tuple[str, str]] = {
    "no more": ("difference_detectable", "a difference"),
    "by chance": ("neurons_detectable", "a distance from chance"),
}
"""Of verdicts that nothing was seen: what could have been seen, and how it is called."""


def _could_see(row: Mapping[str, Any]) -> str:
    """Say, where nothing was seen, what would have been; nothing where it is not known."""
    name, what = UNSEEN.get(verdict(row), ("", ""))
    if not is_defined(row.get(name)):
        return ""
    return f" ({what} of {written(row, name)} would have been seen with 80 % power)"


def needed(card: Card) -> str:
    """Say, on the card of a neuron without a pattern, which effects would have made one; else nothing."""
    named = [f"{short_name(one.name)} {number(one.detectable)}" for one in card.numbers if is_defined(one.detectable)]
    if card.pattern != "none" or not named:
        return ""
    first = f"{', '.join(named[:-1])} or " if named[:-1] else ""
    return f"With about 80 % power it would have had one at {first}{named[-1]}."


def said_briefly(row: Mapping[str, Any]) -> str:
    """Say the same in the words of a table's column."""
    words = BRIEF_OF_ABSENCE if row.get("claim") in OF_ABSENCE else BRIEF
    return words[verdict(row)]


def finding(row: Mapping[str, Any]) -> str:
    """Say in one sentence what the numbers of a row of the claims table are.

    >>> finding({"neurons": 0.05, "rotated": 0.03, "difference": 0.02, "difference_low": 0.01,
    ...          "difference_high": 0.03})
    '0.050 in the neurons, 0.030 in random directions, a difference of 0.020 [0.010, 0.030].'
    """
    if not is_defined(row.get("neurons")):
        return "it could not be tested, no neuron has enough core tokens."
    own = f"{written(row, 'neurons')} in the neurons"
    twin = reference_of(row)
    if not is_defined(row.get(twin)):
        return f"{own}; without {twin} twins nobody can say how much of it is the neurons’ own."
    low, _ = bounds(row, "difference")
    left = f"{interval(row, 'difference')}{'' if low else ', without an interval'}"
    return f"{own}, {written(row, twin)} in random directions, a difference of {left}."


def is_clear(row: Mapping[str, Any]) -> bool:
    """Tell whether the interval of a claim's difference excludes 0."""
    low, high = row.get("difference_low"), row.get("difference_high")
    if low is None or high is None or not is_defined(low) or not is_defined(high):
        return False
    return not low <= 0 <= high
