"""Charts of question selections and held-out gains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.questions import messages as choice_words
from e2lm_core.analysis.questions.selection import HeldOutGain, Selection
from e2lm_core.base.formatting import count
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.canvas import (
    CHANCE_ROOM,
    axis_range,
    blank_figure,
    metric_axis,
    positions,
    token_axis,
    value_format,
    window_end,
)
from e2lm_core.charts.marks import (
    LEGEND,
    LEGEND_ROW_PX,
    End,
    chance_line,
    early_window,
    label_ends,
    legend_below,
    reference_line,
    segment_trace,
)
from e2lm_core.charts.palette import Theme

ROW_PX = 34
MEAN = Sentence("mean")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


# --- a selection against the rest -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Side:
    """One of the two curves: a column of the table, over `count` questions."""

    name: str
    count: int
    colour: str
    label_colour: str
    dash: str

    @property
    def label(self) -> str:
        return Sentence("{name} ({number})", name=self.name, number=self.count)


def compared(
    frame: pd.DataFrame,
    metric: str,
    counts: tuple[int, int],
    theme: Theme,
    chance: float | None = None,
    early_end: float | None = None,
    narrow: bool = False,
) -> go.Figure:
    """Chart of the mean curve of a selection against that of the other questions.

    Args:
        frame: Table of `pool.compared_frame`: step, tokens_seen, selection, rest.
        metric: Metric of the curves.
        counts: Numbers of questions in the selection and in the rest; a side without questions is not drawn.
        theme: Colours.
        chance: Chance level of the metric; None without one.
        early_end: Last tokens_seen of the early window; None without one.
        narrow: Draw for a narrow screen.
    """
    grey = theme.line["grey"], theme.label["grey"]
    both = (
        _Side(Sentence("selection"), counts[0], theme.accent, theme.accent, "solid"),
        _Side(Sentence("rest"), counts[1], *grey, "dash"),
    )
    sides = [side for side in both if side.count]
    figure = blank_figure(theme, 360, narrow)
    figure.add_traces([_side_line(frame, side, metric) for side in sides])
    metric_axis(
        figure, metric, *axis_range([v for side in sides for v in frame[side.name]], chance, CHANCE_ROOM)
    )
    token_axis(figure, frame)
    chance_line(figure, chance, theme)
    early_window(figure, window_end(early_end), theme)
    if narrow:
        legend_below(figure, len(sides), columns=2)
    else:
        label_ends(figure, [End(float(frame[s.name].iloc[-1]), s.label, s.label_colour) for s in sides])
    return figure


def _side_line(frame: pd.DataFrame, side: _Side, metric: str) -> go.Scatter:
    return go.Scatter(
        x=positions(frame),
        y=frame[side.name],
        mode="lines+markers",
        name=side.label,
        line={"color": side.colour, "width": 2.4, "dash": side.dash},
        marker={"size": 5.5, "color": side.colour},
        customdata=frame["step"],
        hovertemplate=Sentence(
            "<b>{name}</b><br>%{{y:{metric}}}<br>%{{x:.2f}} M tokens, step %{{customdata:.0f}}<br>n "
            "= {questions}<extra></extra>",
            name=side.name,
            metric=value_format(metric),
            questions=count(side.count, "question"),
        ),
    )


# --- the wording control ----------------------------------------------------------------------------------


def condition_curves(frame: pd.DataFrame, theme: Theme, chance: float, narrow: bool = False) -> go.Figure:
    """Chart of the accuracy as written and under each condition of the wording control.

    Args:
        frame: Table of `suspects.messages.condition_curve_frame`: step, tokens_seen, and a column for each condition.
        theme: Colours.
        chance: Accuracy of blind guessing.
        narrow: Draw for a narrow screen.
    """
    names = [name for name in frame.columns if name not in ("step", "tokens_seen")]
    figure = blank_figure(theme, 360, narrow)
    colours = [theme.accent, *[theme.line["grey"]] * len(names)]
    for place, name in enumerate(names):
        figure.add_trace(
            go.Scatter(
                x=positions(frame),
                y=frame[name],
                mode="lines+markers",
                name=name,
                line={"color": colours[place], "width": 2, "dash": _DASHES[place % len(_DASHES)]},
                marker={"size": 5, "color": colours[place], "symbol": place},
                customdata=frame["step"],
                hovertemplate=Sentence(
                    "<b>{name}</b><br>%{{y:{value}}}<br>step %{{customdata:.0f}}<extra></extra>",
                    name=name,
                    value=value_format("acc"),
                ),
            )
        )
    metric_axis(
        figure, "acc", *axis_range([value for name in names for value in frame[name]], chance, CHANCE_ROOM)
    )
    token_axis(figure, frame)
    chance_line(figure, chance, theme)
    legend_below(figure, len(names), columns=2 if narrow else 4)
    return figure


# --- the gains of a choice ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _GainRow:
    """Gains of a fold, or their mean, None where undefined."""

    label: str
    in_sample: float | None
    held_out: float | None

    @property
    def of_mean(self) -> bool:
        return self.label == MEAN


def gains(choice: Selection, score: str, theme: Theme, narrow: bool = False) -> go.Figure:
    """Chart of each fold's gain in-sample (hollow) and held-out (full), with their mean and its interval.

    Args:
        choice: Selection with its gains.
        score: Score of the gains: final, in the metric's unit, or sq or snr, without a unit.
        theme: Colours.
        narrow: Draw for a narrow screen.
    """
    mean = choice.scores[score]
    rows = [_GainRow(f.label, f.in_sample[score], f.held_out[score]) for f in choice.folds]
    rows.append(_GainRow(MEAN, mean.in_sample, mean.held_out))
    more = LEGEND_ROW_PX if narrow else 0  # the names stand below each other
    figure = blank_figure(theme, 96 + more + ROW_PX * len(rows), narrow=True)
    figure.add_traces([*_gain_lines(rows, mean, theme), *_gain_dots(rows, theme)])
    figure.add_vline(x=0, line=reference_line(theme))
    values = [v for row in rows for v in (row.in_sample, row.held_out) if v is not None]
    figure.update_xaxes(
        range=list(axis_range([*values, *(mean.interval or ())], 0.0)),
        title_text=Sentence(
            "gain in {score_label}", score_label=choice_words.score_label(score, choice.metric)
        ),
        tickformat="+.2f",
    )
    _name_rows(figure, rows)
    figure.update_layout(
        showlegend=True,
        legend=LEGEND | {"y": 1.0, "yanchor": "bottom", "entrywidth": 1.0 if narrow else 0.5},
        margin={"l": 90 if narrow else 140, "r": 16, "t": 41 + more, "b": 52},
    )
    return figure


def _gain_lines(rows: list[_GainRow], mean: HeldOutGain, theme: Theme) -> Iterator[go.Scatter]:
    """Lines between the two gains of each row, and the interval of the mean."""
    for row in rows:
        if row.in_sample is not None and row.held_out is not None:
            ends = [row.in_sample, row.held_out]
            yield segment_trace(ends, [row.label, row.label], theme.grid, 3 if row.of_mean else 2)
    if mean.interval is not None:
        yield segment_trace(list(mean.interval), [MEAN, MEAN], theme.accent, 2, opacity=0.6)


def _gain_dots(rows: list[_GainRow], theme: Theme) -> Iterator[go.Scatter]:
    hollow = {"symbol": "circle-open", "color": theme.muted, "line": {"width": 2}}
    full = {"symbol": "circle", "color": theme.accent}
    for name, values, marker in (
        (Sentence("in-sample"), [row.in_sample for row in rows], hollow),
        (Sentence("held out"), [row.held_out for row in rows], full),
    ):
        yield go.Scatter(
            x=values,
            y=[row.label for row in rows],
            mode="markers",
            name=name,
            marker={"size": [11 if row.of_mean else 9 for row in rows], "opacity": 1, **marker},
            hovertemplate=Sentence("<b>%{{y}}</b>, {name}<br>gain %{{x:+.3f}}<extra></extra>", name=name),
        )


def _name_rows(figure: go.Figure, rows: list[_GainRow]) -> None:
    labels = [row.label for row in rows]
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=labels[::-1],
        range=[-0.5, len(rows) - 0.5],
        showgrid=False,
        ticktext=[
            Sentence("<b>{mean}</b>", mean=MEAN) if row.of_mean else Sentence("{label} out", label=row.label)
            for row in rows
        ],
        tickvals=labels,
    )
