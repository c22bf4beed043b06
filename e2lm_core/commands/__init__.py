"""Command line, one module per subject; uses all rooms but engine, charts and ui.

There is a command for each action of a page.

Start here:
    `main.main`: Run one command and exit with its status.
    `options.Json`: The option `--json` of commands with a result.
    `output.print_table`: A result as a table, or as one line of JSON.
    `output.print_result`: The outcome of an action as a sentence, or as one line of JSON.
    `opening.open_task`: Set of a name or folder, with warnings on stderr.
    `opening.open_measured`: Set with its stored results at the chosen checkpoints; computes nothing.
    `opening.chosen_checkpoints`: Checkpoints that match globs; without globs, all local ones.
    `runs.run_evaluation`: Compute missing results behind a progress bar.
    `progress.progress_bar`: Bar on stderr, or lines outside a terminal.
    `sets.question_input.preview_file`: Preview of a file of questions, or of stdin.
"""
