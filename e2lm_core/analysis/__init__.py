"""Tables, sentences and advice from measurements, one package per page; uses base and scores.

Start here:
    `validity.no_advice_reason`: Reason against any advice from these scores; None if they support it.
    `answers.Answers`: Named answers about a set's measurements, each computed once: scores, curves, ranks.
    `tables.curve_frame`: Learning curves as a table, one row per model, checkpoint and metric.
    `score.parts.improvement_advice`: Headroom of SQ, RC and CS, and the models with a low SQ.
    `curves.onsets.all_separations`: Start of a lasting lead for each pair of models, all judged together.
    `ranks.stability.rank_stability`: Order of the models over resamples, at their shared checkpoints.
    `questions.pool.build_pool`: Questions with all results, the input of selection rules.
    `questions.selection.select_questions`: Questions chosen by a rule, with a test on other models.
    `compare.comparison.compare`: Differences of two sets or versions in means and scores.
    `decisions.outlook.outlooks`: Which of two models is ahead at the end, with its probability.
    `plan.plan.plan_questions`: Questions and time needed for a wanted interval width.
"""
