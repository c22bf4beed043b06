"""Names and docstrings: what the script counts, and that the package holds to docs/writing.md."""

from __future__ import annotations

from pathlib import Path

from scripts.count_language import count_checkout, count_lines
from tests.conftest import ROOT

MODULE = '''"""What a module holds."""

import numpy as np


def held(values: np.ndarray) -> np.ndarray:
    """Values that are held."""
    if not values.size:
        raise ValueError("no values")
    return values


def scale_values(values: np.ndarray) -> np.ndarray:
    """Scaled values [N].

    Raises:
        ValueError: There is none.
    """
    if not values.size:  # nothing to scale
        raise ValueError("no values")
    return values * 2


class Scale:
    """Whether it scales."""

    def is_large(self) -> bool:
        """Whether the scale is large."""
        return True

    def _of(self) -> None:
        """As above."""
'''


def test_a_module_is_counted(tmp_path: Path) -> None:
    package = tmp_path / "e2lm_core"
    package.mkdir()
    (package / "scale.py").write_text(MODULE)
    counts = count_checkout(tmp_path)
    assert (counts.names, counts.median_length, counts.modules) == (4, 6.5, 1)
    assert counts.banned == ["e2lm_core/scale.py:6 held"]
    assert counts.first_lines == [
        "e2lm_core/scale.py: What a module holds.",
        "e2lm_core/scale.py:24 Scale: Whether it scales.",
        "e2lm_core/scale.py:31 _of: As above.",
    ]
    assert counts.arrays_without_shape == ["e2lm_core/scale.py:6 held"]
    assert counts.raising_without_section == ["e2lm_core/scale.py:6 held"]
    assert (counts.caches, counts.process_protocols, counts.private_streamlit) == ([], [], [])


def test_lines_without_docstrings_comments_and_blanks() -> None:
    assert count_lines('"""A module."""\n\n# why\nx = """a\n\nb"""\n') == 3
    assert count_lines("def f():\n    '''Doc.\n\n    More.\n    '''\n    return (\n        1\n    )\n") == 4


def test_the_package_holds_to_the_rules() -> None:
    counts = count_checkout(ROOT)
    assert counts.median_length >= 10
    for found in (
        counts.banned,
        counts.first_lines,
        counts.arrays_without_shape,
        counts.raising_without_section,
    ):
        assert not found, "\n".join(found)
