"""Functions of ours beside the harness's own, on rows that stand in for their data."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from benchmarks.interop.needs import NEEDS
from e2lm_core.sets.folder.foreign import known_functions
from e2lm_core.sets.folder.foreign.columns import typed
from e2lm_core.sets.folder.foreign.functions import function_digest


@pytest.fixture(scope="module")
def theirs() -> dict[str, tuple[Path, str]]:
    """Where the installed harness has each function that is known."""
    lm_eval = pytest.importorskip("lm_eval")
    found: dict[str, tuple[Path, str]] = {}
    names = {"process_anatomy", "process_stem", "process_docs", "filter_multiple_choice", "filter_dataset"}
    names |= {"doc_to_text", "doc_to_choice", "doc_to_target"}
    seen: set[bytes] = set()
    for path in sorted((Path(lm_eval.__file__).parent / "tasks").rglob("*.py")):
        source = path.read_bytes()
        if source in seen or len(source) > 100_000:
            continue
        seen.add(source)
        for name in names:
            whole = name in ("process_anatomy", "process_stem")
            if whole or f"def {name}".encode() in source:
                found.setdefault(function_digest(source, name) or "", (path, name))
    return found


@pytest.mark.slow
def test_every_function_of_ours_does_what_the_harness_s_does(theirs: dict[str, tuple[Path, str]]) -> None:
    datasets = pytest.importorskip("datasets")
    assert set(known_functions.KNOWN) <= set(theirs), set(known_functions.KNOWN) - set(theirs)
    untried: list[tuple[str, str, str]] = []
    for digest, make in known_functions.KNOWN.items():
        path, name = theirs[digest]
        spec = importlib.util.spec_from_file_location("theirs", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made = ("process_anatomy", "process_stem")  # by the module, while it runs
        name = next(one for one in (name, *made) if hasattr(module, one))
        function, mine = getattr(module, name), make(name)
        tried = 0
        for needs in (NEEDS.get(digest), *NEEDS.values()):
            try:
                rows = typed([dict(needs(n, name)) for n in range(13)], "rows") if needs else []
                if name.startswith("doc_to"):
                    wanted: Any = [function(row) for row in rows]
                    got: Any = [mine(row) for row in rows]
                else:
                    wanted = function(datasets.Dataset.from_list(rows)).to_list()
                    got = typed(mine(rows), "rows")
            except (KeyError, TypeError, ValueError, AttributeError, IndexError):
                continue
            if rows and wanted:
                assert got == wanted, (digest, path, name)
                tried += 1
        untried += [] if tried else [(digest, path.name, name)]
    assert not untried
