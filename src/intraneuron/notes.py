"""Remarks that a reader needs beside the numbers of a study."""

from __future__ import annotations

import math
from typing import Any

from intraneuron.config import MIN_TOKENS, PUBLISHED
from intraneuron.models.documents import own_tokens
from intraneuron.pipeline.numbers import reference_of

SIGNS = {
    "negative": "Core tokens are those of lowest activation below 0; activations are shown times -1, so that more is "
    "lower.",
    "magnitude": "Core tokens are those whose mean activation is farthest from 0 on either side; activations are shown "
    "without their sign.",
}
"""What is said of activations that are turned round."""


def latents_notes(manifest: dict[str, Any]) -> list[str]:
    """Say what is studied where that is not the model's own neurons."""
    saes = manifest.get("sae", ())
    of = " and ".join(f"{sae['latents']:,} of one that reads {sae['hook']}" for sae in saes)
    return [f"Neurons here are latents of sparse autoencoders, not the model's own: {of}."] if saes else []


def given_notes(manifest: dict[str, Any]) -> list[str]:
    """Say whose vectors meaning is measured in, and whose categories tokens have, where these are from a file."""
    given, notes = manifest.get("given", {}), []
    if "space" in given:
        notes.append(
            f"Meaning is measured by vectors of {given['space']['words']:,} words from {given['space']['file']}: only "
            f"the {given['space']['found']:,} tokens that are words there can be core tokens."
        )
    if "categories" in given:
        notes.append(
            f"Categories are those of {given['categories']['file']}: {given['categories']['found']:,} tokens have one, "
            "the others are in none."
        )
    return notes


def notes_of(summary: dict[str, Any]) -> list[str]:
    """Return remarks that a reader needs beside the numbers."""
    notes = []
    tested, total = summary["reliability"]["testable"], summary["n_neurons"]
    sign = summary["settings"]["observe"].get("sign", "positive")
    if tested < total:
        side = {"positive": "above", "negative": "below", "magnitude": "other than"}[sign]
        notes.append(
            f"{total - tested} of {total} neurons have fewer than 20 core tokens (mean activation {side} 0) and are "
            "not tested."
        )
    twin = reference_of(summary)
    if twin not in summary["populations"]:
        notes.append(f"No {twin} twin was observed: no neuron can be told from a random direction.")
    if summary["mode"] == PUBLISHED:
        notes.append(
            "Published lists: no model was run. Neurons are judged by readout twins, random directions of the space, "
            "which are a lower bound."
        )
    if summary["mode"] == "vocabulary":
        notes.append("Vocabulary mode: every token was read alone, which is not text.")
    own = own_tokens(summary["settings"]["observe"].get("texts", ()))
    if own is not None:
        notes.append(f"The texts are the model's own samples: {own:,} tokens that it wrote itself, no people's text.")
    if "precision" in summary:
        notes.append(_precision_note(summary["precision"]))
    other = summary["other_mode"]
    if other:
        notes.append(
            f"Core tokens in common with the {other['mode']}-mode study {other['study']}: {other['overlap']:.0%}."
        )
    tied = summary["tied"]
    if tied:
        notes.append(
            f"In {tied} of {total} neurons a segment bound lies between tokens of equal activation; their order is "
            "that of token ids."
        )
    if summary["settings"]["observe"].get("words"):
        notes.append("Core tokens are whole words only; one that only begins a longer word cannot be told from a word.")
    if summary["settings"]["observe"].get("forms") == "distinct":
        notes.append("Of tokens that are one word in several forms, only the most active is a core token.")
    if sign in SIGNS:
        notes.append(SIGNS[sign])
    if summary["settings"]["observe"].get("cross_fit"):
        n = summary["reliability"]["core_tokens"]
        notes.append(
            "Cross-fit: core tokens were chosen on the even documents and ordered by the odd ones; those that the odd "
            f"ones do not hold left, and the median neuron has {n:.0f}."
        )
    median = summary["reliability"]["median"]
    if median is None and summary["mode"] == "corpus":
        notes.append(
            f"Nothing can be said of reliability: no neuron has {MIN_TOKENS} core tokens that both halves of the text "
            "hold. Give more text, or mix the documents."
        )
    if median is not None and median < 0.8:
        notes.append(f"Core tokens are not settled: the median neuron's reliability is {median:.2f}. Give more text.")
    return notes


def _precision_note(precision: dict[str, Any]) -> str:
    if not math.isfinite(precision["overlap"]):
        return (
            f"The model ran in {precision['dtype']}. What that costs in core tokens is unknown: the model in float32 "
            "has no room in memory beside it, or could not be loaded again."
        )
    return (
        f"The model ran in {precision['dtype']}. On a sample of {precision['positions']:,} tokens, a neuron has "
        f"{precision['overlap']:.1%} of its core tokens in float32 as well (mean; {precision['least']:.1%} in layer "
        f"{precision['least_layer']}, the least)."
    )
