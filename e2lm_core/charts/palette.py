"""Mapping from models to colour, dash and marker.

Okabe and Ito's colours, safe for colour-blind readers, tuned to each theme: size is hue, architecture is
dash, a web-only twin is grey and dotted. Lines contrast at least 3 with the page, text at least 4.5; any two
lines differ by at least 12 in CIEDE2000 for readers with any of the three colour-blindnesses (a test
simulates them).
"""

from __future__ import annotations

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
_SPARE = ("orange", "green", "blue", "purple")


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


def hue(model: ModelInfo) -> str:
    """Name of a model's colour: by its size if that is a known one, else fixed by its name."""
    if model.role == "web":
        return "grey"
    if model.size and model.size.lower() in _HUES:
        return _HUES[model.size.lower()]
    return _SPARE[sum(map(ord, model.size or model.name)) % len(_SPARE)]


def dash(model: ModelInfo) -> str:
    """Plotly's name of a model's dash."""
    if model.role == "web":
        return "dot"
    return "dash" if model.arch == "arch2" else "solid"


def width(model: ModelInfo) -> float:
    """Width of a model's line in pixels; replicates from other seeds are thin, as they only show noise."""
    return 1.2 if model.seed_of else 2.0


def symbol(model: ModelInfo) -> str:
    """Plotly's name of a model's marker."""
    if model.role == "web":
        return "diamond"
    return "square" if model.arch == "arch2" else "circle"


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
