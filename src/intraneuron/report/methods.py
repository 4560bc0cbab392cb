"""A paragraph for the methods section of a paper, with the settings and numbers of one study."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intraneuron.config import K_MAX, PUBLISHED
from intraneuron.data.display import plain
from intraneuron.figures.reference import reference
from intraneuron.models.documents import own_tokens
from intraneuron.report.references import SOFTWARE, bibtex
from intraneuron.report.wording import HIGHEST

Table = Mapping[str, Any]

LINKAGE = {"ward": "Ward's linkage on squared chord distances [@ward1963hierarchical]"}
VECTORS = {"input": "input embeddings", "output": "unembedding vectors", "vectors": "word vectors from a file"}
TWINS = {
    "shuffled": "their own activations dealt at random to their core tokens (shuffled)",
    "frequency": "their activations dealt among core tokens seen about equally often (frequency)",
    "rotated": (
        "artificial neurons that read random directions of the same layer's input through the same weights, matched in "
        "mean and standard deviation of the pre-activation and put through the same activation function (rotated)"
    ),
    "untrained": "the same architecture with its initial weights (untrained)",
    "readout": "random directions of the embedding space (readout)",
}


@dataclass(frozen=True)
class Methods:
    """What ``intraneuron methods`` says.

    Attributes
    ----------
    paragraph : str
        With citations as ``[@key]`` (pandoc).
    references : str
        The BibTeX entries of these keys.
    """

    paragraph: str
    references: str

    def __str__(self) -> str:
        return f"{self.paragraph}\n\n{self.references}"


def methods(manifest: Table, summary: Table, tests: Mapping[str, int]) -> Methods:
    """Return the paragraph of a study.

    Parameters
    ----------
    manifest, summary : dict
        As in the study's folder.
    tests : dict
        By question: how many p-values of neurons are defined.
    """
    settings = manifest["settings"]
    sentences = [
        *_observed(manifest, summary, settings["observe"]),
        *_grouped(summary, settings["partition"]),
        *_tested(tests),
        *_compared(settings["twin"]["twins"], summary),
        _software(manifest),
    ]
    paragraph = plain(" ".join(sentences))
    cited = dict.fromkeys(re.findall(r"\[@(\w+)\]", paragraph))
    version = str(manifest["versions"]["intraneuron"])
    return Methods(paragraph, bibtex([key for key in cited if key != SOFTWARE], version))


def _listed(manifest: Table, summary: Table, observe: Table) -> list[str]:
    """Say which lists were studied, of a study without a model."""
    identity, layers = manifest["identity"], ", ".join(map(str, summary["layers"]))
    return [
        f"We studied published lists of core tokens ({identity['name']}, SHA-256 {identity['lists'][:12]}) "
        f"of {summary['n_neurons']:,} neurons in {_counted(len(summary['layers']), 'layer')} ({layers}), following "
        f"Pichat et al. [@pichat2025intraneuronal] with the software intraneuron [@{SOFTWARE}]. No model was run.",
        *manifest[PUBLISHED]["notes"],
        f"The core tokens of a neuron are the up to {observe['core_tokens']} tokens of its list with the highest "
        f"activation above 0 among those that have a vector; {summary['reliability']['testable']:,} neurons had the 20 "
        "that a test takes.",
    ]


def _activation(saes: Sequence[Table]) -> str:
    """Return what the neurons of a study of latents are."""
    each = "; ".join(
        f"{sae['hook']}, {sae['latents']:,} latents, {_kind(sae)}, SHA-256 {sae['hash'][:12]}" for sae in saes
    )
    return f"Here a neuron is a latent of a sparse autoencoder ({each}), its activation that of the latent."


def _kind(sae: Table) -> str:
    return f"top {sae['k']}" if "k" in sae else str(sae["architecture"])


def _observed(manifest: Table, summary: Table, observe: Table) -> list[str]:
    if summary["mode"] == PUBLISHED:
        return _listed(manifest, summary, observe)
    model, reliability = manifest["model"], summary["reliability"]
    layers = ", ".join(map(str, summary["layers"]))
    saes = manifest.get("sae")
    what = "the latents of sparse autoencoders on" if saes else "the MLP neurons of"
    lines = [
        f"We studied {what} {model['name']} ({model.get('family', 'unknown')} architecture, revision "
        f"{model.get('revision', 'unknown')}, SHA-256 of the weights {model['weights'][:12]}) in "
        f"{_counted(len(summary['layers']), 'layer')} ({layers}; counted from 0), {summary['n_neurons']:,} neurons in "
        f"all, following Pichat et al. [@pichat2025intraneuronal] with the software intraneuron [@{SOFTWARE}].",
        _activation(saes)
        if saes
        else "A neuron's activation is the value that enters the output projection of its MLP.",
    ]
    k = observe["core_tokens"]
    if summary["mode"] == "vocabulary":
        lines.append("Every non-special token of the vocabulary was read alone, in the model's minimal context.")
        seen = ""
    else:
        counts = " or ".join(map(str, reliability["min_count"]))
        read = next((row["read"] for row in reliability["settled"]), None)
        amount = f"{read:,.0f} tokens of text" if read else "text"
        half = ", separately over its even and its odd documents" if observe.get("cross_fit") else ""
        if own_tokens(observe.get("texts", ())) is not None:
            lines.append(_sampled(manifest, observe))
            amount = f"{read:,.0f} tokens of its samples" if read else "its samples"
        hashed = manifest.get("texts", {}).get("samples", manifest["identity"]["texts"])
        lines.append(f"Activations were averaged by token over {amount}{half} (hash {hashed}).")
        seen = f", of those seen at least {counts} times (by layer)" if len(reliability["min_count"]) > 1 else ""
        seen = seen or f", of those seen at least {counts} times"
    kind = "tokens that are whole words, with" if observe.get("words") else "tokens with"
    if observe.get("forms") == "distinct":
        kind = "word forms (the most active of the tokens that are one word in several forms)" + kind[len("tokens") :]
    chosen = f"The core tokens of a neuron are the up to {k} {kind} the {HIGHEST[observe.get('sign', 'positive')]}"
    if observe.get("cross_fit"):
        chosen += (
            f" in the even documents{seen.replace('seen at least', 'seen there at least half of')}; their activations "
            "are the means over the odd documents, which may be 0 or less (cross-fit)"
        )
    else:
        chosen += seen
    lines.append(f"{chosen}; {reliability['testable']:,} neurons had the 20 that a test takes.")
    if reliability["median"] is not None:
        stepped = "" if observe.get("cross_fit") else ", stepped up to the whole text,"
        lines.append(
            f"The two halves' mean activations over core tokens correlate{stepped} by "
            f"{reliability['median']:.2f} in the median neuron (mean over layers)."
        )
    return lines


def _sampled(manifest: Table, observe: Table) -> str:
    """Say how a model wrote the texts itself."""
    read = manifest["texts"]
    return (
        f"The texts were written by the model itself: {_counted(read['documents'], 'sample')}, {read['tokens']:,} "
        "tokens, each sample as long as the model's window and drawn token by token from its whole distribution "
        "(temperature 1), beginning with the token that begins a text, from streams keyed by the seed "
        f"{observe['seed']}."
    )


def _grouped(summary: Table, partition: Table) -> list[str]:
    space = str(summary["space"])
    name, _, amount = str(partition["categories"]).partition(":")
    linkage = LINKAGE.get(name, f"{'average' if name == 'threshold' else name} linkage of cosine distances")
    groups = (
        f"where groups are less alike than a cosine of {amount}"
        if name == "threshold"
        else f"into the 2 to {amount or K_MAX} groups of highest mean silhouette [@rousseeuw1987silhouettes]"
    )
    vectors = next((words for name, words in VECTORS.items() if space.startswith(name)), space)
    centred = " from which their mean was subtracted" if space.endswith("-centered") else ""
    method, _, number = str(partition["segments"]).partition(":")
    cut = {
        "quantile": f"{number} segments of equal numbers of tokens",
        "equal-width": f"{number} intervals of equal width",
        "natural": f"{number or 'up to 10'} segments at natural breaks, found exactly [@fisher1958grouping]",
        "top": f"the top share of {number} and the rest",
    }
    return [
        f"Similarity of meaning is the cosine of {vectors}{centred}.",
        f"Core tokens were grouped into categories by {linkage}, cut {groups}; groups of fewer than 3 tokens "
        "were left out of the tests of categories.",
        f"The activation axis was cut into {cut.get(method, partition['segments'])}.",
    ]


def _tested(tests: Mapping[str, int]) -> list[str]:
    asked = {name: count for name, count in tests.items() if count}
    return [
        "Differences of activation between categories were tested with the Kruskal-Wallis statistic "
        "[@kruskal1952ranks] and, category by category, Cliff's delta [@cliff1993dominance] and the share of "
        "activation above the last core token's; how they interleave by the runs of one category along the axis of "
        "activation. "
        "Homogeneity of zones was tested by the mean cosine inside them (of lower segments also among the tokens of "
        "their own and lower segments), of the 20, 10 and 5 most active tokens against that of the rest, over all "
        "segments with MRPP [@mielke1976mrpp]; gradients by the correlation of cosine and distance in rank of "
        "activation; agreement of categories and segments by adjusted mutual information [@vinh2010information] and "
        "Pearson's chi-square, and segment by segment by the share of the commonest category; abstraction by the top "
        "segment's homogeneity in meaning against that in spelling; and the tightness of all core tokens.",
        "Each p refers to the activations being dealt at random to the neuron's own core tokens (that of the tightness "
        "of all core tokens: to random tokens of the vocabulary); it comes from the exact distribution or from exact "
        "permutation moments of the statistic, and from keyed Monte Carlo draws where few tokens make it lumpy (zones "
        "and categories of fewer than 10 tokens, neurons of fewer than 40, MRPP with segments of fewer than 6).",
        f"In all, {sum(asked.values()):,} p-values of neurons in {_counted(len(asked), 'question')} were computed; q "
        "is that of Benjamini and Hochberg [@benjamini1995controlling] over all neurons of the study, one family for "
        "each question and, where a question has several answers, for each segment, category or size of the top.",
    ]


def _compared(twins: Any, summary: Table) -> list[str]:
    named = [TWINS[twin] for twin in twins]
    groups = "20 shards of the text" if summary["mode"] == "corpus" else "groups of tokens"
    if summary["mode"] == PUBLISHED:
        groups += ", which leave the lists without being replaced,"
    if not named:
        return ["No twin population was observed."]
    lines = [f"Neurons were compared with {'; '.join(named)}."]
    twin = reference(summary)
    if twin.name in twins:
        lines.append(
            f"Intervals (95 %) of layer means and of their differences from the {twin.name} twins are those of a "
            f"delete-a-group jackknife over {groups} [@busing1999jackknife]."
        )
    if twin.note:
        lines.append(twin.note)
    return lines


def _software(manifest: Table) -> str:
    versions = dict(manifest["versions"])
    others = ", ".join(f"{name} {version}" for name, version in versions.items() if name != SOFTWARE)
    seed = manifest["settings"]["observe"]["seed"]
    dtype = manifest.get("run", {}).get("dtype", "float32")
    ran = "" if PUBLISHED in manifest else f"; model in {dtype}"
    return f"All computations used intraneuron {versions[SOFTWARE]} ({others}{ran}) with seed {seed}."


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
