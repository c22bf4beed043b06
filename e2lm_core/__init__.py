"""Python interface of the E2LM Task Studio, `import e2lm_core as e2lm`; see docs/python.md.

The names below are imported from their rooms at first use, so that `import e2lm_core` loads none of them.
Rooms are packages by subject, which import only downwards (docs/tree.md). Tested in tests/house/test_python.py.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from e2lm_core.base.version import VERSION as __version__

if TYPE_CHECKING:
    from e2lm_core.analysis.answers import Answers
    from e2lm_core.analysis.tables import curve_frame
    from e2lm_core.base.records import Question
    from e2lm_core.base.settings import Settings
    from e2lm_core.charts.curves import CurvePlot, learning_curves
    from e2lm_core.export.submission import build_bundle
    from e2lm_core.export.verify import verify_bundle
    from e2lm_core.relevance.judge import judge_relevance
    from e2lm_core.runs.evaluate import evaluate
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.runs.state import fleet_of_set
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.authoring import update_questions
    from e2lm_core.sets.collection import create_set, list_sets, open_set

_MODULES = {
    "Settings": "base.settings",
    "open_studio": "runs.studio",
    "Question": "base.records",
    "list_sets": "sets.collection",
    "open_set": "sets.collection",
    "create_set": "sets.collection",
    "update_questions": "sets.authoring",
    "evaluate": "runs.evaluate",
    "fleet_of_set": "runs.state",
    "load_measurements": "runs.results",
    "curve_frame": "analysis.tables",
    "Answers": "analysis.answers",
    "CurvePlot": "charts.curves",
    "learning_curves": "charts.curves",
    "judge_relevance": "relevance.judge",
    "build_bundle": "export.submission",
    "verify_bundle": "export.verify",
}

__all__ = [
    "Answers",
    "CurvePlot",
    "Question",
    "Settings",
    "__version__",
    "build_bundle",
    "create_set",
    "curve_frame",
    "evaluate",
    "fleet_of_set",
    "judge_relevance",
    "learning_curves",
    "list_sets",
    "load_measurements",
    "open_set",
    "open_studio",
    "update_questions",
    "verify_bundle",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its room at first use.

    Raises:
        AttributeError: The name is not public.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
