"""BibTeX entries that any reader of BibTeX takes."""

from __future__ import annotations

import re

from intraneuron.report.references import ENTRIES, bibtex


def test_every_entry_has_what_its_kind_needs_and_balanced_braces() -> None:
    for key, (kind, fields) in ENTRIES.items():
        assert {"author", "title", "year"} <= set(fields), key
        assert kind != "article" or {"journal", "volume", "pages"} <= set(fields), key
        assert re.fullmatch(r"[a-z]+\d{4}[a-z]+", key)
        assert fields["year"] in key
        text = bibtex([key], "1.0")
        assert text.count("{") == text.count("}")


def test_the_software_has_its_version() -> None:
    assert "  note = {Version 9.9.9}\n" in bibtex([], "9.9.9")
