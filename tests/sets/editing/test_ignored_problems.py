"""Problems that an author ignores are remembered with the set, and shown again."""

from __future__ import annotations

import pytest

from e2lm_core.base.errors import StudioError
from e2lm_core.sets.editing import ignored_problems
from tests.support import studios


def test_they_are_remembered_by_set_and_shown_again(tmp_path):
    settings = studios.settings(tmp_path)
    assert ignored_problems.ignored_problems(settings, "mine") == ()
    ignored_problems.ignore_problems(settings, "mine", ("a", "b"))
    ignored_problems.ignore_problems(settings, "mine", ("b", "c"))
    assert ignored_problems.ignored_problems(settings, "mine") == ("a", "b", "c")
    assert ignored_problems.ignored_problems(settings, "other") == ()
    ignored_problems.show_problems_again(settings, "mine", ("b",))
    assert ignored_problems.ignored_problems(settings, "mine") == ("a", "c")


def test_a_damaged_file_ignores_nothing_and_is_replaced(tmp_path):
    settings = studios.settings(tmp_path)
    ignored_problems.ignore_problems(settings, "mine", ("a",))
    (file,) = (settings.workspace / "ignored").iterdir()
    for damage in (b"\xff", b"{", b'{"a": 1}'):
        file.write_bytes(damage)
        assert ignored_problems.ignored_problems(settings, "mine") == ()
    ignored_problems.ignore_problems(settings, "mine", ("b",))
    assert ignored_problems.ignored_problems(settings, "mine") == ("b",)


def test_who_may_only_read_and_who_ignores_too_much_is_refused(tmp_path, monkeypatch):
    settings = studios.settings(tmp_path)
    with pytest.raises(StudioError):
        ignored_problems.ignore_problems(settings.model_copy(update={"readonly": True}), "mine", ("a",))
    monkeypatch.setattr(ignored_problems, "MAX_IGNORED", 1)
    with pytest.raises(StudioError, match="More than 1 problems can't be ignored"):
        ignored_problems.ignore_problems(settings, "mine", ("a", "b"))
    assert ignored_problems.ignored_problems(settings, "mine") == ()
