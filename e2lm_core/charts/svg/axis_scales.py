"""Axes of a figure: positions, ticks and their labels, as Plotly chooses them.

Source: plotly.js, src/plots/cartesian/axes.js (`prepTicks`, `autoTicks`, `autoTickRound`, `numFormat`).
Tested in tests/charts/svg/test_axis_scales.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

# Room of a tick along y in pixels, and the least and most steps of an axis without a wish of its own.
TICK_PX, LEAST_STEPS, MOST_STEPS = 40, 4, 9
_SUFFIXES = {3: "k", 6: "M", 9: "B", 12: "T"}
MIN_EXPONENT = 3


@dataclass(frozen=True)
class Scale:
    """Positions of an axis' values.

    Attributes:
        layout: Plotly's settings of the axis.
        is_x: Whether the axis is horizontal.
        pixels: Length of the whole plot in pixels; of x it is not known, and only used where Plotly's own choice of
            ticks depends on it.
        places: Names of a categorical axis in their order.
        extent: Least and largest value of the points, for an axis without a range.
        is_used: Whether a trace lies on it; Plotly shows no other.
    """

    layout: Mapping[str, Any]
    is_x: bool
    pixels: float
    places: tuple[str, ...] = ()
    extent: tuple[float, float] = (0.0, 1.0)
    is_used: bool = True

    @property
    def domain(self) -> tuple[float, float]:
        """Part of the plot that the axis takes, from 0 to 1, for y from below."""
        low, high = self.layout.get("domain") or (0.0, 1.0)
        return float(low), float(high)

    @property
    def kind(self) -> str:
        """Kind of the axis: linear, log or category."""
        return str(self.layout.get("type") or ("category" if self.places else "linear"))

    @cached_property
    def ends(self) -> tuple[float, float]:
        """Values at both ends; of a logarithmic axis their logarithms, of a categorical one places."""
        if self.layout.get("range") is not None:
            low, high = self.layout["range"]
            return float(low), float(high)
        if self.kind == "category":
            low, high = -0.5, len(self.places) - 0.5
        else:
            low, high = self.extent
            if self.layout.get("rangemode") == "tozero":
                low, high = min(low, 0.0), max(high, 0.0)
            from_zero = self.layout.get("rangemode") == "tozero" and low == 0
            room = (high - low) * (0.05 / (0.95 if from_zero else 0.9)) or 1.0
            low, high = (low if from_zero else low - room), high + room
        return (high, low) if self.layout.get("autorange") == "reversed" else (low, high)

    def number(self, value: Any) -> float:
        """Value on the axis' own scale: a logarithm, or a place among names; NaN of a value without one."""
        if self.kind == "category":
            if isinstance(value, str):
                return float(self._places.get(value, math.nan))
            return math.nan if value is None else float(value)
        number = math.nan if value is None else float(value)
        if self.kind == "log":
            return math.log10(number) if number > 0 else math.nan
        return number

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.places)}

    def share(self, value: Any) -> float:
        """Position of a value as a share of the whole plot, from the left or from above."""
        return self.share_of_number(self.number(value))

    def share_of_number(self, number: float) -> float:
        """Position of a value on the axis' own scale, as of `number`."""
        low, high = self.ends
        return self.share_within((number - low) / (high - low) if high != low else 0.5)

    def share_within(self, part: float) -> float:
        """Position of a share of the axis' own part of the plot."""
        first, last = self.domain
        placed = first + part * (last - first)
        return placed if self.is_x else 1 - placed

    @cached_property
    def ticks(self) -> list[tuple[float, str]]:
        """Positions as of `share` with their labels."""
        low, high = sorted(self.ends)
        told = self.layout.get("ticktext")
        if self.layout.get("tickvals") is not None:
            values = list(self.layout["tickvals"])
            numbers = [self.number(value) for value in values]
            texts = [*told] if told is not None else self._labels(values, _least_gap(numbers))
        elif self.kind == "category":
            numbers, texts = [float(place) for place in range(len(self.places))], [*self.places]
        else:
            step = float(self.layout.get("dtick") or tick_step((high - low) / self.steps or 1.0))
            first = math.ceil(low / step - 1e-6)
            numbers = [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-6) + 1)]
            texts = self._labels(numbers, step)
        slack = 1e-6 * (high - low)
        return [
            (self.share_of_number(number), str(text))
            for number, text in zip(numbers, texts, strict=True)
            if low - slack <= number <= high + slack
        ]

    @property
    def steps(self) -> int:
        """Number of steps that Plotly aims at."""
        if self.layout.get("nticks"):
            return int(self.layout["nticks"])
        first, last = self.domain
        room = self.pixels * (last - first) / (2 * TICK_PX if self.is_x else TICK_PX)
        return round(min(max(room, LEAST_STEPS), MOST_STEPS)) + 1

    def _labels(self, values: Sequence[float], step: float) -> list[str]:
        if pattern := self.layout.get("tickformat"):
            return [format_number(value, str(pattern)) for value in values]
        return plain_numbers(values, step, max((abs(end) for end in self.ends), default=0.0))


def tick_step(rough: float) -> float:
    """Step between two ticks: 2, 5 or 10 times a power of ten, larger than the rough step."""
    power = 10.0 ** math.floor(math.log(rough) / math.log(10))
    return power * next((times for times in (2, 5) if times > rough / power), 10)


def plain_numbers(values: Iterable[float], step: float, largest: float) -> list[str]:
    """Labels of ticks without a format: as many decimals as the step has, from 10,000 on in k, M, B or T.

    Args:
        values: Values of the ticks.
        step: Distance between two ticks.
        largest: Largest absolute value of the axis.
    """
    exponent = math.floor(math.log10(largest) + 0.01) if largest > 0 else 0
    exponent = 3 * round((exponent - 1) / 3) if exponent > MIN_EXPONENT else 0
    decimals = max(0, exponent - math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    suffix = _SUFFIXES.get(exponent, f"e{exponent}" if exponent else "")
    return [
        f"{float(f'{value / 10.0**exponent:.{decimals}f}'):.10g}{suffix}".replace("-", "−") if value else "0"
        for value in values
    ]


def format_number(value: Any, pattern: str) -> str:
    """Number by a format of d3, of which the studio's are Python's too; a text as it is."""
    if isinstance(value, str):
        return value
    return format(float(value), pattern if pattern != "," else ",.10g").replace("-", "−")


def _least_gap(numbers: Sequence[float]) -> float:
    gaps = np.diff(np.sort(np.asarray(numbers, float)))
    return float(gaps[gaps > 0].min()) if (gaps > 0).any() else 1.0


def read_scales(
    data: Sequence[Mapping[str, Any]], layout: Mapping[str, Any], size: tuple[float, float]
) -> dict[str, Scale]:
    """Axes of a figure by their names in it: x, x2, y, …

    Args:
        data: Traces of the figure.
        layout: Its layout.
        size: Width and height of the plot in pixels; the width is a guess.
    """
    found: dict[str, Scale] = {}
    numbers = {axis_name(key) for key in layout if key[:5] in ("xaxis", "yaxis")}
    for name in sorted(numbers | {"x", "y"}):
        is_x = name[0] == "x"
        settings = layout.get(f"{name[0]}axis{name[1:]}") or {}
        own = [trace for trace in data if (trace.get(f"{name[0]}axis") or name[0]) == name]
        values = [value for trace in own for value in _reach(trace, name[0])]
        places = _places(values, settings)
        found[name] = Scale(
            settings,
            is_x,
            size[0] if is_x else size[1],
            places,
            (0.0, 1.0) if places else _extent(values),
            is_used=bool(own) or len(name) == 1,
        )
    return found


def axis_name(key: str) -> str:
    """Name of an axis in traces, by its key in the layout: `xaxis2` is x2."""
    return key[0] + key[5:]


def as_list(values: Any) -> list[Any]:
    """Values of a trace as a list."""
    if values is None:
        return []
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _reach(trace: Mapping[str, Any], letter: str) -> list[Any]:
    """Values of a trace along an axis, with the foot of its bars."""
    values = as_list(trace.get(letter))
    if trace.get("type") != "bar" or (letter == "x") != (trace.get("orientation") == "h"):
        return values
    base = trace.get("base")
    feet = as_list(base) if base is not None else [0.0] * len(values)
    return [*feet, *(foot + value for foot, value in zip(feet, values, strict=True))]


def _places(values: Sequence[Any], settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of a categorical axis: those given first, then others in the order of the points."""
    if settings.get("type") != "category" and not any(isinstance(value, str) for value in values):
        return ()
    given = settings.get("categoryarray")
    given = [] if given is None else as_list(given)
    return tuple(dict.fromkeys(str(value) for value in (*given, *values)))


def _extent(values: Sequence[Any]) -> tuple[float, float]:
    numbers = np.array([np.nan if value is None else value for value in values], float)
    numbers = numbers[np.isfinite(numbers)]
    return (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 1.0)
