"""Saving figures, light and dark, without a network."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import altair as alt
import pytest
from tests.samples import hostile_card, make_card, make_summary

from intraneuron.errors import SettingError
from intraneuron.figures.patterns import patterns
from intraneuron.figures.spectrum import spectrum
from intraneuron.figures.theme import Theme, config, save, script_json, to_svg, vega_code

STARTS = {".png": b"\x89PNG", ".svg": b"<svg", ".pdf": b"%PDF", ".html": b"<!doctype html>"}


@pytest.mark.parametrize(("suffix", "start"), STARTS.items())
def test_the_suffix_says_how_a_figure_is_written(tmp_path: Path, suffix: str, start: bytes) -> None:
    file = save(patterns(make_summary()), tmp_path / "new" / f"figure{suffix}")
    assert file.read_bytes().startswith(start)


def test_another_suffix_is_refused_and_the_message_says_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"\.png, \.svg, \.pdf or \.html, got 'figure\.bmp'"):
        save(patterns(make_summary()), tmp_path / "figure.bmp")
    assert not list(tmp_path.iterdir())


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(SettingError, match="light or dark, got 'blue'"):
        config("blue")  # type: ignore[arg-type]


def test_light_and_dark_differ_in_ground_and_ink_but_not_in_the_colours_of_data() -> None:
    chart = patterns(make_summary())
    light, dark = to_svg(chart, "light"), to_svg(chart, "dark")
    assert "#FFFFFF" in light
    assert "#14181D" in dark
    assert all("#0072B2" in drawn and "#D55E00" in drawn for drawn in (light, dark))


@pytest.mark.parametrize(("theme", "ground"), [("light", "#FFFFFF"), ("dark", "#14181D")])
def test_the_menu_of_a_saved_page_has_the_ground_of_its_theme(tmp_path: Path, theme: Theme, ground: str) -> None:
    page = save(patterns(make_summary()), tmp_path / "figure.html", theme=theme).read_text(encoding="utf-8")
    assert f"#figure summary,#figure .vega-actions{{background:{ground}" in page


def test_a_larger_scale_gives_a_larger_picture(tmp_path: Path) -> None:
    chart = patterns(make_summary())
    small, large = save(chart, tmp_path / "a.png", scale=1), save(chart, tmp_path / "b.png", scale=3)
    assert large.stat().st_size > small.stat().st_size


class _Tags(HTMLParser):
    """Collects elements, and every address that one of them would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "data", "srcset")]


def test_a_saved_page_loads_nothing_and_hostile_tokens_are_no_elements(tmp_path: Path) -> None:
    parser = _Tags()
    parser.feed(save(spectrum(hostile_card()), tmp_path / "figure.html").read_text(encoding="utf-8"))
    assert parser.loads == []
    assert parser.tags.count("script") == 2
    assert not {"img", "svg", "b"} & set(parser.tags)


def test_a_user_who_holds_a_chart_can_go_on_with_altair() -> None:
    chart = spectrum(make_card()) | patterns(make_summary())
    assert isinstance(chart, alt.HConcatChart)
    assert "shuffled twins" in to_svg(chart)


def test_json_in_a_script_cannot_end_it_and_holds_no_nan() -> None:
    text = script_json({"a": "</script><!--\u2028\ud800"})
    assert "<" not in text
    assert text.isascii()
    with pytest.raises(ValueError, match="JSON"):
        script_json(float("nan"))


def test_the_code_that_draws_charts_can_stand_in_a_script() -> None:
    code = vega_code()
    assert "window.vegaEmbed=" in code.replace(" ", "")
    assert "</script" not in code.lower()
    assert len(code) < 2_000_000
