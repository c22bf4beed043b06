"""SVG chart of the probabilities of a question's choices over training.

Tested in tests/export/test_choices.py.
"""

from __future__ import annotations

from e2lm_core.analysis.questions.choice_curves import choice_frame
from e2lm_core.base import formatting
from e2lm_core.charts import palette
from e2lm_core.export.picture.drawing import Chart, Layout, Line, draw, point_texts
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements

LAYOUT = Layout(420, 180, right=62, ticks=(4, 5), is_fluid=True)


def choices_chart(measurements: Measurements, name: str, theme: str) -> str:
    """SVG of the mean probability of each choice, named by letters; the right answer's line is thick and solid.

    Args:
        measurements: Results of the set.
        name: Id of the question.
        theme: Name of the theme.
    """
    frame = choice_frame(measurements, name).dropna(subset=["0"])
    gold = int(measurements.gold[measurements.question_ids.index(name)])
    by_tokens = bool(frame["tokens_seen"].notna().all())
    xs = frame["tokens_seen" if by_tokens else "step"].to_numpy(float)
    colours, lines, wrong = palette.css_theme(palette.theme(theme)), [], 0
    for choice in range(len(frame.columns) - 2):
        letter, ys = formatting.choice_letter(choice), frame[str(choice)].to_numpy(float)
        texts = point_texts(letter, ys, frame["step"], frame["tokens_seen"], "norm_prob")
        if choice == gold:
            lines.append(
                Line(f"{letter}, right", xs, ys, colours.accent, colours.accent, width=2.6, said=texts)
            )
            continue
        hue, dash = palette.HUES[wrong % len(palette.HUES)], palette.DASHES[1 + wrong % 3]
        lines.append(Line(letter, xs, ys, colours.line[hue], colours.label[hue], dash=dash, said=texts))
        wrong += 1
    window = set_scores.early_end(measurements) if by_tokens else None
    chance = 1 / max(1, len(lines))
    title = f"Probability of each choice of question {name}"
    return draw(
        Chart(title, lines, by_tokens, chance, window, "norm_prob", label="probability"), LAYOUT, colours
    )
