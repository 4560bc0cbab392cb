"""intraneuron methods: a paragraph for a paper."""

from __future__ import annotations


def methods(study: str | None = None, *, json: bool = False) -> None:
    """Write a paragraph for a paper's methods section: settings, numbers of neurons and tests, versions, BibTeX.

    Example: intraneuron methods intraneuron-studies/minilm-vocabulary

    Citations are written [@key], as pandoc reads them. For the tables of a supplement: intraneuron export

    Parameters
    ----------
    study
        The study's folder; the last study when not given.
    json
        Print paragraph and references as JSON for programs.
    """
    from intraneuron.api import open as opened
    from intraneuron.commands.printing import print_json
    from intraneuron.settings import path_from

    found = opened(None if study is None else path_from("The study's folder", study)).methods()
    if json:
        print_json({"paragraph": found.paragraph, "references": found.references})
        return
    print(found)  # noqa: T201
