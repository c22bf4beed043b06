"""Whether alternatives that the studio proposes hold on models that took no part; and how long a trial takes.

    python -m benchmarks.alternatives [--only PART] [--write]

Prints the tables; `--write` puts them into docs/studies/alternatives.md.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import study_pages
from e2lm_core.base.settings import Settings
from e2lm_core.runs.studio import open_studio

PARTS = ("distractors", "hamexam", "planted", "speed")


def main() -> None:
    """Print the tables, and write them if asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.alternatives", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--only", choices=PARTS, help="one part of the study")
    parser.add_argument(
        "--write", action="store_true", help="put the tables into docs/studies/alternatives.md"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.from_env().model_copy(update={"home": Path(home)})
        for part in PARTS if given.only is None else (given.only,):
            for name, table in _tables(part, settings):
                print(f"\n## {name}\n\n{table}", flush=True)
                if given.write:
                    study_pages.put("alternatives", name, table)


def _tables(part: str, settings: Settings) -> Iterator[tuple[str, str]]:
    from benchmarks.alternatives import distractors, hamexam, planted, speed

    if part == "speed":
        yield from speed.tables(settings)
        return
    if part == "planted":
        yield from planted.tables()
        return
    if part == "hamexam":
        yield from hamexam.tables(settings)
        return
    studio = open_studio(settings)
    yield from distractors.tables(distractors.judge_proposals(studio), distractors.judge_planted(studio))


if __name__ == "__main__":
    main()
