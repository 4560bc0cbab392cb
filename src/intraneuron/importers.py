"""Studies of published lists, for notebooks: core tokens that somebody else observed, and no model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intraneuron.api import Study, run_planned
from intraneuron.config import FetchConfig, ReplicateConfig, VectorsConfig
from intraneuron.importing import import_config, plan_neuronpedia, plan_table
from intraneuron.progress import Progress
from intraneuron.replicating import plan_replication
from intraneuron.settings import check_flag, check_types, listed, path_from


def import_table(
    file: str | os.PathLike[str],
    vectors: str | os.PathLike[str],
    *,
    columns: Sequence[str] = (),
    standardize: bool = False,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> Study:
    """Study core tokens from a table, with vectors of their words from a file; no model is needed.

    Parameters
    ----------
    file : path
        CSV, TSV or Parquet with the columns layer, neuron, token, activation, and perhaps count.
    vectors : path
        A table of words and numbers, or word2vec's or GloVe's text format.
    columns : names, optional
        Columns of the table of vectors that make the vector; all that hold numbers when not given.
    standardize : bool
        Give every column of the vectors mean 0 and deviation 1 first.
    out : path, optional
        The study's folder; ``intraneuron-studies/FILE-published`` when not given.
    overwrite : bool
        Replace what is there.
    progress : Progress, optional
        Is told how far the work is.
    **settings
        Any field of :class:`intraneuron.ImportConfig`: ``layers=[0, 1]``, ``center=True``, ...

    Raises
    ------
    IntraneuronError
        For anything that can be put right; the message says how.
    """
    folder, words = _folder(out, overwrite), _words(vectors, columns, standardize)
    name, chosen = path_from("file", file), import_config(settings)
    planned = plan_table(name, words, chosen, out=folder, overwrite=overwrite)
    return run_planned(planned, folder, overwrite=overwrite, progress=progress)


def import_neuronpedia(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    vectors: str | os.PathLike[str],
    *,
    columns: Sequence[str] = (),
    standardize: bool = False,
    base_url: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    jobs: int = FetchConfig.jobs,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> Study:
    """Study features of Neuronpedia, with vectors of their words from a file; no model is needed.

    Core tokens are means over the contexts in which a neuron was most active, which is a biased sample of text.

    Parameters
    ----------
    sources : path or list of paths
        Files (.json, .jsonl, either with .gz), folders of a bulk export, or MODEL/LAYER/INDEX to be fetched.
    vectors, columns, standardize
        As in :func:`import_table`.
    base_url : str, optional
        Of the server; Neuronpedia's own when not given.
    cache : path, optional
        Folder in which fetched files are kept; one of the user's cache when not given.
    jobs : int
        Requests at a time.
    out, overwrite, progress, **settings
        As in :func:`import_table`.

    Raises
    ------
    IntraneuronError
        For anything that can be put right; the message says how.
    """
    folder, words = _folder(out, overwrite), _words(vectors, columns, standardize)
    fetch, bars = _fetch(base_url, cache, jobs), progress or Progress()
    named, chosen = [path_from("sources", one) for one in _listed(sources)], import_config(settings)
    planned = plan_neuronpedia(named, words, fetch, chosen, out=folder, overwrite=overwrite, stage=bars.stage)
    return run_planned(planned, folder, overwrite=overwrite, progress=bars)


def replicate(
    *,
    layers: Sequence[int] | None = None,
    neurons: int = ReplicateConfig.neurons,
    weights_url: str | os.PathLike[str] | None = None,
    observed: str | os.PathLike[str] | None = None,
    base_url: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    jobs: int = FetchConfig.jobs,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> Study:
    """Replicate the paper on its data: OpenAI's published lists of GPT-2 XL, with the paper's settings.

    Parameters
    ----------
    layers : list of int, optional
        0 and 1 when not given.
    neurons : int
        How many of each layer, from the first on.
    weights_url : address or path, optional
        Where model.safetensors and tokenizer.json of GPT-2 XL are; only the token embeddings are read.
    observed : path, optional
        A study of the same model: how far its core tokens and the published ones agree is said in the notes.
    base_url, cache, jobs
        As in :func:`import_neuronpedia`.
    out, overwrite, progress, **settings
        As in :func:`import_table`.

    Raises
    ------
    IntraneuronError
        For anything that can be put right; the message says how.
    """
    folder = _folder(out, overwrite)
    fetch, bars = _fetch(base_url, cache, jobs), progress or Progress()
    what = ReplicateConfig(neurons, _path("weights_url", weights_url), _path("observed", observed))
    check_types(what, {})
    chosen = import_config(settings | {"layers": layers})
    planned = plan_replication(what, fetch, chosen, out=folder, overwrite=overwrite, stage=bars.stage)
    return run_planned(planned, folder, overwrite=overwrite, progress=bars)


# Settings as their dataclasses have them ---------------------------------------------------------------------------


def _folder(out: Any, overwrite: Any) -> Path | None:
    """Return the study's folder, if one is given."""
    check_flag("overwrite", overwrite)
    return None if out is None else Path(path_from("out", out))


def _path(name: str, value: Any) -> str | None:
    return None if value is None else path_from(name, value)


def _listed(sources: Any) -> list[Any]:
    return [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)


def _words(vectors: Any, columns: Any, standardize: Any) -> VectorsConfig:
    words = VectorsConfig(path_from("vectors", vectors), listed(columns), standardize)
    check_types(words, {})
    return words


def _fetch(base_url: Any, cache: Any, jobs: Any) -> FetchConfig:
    fetch = FetchConfig(base_url, _path("cache", cache), jobs)
    check_types(fetch, {})
    return fetch
