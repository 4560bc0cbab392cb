"""What a notebook user holds: studies, cards, and the test of one neuron from three arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import polars as pl

from intraneuron import planning
from intraneuron.calibrating import FOLDER, calibrate_config, calibrate_study
from intraneuron.cards import build_card
from intraneuron.choosing import robustness_config
from intraneuron.chosen import whole_study
from intraneuron.data import QUESTIONS, TokenActivations, parse_neuron
from intraneuron.engine import run_study
from intraneuron.errors import StudyError
from intraneuron.exporting.choice import export_config, no_population
from intraneuron.exporting.export import Export, export_study
from intraneuron.exporting.place import FOLDER as EXPORT
from intraneuron.figures.calibration import calibration as calibration_figure
from intraneuron.figures.claims import claims as claims_figure
from intraneuron.figures.distributions import distributions as distributions_figure
from intraneuron.figures.full_range import full_range as full_range_figure
from intraneuron.figures.profile import profile as profile_figure
from intraneuron.figures.theme import save
from intraneuron.files import atomic, writing
from intraneuron.last import last_study, remember
from intraneuron.neuron_card import NeuronCard
from intraneuron.pipeline.calibrate import Calibration
from intraneuron.planned import Planned
from intraneuron.progress import Progress
from intraneuron.ranging import full_range
from intraneuron.report.methods import Methods, methods
from intraneuron.report.page import write_report
from intraneuron.report.robustness_page import write_robustness
from intraneuron.settings import check_flag, path_from, settings_from
from intraneuron.shown import StudyRobustness
from intraneuron.store import StudyFolder
from intraneuron.sum_tables import read_sums
from intraneuron.varying import FOLDER as ROBUSTNESS
from intraneuron.varying import vary_study
from intraneuron.work import Work

if TYPE_CHECKING:
    from intraneuron.models.loading import LoadedModel


class Study:
    """A finished study: tables, cards and figures."""

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder

    @property
    def path(self) -> Path:
        """The study's folder."""
        return self.folder.path

    @property
    def summary(self) -> dict[str, Any]:
        """The layer- and model-level numbers (``summary.json``)."""
        return self.folder.summary()

    def neurons(self, population: str = "neurons") -> pl.DataFrame:
        """Return one row a neuron, or a twin: ``population`` is neurons or a twin of the study.

        Raises
        ------
        StudyError
            When the study has no such population.
        """
        have = self.summary["populations"]
        if population not in have:
            raise no_population(population, have)
        return self.folder.read(self.path / population / "results.parquet")

    def card(self, name: str) -> NeuronCard:
        """Return everything that is known of one neuron, e.g. ``card("L1N204")``."""
        return NeuronCard.of(build_card(self.folder, *parse_neuron(name)))

    def activations(
        self, layer: int, neurons: Sequence[int] | None = None, *, population: str = "neurons"
    ) -> TokenActivations:
        """Return what every token did to some neurons of a layer, or to all: sums, counts, and ``mean``, (V, N).

        Of a study that keeps its tables (``keep=["tables"]``); only the neurons that are asked for are read. All of a
        layer take 4 bytes x tokens x neurons, twice in texts.

        Raises
        ------
        StudyError
            When the study does not keep them, or a file is damaged.
        SettingError
            When the layer has no such neuron.
        """
        return read_sums(self.folder, population, layer, neurons)

    def full_range(self, name: str, population: str = "neurons") -> pl.DataFrame:
        """Return how alike the tokens of each activation percentile of one neuron are, e.g. ``full_range("L1N204")``.

        A row a percentile, 100 the most active tokens of the whole vocabulary: ``tokens`` in it, ``homogeneity``, that
        of random tokens (``null_mean``), ``z`` and upper ``p``. Of a study that keeps its tables (``keep=["tables"]``).

        Raises
        ------
        StudyError
            When the study does not keep them, or a file is damaged.
        SettingError
            When there is no such neuron or population.
        """
        return full_range(self.folder, name, population)

    def percentiles(self) -> alt.Chart:
        """Return the figure of homogeneity over the full range of activation, of a study with ``full_range=True``."""
        return full_range_figure(self.summary)

    def claims(self) -> alt.Chart:
        """Return the figure of the paper's claims beside the twins."""
        return claims_figure(self.summary)

    def profile(self) -> alt.Chart:
        """Return the figure of homogeneity along the activation axis."""
        return profile_figure(self.summary)

    def distributions(self) -> alt.Chart:
        """Return the figure of AMI and interleaving over neurons."""
        return distributions_figure(self.summary)

    def methods(self) -> Methods:
        """Return a paragraph for a paper's methods section, with its references as BibTeX; ``str`` of it has both.

        Raises
        ------
        StudyError
            When the study is not finished.
        """
        summary, layers = self.summary, self.summary["layers"]
        tests = {
            question: sum(int(np.isfinite(self.folder.effect("neurons", layer, question).p).sum()) for layer in layers)
            for question in QUESTIONS
        }
        return methods(self.folder.manifest, summary, tests)

    def calibrate(self, *, progress: Progress | None = None, **settings: Any) -> Calibration:
        """Check the tests of this study (:func:`calibrate`)."""
        return calibrate(self, progress=progress, **settings)

    def robustness(self, *, progress: Progress | None = None, **settings: Any) -> StudyRobustness:
        """Compute this study's numbers under every defensible choice (:func:`robustness`)."""
        return robustness(self, progress=progress, **settings)

    def export(
        self, out: str | os.PathLike[str] | None = None, *, progress: Progress | None = None, **settings: Any
    ) -> Export:
        """Write this study as long tables for other programs (:func:`export`)."""
        return export(self, out=out, progress=progress, **settings)

    def __repr__(self) -> str:
        return f"Study({str(self.path)!r})"


def study(
    model: Any = "docs-lm",
    *,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    **settings: Any,
) -> Study:
    """Study a model, or go on with a study that is already there.

    Parameters
    ----------
    model : str or path, LoadedModel, or a model of TransformerLens
        ``docs-lm`` (bundled), ``minilm``, a local folder, or a Hugging Face id; or a model that is loaded, which
        runs where and as it is (``device`` and ``dtype`` do not count).
    out : path, optional
        The study's folder; ``intraneuron-studies/MODEL-MODE`` when not given.
    overwrite : bool
        Replace what is there.
    **settings
        Any field of :mod:`intraneuron.config`: ``layers=[0, 1]``, ``texts="docs"``, ``segments="quantile:5"``, ...

    Raises
    ------
    IntraneuronError
        For anything that can be put right; the message says how.
    """
    check_flag("overwrite", overwrite)
    config, run = settings_from(settings)
    folder = None if out is None else Path(path_from("out", out))
    planned = planning.plan_in(folder, _model_from(model), config, run, overwrite=overwrite)
    return run_planned(planned, folder, overwrite=overwrite)


def _model_from(model: Any) -> str | LoadedModel:
    """Return a model's name, or the model when it is one."""
    if isinstance(model, (str, os.PathLike)):
        return path_from("model", model)
    from torch import nn  # slow to import

    from intraneuron.models.lens import as_loaded
    from intraneuron.models.loading import LoadedModel

    return as_loaded(model) if isinstance(model, (LoadedModel, nn.Module)) else path_from("model", model)


def run_planned(
    planned: Planned, out: Path | None, *, overwrite: bool = False, progress: Progress | None = None
) -> Study:
    """Run a planned study and remember it as the last one."""
    folder = run_study(planned, out, overwrite=overwrite, progress=progress, last={"report": _report_stage})
    try:
        remember(folder.path)
    except StudyError as error:
        (progress or Progress()).say(f"Could not remember this study as the last one: {error}")
    return Study(folder)


def _report_stage(work: Work) -> None:
    folder = work.folder
    with work.progress.stage("report", "pages") as report:
        summary = folder.summary()
        cards = [build_card(folder, *parse_neuron(name)) for name in summary["clearest"]]
        with atomic(folder.path / "report.html") as temporary:
            write_report(summary, cards, temporary)
        report(1, 1)
    for layer in work.plan.layers:
        work.finish(layer)


def open(path: str | os.PathLike[str] | None = None) -> Study:
    """Open a study; the last one when no folder is given."""
    return Study(StudyFolder.open(last_study() if path is None else Path(path_from("path", path))))


def calibrate(
    study: Study | str | os.PathLike[str] | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Calibration:
    """Check whether the tests of a study keep their size, what they could see, and how firm its patterns are.

    Parameters
    ----------
    study : Study or path, optional
        The last study when not given.
    out : path, optional
        Where tables and figure go; the study's folder ``calibration`` when not given.
    progress : Progress, optional
        Is told how far the work is.
    **settings
        Any field of :class:`intraneuron.CalibrateConfig`: ``shuffles=100_000``, ``planted=500``, ``seed=1``.

    Returns
    -------
    Calibration
        ``size``, ``power``, ``patterns`` and ``retest``, lists of rows; ``out``, the rows of tests out of bounds.

    Raises
    ------
    IntraneuronError
        For anything that can be put right; the message says how.
    """
    folder = (study if isinstance(study, Study) else open(study)).folder
    to = folder.path / FOLDER if out is None else Path(path_from("out", out))
    found = calibrate_study(folder, to, calibrate_config(settings), progress)
    for suffix in (".html", ".png"):
        with writing(to):
            save(calibration_figure(found.tables()), to / f"calibration{suffix}")
    return found


def robustness(
    study: Study | str | os.PathLike[str] | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> StudyRobustness:
    """Compute the difference of neurons from their twins under every defensible choice, from what a study keeps.

    As :func:`calibrate`, with fields of :class:`intraneuron.RobustnessConfig` (``core_tokens=[50, 100]``, ...). The
    result has a ``table`` with a row a specification, number and layer, ``conclusions``, ``choices``, ``remarks``.
    """
    config = robustness_config(settings)
    if study is not None and not isinstance(study, Study):
        study = whole_study(path_from("study", study))
    folder = (study if isinstance(study, Study) else open(study)).folder
    to = folder.path / ROBUSTNESS if out is None else Path(path_from("out", out))
    made = vary_study(folder, to, config, progress, last=lambda found, new: write_robustness(found.tables(), new))
    return StudyRobustness.of(made)


def export(
    study: Study | str | os.PathLike[str] | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Export:
    """Write a study as long tables, with a codebook: a row a neuron, a core token, a category, a segment.

    Parameters
    ----------
    study : Study or path, optional
        The last study when not given.
    out : path, optional
        The folder of the tables; the study's folder ``export`` when not given.
    progress : Progress, optional
        Is told how far the work is.
    **settings
        Any field of :class:`intraneuron.ExportConfig`: ``format="parquet"``, ``tables=["tokens"]``,
        ``neurons=["L0N3"]``, ``vectors=True``, ...

    Returns
    -------
    Export
        ``path``, ``rows`` of each table, and ``files``.

    Raises
    ------
    IntraneuronError
        For anything that can be put right; the message says how.
    """
    config = export_config(settings)
    folder = (study if isinstance(study, Study) else open(study)).folder
    to = folder.path / EXPORT if out is None else Path(path_from("out", out))
    return export_study(folder, to, config, progress)
