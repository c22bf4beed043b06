"""Mapping from models to colour, dash and marker.

Okabe and Ito's colours, safe for colour-blind readers, tuned to each theme. Of the embedded models and E2LM's,
size is hue, architecture is dash, a web-only twin is grey and dotted; any other model takes what is left among
all models of the set. Lines contrast at least 3 with the page, text at least 4.5; any two
lines differ by at least 12 in CIEDE2000 for readers with any of the three colour-blindnesses (a test
simulates them).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from e2lm_core.base.records import ModelInfo

ThemeName = Literal["light", "dark"]
Scale = Literal["rising", "diverging"]
# The end of a diverging scale that is not blue.
AGAINST = "#b35806"


@dataclass(frozen=True)
class Theme:
    """Colours of a page: `line` and `label` by hue, the others by their use."""

    name: ThemeName
    background: str
    text: str
    muted: str
    grid: str
    window: str
    accent: str
    line: dict[str, str]
    label: dict[str, str]


LIGHT = Theme(
    name="light",
    background="#ffffff",
    text="#0b1220",
    muted="#5b6477",
    grid="#e8ebf1",
    window="rgba(68, 56, 168, 0.055)",
    accent="#4438a8",
    line={"orange": "#cc7c12", "green": "#189a70", "blue": "#0168b6", "purple": "#a73e74", "grey": "#81899c"},
    label={
        "orange": "#985a00",
        "green": "#00704f",
        "blue": "#005c95",
        "purple": "#8f3a6c",
        "grey": "#5b6477",
    },
)
DARK = Theme(
    name="dark",
    background="#11151d",
    text="#e6e9f0",
    muted="#9aa4b6",
    grid="#252d3a",
    window="rgba(167, 155, 255, 0.08)",
    accent="#a79bff",
    line={"orange": "#f0a433", "green": "#61daa7", "blue": "#239ef0", "purple": "#d9588a", "grey": "#959eb0"},
    label={
        "orange": "#f3b45c",
        "green": "#7de3ba",
        "blue": "#7abff1",
        "purple": "#ec93b6",
        "grey": "#a6afbf",
    },
)
_HUES = {"small": "orange", "medium": "green", "large": "blue", "500m": "orange", "1b": "green", "3b": "blue"}
BUILT_IN = ("ladder", "e2lm")  # families that keep their looks beside any others
_E2LM = re.compile(r"^dense-(500m|1b|3b)-(arch[12])$", re.IGNORECASE)
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kmbt]?)")
_DIGITS = re.compile(r"([0-9]+)")
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
THIN = 1.2
HUES = ("blue", "orange", "green", "purple")
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross")


def _all_looks(hues: Sequence[str], dashes: Sequence[str], symbols: Sequence[str]) -> tuple[Look, ...]:
    """Every look of a model, those first that differ most: by colour, then by dash and marker."""
    return tuple(
        Look(hue, dash, symbols[(place + turn) % len(symbols)])
        for turn in range(len(symbols))
        for place, dash in enumerate(dashes)
        for hue in hues
    )


def theme(name: str | None) -> Theme:
    """Theme by name; light for an unknown name."""
    return DARK if name == "dark" else LIGHT


def _colours(theme: Theme) -> dict[str, str]:
    """All colours of a picture, by the name of their CSS variable."""
    plain = {
        name: getattr(theme, name) for name in ("background", "text", "muted", "grid", "window", "accent")
    }
    lines = {f"line-{hue}": colour for hue, colour in theme.line.items()}
    labels = {f"label-{hue}": colour for hue, colour in theme.label.items()}
    return {f"--picture-{name}": colour for name, colour in (plain | lines | labels).items()}


def css_variables() -> str:
    """CSS that sets the variables to the colours of the browser's light or dark theme."""
    dark = _colours(DARK)
    return "; ".join(f"{name}: light-dark({light}, {dark[name]})" for name, light in _colours(LIGHT).items())


def css_theme(theme: Theme) -> Theme:
    """Theme of CSS variables; its own colours are for browsers without `light-dark`."""

    def said(name: str) -> str:
        return f"var(--picture-{name}, {own[f'--picture-{name}']})"

    own = _colours(theme)
    return replace(
        theme,
        background=said("background"),
        text=said("text"),
        muted=said("muted"),
        grid=said("grid"),
        window=said("window"),
        accent=said("accent"),
        line={hue: said(f"line-{hue}") for hue in theme.line},
        label={hue: said(f"label-{hue}") for hue in theme.label},
    )


# --- models -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """Look of a model's line.

    Attributes:
        hue: Name of its colour, a key of `Theme.line`.
        dash: Plotly's name of its dash.
        symbol: Plotly's name of its marker.
        width: Width in pixels; other seeds of a model are thin, as they only show noise.
    """

    hue: str
    dash: str = "solid"
    symbol: str = "circle"
    width: float = 2.0


Looks = Mapping[str, Look]
_COLOURS = _all_looks(HUES, DASHES, SYMBOLS)
_GREYS = _all_looks(
    ("grey",), ("dot", "dashdot", "dash", "solid"), ("diamond", *(s for s in SYMBOLS if s != "diamond"))
)
DISTINCT = len(_COLOURS)


def assign_looks(models: Iterable[ModelInfo]) -> dict[str, Look]:
    """Looks of a set's models by name, the same wherever all of them are given.

    The embedded models and E2LM's keep theirs. Any other model takes the next look that none has, in the order of
    family, size, architecture, seed and name; another seed has the colour and dash of its model, a thin line and
    a marker of its own. A web-only model beside others is grey. `DISTINCT` models have looks of their own, further
    ones share them.

    Args:
        models: All models that are measured together, also those that a chart leaves out.
    """
    given = {model.name: model for model in models}
    ordered = sorted(given.values(), key=_place)
    all_web = all(model.role == "web" for model in ordered)
    found: dict[str, Look] = {}
    taken: Counter[Look] = Counter()

    def take(model: ModelInfo, look: Look) -> None:
        found[model.name] = look
        taken[look] += 1

    for model in sorted(ordered, key=lambda m: m.family not in BUILT_IN):
        look = _house_look(model)
        if look and (model.family in BUILT_IN or look not in taken):
            take(model, look)
    rest = [model for model in ordered if model.name not in found]
    firsts = [model for model in rest if model.seed_of not in given or given[model.seed_of].seed_of]
    for model in firsts:
        take(model, _next_look(_GREYS if model.role == "web" and not all_web else _COLOURS, taken))
    for model in rest:
        if model.name not in found:
            take(model, _next_seed(found[str(model.seed_of)], taken))
    return found


def _house_look(model: ModelInfo) -> Look | None:
    """Look that size and architecture fix: of the embedded models, E2LM's, and models named like them."""
    named = _E2LM.search(model.name)
    size, arch = named.groups() if named else (model.size, model.arch)
    if arch not in ("arch1", "arch2") or (size or "").lower() not in _HUES:
        return None
    width = THIN if model.seed_of else 2.0
    if model.role == "web":
        return Look("grey", "dot", "diamond", width)
    dash, symbol = ("dash", "square") if arch == "arch2" else ("solid", "circle")
    return Look(_HUES[(size or "").lower()], dash, symbol, width)


def _next_look(looks: Sequence[Look], taken: Counter[Look]) -> Look:
    """First look with a colour and dash that none has; else the first that none has; else one that fewest have."""
    pairs = {(look.hue, look.dash) for look in taken}
    free = [look for look in looks if look not in taken]
    apart = next((look for look in free if (look.hue, look.dash) not in pairs), None)
    return apart or next(iter(free), None) or min(looks, key=taken.__getitem__)


def _next_seed(first: Look, taken: Counter[Look]) -> Look:
    """Thin look of another seed of a model, with a marker that no other seed of it has as far as they reach."""
    looks = [replace(first, symbol=symbol, width=THIN) for symbol in SYMBOLS if symbol != first.symbol]
    return min(looks, key=taken.__getitem__)


def _place(model: ModelInfo) -> tuple[object, ...]:
    """Place of a model among others: by family, size, architecture, seed and name."""
    size = (model.size or "").lower()
    number = _NUMBER.fullmatch(size)
    largeness = float(number[1]) * _UNITS[number[2]] if number else float(model.parameters or 0)
    seed = -1 if model.seed is None else model.seed
    name = [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in _DIGITS.split(model.name)]
    return model.family, largeness, size, (model.arch or "").lower(), seed, name


# --- mixed colours --------------------------------------------------------------------------------------


def translucent(colour: str, opacity: float) -> str:
    """CSS colour of `#rrggbb` with an opacity from 0 to 1."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def text_on_cell(share: float, theme: Theme, scale: Scale) -> tuple[str, str]:
    """Colours (text, background) of a cell of a heat map, the text with the best contrast.

    Args:
        share: Value of the cell, from 0 to 1.
        theme: Colours.
        scale: `rising` goes from the page's colour at 0 to blue at 1; `diverging` from `AGAINST` to blue,
            with the page's colour at 0.5.
    """
    if scale == "rising":
        background = _mix(theme.background, theme.line["blue"], share)
    elif share >= 0.5:
        background = _mix(theme.background, theme.line["blue"], 2 * share - 1)
    else:
        background = _mix(theme.background, AGAINST, 1 - 2 * share)
    return _best(background, theme), background


def text_on_bar(colour: str, opacity: float, theme: Theme) -> str:
    """Text colour with the best contrast on a bar of that colour and opacity."""
    return _best(_mix(theme.background, colour, opacity), theme)


def _best(background: str, theme: Theme) -> str:
    inks = (theme.text, theme.background, "#000000", "#ffffff")
    return max(inks, key=lambda colour: _contrast(colour, background))


def _mix(one: str, other: str, share: float) -> str:
    parts = [
        round(int(one[i : i + 2], 16) * (1 - share) + int(other[i : i + 2], 16) * share) for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)
