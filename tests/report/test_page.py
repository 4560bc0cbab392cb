"""The report: one file, no request, every claim with its twins, and no token that is more than text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.report.reading import Page
from tests.samples import NAN, NUMBERS, empty_card, hostile_card, make_card, make_summary, without_model

from intraneuron.figures.claim_rows import interval
from intraneuron.report.charts import WIDTHS
from intraneuron.report.page import write_report
from intraneuron.report.tables import flatten
from intraneuron.report.wording import CLAIMS

HTML_NAMES = {
    *("html", "head", "meta", "title", "style", "body", "header", "button", "h1", "h2", "h3", "p", "ul", "li", "nav"),
    *("span", "strong", "a", "noscript", "main", "section", "div", "table", "caption", "thead", "tbody", "tr", "th"),
    *("td", "figure", "details", "summary", "article", "bdi", "dl", "dt", "dd", "code", "footer", "script"),
}
BAD_SUMMARY_TEXT = "</title><script>alert(3)</script>\u202e"


def bad_summary() -> dict[str, Any]:
    """Build a study whose texts try to break the page."""
    summary = make_summary((0, 1))
    summary |= {
        "model": BAD_SUMMARY_TEXT,
        "notes": [BAD_SUMMARY_TEXT],
    }
    summary["settings"][BAD_SUMMARY_TEXT] = BAD_SUMMARY_TEXT
    summary["settings"]["observe"]["core_tokens"] = BAD_SUMMARY_TEXT
    summary["settings"]["partition"] = {"categories": BAD_SUMMARY_TEXT, "segments": BAD_SUMMARY_TEXT}
    for row in summary["claims"]:
        row["title"] = BAD_SUMMARY_TEXT
    return summary


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(
        make_summary((0, 1)), [make_card(), empty_card()], tmp_path_factory.mktemp("r") / "a" / "r.html"
    )


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page(written.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Page:
    file = write_report(bad_summary(), [hostile_card()], tmp_path_factory.mktemp("h") / "h.html")
    return Page(file.read_text(encoding="utf-8"))


def test_a_report_of_published_lists_speaks_of_readout_twins_as_a_lower_bound_and_of_no_rotated_ones(
    tmp_path: Path,
) -> None:
    cards = [replace(make_card(), reference="readout")]
    text = write_report(without_model(make_summary()), cards, tmp_path / "r.html").read_text(encoding="utf-8")
    page = Page(text)
    ours = [element.text for element in page.elements if element.name in ("header", "section")]
    charts = json.dumps(stored(page)).replace('"rotated": null', "")  # the column of a twin that is not drawn
    assert "rotated" not in "".join(ours) + charts
    assert "through the same layer" not in "".join(ours) + charts
    assert "same zone of readout twins" in charts
    for anchor in ("claims", "card-0"):
        [section] = [one for one in page.elements if one.attributes.get("id") == anchor]
        assert "They are a lower bound" in section.text


def stored(page: Page) -> dict[str, Any]:
    """Return the charts that the page's script draws."""
    (element,) = [one for one in page.all("script") if one.attributes.get("id") == "charts"]
    return dict(json.loads(element.text))


def test_the_page_loads_nothing_and_forbids_itself_to(page: Page) -> None:
    assert page.loads() == []
    assert not re.search(r"url\(|@import", "".join(style.text for style in page.all("style")))
    (policy,) = [m.attributes["content"] for m in page.all("meta") if "http-equiv" in m.attributes]
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert "http" not in policy


def test_links_stay_inside_the_page_and_arrive(page: Page) -> None:
    anchors = {element.attributes["id"] for element in page.elements if "id" in element.attributes}
    links = [element.attributes["href"] for element in page.all("a")]
    assert links
    assert all(link.startswith("#") and link[1:] in anchors for link in links)


def test_hostile_tokens_words_and_names_never_become_elements(hostile: Page) -> None:
    assert hostile.names() <= HTML_NAMES
    assert len(hostile.all("script")) == 3
    assert hostile.handlers() == []
    assert hostile.unbalanced == []
    assert hostile.loads() == []


def test_hostile_tokens_are_shown_to_the_reader(hostile: Page) -> None:
    shown = {element.text for element in hostile.all("bdi")}
    assert "</script><script>alert(1)</script>" in shown
    assert r"safe\u202etxt.exe" in shown
    assert "·river" in shown
    assert hostile.all("title")[0].text.endswith(r"</title><script>alert(3)</script>\u202e")


def test_no_character_that_turns_text_around_is_left_in_the_file(hostile: Page) -> None:
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u2028\u2029\x00\x1b\ud800-\udfff]", hostile.source)


def test_the_page_is_whole_and_valid_where_it_can_be_checked(page: Page) -> None:
    assert page.source.startswith("<!doctype html>")
    assert page.unbalanced == []
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))


def test_the_page_can_be_read_without_seeing_it(page: Page) -> None:
    ids = {element.attributes.get("id") for element in page.elements}
    assert page.all("html")[0].attributes["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert all(element.attributes["aria-labelledby"] in ids for element in page.all("section"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(th.attributes.get("scope") in ("col", "row") for th in page.all("th"))
    charts = [element for element in page.elements if "data-chart" in element.attributes]
    assert all(chart.attributes["role"] == "img" and chart.attributes["aria-label"] for chart in charts)


def test_every_place_of_a_chart_has_a_chart_in_all_widths_and_all_its_data(page: Page) -> None:
    charts = stored(page)
    places = [element.attributes["data-chart"] for element in page.elements if "data-chart" in element.attributes]
    assert len(places) == 6 + 2
    assert set(places) == set(charts["specs"])
    for widths in charts["specs"].values():
        assert set(widths) == {str(width) for width in WIDTHS}
        assert all(name in charts["datasets"] for one in widths.values() for name in one["data"])
    assert set(charts["configs"]) == {"light", "dark"}


@pytest.mark.parametrize("part", [" details summary", " details[open] summary", " .vega-actions", " .vega-actions a"])
def test_the_menu_of_a_chart_has_the_colours_of_the_page(page: Page, part: str) -> None:
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", page.all("style")[0].text)
    look = "".join(body for names, body in rules if f".chart.vega-embed{part}" in [n.strip() for n in names.split(",")])
    assert {"color", "background"} & set(re.findall(r"([\w-]+): var\(--", look))


def test_all_claims_stand_in_the_table_beside_both_twins(page: Page) -> None:
    text = page.all("table")[0].text
    for row in NUMBERS:
        assert row[2] in text
    first = next(row for row in make_summary((0, 1))["claims"] if row["layer"] is None)
    assert interval(first, "neurons") in text
    assert interval(first, "difference") in text
    assert {"rotated", "shuffled"} <= {th.text for th in page.all("th")}


def test_on_the_first_screen_what_is_left_is_the_difference_of_the_numbers_shown(page: Page) -> None:
    (glance,) = [one for one in page.all("ul") if one.attributes.get("class") == "glance"]
    found = re.findall(r"(−?[\d.]+) in the neurons, (−?[\d.]+) in random directions\D*?(−?[\d.]+) \[", glance.text)
    assert len(found) == 4
    for neurons, rotated, left in (map(Decimal, (one.replace("−", "-") for one in row)) for row in found):
        assert neurons - rotated == left


def test_sections_about_a_claim_open_with_what_the_study_says_to_it(page: Page) -> None:
    sections = {one.attributes["id"]: one.text for one in page.all("section")}
    for name, claims in (("profile", ("C2",)), ("distributions", ("C1", "C4")), ("differentiation", ("C3",))):
        assert all(f"Claim {claim} The paper: {CLAIMS[claim]} Here: " in sections[name] for claim in claims)


def test_the_layers_of_a_study_have_a_table_of_their_own(page: Page) -> None:
    captions = [caption.text for caption in page.all("caption")]
    assert "The paper’s claims, by layer" in captions


def test_the_method_defines_every_number_of_the_table(page: Page) -> None:
    terms = " ".join(term.text for term in page.all("dt"))
    for word in ("AMI", "MRPP", "Distance", "Segment →", "Peak", "eta²", "Interleaving", "Cliff", "Homogeneity", "q"):
        assert word in terms
    assert len(page.all("dd")) == len(page.all("dt"))


def test_the_method_speaks_of_the_settings_of_this_study(tmp_path: Path) -> None:
    summary = make_summary((0,))
    summary["settings"]["observe"]["core_tokens"] = 50
    page = Page(write_report(summary, [], tmp_path / "r.html").read_text(encoding="utf-8"))
    assert any(code.text == "K = 50" for code in page.all("code"))


def test_a_report_of_twelve_cards_stays_small(written: Path, page: Page) -> None:
    charts = stored(page)
    widths = charts["specs"]["card-0"]
    data = {name: charts["datasets"][name] for one in widths.values() for name in one["data"]}
    assert written.stat().st_size + 11 * len(json.dumps([widths, data])) < 5_000_000


def test_settings_and_notes_are_in_the_page(page: Page) -> None:
    assert any("quantile:5" in td.text for td in page.all("td"))
    assert any(li.text.startswith("71 % of neurons") for li in page.all("li"))


def test_a_neuron_that_was_never_active_says_so_and_has_no_number(page: Page) -> None:
    article = page.all("article")[1].text
    assert "fewer than 20 core tokens" in article
    assert "nan" not in article.lower().split()
    assert "0.000" not in article


def test_a_single_pattern_is_called_weak_evidence(page: Page) -> None:
    assert "weak evidence" in next(one.text for one in page.all("section") if one.attributes["id"] == "neurons")


def test_without_rotated_twins_the_page_says_what_cannot_be_said(tmp_path: Path) -> None:
    file = write_report(make_summary((3,), rotated=False), [make_card(rotated=False)], tmp_path / "r.html")
    page = Page(file.read_text(encoding="utf-8"))
    assert "without rotated twins nobody can say" in page.source
    assert "NaN" not in page.all("main")[0].text


def test_a_study_in_which_nothing_could_be_tested_still_has_a_page(tmp_path: Path) -> None:
    summary = make_summary((0,))
    for row in summary["claims"]:
        row.update({name: NAN for name, value in row.items() if isinstance(value, float)})
    for name in ("profile", "distributions", "deltas", "patterns"):
        summary[name] = []
    page = Page(write_report(summary, [], tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "it could not be tested" in page.source
    assert page.all("td")[0].text == "–"


def test_nested_settings_are_listed_by_dotted_names() -> None:
    nested = {"observe": {"layers": [0, 1], "texts": []}, "layers": [{"layer": 0}, {"layer": 1}], "median": NAN}
    assert flatten(nested) == [
        ("observe.layers", "0, 1"),
        ("observe.texts", "–"),
        ("layers.1.layer", "0"),
        ("layers.2.layer", "1"),
        ("median", "–"),
    ]


def test_letters_that_may_lack_a_font_have_their_code_points_at_hand(hostile: Page, page: Page) -> None:
    shown = {element.text: element.attributes.get("title") for element in hostile.all("bdi")}
    rows = [row for data in stored(hostile)["datasets"].values() for row in data]
    assert "水 (U+6C34)" in {row.get("token") for row in rows}
    assert shown["·river"] is None
    assert all(title is None or "U+" in title for title in shown.values())
    assert "empty boxes" in hostile.all("main")[0].text
    assert "empty boxes" not in page.all("main")[0].text
