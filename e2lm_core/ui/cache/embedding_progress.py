"""Background embedding with progress.

With another model than the default the studio's own exemplars are embedded too, which takes a minute or two.
Embeddings are kept, so that cancelling loses nothing.

Tested in tests/ui/cache/test_embedding_progress.py.
"""

from __future__ import annotations

import logging
import threading

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.relevance import judge
from e2lm_core.ui.base import page_cache
from e2lm_core.ui.cache import process_pool, results
from e2lm_core.ui.session import studio

CHUNK = 32  # texts between two checks for a cancellation: about a second
log = logging.getLogger(__name__)


class EmbeddingJob:
    """Embedding of one set's texts in a thread.

    Attributes:
        done: Number of embedded texts.
        total: Number of texts.
        error: Error as a sentence; None without one.
        over: Whether the relevance is there, or the embedding has failed or was cancelled.
        cancelled: Whether it was cancelled.
    """

    def __init__(self, settings: Settings, task: TaskSet, model: str | None) -> None:
        self.done, self.total = 0, 0
        self.error: str | None = None
        self.over, self.cancelled = False, False
        self._work = (settings, task, model)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> EmbeddingJob:
        """Start the thread, also again after a cancellation."""
        self._stop.clear()
        self.over = self.cancelled = False
        self.error = None
        self._thread = threading.Thread(target=self._run, name="embedding", daemon=True)
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Stop after the current chunk of texts; its embeddings and earlier ones are kept."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Wait for the end, at most this number of seconds."""
        if self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        settings, task, model = self._work
        try:
            texts = process_pool.texts(judge.missing_texts, settings, task.questions, model)
            self.done, self.total = 0, len(texts)
            for start in range(0, len(texts), CHUNK):
                if self._stop.is_set():
                    self.cancelled = True
                    return
                process_pool.texts(judge.embed, settings, texts[start : start + CHUNK], model)
                self.done = min(start + CHUNK, self.total)
            results.judged(settings, task, model)
        except StudioError as error:
            self.error = error.sentence
        except Exception:
            log.exception("embedding stopped")
            self.error = Sentence(
                "Relevance stopped on an error of the studio's own; the server's log has the details."
            )
        finally:
            self.over = True


def get_or_start(task: TaskSet, model: str | None = None) -> EmbeddingJob | None:
    """Embedding of a set, started at the first call.

    None while there are no worker processes: everything is then computed in this process.
    """
    if not process_pool.is_open():
        return None
    settings = studio().settings
    return page_cache.get_or_compute(
        "embedding",
        (task, model, settings.workspace),
        lambda: EmbeddingJob(settings, task, model).start(),
    )
