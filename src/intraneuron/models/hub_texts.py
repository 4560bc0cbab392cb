"""Texts from datasets of the Hugging Face Hub, or of a local folder like one, row by row as they are asked for."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from intraneuron.errors import DataError, SettingError
from intraneuron.settings import expanded

PREFIX = "hf:"
"""What a text begins with that is a dataset."""

SYNTAX = "hf:ID, hf:ID:CONFIG or hf:ID:CONFIG:SPLIT (hf:ID::SPLIT without a configuration; ID@REVISION for a revision)"

_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True)
class HubDataset:
    """A dataset as it is named behind ``--texts``.

    Attributes
    ----------
    name : str
        An id of the Hub, or a folder.
    revision, config : str or None
    split : str
    """

    name: str
    revision: str | None
    config: str | None
    split: str

    @property
    def is_local(self) -> bool:
        """Whether it is a folder on this machine."""
        return expanded(self.name).is_dir()


def parse_dataset(text: str) -> HubDataset:
    """Read what stands behind ``--texts``.

    Raises
    ------
    SettingError
        When it names no dataset.

    >>> parse_dataset("hf:allenai/c4:en:validation")
    HubDataset(name='allenai/c4', revision=None, config='en', split='validation')
    >>> parse_dataset("hf:some/texts@v1.0")
    HubDataset(name='some/texts', revision='v1.0', config=None, split='train')
    """
    name, *parts = text.removeprefix(PREFIX).split(":")
    name, at, revision = name.partition("@")
    config, split, *more = (*parts, "", "")[: max(2, len(parts))]
    if more or not name or (at and not revision):
        msg = f"texts (--texts) from a dataset are {SYNTAX}, got {text!r}."
        raise SettingError(msg)
    return HubDataset(name, revision or None, config or None, split or "train")


def read_dataset(text: str, field: str) -> Iterator[str]:
    """Yield the text of every row of a dataset that has one, in the dataset's order; it is streamed, not downloaded.

    Programs that come with a dataset are never run.

    Parameters
    ----------
    text : str
        ``hf:ID[:CONFIG[:SPLIT]]``.
    field : str
        The column that holds the text.

    Raises
    ------
    DataError
        When the package ``datasets`` is missing, or the dataset cannot be had or read, or has no such column.
    """
    dataset = parse_dataset(text)
    library = _library(text)
    with _told(library, dataset, text):
        rows = iter(_opened(library, dataset))
    row: Mapping[str, Any] = {}
    found = False
    while True:
        with _told(library, dataset, text):
            try:
                row = next(rows)
            except StopIteration:
                break
        value = _text_of(row, field, text)
        if value is not None and value.strip():
            found = True
            yield value
    if not found:
        msg = f"The dataset {text} has no text in its column {field!r}. Name another dataset, split or column."
        raise DataError(msg)


def _text_of(row: Mapping[str, Any], field: str, text: str) -> str | None:
    value = row.get(field)
    if value is None and field in row:
        return None
    if not isinstance(value, str):
        have = ", ".join(name for name, own in row.items() if isinstance(own, str)) or "none"
        msg = f"{text} has no column {field!r} of text; its columns of text: {have}. Name one (--text-field)."
        raise DataError(msg)
    return value


def _library(text: str) -> Any:
    try:
        return import_module("datasets")
    except ImportError as error:
        msg = f"The texts {text} need a package that is not installed. Run: pip install 'intraneuron[datasets]'"
        raise DataError(msg) from error


def _opened(library: Any, dataset: HubDataset) -> Any:
    """Return the rows of a dataset: of the Hub, at the commit that the revision is now."""
    path, revision = str(expanded(dataset.name)), None
    if not dataset.is_local:
        path, revision = dataset.name, _commit(dataset)
    with _quiet(library):
        return library.load_dataset(path, dataset.config, split=dataset.split, streaming=True, revision=revision)


def _commit(dataset: HubDataset) -> str | None:
    """Ask the Hub for a dataset: it says at once when there is none, where reading would try for half a minute."""
    from huggingface_hub import HfApi

    return HfApi().dataset_info(dataset.name, revision=dataset.revision, timeout=10).sha


@contextmanager
def _told(library: Any, dataset: HubDataset, text: str) -> Iterator[None]:
    """Tell what a dataset meets as a DataError."""
    from huggingface_hub import errors

    if not dataset.is_local and (dataset.name.startswith((".", "/", "~")) or not _ID.fullmatch(dataset.name)):
        msg = f"There is no folder {dataset.name}. Texts from a dataset are {SYNTAX}; ID may be a local folder."
        raise DataError(msg)
    web: Any = errors.HfHubHTTPError.__bases__  # those of the library that the Hub's own uses
    try:
        yield
    except errors.RevisionNotFoundError as error:
        msg = f"The dataset {dataset.name} has no revision {dataset.revision!r}. Leave it out, or name another."
        raise DataError(msg) from error
    except (OSError, ValueError, RuntimeError, EOFError, TypeError, KeyError, *web) as error:
        if _comes_from(error, errors.GatedRepoError):
            raise _gated(dataset) from error
        if _comes_from(error, (errors.RepositoryNotFoundError, errors.HFValidationError, errors.DisabledRepoError)):
            msg = (
                f"The Hugging Face Hub gives out no dataset {dataset.name}: no such id, or not without logging in "
                "(hf auth login)."
            )
            raise DataError(msg) from error
        named = _wrong_name(library, dataset, text) if isinstance(error, ValueError) else None
        raise named or _unread(dataset, text, error) from error


def _comes_from(error: BaseException | None, kinds: Any) -> bool:
    """Tell whether an error, or one that it was made from, is of some kinds."""
    while error is not None and not isinstance(error, kinds):
        error = error.__cause__ or error.__context__
    return error is not None


def _gated(dataset: HubDataset) -> DataError:
    msg = (
        f"The dataset {dataset.name} is gated: its owner wants you to agree to conditions on its page on the Hugging "
        "Face Hub. Do so, and log in (hf auth login)."
    )
    return DataError(msg)


def _wrong_name(library: Any, dataset: HubDataset, text: str) -> DataError | None:
    """Return the error for a configuration or split that a dataset has not, with those that it has."""
    path = str(expanded(dataset.name)) if dataset.is_local else dataset.name
    try:
        with _quiet(library):
            configs = library.get_dataset_config_names(path, revision=dataset.revision)
            own = dataset.config if dataset.config in configs or len(configs) != 1 else configs[0]
            splits = library.get_dataset_split_names(path, own, revision=dataset.revision) if own in configs else []
    except (OSError, ValueError, RuntimeError):
        return None
    begin = PREFIX + text.removeprefix(PREFIX).partition(":")[0]
    if dataset.config in splits and dataset.config not in configs:
        name = dataset.config
        msg = f"The dataset {dataset.name} has no configuration {name!r}, which is a split: {begin}::{name}"
        return DataError(msg)
    if own not in configs or dataset.config not in (None, own):
        got = f"no configuration {dataset.config!r}, but" if dataset.config else "several configurations:"
        msg = f"The dataset {dataset.name} has {got} {_few(configs)}. Name one: {begin}:{configs[0]}"
        return DataError(msg)
    if splits and dataset.split not in splits:
        msg = (
            f"The dataset {dataset.name} has no split {dataset.split!r}, but {_few(splits)}. Name one: "
            f"{begin}:{dataset.config or ''}:{splits[0]}"
        )
        return DataError(msg)
    return None


def _few(names: list[str]) -> str:
    """Return names with commas between them; of hundreds, the first."""
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _unread(dataset: HubDataset, text: str, error: Exception) -> DataError:
    first = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    where = "" if dataset.is_local else " Is the Hugging Face Hub within reach? Files and docs work without it."
    return DataError(f"The dataset {text} cannot be read ({first}).{where}")


@contextmanager
def _quiet(library: Any) -> Iterator[None]:
    """Silence the progress bars and remarks of the libraries, and restore them afterwards."""
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    bars = not library.utils.are_progress_bars_disabled()
    try:
        library.disable_progress_bars()
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            library.enable_progress_bars()
