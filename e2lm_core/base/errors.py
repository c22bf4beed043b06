"""Errors whose text is shown to the user.

Every mistake that a user can make raises a `StudioError`. Its text is one sentence for display: the problem,
its place, the allowed values and the remedy. Pages show it, the command line prints it and exits 2; neither
ever shows a traceback for it. Any other error is a defect of the studio.
"""

from __future__ import annotations

from e2lm_core.base import formatting
from e2lm_core.base.sentences import Sentence


class StudioError(Exception):
    """Bad input or a missing external resource, described in one clear sentence.

    Untrusted files may supply parts of the text: it has one line, at most 300 characters, and only printable
    ones.

    Attributes:
        sentence: The text, as a `Sentence` if it was given as one and nothing of it was cut.
        request: Context and continuation that cannot be scored; None for any other problem.
    """

    request: tuple[str, str] | None = None

    def __init__(self, text: object = "") -> None:
        self.sentence: str = formatting.one_line(text if isinstance(text, Sentence) else str(text))
        super().__init__(str(self.sentence))


class TaskError(StudioError):
    """A question set, its configuration or its files are not usable."""


class CheckpointError(StudioError):
    """A checkpoint is missing, truncated or of a kind that the studio does not load."""


class StoreError(StudioError):
    """The results database cannot be read or written."""


class LimitError(StudioError):
    """A request exceeds a limit, of `settings.Limits` or of the machine."""


class Cancelled(StudioError):
    """A run was stopped by its user."""
