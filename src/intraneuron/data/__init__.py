"""The nouns: frozen dataclasses that hold and validate arrays, and do nothing else.

Axes, everywhere: ``N`` neurons (axis 0), ``K`` core tokens, ``G`` groups, ``V`` vocabulary, ``D`` embedding
dimensions. New axes go last. Undefined numbers are NaN; a padded token id, rank or label is -1.
"""

from intraneuron.data.activations import TokenActivations
from intraneuron.data.background import Background
from intraneuron.data.card import Card, CardCategory, CardContext, CardNumber, CardSegment, CardToken
from intraneuron.data.comparison import QUESTIONS, Comparison
from intraneuron.data.core_tokens import CoreTokens
from intraneuron.data.curve import Curve
from intraneuron.data.effect import Effect
from intraneuron.data.names import neuron_name, parse_neuron
from intraneuron.data.norms import Norms
from intraneuron.data.partition import Partition
from intraneuron.data.percentiles import Percentiles
from intraneuron.data.space import Space
from intraneuron.data.spelling import Spelling
from intraneuron.data.vocabulary import Vocabulary

__all__ = [
    "QUESTIONS",
    "Background",
    "Card",
    "CardCategory",
    "CardContext",
    "CardNumber",
    "CardSegment",
    "CardToken",
    "Comparison",
    "CoreTokens",
    "Curve",
    "Effect",
    "Norms",
    "Partition",
    "Percentiles",
    "Space",
    "Spelling",
    "TokenActivations",
    "Vocabulary",
    "neuron_name",
    "parse_neuron",
]
