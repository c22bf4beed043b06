"""Colours that everyone can tell apart: contrast with the page, distance under simulated colour blindness.

The simulations are coloraide's (Viénot, Brettel and Mollon 1999 and Brettel, Viénot and Mollon 1997; Machado,
Oliveira and Fernandes 2009), the difference CIEDE2000. Of two patches seen apart, 2.3 is just noticeable;
about 10 is told at a glance.
"""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from coloraide import Color

from e2lm_core.base.records import ModelInfo
from e2lm_core.charts import palette
from e2lm_core.charts.palette import AGAINST, DARK, LIGHT, Theme, text_on_cell
from tests.conftest import ROOT

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
SIGHTS = [
    None,
    *((kind, method) for kind in ("protan", "deutan") for method in ("vienot", "brettel", "machado")),
    ("tritan", "brettel"),  # Machado et al. say that theirs does not fit tritanopia
]
APART = 12.0
LINE, TEXT = 3.0, 4.5  # WCAG 2: graphics, text


def seen(colour: str, sight: tuple[str, str] | None) -> Color:
    """The colour as it looks to the reader."""
    return Color(colour) if sight is None else Color(colour).filter(sight[0], 1, method=sight[1])


def contrast(colour: str, background: str) -> float:
    return Color(colour).contrast(background, method="wcag21")


def test_the_simulation_by_what_is_known_of_it() -> None:
    red, green = (seen(c, ("deutan", "vienot")) for c in ("#d02020", "#408020"))
    assert red.delta_e(green, method="2000") < Color("#d02020").delta_e("#408020", method="2000") / 2
    for sight in SIGHTS:
        assert seen("#808080", sight).delta_e("#808080", method="2000") < 1  # greys look alike to all


@THEMES
@pytest.mark.parametrize("sight", SIGHTS, ids=lambda s: "-".join(s) if s else "full")
def test_every_two_lines_stay_apart(theme: Theme, sight: tuple[str, str] | None) -> None:
    looks = {hue: seen(colour, sight) for hue, colour in theme.line.items()}
    for one, other in combinations(looks, 2):
        difference = looks[one].delta_e(looks[other], method="2000")
        assert difference >= APART, f"{one} and {other} differ by {difference:.1f} alone"


@THEMES
def test_lines_and_texts_stand_out_from_the_page(theme: Theme) -> None:
    for hue, colour in theme.line.items():
        assert contrast(colour, theme.background) >= LINE, hue
    for name, colour in {**theme.label, "text": theme.text, "muted": theme.muted}.items():
        assert contrast(colour, theme.background) >= TEXT, name


@THEMES
@pytest.mark.parametrize("sight", SIGHTS, ids=lambda s: "-".join(s) if s else "full")
def test_the_two_ends_of_a_heat_map_stay_apart(theme: Theme, sight: tuple[str, str] | None) -> None:
    ends = [seen(colour, sight) for colour in (AGAINST, theme.line["blue"], theme.background)]
    for one, other in combinations(ends, 2):
        assert one.delta_e(other, method="2000") >= 2 * APART


@THEMES
@pytest.mark.parametrize("share", [k / 20 for k in range(21)])
def test_numbers_in_a_heat_map_can_be_read(theme: Theme, share: float) -> None:
    for scale in ("diverging", "rising"):
        colour, background = text_on_cell(share, theme, scale)
        assert contrast(colour, background) >= TEXT


# --- of models and of the app ---------------------------------------------------------------------------


@THEMES
def test_every_hue_has_a_line_and_a_label(theme: Theme) -> None:
    assert theme.line.keys() == theme.label.keys()
    assert set(palette._HUES.values()) | set(palette._SPARE) | {"grey"} == set(theme.line)
    assert len(set(theme.line.values())) == len(theme.line)


def test_the_theme_of_the_app_is_the_theme_of_the_charts() -> None:
    config = ROOT / ".streamlit" / "config.toml"
    backgrounds = re.findall(r'^backgroundColor\s*=\s*"(#[0-9a-fA-F]{6})"', config.read_text(), re.M)
    shown = {colour.lower() for colour in backgrounds}
    for theme in (LIGHT, DARK):
        for background in shown:
            same = (Color(background).luminance() > 0.5) == (Color(theme.background).luminance() > 0.5)
            for colour in theme.label.values():
                assert not same or contrast(colour, background) >= 4.5


def test_models_of_unknown_size_keep_a_colour_of_their_own() -> None:
    own = [ModelInfo(name=name, family="local") for name in ("a", "b", "c", "d")]
    assert [palette.hue(m) for m in own] == [palette.hue(m) for m in own]
    assert len({palette.hue(m) for m in own}) == 4
    assert palette.theme(None) is LIGHT
    assert palette.theme("dark") is DARK
