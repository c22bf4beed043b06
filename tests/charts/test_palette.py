"""Colours that everyone can tell apart: contrast with the page, distance under simulated colour blindness.

The simulations are coloraide's (Viénot, Brettel and Mollon 1999 and Brettel, Viénot and Mollon 1997; Machado,
Oliveira and Fernandes 2009), the difference CIEDE2000. Of two patches seen apart, 2.3 is just noticeable;
about 10 is told at a glance.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import pytest
from coloraide import Color

from e2lm_core.analysis.tables import curve_frame
from e2lm_core.base.records import ModelInfo
from e2lm_core.charts import palette
from e2lm_core.charts.curves import CurvePlot, learning_curves
from e2lm_core.charts.palette import AGAINST, DARK, DISTINCT, LIGHT, Look, Theme, assign_looks, text_on_cell
from e2lm_core.checkpoints.families import Family
from e2lm_core.checkpoints.family_catalogue import FAMILIES, family
from e2lm_core.export.picture import drawing
from tests.conftest import ROOT
from tests.support.own_models import own_measured, own_models

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
    assert set(palette._HUES.values()) | set(palette.HUES) | {"grey"} == set(theme.line)
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


def test_an_unknown_theme_is_light() -> None:
    assert palette.theme(None) is LIGHT
    assert palette.theme("dark") is DARK


# --- looks of models ------------------------------------------------------------------------------------


def looks_apart(models: Sequence[ModelInfo]) -> int:
    """Number of looks of the models."""
    return len(set(assign_looks(models).values()))


@pytest.mark.parametrize("known", FAMILIES, ids=lambda known: known.key)
def test_every_family_is_told_apart_as_far_as_looks_reach(known: Family) -> None:
    models = [known.model_info(model) for model in known.models if model.seed_of is None]
    looks = assign_looks(models)
    assert looks_apart(models) == min(len(models), DISTINCT)
    pairs = {(look.hue, look.dash) for look in looks.values()}
    assert len(pairs) == min(len(models), 16)
    assert ("grey" in {hue for hue, _ in pairs}) is False  # none of them has a science model beside it
    if len(models) > DISTINCT:  # DataDecide's 350: none shares its look with more than needed
        assert max(Counter(looks.values()).values()) <= -(-len(models) // DISTINCT)
        one_size = [model for model in models if model.size == "1b"]
        assert looks_apart(one_size) == len(one_size) == 25


def test_ninety_six_models_are_told_apart() -> None:
    assert DISTINCT == 96
    many = [ModelInfo(name=f"m{k}", family="local") for k in range(DISTINCT)]
    assert looks_apart(many) == DISTINCT
    assert len({(look.hue, look.dash) for look in list(assign_looks(many).values())[:16]}) == 16


def test_the_studio_s_and_e2lm_s_models_keep_their_looks() -> None:
    e2lm = [family("e2lm").model_info(model) for model in family("e2lm").models]
    ladder = [
        ModelInfo(name=f"ladder-{size}-{arch}", family="ladder", size=size, arch=arch)
        for size in ("small", "medium", "large")
        for arch in ("arch1", "arch2")
    ]
    twin = ModelInfo(
        name="web", family="ladder", size="medium", arch="arch1", role="web", twin_of=ladder[2].name
    )
    seed = ladder[5].model_copy(update={"name": "seed", "seed_of": ladder[5].name})
    folder = ModelInfo(name="dense-1b-arch2", family="local")
    for beside in ([], own_models(True), [family("pythia").model_info(m) for m in family("pythia").models]):
        looks = assign_looks([*beside, *ladder, *e2lm, twin, seed])
        for models in (ladder, e2lm):
            assert [(looks[m.name].hue, looks[m.name].dash, looks[m.name].symbol) for m in models] == [
                (hue, *rest)
                for hue in ("orange", "green", "blue")
                for rest in (("solid", "circle"), ("dash", "square"))
            ]
        assert looks["web"] == Look("grey", "dot", "diamond")
        assert looks["seed"] == Look("blue", "dash", "square", palette.THIN)
        for model in beside:
            assert looks[model.name] not in [looks[m.name] for m in (*ladder, *e2lm)]
    assert assign_looks([folder])[folder.name] == Look("green", "dash", "square")


def test_a_researcher_s_seeds_share_a_colour_and_are_told_by_their_markers() -> None:
    """Newcomer's case: llama-s1 and neox-s1 were both blue solid circles."""
    looks = assign_looks(own_models(True))
    assert len(set(looks.values())) == 6
    for shape in ("llama", "neox"):
        own = [looks[f"{shape}-s{n}"] for n in (1, 2, 3)]
        assert len({(look.hue, look.dash) for look in own}) == 1
        assert len({look.symbol for look in own}) == 3
        assert [look.width for look in own] == [2.0, palette.THIN, palette.THIN]
    assert looks["llama-s1"].hue != looks["neox-s1"].hue
    assert looks_apart(own_models(False)) == 6


def test_a_web_model_is_grey_beside_others_alone() -> None:
    science, other, *_ = own_models(False)
    web = [
        ModelInfo(name=f"web{n}", family="local", role="web", twin_of=science.name if n else None)
        for n in range(5)
    ]
    looks = assign_looks([science, other, *web])
    assert [name for name, look in looks.items() if look.hue == "grey"] == [model.name for model in web]
    assert len({looks[model.name] for model in web}) == 5
    assert looks["web0"] == Look("grey", "dot", "diamond")
    assert "grey" not in {look.hue for look in assign_looks(web).values()}


def test_looks_follow_from_the_models_and_not_from_their_order() -> None:
    models = [*own_models(True), *(family("smollm2").model_info(m) for m in family("smollm2").models)]
    assert assign_looks(models[::-1]) == assign_looks(models)
    by_size = [family("pythia").model_info(m) for m in family("pythia").models if m.seed_of is None]
    small = list(assign_looks(m for m in by_size if "deduped" not in m.name))
    assert small == [
        f"pythia-{size}"
        for size in ("14m", "31m", "70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b", "12b")
    ]


def test_seeds_of_seeds_and_of_themselves_have_looks() -> None:
    one = ModelInfo(name="one", family="local")
    two, three = (
        ModelInfo(name=n, family="local", seed_of=of) for n, of in (("two", "one"), ("three", "two"))
    )
    self_made = ModelInfo(name="self", family="local", seed_of="self")
    absent = ModelInfo(name="absent", family="local", seed_of="nobody")
    assert looks_apart([one, two, three, self_made, absent]) == 5
    assert assign_looks([]) == {}


def test_leaving_a_model_out_recolours_no_other() -> None:
    measured = own_measured(True)
    models = [curve.model for curve in measured.curves]
    frame, looks = curve_frame(measured, ("acc",)), assign_looks(models)

    def colours(drawn: Sequence[ModelInfo]) -> dict[str, tuple[str, str, str]]:
        figure = learning_curves(CurvePlot(frame, drawn, "acc", LIGHT, looks=looks))
        return {t.name: (t.line.color, t.line.dash, t.marker.symbol) for t in figure.data}

    whole = colours(models)
    assert len(set(whole.values())) == 6
    for left_out in models:
        rest = [model for model in models if model != left_out]
        assert colours(rest) == {model.short_name: whole[model.short_name] for model in rest}


def test_every_look_can_be_drawn_in_an_svg() -> None:
    for look in palette._COLOURS + palette._GREYS:
        assert look.symbol in drawing._MARKS
        assert look.dash == "solid" or look.dash in drawing._DASHES
    assert len(set(palette._GREYS)) == 24
