"""Errors whose text is shown to the user.

Everything a user can get wrong is raised as a `StudioError`, whose text is one sentence meant for
display: what is wrong, where, what is allowed and what to do. Pages show it, the command line prints it
and exits 2; neither ever shows a traceback for it. Anything else that is raised is a defect of ours.
"""

from __future__ import annotations

from e2lm_core.base import formatting


class StudioError(Exception):
    """Bad input or a missing outside thing, said in one clear sentence.

    Whatever a stranger's file has put into it, the text has one line, at most 300 characters and none that
    cannot be printed.
    """

    def __init__(self, text: object = "") -> None:
        super().__init__(formatting.one_line(str(text)))


class TaskError(StudioError):
    """A question set, its configuration or its files are not usable."""


class CheckpointError(StudioError):
    """A checkpoint is missing, truncated or of a kind that the studio does not load."""


class StoreError(StudioError):
    """The results database cannot be read or written."""


class LimitError(StudioError):
    """A request goes beyond a limit in `settings.Limits`."""


class Cancelled(StudioError):
    """A run was stopped by its user."""
