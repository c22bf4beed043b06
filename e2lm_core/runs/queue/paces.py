"""What each checkpoint took in earlier runs, run by run: from it follows what is fixed and what is by question."""

from __future__ import annotations

from e2lm_core.runs.queue.queue import JobQueue

LATEST = 20_000


def rows(queue: JobQueue, kind: str, num_fewshot: int) -> list[tuple[str, float, int]]:
    """(checkpoint, its share of the run's seconds, questions computed) of runs that computed it whole, newest first.

    Not those on a Ray cluster, whose shares depend on how many actors there were.
    """
    with queue.database.reading() as connection:
        found = connection.execute(
            "SELECT name, seconds, computed FROM progress JOIN jobs ON jobs.id = progress.job "
            "WHERE kind = ? AND coalesce(json_extract(payload, '$.num_fewshot'), 0) = ? "
            "AND computed > 0 AND computed = total AND seconds > 0 "
            "AND coalesce(note, '') NOT LIKE '%Ray cluster%' ORDER BY jobs.id DESC LIMIT ?",
            (kind, num_fewshot, LATEST),
        ).fetchall()
    return [(str(name), float(seconds), int(computed)) for name, seconds, computed in found]
