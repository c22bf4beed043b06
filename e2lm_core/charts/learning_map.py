"""Charts of the tab Map: when each question is learnt, and difficulty against discrimination."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from e2lm_core.analysis.questions.learning_map import LearningMap
from e2lm_core.base.formatting import tokens
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts.canvas import axis_range, blank_figure, plain
from e2lm_core.charts.marks import add_shape, annotate, level_shape, plot_note, reference_line
from e2lm_core.charts.palette import AGAINST, Theme

MAX_LINES = 300  # of the map; in a larger set neighbouring questions share one
MAX_POINTS = 3000
NEVER = "never"
LEARNT, POINTS = "learnt", "questions"  # names of the traces whose points stand for questions
_LINE_PX = 12
_HEIGHTS_PX = (220, 360)


def learning_map(
    found: LearningMap, ids: Sequence[str], lines: Sequence[np.ndarray], theme: Theme, narrow: bool = False
) -> go.Figure:
    """Heat map of the probability of the right answer, a line for each question, with a dot where it is learnt.

    The colour of a cell is that of the page at the chance of a blind guess. A box selects whole lines.

    Args:
        found: The learning map.
        ids: Ids of its questions [Q].
        lines: Indices of the questions of each line.
        theme: Colours.
        narrow: Draw for a narrow screen.
    """
    low, high = _HEIGHTS_PX
    figure = blank_figure(theme, min(high, max(low, _LINE_PX * len(lines))) + 64, narrow=True)
    names = [_line_name(ids, line) for line in lines]
    steps = [str(step) for step in found.steps]
    chance = float(found.chance.mean())
    figure.add_trace(
        go.Heatmap(
            z=np.array([found.probability[:, line].mean(axis=1) for line in lines]).round(3),
            x=steps,
            y=names,
            zmin=0,
            zmax=1,
            colorscale=[[0.0, AGAINST], [chance, theme.background], [1.0, theme.line["blue"]]],
            showscale=False,
            hovertemplate=Sentence(
                "<b>%{y}</b><br>step %{x}: probability of the right answer %{z:.3f}<extra></extra>"
            ),
        )
    )
    figure.add_trace(_dots(found, names, lines, [*steps, NEVER], theme))
    shown = _some([*range(len(steps))], 3 if narrow else 6)
    known = bool(np.isfinite(found.tokens_seen).all())
    labels = [tokens(found.tokens_seen[at]) if known else steps[at] for at in shown]
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=[*steps, NEVER],
        range=[-0.5, len(steps) + 0.5],
        tickvals=[*(steps[at] for at in shown), NEVER],
        ticktext=[
            *labels,
            Sentence("<br>{never}", never=Sentence(NEVER)),
        ],  # below the label of the last checkpoint, which stands close by
        tickangle=0,
        title_text=Sentence("tokens seen") if known else Sentence("training step"),
        showgrid=False,
    )
    figure.update_yaxes(
        type="category",
        range=[len(lines) - 0.5, -0.5],
        showticklabels=False,
        ticks="",
        showgrid=False,
        title_text=Sentence("questions, the first learnt on top"),
    )
    figure.update_layout(margin={"l": 30, "r": 12, "t": 8, "b": 56}, **_selecting(narrow, direction="v"))
    return figure


def _line_name(ids: Sequence[str], line: np.ndarray) -> str:
    first = plain(ids[line[0]])
    return (
        first if len(line) == 1 else Sentence("{names} and {more} more", names=first, more=str(len(line) - 1))
    )


def _dots(
    found: LearningMap, names: Sequence[str], lines: Sequence[np.ndarray], places: Sequence[str], theme: Theme
) -> go.Scatter:
    """A dot on each line at the checkpoint at which its questions, or the middle one of them, are learnt."""
    learnt = [places[int(np.median(found.learnt[line]))] for line in lines]
    size = 6 if len(lines) <= _HEIGHTS_PX[1] // 6 else 4
    return go.Scatter(
        x=learnt,
        y=list(names),
        mode="markers",
        name=LEARNT,
        marker={
            "size": size,
            "color": [theme.muted if at == NEVER else theme.text for at in learnt],
            "symbol": ["circle-open" if at == NEVER else "circle" for at in learnt],
        },
        customdata=[
            Sentence("never") if at == NEVER else Sentence("from step {at} on", at=at) for at in learnt
        ],
        hovertemplate=Sentence("<b>%{y}</b><br>learnt %{customdata}<extra></extra>"),
    )


def difficulty_scatter(frame: pd.DataFrame, chance: float, theme: Theme, narrow: bool = False) -> go.Figure:
    """Scatter of discrimination against the probability of the right answer at the end.

    Args:
        frame: Rows of `pool.question_frame` with a discrimination: id, norm_prob, discrimination.
        chance: Chance of a blind guess.
        theme: Colours.
        narrow: Draw for a narrow screen.
    """
    figure = blank_figure(theme, 420, narrow=True)
    below = (frame["discrimination"] < 0).to_numpy()
    figure.add_trace(
        go.Scatter(
            x=frame["norm_prob"].round(4),
            y=frame["discrimination"].round(4),
            mode="markers",
            name=POINTS,
            marker={
                "size": 7,
                "opacity": 0.75,
                "color": np.where(below, theme.line["orange"], theme.line["blue"]).tolist(),
                "symbol": np.where(below, "diamond", "circle").tolist(),
            },
            customdata=frame["id"].map(plain),
            hovertemplate=Sentence(
                "<b>%{customdata}</b><br>probability of the right answer %{x:.3f}<br>discrimination "
                "%{y:.2f}<extra></extra>"
            ),
        )
    )
    low, high = axis_range(frame["discrimination"], 0.0)
    figure.update_xaxes(
        range=[-0.02, 1.02],
        title_text=Sentence("hard ← probability right → easy")
        if narrow
        else Sentence("hard ← probability of the right answer at the end → easy"),
    )
    figure.update_yaxes(range=[low, high], title_text="discrimination")
    add_shape(figure, level_shape(0.0, theme))
    upright = {"type": "line", "xref": "x", "yref": "y domain", "x0": chance, "x1": chance, "y0": 0, "y1": 1}
    add_shape(figure, upright | {"line": reference_line(theme)})
    place = {"x": chance, "xanchor": "left", "y": 0, "yref": "paper", "yanchor": "bottom", "borderpad": 1}
    annotate(figure, [plot_note(Sentence("chance {share}", share=f"{chance:.0%}"), theme, **place)])
    figure.update_layout(margin={"l": 58, "r": 12, "t": 8, "b": 52}, **_selecting(narrow))
    return figure


def _selecting(narrow: bool, direction: str = "any") -> dict[str, object]:
    """Layout in which a drag selects; on a narrow screen it scrolls the page, and a tap selects."""
    return {
        "dragmode": False if narrow else "select",
        "selectdirection": direction,
        "clickmode": "event+select",
    }


def _some(items: Sequence[int], most: int) -> list[int]:
    """At most `most` of the items, evenly apart, the first and the last among them."""
    return [
        items[at]
        for at in np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int))
    ]
