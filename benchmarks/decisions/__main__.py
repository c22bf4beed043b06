"""How often the probability to end ahead holds: each family left out, built-in models, sets that measure nothing.

    python -m benchmarks.decisions [--write]     # some minutes

Prints the tables; `--write` puts them into docs/studies/decisions.md, and the coefficients into
e2lm_core/analysis/decisions/coefficients.json. It reads the shelf and the included results of the example sets, and runs the other
seeds of the built-in models at the checkpoints at which the first ones are decided.
"""

from __future__ import annotations

import argparse

from benchmarks import study_pages
from benchmarks.decisions import report
from benchmarks.decisions.table import fit_coefficients, shelf_table
from e2lm_core.analysis.decisions import probability


def main() -> None:
    """Print the tables, and write them if asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.decisions", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--write", action="store_true", help="put the tables and coefficients where they belong"
    )
    given = parser.parse_args()
    rows = report.left_out()
    coefficients = report.with_reliability(fit_coefficients(shelf_table()), rows)
    if given.write:
        text = coefficients.model_dump_json(indent=2) + "\n"
        probability.COEFFICIENTS.write_text(text, encoding="utf-8")
    for name, table in report.tables(coefficients, rows):
        print(f"\n## {name}\n\n{table}", flush=True)
        if given.write:
            study_pages.put("decisions", name, table)


if __name__ == "__main__":
    main()
