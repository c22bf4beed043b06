"""Options and arguments that several commands share.

Tested in tests/commands/test_main.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from e2lm_core.base.records import METRICS, RC_READINGS

Task = Annotated[str, Argument(metavar="TASK", help="The name of a set, or its task folder.")]
Mine = Annotated[str, Argument(metavar="SET", help="The name of a set of your own, or OWNER/NAME.")]
Checkpoints = Annotated[
    list[str] | None,
    Option(
        "--checkpoints",
        metavar="GLOB",
        help=(
            "Checkpoints to use, as MODEL/CHECKPOINT (globs allowed); repeatable (default: the set's "
            "model group)."
        ),
    ),
]
FleetName = Annotated[
    str | None,
    Option("--fleet", metavar="NAME", help="A model group, in place of the set's: see `fleet list`."),
]
Fewshot = Annotated[
    int | None,
    Option("--num-fewshot", metavar="K", help="Few-shot examples (default: the last run's, else the set's)."),
]
On = Annotated[
    str | None,
    Option("--backend", metavar="NAME", help="Backend: local or ray (default: E2LM_BACKEND)."),
]
Metric = Annotated[str, Option("--metric", help=f"One of {', '.join(METRICS)}.")]
Rc = Annotated[
    str,
    Option("--rc", metavar="NAME", help=f"Definition of RC, also used in Score: {', '.join(RC_READINGS)}."),
]
NoTrainingNoise = Annotated[
    bool,
    Option(
        "--no-training-noise",
        help="Answer for these same models: training noise, included by default, is left out.",
    ),
]
Zip = Annotated[Path, Option("--out", metavar="X.zip", help="Where it is written; - is stdout.")]
Json = Annotated[bool, Option("--json", help="Print JSON alone on stdout.")]
Yes = Annotated[bool, Option("--yes", help="Do not ask first.")]
