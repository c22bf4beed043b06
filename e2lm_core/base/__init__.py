"""Domain records, settings and errors, and bounded reading and atomic writing of files; uses no room.

Start here:
    `records.TaskSet`: A question set: its configuration, test questions and example questions (dev).
    `records.Question`: One question with its choices, and the index of the right answer.
    `records.Checkpoint`: State of a model in training: model, step, tokens seen and location of the weights.
    `records.METRICS`: Names of the five metrics: acc, acc_norm, margin, norm_prob and bpb.
    `records.Value`: A score that may be undefined, with its reason, interval and null distribution.
    `settings.Settings`: Folders, devices and the caller, the first argument of most services.
    `settings.Limits`: Upper bounds on everything that is read from outside.
    `errors.StudioError`: Base class of errors with a text for the user, which is one sentence.
    `formatting.count`: A number with its noun for a sentence, such as 1 question or 300 questions.
    `untrusted.safejson.loads`: Value of a JSON text from outside, bounded in depth and in number of values.
"""
