"""Settings: one frozen dataclass a stage. The sentence under a field is its help on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Mode = Literal["auto", "vocabulary", "corpus", "published"]
Device = Literal["auto", "cpu", "cuda", "mps"]
DType = Literal["float32", "bfloat16", "float16", "auto"]
SpaceName = Literal["input", "output", "layer-input", "vectors"]
Twin = Literal["shuffled", "frequency", "rotated", "untrained", "readout"]
Keep = Literal["tables", "inputs"]
Forms = Literal["all", "distinct"]
Sign = Literal["positive", "negative", "magnitude"]
OwnTwin = Literal["rotated", "untrained", "readout"]
LongTable = Literal["neurons", "tokens", "categories", "segments"]
ExportFormat = Literal["csv", "parquet", "json"]

DEALT_TWINS: tuple[Twin, ...] = ("shuffled", "frequency")
"""Twins that have their neurons' core tokens, with the activations dealt anew."""

FILE, NORMS, LAYER_INPUT = "file:", "norms:", "layer-input"
"""How a space from a file begins; how categories that people named begin; the space that each layer has for itself."""

OWN_TWINS: tuple[OwnTwin, ...] = ("rotated", "untrained", "readout")
"""Twins that have core tokens of their own."""

PUBLISHED: Literal["published"] = "published"
"""The mode of studies of published lists, without a model."""

MIN_TOKENS = 20
"""A neuron with fewer core tokens than this is not tested (pattern ``insufficient``)."""

MIN_GROUP = 3
"""A category of fewer tokens than this leaves the tests; a segment of fewer has no homogeneity."""

K_MAX = 10
"""The largest number of categories that is tried."""

PROFILE_WINDOW = 10
"""Ranks in one window of the homogeneity profile."""

ALPHA = 0.05
"""A test counts as passed below this p (shares in tables) or this q (flags)."""


@dataclass(frozen=True)
class ObserveConfig:
    """What is run through the model, and which tokens of each neuron are kept."""

    layers: tuple[int, ...] | None = None
    """Layers to study, with commas between them, e.g. 0,1; all when not given."""

    mode: Mode = "auto"
    """vocabulary: every token alone; corpus: tokens in texts; auto: corpus when texts are given. (published: what an
    import makes.)"""

    texts: tuple[str, ...] = ()
    """A text, .jsonl or .parquet file, plain or compressed (.gz, .zst), a folder of them, - for standard input,
    hf:ID:CONFIG:SPLIT for a Hugging Face dataset (the last two may be left out), self:1M for so many tokens that the
    model writes itself, or docs: docstrings of the packages on this machine; repeat --texts for more."""

    text_field: str = "text"
    """Field of .jsonl files, and column of .parquet files and datasets, that holds the text; a record is a document."""

    tokens: int | None = None
    """Stop reading the texts after so many tokens, e.g. 200k, 5M or 1B; all when not given."""

    sae: tuple[str, ...] | None = None
    """A sparse autoencoder, whose latents are then the neurons: a .safetensors file, or its folder with cfg.json;
    repeat --sae for more layers."""

    hook: tuple[str, ...] | None = None
    """Where an SAE reads, e.g. blocks.3.hook_resid_post, one for each --sae in their order; what its cfg.json says when
    not given."""

    core_tokens: int = 100
    """How many tokens of highest mean activation make a neuron's category (K)."""

    min_count: int | Literal["auto"] = "auto"
    """Sightings a token needs to be eligible (corpus mode); auto picks the least that the data bear."""

    words: bool = False
    """Whole words only as core tokens: letters, from the mark of a word's beginning on; no pieces of words."""

    forms: Forms = "all"
    """all: every token by itself; distinct: of tokens that are one word in several forms (case, a space before it, an
    ending such as -s or -ing) only the most active."""

    sign: Sign = "positive"
    """positive: tokens of highest mean activation above 0; negative: of lowest below 0; magnitude: farthest from 0.
    Activations are then turned round: more is always further from 0."""

    cross_fit: bool = False
    """Choose core tokens on one half of the texts, and order and cut them by the other half."""

    contexts: int = 10
    """Places in the texts kept of each neuron: of highest activation, and 5 from each segment; 0 saves a pass."""

    seed: int = 0
    """Seed of everything random: twins, samples, permutations."""


@dataclass(frozen=True)
class RunConfig:
    """How the work is run; no result depends on it beyond float tolerance."""

    device: Device = "auto"
    """Where the model runs; auto takes a GPU when there is one."""

    dtype: DType = "float32"
    """Number format of the model's forward pass; auto: bfloat16 where the machine is good at it, else float32. What a
    shorter one costs in core tokens is found on a sample, and said."""

    memory: float | str = 2.5
    """Memory for sums of activation: 8GB, 512MB, or a number of GiB. Layers, or slices of a layer's neurons, that do
    not fit are observed in a further pass."""

    keep: tuple[Keep, ...] = ()
    """tables: keep the sums of every token and neuron on disk, which are dropped when core tokens are selected; large
    (4 bytes x tokens x neurons, twice in texts, for each layer). inputs: keep what enters each layer at a token, in the
    mean, so that the space layer-input can be compared without the model (2 bytes x tokens x width)."""


@dataclass(frozen=True)
class SpaceConfig:
    """The vectors in which similarity of meaning is measured."""

    space: str = "input"
    """input: token embeddings; output: unembedding; layer-input: what enters the layer's MLP at a token, in the mean;
    file:PATH: vectors of words, or human norms. (vectors: those of an import.)"""

    center: bool = False
    """Subtract the mean unit vector of the eligible tokens first."""

    @property
    def full_name(self) -> str:
        """The space as files and pages call it, e.g. ``input-centered``."""
        name = "file" if self.file else self.space
        return f"{name}-centered" if self.center else name

    @property
    def file(self) -> str | None:
        """The path of ``file:PATH``; None for other spaces."""
        return self.space.removeprefix(FILE) if self.space.startswith(FILE) else None


@dataclass(frozen=True)
class PartitionConfig:
    """How tokens are grouped."""

    categories: str = "ward"
    """Groups by meaning: ward, average or complete linkage, cut at the best silhouette for 2 to 10 groups (average:5: 2
    to 5), threshold:COS, average linkage cut at a cosine, or norms:FILE, a table of tokens and their categories."""

    segments: str = "quantile:5"
    """Groups by activation: quantile:G, equal-width:G, natural:G, natural (as many as fit), or top:SHARE."""

    full_range: bool = False
    """Beyond core tokens: how alike the tokens of each of 100 activation percentiles of the whole vocabulary are. Needs
    --keep tables."""

    @property
    def norms(self) -> str | None:
        """The path of ``norms:FILE``; None for other categories."""
        return self.categories.removeprefix(NORMS) if self.categories.startswith(NORMS) else None


@dataclass(frozen=True)
class TwinConfig:
    """What is set beside the neurons."""

    twins: tuple[Twin, ...] = ("shuffled", "rotated")
    """Twins to compare with, with commas between them: shuffled, frequency, rotated, untrained, readout."""


@dataclass(frozen=True)
class VectorsConfig:
    """Where the vectors of the words in published lists are."""

    vectors: str
    """Words and their numbers: .csv, .tsv or .parquet with a column token or word (human norms, too), or the text
    format of word2vec and GloVe (.txt, .vec)."""

    columns: tuple[str, ...] = ()
    """Columns of a table of vectors to use, with commas between them; all that hold numbers when not given."""

    standardize: bool = False
    """Give each column of the vectors mean 0 and deviation 1 first; for norms on different scales."""


@dataclass(frozen=True)
class FetchConfig:
    """How files are fetched."""

    base_url: str | None = None
    """Where they are, up to the part that is the same for every server; the publisher's own server when not given."""

    cache: str | None = None
    """Folder in which they are kept as they came, so that a run that was stopped goes on; a folder of the user's cache
    when not given."""

    jobs: int = 16
    """Requests at a time, 1 to 64."""


@dataclass(frozen=True)
class ReplicateConfig:
    """What is replicated of the paper's data."""

    neurons: int = 6400
    """Neurons of each layer, from the first on, 1 to 6400."""

    weights_url: str | None = None
    """Where model.safetensors and tokenizer.json of GPT-2 XL are: an address, or a folder on this machine; the
    Hugging Face Hub when not given. Of the weights only the token embeddings are read."""

    observed: str | None = None
    """A study of the same model: how far its core tokens and the published ones agree is said."""


@dataclass(frozen=True)
class ImportConfig:
    """Settings of a study of published lists: no model is run, so there are fewer of them."""

    layers: tuple[int, ...] | None = None
    """Layers to study, with commas between them, e.g. 0,1; all that there are when not given."""

    core_tokens: int = 100
    """How many tokens of highest activation are taken of a list (K), at most."""

    center: bool = False
    """Subtract the mean unit vector of all words first; for vectors that share a direction, such as ratings."""

    categories: str = "ward"
    """Groups by meaning: ward, average or complete linkage, cut at the best silhouette for 2 to 10 groups (average:5: 2
    to 5), threshold:COS, average linkage cut at a cosine, or norms:FILE, a table of tokens and their categories."""

    segments: str = "quantile:5"
    """Groups by activation: quantile:G, equal-width:G, natural:G, natural (as many as fit), or top:SHARE."""

    twins: tuple[Twin, ...] = ("shuffled", "readout")
    """Twins to compare with, with commas between them: shuffled, readout, and frequency where lists have counts."""

    seed: int = 0
    """Seed of everything random: twins, samples, permutations."""


@dataclass(frozen=True)
class StudyConfig:
    """All settings of a study that its numbers depend on."""

    observe: ObserveConfig = ObserveConfig()
    space: SpaceConfig = SpaceConfig()
    partition: PartitionConfig = PartitionConfig()
    twin: TwinConfig = TwinConfig()


Kind = Literal["none", "gradient", "peak", "steps"]


@dataclass(frozen=True)
class SimulateConfig:
    """A relation between meaning and activation that is planted into made-up neurons."""

    kind: Kind = "none"
    """none: activation knows nothing of meaning; gradient: it rises along an order of categories; peak: the most
    active fifth is one category; steps: each category has its own level."""

    strength: float = 0.5
    """Correlation of (log) activation with what is planted, 0 to 1."""

    noise: float = 0.2
    """Share of tokens that belong to no category and follow no plan, 0 to 1."""

    core_tokens: int = 100
    """Tokens of a neuron (n), 20 to 1000."""

    categories: int = 8
    """Categories of meaning (k), 2 to 10."""

    dimensions: int = 64
    """Dimensions of the vectors (D), 2 or more."""

    concentration: float = 40.0
    """Concentration of the vectors around their category's direction (von Mises-Fisher), 0 or more."""


@dataclass(frozen=True)
class CalibrateConfig:
    """How much is drawn to check the tests of a study."""

    shuffles: int = 50_000
    """Shuffles of real neurons, over all neurons together; at least one each."""

    planted: int = 200
    """Made-up neurons of each kind, strength and noise."""

    seed: int = 0
    """Seed of shuffles, directions and made-up neurons."""


MatchBy = Literal["auto", "index", "tokens", "none"]


@dataclass(frozen=True)
class CompareConfig:
    """What of two or more studies is set side by side."""

    layers: tuple[int, ...] | None = None
    """Layers of every study, with commas between them, e.g. 0,1; those that all have when not given. For layers of its
    own, a study is written with them: STUDY@0,1."""

    match: MatchBy = "auto"
    """Which neurons are pairs: index, the same numbers (checkpoints, spaces, texts of one model); tokens, one to one by
    their core tokens (one vocabulary); none; auto: index for the same layers of the same weights, else tokens where it
    can be."""


@dataclass(frozen=True)
class ExportConfig:
    """What of a study is written as long tables, and how."""

    format: ExportFormat = "csv"
    """csv: text for every program; parquet: small, with types; json: a list of rows a table."""

    tables: tuple[LongTable, ...] = get_args(LongTable)
    """Tables, with commas between them: neurons, tokens, categories, segments."""

    populations: tuple[str, ...] | None = None
    """Whose rows: neurons and twins of the study, with commas between them; all when not given."""

    layers: tuple[int, ...] | None = None
    """Layers of the study, with commas between them, e.g. 0,1; all when not given."""

    neurons: tuple[str, ...] | None = None
    """Neurons, with commas between them, e.g. L0N3,L1N204, and the twins' rows of the same numbers; all when not
    given."""

    vectors: bool = False
    """Write one table more, vectors: the unit vector of every core token of the exported rows."""

    all_vectors: bool = False
    """Write into that table the unit vector of every token that could be a core token, which tightness is held against;
    a large file."""

    excel_safe: bool = False
    """CSV only: write an apostrophe before =, +, - and @ where a spreadsheet would run a token as a formula, and mark
    the files as UTF-8 for Excel. Such tokens are not what the model has; leave it out for pandas and R."""
