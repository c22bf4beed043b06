"""Plotly figures from tables, one module per page; uses base, analysis and imported.

Start here:
    `curves.CurvePlot`: Learning curves of one metric with their options, the input of `learning_curves`.
    `curves.learning_curves`: Chart of one metric's learning curves, with bands and chance level.
    `ranks.bump`: Chart of the models' ranks over tokens, with the probability of each rank.
    `compare.differences`: Forest plot of the differences of two sets by model.
    `score.score_bars`: Stacked bars of the Score's components, one row per set.
    `plan.widths`: Chart of the interval's width against the number of questions.
    `palette.Theme`: Colours of a page, used by every chart.
    `palette.theme`: Light or dark theme by its name.
    `palette.assign_looks`: Colour, dash and marker of a set's models, the same on every page.
    `svg.figure.draw_figure`: A figure as an SVG text, drawn on the server.
    `canvas.without_links`: A figure with all tags escaped but those of line breaks and type.
"""
