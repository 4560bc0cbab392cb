"""What a study reads: every token alone, texts, or texts that its model writes itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from intraneuron.config import ObserveConfig, RunConfig
from intraneuron.files import fingerprint
from intraneuron.models.documents import own_tokens, read_texts

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel
    from intraneuron.models.texts import Windows

SAMPLING = 1
"""Raised when a model that writes its own texts writes others with the same settings."""


@dataclass(frozen=True)
class Corpus:
    """Texts, as far as they are there before a study runs.

    Attributes
    ----------
    texts : Windows or None
        None in vocabulary mode, and where the model has still to write them.
    text_hash : str
        Of what is read; ``none`` in vocabulary mode.
    read : dict
        How much that is, as the manifest has it.
    """

    texts: Windows | None = None
    text_hash: str = "none"
    read: dict[str, Any] = field(default_factory=dict)


def mode_of(observe: ObserveConfig) -> str:
    """Return whether tokens are read alone (``vocabulary``) or in texts (``corpus``)."""
    if observe.mode != "auto":
        return observe.mode
    return "corpus" if observe.texts else "vocabulary"


def read_corpus(model: LoadedModel, observe: ObserveConfig, run: RunConfig) -> Corpus:
    """Read the texts, cut into tokens and packed; of those that the model is to write, say how many there will be.

    Raises
    ------
    IntraneuronError
        When they cannot be read, are too few, or the model cannot write any.
    """
    own = own_tokens(observe.texts)
    if own is not None:
        from intraneuron.models.sampling import check_writes, samples_of

        check_writes(model, observe.texts[0], own)
        read = {"documents": samples_of(model, own), "tokens": own, "complete": True}
        return Corpus(None, own_text_hash(observe, run), read)
    if mode_of(observe) != "corpus":
        return Corpus()
    from intraneuron.models.texts import encode, windows

    documents = read_texts(observe.texts, observe.seed, field=observe.text_field)
    tokens = encode(documents, model, observe.tokens)
    return Corpus(windows(tokens, model), tokens.text_hash, tokens.extent)


def own_text_hash(observe: ObserveConfig, run: RunConfig) -> str:
    """Return what tells texts that a model writes itself apart: all that decides which they are, but for the model.

    In another number format it writes others.
    """
    return fingerprint(["self", SAMPLING, own_tokens(observe.texts), observe.seed, run.dtype])
