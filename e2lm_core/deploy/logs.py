"""Structured log lines on stderr, free of user text.

`E2LM_LOG` is `json` (one object per line, for a machine), `text` (the same for a reader) or `off` (only
Streamlit's own lines). An error is logged by its type and its places in the code, not by its message, which
may hold a question's words; a sentence of another library by its pattern and its numbers, or by the place
that wrote it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from e2lm_core.base.settings import log_kind

# Identifier of the request that the current code answers; None outside one.
request: ContextVar[str | None] = ContextVar("request", default=None)
log = logging.getLogger("e2lm")
_OWN = ("e2lm", "e2lm_core")
_PLACEHOLDER = re.compile(r"%%|%(\(\w+\))?[-#0 +]*[\d*]*(\.[\d*]+)?[a-zA-Z]")
_PLACES = 12  # innermost frames of a traceback


def configure_logging() -> None:
    """Make every logger of this process write lines of the kind in `E2LM_LOG` to stderr.

    Loggers that libraries create later are changed when they add their handler.

    Raises:
        StudioError: `E2LM_LOG` names no such kind.
    """
    kind = log_kind()
    if kind == "off":
        return
    formatter = Json() if kind == "json" else Text()
    _Caught.formatter = formatter
    logging.setLoggerClass(_Caught)
    own = logging.StreamHandler(sys.stderr)
    own.setFormatter(formatter)
    for name in _OWN:
        logger = logging.getLogger(name)
        logger.handlers[:], logger.propagate = [own], False
        logger.setLevel(logging.INFO)
    for known in list(logging.root.manager.loggerDict.values()):
        for handler in known.handlers if isinstance(known, logging.Logger) else ():
            handler.setFormatter(formatter)
    logging.root.handlers[:] = [own]
    logging.captureWarnings(True)


def log_event(what: str, **facts: Any) -> None:
    """Log one line: an event with numbers or names of the studio; never text that a user typed."""
    log.info(what, extra={"facts": facts})


def log_warning(sentence: str) -> None:
    """Log one line for the operator: a problem of the installation and its remedy."""
    log.warning(sentence)


def record_fields(record: logging.LogRecord) -> dict[str, Any]:
    """Fields of a record's line, in order."""
    facts: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "from": record.name,
        "what": _said(record),
    }
    if identifier := request.get():
        facts["request"] = identifier
    facts |= getattr(record, "facts", {})
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        frames = traceback.extract_tb(error.__traceback__)[-_PLACES:]
        facts["error"] = type(error).__name__
        facts["places"] = [f"{_short(f.filename)}:{f.lineno} {f.name}" for f in frames]
    return facts


class Json(logging.Formatter):
    """Formatter of one JSON object per line, in ASCII, so that no character breaks the line."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, see logging."""
        return json.dumps(record_fields(record), default=str)


class Text(logging.Formatter):
    """Formatter for a reader: time, level and event, then the other fields as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, see logging."""
        facts = record_fields(record)
        start = " ".join(str(facts.pop(name)) for name in ("at", "level", "what"))
        facts.pop("from")
        line = " ".join([start, *(f"{name}={value}" for name, value in facts.items())])
        return line.encode("unicode_escape").decode()


class _Caught(logging.Logger):
    """Logger whose handlers all get the chosen formatter, whatever code adds them."""

    formatter: logging.Formatter | None = None

    def addHandler(self, hdlr: logging.Handler) -> None:
        """Add a handler, see logging."""
        if self.formatter is not None:
            hdlr.setFormatter(self.formatter)
        super().addHandler(hdlr)


def _said(record: logging.LogRecord) -> str:
    """Sentence of a record without possible text of a visitor: text arguments, wording of other libraries."""
    pattern = str(record.msg)
    if not record.args:
        ours = record.name.split(".")[0] in _OWN
        return pattern if ours else f"… ({_short(record.pathname)}:{record.lineno})"
    given = record.args.values() if isinstance(record.args, Mapping) else record.args
    if not all(isinstance(value, int | float) for value in given):
        return _PLACEHOLDER.sub(lambda found: "%" if found[0] == "%%" else "…", pattern)
    return record.getMessage()


def _short(path: str) -> str:
    """File as `e2lm_core/…` or `streamlit/…`, without the folder of its installation."""
    parts = path.replace("\\", "/").split("/")
    for mark in ("site-packages", "dist-packages"):
        if mark in parts:
            return "/".join(parts[parts.index(mark) + 1 :])
    for mark in ("e2lm_core", "pages"):
        if mark in parts:
            return "/".join(parts[parts.index(mark) :])
    return parts[-1]
