"""intraneuron: look inside one neuron of a language model.

Do zones of a neuron's activation pick out zones of meaning? Every number stands beside the twin that would fake it.

>>> import intraneuron as inn
>>> inn.parse_neuron("L3N204")
(3, 204)

``inn.study(...)`` runs a whole study, ``inn.open(...)`` opens one, ``inn.test(...)`` tests one neuron from three
arrays. The verbs ``observe``, ``select``, ``categorize``, ``segment`` and ``compare`` work by themselves on the nouns.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "study": "api",
    "calibrate": "api",
    "export": "api",
    "robustness": "api",
    "open": "api",
    "test": "neuron_card",
    "import_neuronpedia": "importers",
    "import_table": "importers",
    "replicate": "importers",
    "compare_studies": "studies",
    "Study": "api",
    "StudyComparison": "studies",
    "NeuronCard": "neuron_card",
    "load_lens": "models.lens",
    "load_model": "models.loading",
    "load_sae": "models.latents",
    "read_space": "models.spaces",
    "observe": "pipeline.observe",
    "select": "pipeline.select",
    "shuffle": "pipeline.shuffle",
    "simulate": "pipeline.simulate",
    "categorize": "pipeline.partition",
    "segment": "pipeline.partition",
    "background": "pipeline.background",
    "compare": "pipeline.compare",
    "CalibrateConfig": "config",
    "CompareConfig": "config",
    "ExportConfig": "config",
    "RobustnessConfig": "choices",
    "ImportConfig": "config",
    "ObserveConfig": "config",
    "PartitionConfig": "config",
    "RunConfig": "config",
    "SimulateConfig": "config",
    "SpaceConfig": "config",
    "StudyConfig": "config",
    "TwinConfig": "config",
    "Background": "data",
    "Card": "data",
    "CoreTokens": "data",
    "Effect": "data",
    "Partition": "data",
    "Space": "data",
    "TokenActivations": "data",
    "Vocabulary": "data",
    "neuron_name": "data",
    "parse_neuron": "data",
    "DataError": "errors",
    "IntraneuronError": "errors",
    "ModelError": "errors",
    "SettingError": "errors",
    "StudyError": "errors",
}

__version__ = "0.1.0"
__all__ = [*_HOME, "__version__"]

if TYPE_CHECKING:
    from intraneuron.api import Study, calibrate, export, open, robustness, study
    from intraneuron.choices import RobustnessConfig
    from intraneuron.config import (
        CalibrateConfig,
        CompareConfig,
        ExportConfig,
        ImportConfig,
        ObserveConfig,
        PartitionConfig,
        RunConfig,
        SimulateConfig,
        SpaceConfig,
        StudyConfig,
        TwinConfig,
    )
    from intraneuron.data import (
        Background,
        Card,
        CoreTokens,
        Effect,
        Partition,
        Space,
        TokenActivations,
        Vocabulary,
        neuron_name,
        parse_neuron,
    )
    from intraneuron.errors import DataError, IntraneuronError, ModelError, SettingError, StudyError
    from intraneuron.importers import import_neuronpedia, import_table, replicate
    from intraneuron.models.latents import load_sae
    from intraneuron.models.lens import load_lens
    from intraneuron.models.loading import load_model
    from intraneuron.models.spaces import read_space
    from intraneuron.pipeline.background import background
    from intraneuron.pipeline.compare import compare
    from intraneuron.pipeline.observe import observe
    from intraneuron.pipeline.partition import categorize, segment
    from intraneuron.pipeline.select import select
    from intraneuron.pipeline.shuffle import shuffle
    from intraneuron.pipeline.simulate import simulate
    from intraneuron.studies import StudyComparison, compare_studies


def __getattr__(name: str) -> Any:
    """Load a noun or verb when it is first asked for, so that importing the package takes no time."""
    if name not in _HOME:
        msg = f"module 'intraneuron' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"intraneuron.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
