"""HTML report, self-contained.

Tested in tests/export/test_report.py.

The template escapes users' text; data in a script is JSON without a character that ends it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from e2lm_core.analysis import leads, reasons
from e2lm_core.analysis.curves.messages import NO_CURVE
from e2lm_core.analysis.leads import PairAnswer
from e2lm_core.analysis.score import messages as score_messages
from e2lm_core.base import formatting, labels
from e2lm_core.base.records import BOUNDED_METRICS, METRICS, ModelInfo, NullDistribution
from e2lm_core.charts import canvas
from e2lm_core.charts import curves as curve_charts
from e2lm_core.charts import ranks as rank_charts
from e2lm_core.charts.palette import DARK, LIGHT, Theme
from e2lm_core.scores.ranking import readings
from e2lm_core.scores.set_scores import SeedSpread
from e2lm_core.scores.uncertainty.null import LEVEL

TEMPLATE = Path(__file__).parent / "report.html.j2"
MAX_QUESTION_ROWS = 2_000  # the JSON has all
SCORE_LABELS = {
    "sq": "SQ",
    "rc": "RC",
    "cs": "CS",
    "score": "Score",
    "snr": "SNR",
    "decision_accuracy": "Decision accuracy",
}
CARDS = ("score", "sq", "rc", "cs")


def render(document: Mapping[str, Any]) -> str:
    """HTML of a report's document, see `report.build_report`."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "score": formatting.score,
        "percent": formatting.percent,
        "tokens": formatting.tokens,
        "script_json": script_json,
        "interval": _interval,
        "metric_value": formatting.metric_value,
        "beside_random": lambda null: formatting.random_baseline(NullDistribution(**null)),
    }
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    has_curves = document["complete_checkpoints"] > 0 and any(
        len(curve["steps"]) > 1 for curve in document["curves"]
    )
    return template.render(
        document=document,
        plotly=get_plotlyjs() if has_curves else "",
        figures=_figures(document) if has_curves else {},
        config=canvas.config("curves") | {"responsive": True},
        cards=_cards(document),
        score_rows=_score_rows(document),
        undefined=_undefined(document),
        seed_notes=_seed_notes(document),
        labels=labels.METRIC_LABEL,
        helps=labels.METRIC_HELP,
        score_helps=labels.SCORE_HELP,
        columns=SCORE_LABELS,
        metrics=METRICS,
        rank_rows=_rank_rows(document),
        pair_rows=[_pair_row(PairAnswer.model_validate(one)) for one in document["pairs"]["metrics"]["acc"]],
        pair_help=leads.HELP.replace("*", ""),
        most=MAX_QUESTION_ROWS,
        no_curve=NO_CURVE,
        level=LEVEL,
        all_right_help=score_messages.ALL_RIGHT_HELP,
        rc_label=readings.LABELS[document["rc_reading"]],
        letters="ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        themes={"light": LIGHT, "dark": DARK},
    )


def script_json(value: Any) -> str:
    """JSON that is safe inside a script element: without `<`, `>` and `&`."""
    text = json.dumps(value, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _figures(document: Mapping[str, Any]) -> dict[str, Any]:
    """{chart: {theme: {width: plotly figure}}}, of which the page draws the fitting one; ranks if any."""
    models = [ModelInfo.model_validate(curve["model"]) for curve in document["curves"]]
    ranks = pd.DataFrame(document["ranks"])
    end = document["early_end_tokens"]

    def curves(metric: str, theme: Theme, narrow: bool) -> go.Figure:
        frame = curve_frame(document, metric)
        chance = document["chance"] if metric in BOUNDED_METRICS else None
        plot = curve_charts.CurvePlot(
            frame, models, metric, theme, chance=chance, early_end=end, height=440, narrow=narrow
        )
        return curve_charts.learning_curves(plot)

    def all_right(theme: Theme, narrow: bool) -> go.Figure:
        frame = curve_frame(document, "acc", document["all_right"]["models"])
        frame["n"] = document["all_right"]["questions"]
        chance = document["all_right"]["chance"]
        plot = curve_charts.CurvePlot(
            frame,
            models,
            "acc",
            theme,
            chance=chance,
            early_end=end,
            height=360,
            narrow=narrow,
            title=score_messages.ALL_RIGHT.lower(),
        )
        return curve_charts.learning_curves(plot)

    figures = {metric: _versions(partial(curves, metric)) for metric in METRICS}
    if document["all_right"]["sentence"]:
        figures["all_right"] = _versions(all_right)
    if len(ranks):
        figures["ranks"] = _versions(
            lambda theme, narrow: rank_charts.bump(ranks, models, theme, end, narrow=narrow)
        )
    return figures


def _versions(draw: Callable[[Theme, bool], go.Figure]) -> dict[str, dict[str, Any]]:
    """{theme: {width: figure}} of one chart, without plotly's template."""
    return {
        theme.name: {
            width: json.loads(
                canvas.without_links(draw(theme, narrow)).update_layout(template=None).to_json()
            )
            for width, narrow in (("wide", False), ("narrow", True))
        }
        for theme in (LIGHT, DARK)
    }


def curve_frame(
    document: Mapping[str, Any], metric: str, points_of: Mapping[str, Mapping[str, Any]] | None = None
) -> pd.DataFrame:
    """Curves of a report's document as the table that `charts.curves.learning_curves` draws.

    Args:
        document: The report's document.
        metric: Name of a metric.
        points_of: Other points by model, as `values`, `low` and `high`; None for those of the metric.
    """
    n = document["provenance"]["questions"]
    rows = [
        {
            "model": curve["model"]["name"],
            "step": step,
            "tokens_seen": tokens,
            "early": early is not False,
            "metric": metric,
            "value": value,
            "n": n,
            "low": low,
            "high": high,
        }
        for curve in document["curves"]
        for points in [points_of[curve["model"]["name"]] if points_of else curve["metrics"][metric]]
        for step, tokens, early, value, low, high in zip(
            curve["steps"],
            curve["tokens_seen"],
            curve["early"],
            points["values"],
            points["low"],
            points["high"],
            strict=True,
        )
    ]
    frame = pd.DataFrame(rows)
    return frame.astype(dict.fromkeys(("tokens_seen", "value", "low", "high"), float))


def score_values(scores: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Values of one metric's scores in a report's document, by the names of `SCORE_LABELS`."""
    return {part: scores["sq"]["overall"] if part == "sq" else scores[part] for part in SCORE_LABELS}


def _cards(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Scores on accuracy for the head of the report, as on the overview."""
    if document["scores"] is None:
        return []
    scores = score_values(document["scores"]["acc"])
    return [{"name": part, "label": SCORE_LABELS[part], **scores[part]} for part in CARDS]


def _score_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    scores = document["scores"] or {}
    return [{"metric": metric, **score_values(own)} for metric, own in scores.items()]


def _undefined(document: Mapping[str, Any]) -> list[str]:
    """One line for each reason of a dash in the table of scores."""
    cells = [
        cell
        for metric, own in (document["scores"] or {}).items()
        for cell in reasons.undefined_scores(metric, score_values(own))
    ]
    return reasons.undefined_notes([cell._replace(column=SCORE_LABELS[cell.column]) for cell in cells])


def _seed_notes(document: Mapping[str, Any]) -> list[str]:
    """SQ over the models' seeds, one line for each metric, where any model was run from several."""
    return [
        f"SQ of {metric} {clause}."
        for metric, own in (document["scores"] or {}).items()
        if own["sq"]["seeds"]
        and (clause := score_messages.seed_clause(SeedSpread.model_validate(own["sq"]["seeds"])))
    ]


def _pair_row(answer: PairAnswer) -> dict[str, str]:
    """Row of the table of every two models."""
    row = {"higher": answer.higher, "lower": answer.lower, "difference": formatting.DASH}
    row |= {"interval": "", "retrained": "", "now": answer.why or "", "newly_trained": ""}
    if answer.difference is None:
        return row
    row["difference"] = formatting.lead(answer.metric, answer.difference)
    for claim, verdict, interval in zip(
        answer.claims, ("now", "newly_trained"), ("interval", "retrained"), strict=True
    ):
        row[verdict] = "not known" if claim.leads is None else "ahead" if claim.leads else "no lead shown"
        if claim.since is not None:
            row[verdict] = f"from {claim.since.text}"
        if claim.interval is not None:
            row[interval] = (
                f"[{', '.join(formatting.lead(answer.metric, end, False) for end in claim.interval)}]"
            )
    return row


def _rank_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per (model, checkpoint): its rank, and the share of resamples with that rank."""
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for row in document["ranks"]:
        at_step = rows.setdefault((row["model"], row["step"]), {**row, "sure": 0.0})
        if row["at rank"] == row["rank"]:
            at_step["sure"] = row["share"]
    return list(rows.values())


def _interval(value: Mapping[str, Any]) -> str:
    """Interval such as [0.780, 0.880]; empty without one."""
    if value["value"] is None or value["interval"] is None:
        return ""
    return formatting.interval(*value["interval"])
