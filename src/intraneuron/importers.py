"""Studies of published lists, for notebooks: core tokens that somebody else observed, and no model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intraneuron.api import Study, run_planned
from intraneuron.config import VectorsConfig
from intraneuron.importing import import_config, plan_table
from intraneuron.progress import Progress
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
    check_flag("overwrite", overwrite)
    words = VectorsConfig(path_from("vectors", vectors), listed(columns), standardize)
    check_types(words, {})
    folder = None if out is None else Path(path_from("out", out))
    name, chosen = path_from("file", file), import_config(settings)
    planned = plan_table(name, words, chosen, out=folder, overwrite=overwrite)
    return run_planned(planned, folder, overwrite=overwrite, progress=progress)
