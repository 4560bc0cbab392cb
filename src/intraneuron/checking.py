"""Settings that no model could make right are refused before one is loaded."""

from __future__ import annotations

from typing import get_args

from intraneuron.config import MIN_TOKENS, PUBLISHED, ObserveConfig, RunConfig, SpaceName, StudyConfig
from intraneuron.data import Vocabulary
from intraneuron.errors import SettingError
from intraneuron.given import GivenSpace
from intraneuron.machine import memory_there
from intraneuron.models.documents import own_tokens
from intraneuron.models.hub_texts import PREFIX, parse_dataset
from intraneuron.models.words import whole_words
from intraneuron.pipeline.partition import parse_categories, parse_segments
from intraneuron.settings import bytes_of, check_seed, nearest, path_from


def check(config: StudyConfig, run: RunConfig) -> None:
    """Raise SettingError for settings that no model could make right."""
    observe = config.observe
    if not MIN_TOKENS <= observe.core_tokens <= 1000:
        msg = f"core_tokens (--core-tokens) must be between {MIN_TOKENS} and 1000, got {observe.core_tokens}."
        raise SettingError(msg)
    if observe.min_count != "auto" and observe.min_count < 1:
        msg = f"min_count (--min-count) must be auto or a number from 1 on, got {observe.min_count}."
        raise SettingError(msg)
    if not 0 <= observe.contexts <= 100:
        msg = f"contexts (--contexts) must be between 0 and 100, got {observe.contexts}."
        raise SettingError(msg)
    if observe.mode == "vocabulary" and observe.texts:
        msg = "mode (--mode) vocabulary reads no texts (--texts), got some. Leave one of the two out."
        raise SettingError(msg)
    _check_space(config)
    if observe.mode == PUBLISHED:
        _check_published(config)
    if observe.texts:
        _check_texts(observe)
    else:
        _check_without_texts(config)
    if config.partition.full_range and "tables" not in run.keep:
        msg = (
            "full_range (--full-range) needs the sums of every token and neuron, which are not kept. "
            "Add --keep tables, or leave it out."
        )
        raise SettingError(msg)
    _check_saes(observe)
    check_seed(observe.seed)
    parse_categories(config.partition.categories)
    parse_segments(config.partition.segments)
    _check_memory(run)


def _check_memory(run: RunConfig) -> None:
    """Raise SettingError for a size that cannot be read, or that this machine does not have."""
    asked, there = bytes_of(run.memory), memory_there()
    if run.memory != RunConfig.memory and there is not None and asked > there:
        msg = (
            f"memory (--memory) must be at most what there is, {there / 2**30:.1f} GiB here, got {run.memory!r}. Give "
            "less, or leave it out: what does not fit is observed in further passes."
        )
        raise SettingError(msg)


def _check_space(config: StudyConfig) -> None:
    """Raise SettingError for a space that there is not."""
    space, known = config.space.space, get_args(SpaceName)
    if space == "vectors" and config.observe.mode != PUBLISHED:
        msg = "space (--space) vectors is that of imported lists; a model has input and output. Choose one of these."
        raise SettingError(msg)
    if config.space.file is not None:
        path_from("space (--space) file:", config.space.file)
    elif space not in known:
        hint = nearest(space, known) or "."
        msg = f"space (--space) must be input, output, layer-input or file:PATH, got {space!r}{hint}"
        raise SettingError(msg)


def _check_texts(observe: ObserveConfig) -> None:
    """Raise SettingError for texts that cannot be read so."""
    for text in observe.texts:
        path_from("texts (--texts)", text)
    if own_tokens(observe.texts) is not None and observe.tokens is not None:
        msg = f"tokens (--tokens) is for texts that are read; {observe.texts[0]} says itself how many. Leave it out."
        raise SettingError(msg)
    streamed = [text for text in observe.texts if text.startswith(PREFIX)]
    if streamed and observe.tokens is None:
        msg = (
            f"texts (--texts) {streamed[0]} are streamed and may be without end. Say how many tokens to read, such as "
            "--tokens 5M."
        )
        raise SettingError(msg)
    for text in streamed:
        parse_dataset(text)
    if observe.texts.count("-") > 1:
        msg = "texts (--texts) can read standard input (-) once, got it twice. Leave one out."
        raise SettingError(msg)


def _check_without_texts(config: StudyConfig) -> None:
    """Raise SettingError for settings that are about texts, where none are given."""
    observe = config.observe
    if observe.mode == "corpus":
        msg = "mode (--mode) corpus needs texts, got none. Give texts (--texts): docs, or files or folders of your own."
        raise SettingError(msg)
    if observe.min_count != "auto":
        msg = (
            f"min_count (--min-count) needs texts, got {observe.min_count} without: in vocabulary mode every token "
            "is seen once."
        )
        raise SettingError(msg)
    if observe.text_field != "text":
        msg = f"text_field (--text-field) needs texts (--texts), got {observe.text_field!r} without. Give texts."
        raise SettingError(msg)
    if observe.tokens is not None:
        msg = (
            f"tokens (--tokens) needs texts (--texts), got {observe.tokens:,} without: in vocabulary mode every token "
            "is read once. Give texts, or leave it out."
        )
        raise SettingError(msg)
    if observe.cross_fit:
        msg = (
            "cross_fit (--cross-fit) needs texts (--texts), got none: in vocabulary mode every token is read once, and "
            "there are no two halves."
        )
        raise SettingError(msg)
    if "frequency" in config.twin.twins and observe.mode != PUBLISHED:  # lists may have counts
        msg = (
            "twins (--twins) frequency needs texts, got none: without, every token is seen once. "
            "Give texts (--texts), or leave frequency out."
        )
        raise SettingError(msg)


def _check_saes(observe: ObserveConfig) -> None:
    """Raise SettingError for SAEs that cannot be meant so."""
    if observe.hook is not None and observe.sae is None:
        msg = f"hook (--hook) says where an SAE (--sae) reads, got {', '.join(observe.hook)} without one. Give both."
        raise SettingError(msg)
    if observe.sae is not None and not observe.sae:
        msg = "sae (--sae) must name at least one file, got none; leave it out to study the MLPs' neurons."
        raise SettingError(msg)
    for sae in observe.sae or ():
        path_from("sae (--sae)", sae)


def _check_published(config: StudyConfig) -> None:
    """Raise SettingError for what takes a model, or texts, in a study of published lists."""
    wrong = [twin for twin in ("rotated", "untrained") if twin in config.twin.twins]
    if wrong:
        msg = (
            f"twins (--twins) {' and '.join(wrong)} need a model: there are no weights to rotate or to draw anew in "
            "published lists. Use shuffled and readout."
        )
        raise SettingError(msg)
    if config.observe.words:
        msg = "words (--words) is for the tokens of a model; published lists are taken as they are. Leave it out."
        raise SettingError(msg)
    if config.observe.forms != "all":
        msg = "forms (--forms) is for the tokens of a model; published lists are taken as they are. Leave it out."
        raise SettingError(msg)
    if config.observe.sign != "positive":
        msg = "sign (--sign) is for the neurons of a model; published lists are taken as they are. Leave it out."
        raise SettingError(msg)
    if config.observe.texts:
        msg = "mode (--mode) published reads no texts (--texts), got some. Leave one of the two out."
        raise SettingError(msg)


def check_core_tokens(observe: ObserveConfig, vocabulary: Vocabulary, model: str, space: GivenSpace | None) -> None:
    """Raise SettingError when more core tokens are asked for than tokens may be."""
    allowed = ~vocabulary.special
    if observe.words:
        allowed = allowed & whole_words(vocabulary)
    if space is not None:
        allowed = allowed & space.space.defined
    there = int(allowed.sum())
    if observe.core_tokens > max(there, ObserveConfig.core_tokens):  # of the usual number there may be fewer
        kind = "whole words " * observe.words + "with a vector " * (space is not None)
        msg = (
            f"core_tokens (--core-tokens) must be at most {there:,}, the tokens of {model} {kind}that may be core "
            f"tokens, got {observe.core_tokens}. Ask for fewer."
        )
        raise SettingError(msg)
