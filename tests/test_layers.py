"""The house: imports go only downwards, and each layer keeps to what it is for (see CONTRIBUTING.md)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "e2lm_core"

# A name that ends in `.` stands for a package and all its modules.
LAYERS: dict[int, tuple[str, ...]] = {
    0: ("__init__", "errors", "records", "settings"),
    1: (
        *("prompts", "sandbox", "sandbox_child", "checks", "balance", "leaks", "wording"),
        *("metrics", "signal", "ranking", "contrast", "composite", "finetasks", "relevance"),
        *("items", "choosing", "rule_text", "heldout"),
        *("phrasing", "palette", "sheet", "families", "checkpoint_names"),
        *("leave_one_out", "paired", "set_sizes"),
        *("result_records", "result_places", "result_join", "harness_samples"),
        *("bootstrap", "curve_scores", "intervals", "interval_methods", "interval_rules", "simulation"),
        *("parting", "rank_shares", "rank_questions", "smoothing"),
    ),
    2: (
        *("taskfiles", "taskconfig", "datafiles", "safeyaml", "rows", "tabular", "bundle", "atomic"),
        *(
            "published",
            "history",
            "database",
            "store",
            "jobs",
            "jobrecords",
            "jobplans",
            "shares",
            "embeddings",
            "embedding_cache",
        ),
        *(
            "manifest",
            "packing",
            "checkpoints",
            "local_checkpoints",
            "fingerprints",
            "facts",
            "ngrams",
            "coverage",
            "difference_rules",
        ),
        *("hub", "hub_cache", "hub_client", "hub_download", "engine.", "backends."),
        *("harness_results", "result_files", "result_tables", "result_reading", "result_store"),
    ),
    3: (
        *(
            "studio",
            "authoring",
            "asked",
            "measure",
            "question_results",
            "planning",
            "runs",
            "standing",
            "worker",
            "submission",
        ),
        *(
            "measuring",
            "frames",
            "analysis",
            "certainty",
            "documents",
            "science",
            "relevance_words",
            "headlines",
            "progress",
        ),
        *("selection", "choices", "choice_words"),
        *(
            "score_parts",
            "fleet",
            "score_words",
            "comparison",
            "comparison_words",
            "fleet_planning",
            "plan_words",
        ),
        *("library", "fetching"),
        *("results", "result_keeping", "result_headlines", "report", "provenance"),
        *("axes", "crossings", "stability", "subjects", "curve_findings", "rank_findings"),
    ),
    4: (
        *("question_charts", "question_commands", "edit_charts"),
        "result_charts",
        "result_commands",
        "report_html",
        "report_commands",
        *("score_charts", "comparison_charts", "plan_charts", "score_commands"),
        "charts",
        "figures",
        "rank_charts",
        "multiples",
        "rank_commands",
        "run_commands",
        "ui.",
        "output",
        "arguments",
        "hub_commands",
        "cli",
        "__main__",
    ),
}

# Layer 1 is pure: values and arrays in, values out.
NOT_IN_LAYER_1 = frozenset(
    {
        *(
            "datasets",
            "http",
            "os",
            "pathlib",
            "requests",
            "shutil",
            "socket",
            "sqlite3",
            "subprocess",
            "tempfile",
        ),
        *("lm_eval", "plotly", "safetensors", "sentence_transformers", "streamlit", "torch", "transformers"),
        *("urllib", "yaml"),
    }
)
# The sandbox runs a template in a process of its own: that is how its time and memory are bounded.
ALLOWED_IN_LAYER_1 = {("sandbox", "subprocess"), ("sandbox", "pathlib"), ("sandbox", "os")}


def _name(path: Path) -> str:
    """`engine/plan.py` -> `engine.plan`; `engine/__init__.py` -> `engine`; the top `__init__` keeps its name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


FILES = {_name(path): path for path in sorted(PACKAGE.rglob("*.py")) if "data" not in path.parts}


def _layer(module: str) -> int | None:
    for layer, names in LAYERS.items():
        if any(module == n.rstrip(".") or (n.endswith(".") and module.startswith(n)) for n in names):
            return layer
    return None


def _imports(path: Path, package: str | None) -> Iterator[tuple[str, int]]:
    """Every absolute dotted name that a file imports, lazily or not; `package` resolves relative imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                assert package is not None, f"{path.name}:{node.lineno} imports relatively outside a package."
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def _imports_of(module: str) -> Iterator[tuple[str, int]]:
    path = FILES[module]
    inside = path.parent.relative_to(ROOT).parts
    return _imports(path, ".".join(inside))


def _module_of(dotted: str) -> str | None:
    """The module of e2lm_core that `e2lm_core.engine.plan.Row` is in; None for anything else."""
    if not (dotted + ".").startswith("e2lm_core."):
        return None
    rest = dotted.split(".")[1:]
    while rest and ".".join(rest) not in FILES:
        rest.pop()
    return ".".join(rest) or "__init__"


def _inner(module: str) -> Iterator[tuple[str, int]]:
    for dotted, line in _imports_of(module):
        target = _module_of(dotted)
        if target is not None and target != module:
            yield target, line


def test_every_module_has_a_layer() -> None:
    unplaced = [name for name in FILES if _layer(name) is None]
    assert not unplaced, f"Place {', '.join(unplaced)} in a layer: add it to LAYERS in tests/test_layers.py."


def test_every_listed_module_exists_once() -> None:
    names = [name.rstrip(".") for names in LAYERS.values() for name in names]
    assert len(names) == len(set(names)), "A module stands in two layers."
    gone = [name for name in names if name not in FILES]
    assert not gone, f"{', '.join(gone)} is in LAYERS but not in e2lm_core: remove it there."


@pytest.mark.parametrize("module", FILES)
def test_imports_go_only_downwards(module: str) -> None:
    own = _layer(module)
    assert own is not None, f"Place {module} in a layer: add it to LAYERS in tests/test_layers.py."
    upward = [
        f"{module}:{line} (layer {own}) imports {target} (layer {_layer(target)})"
        for target, line in _inner(module)
        if (_layer(target) or 0) > own
    ]
    assert not upward, "Imports go only downwards: " + "; ".join(upward)


def test_imports_are_acyclic() -> None:
    graph = {module: {target for target, _ in _inner(module)} for module in FILES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("Modules import each other in a circle: " + " -> ".join(error.args[1]))


def test_layer_0_needs_only_pydantic() -> None:
    allowed = {*sys.stdlib_module_names, "pydantic", "e2lm_core"}
    found = [
        f"{module}:{line} imports {dotted}"
        for module in FILES
        if _layer(module) == 0
        for dotted, line in _imports_of(module)
        if dotted.split(".")[0] not in allowed
    ]
    assert not found, "Layer 0 takes nothing but pydantic and the standard library: " + "; ".join(found)


def test_layer_1_is_pure() -> None:
    found = [
        f"{module}:{line} imports {dotted}"
        for module in FILES
        if _layer(module) == 1
        for dotted, line in _imports_of(module)
        if (top := dotted.split(".")[0]) in NOT_IN_LAYER_1 and (module, top) not in ALLOWED_IN_LAYER_1
    ]
    found += [
        f"{module}:{node.lineno} opens a file"
        for module, path in FILES.items()
        if _layer(module) == 1
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
    ]
    assert not found, "Layer 1 takes values and gives values, without I/O or torch: " + "; ".join(found)


def test_only_views_import_streamlit() -> None:
    found = [
        f"{module}:{line}"
        for module in FILES
        if module != "ui" and not module.startswith("ui.")
        for dotted, line in _imports_of(module)
        if dotted.split(".")[0] == "streamlit"
    ]
    assert not found, f"Only app.py, pages/ and e2lm_core/ui import Streamlit, not {', '.join(found)}."


def test_what_runs_without_a_browser_never_reaches_the_views() -> None:
    found = [
        f"{module}:{line}"
        for module in FILES
        if module != "ui" and not module.startswith("ui.")
        for target, line in _inner(module)
        if target == "ui" or target.startswith("ui.")
    ]
    assert not found, f"Only app.py and pages/ use e2lm_core/ui, not {', '.join(found)}."


def test_the_library_knows_nothing_of_what_stands_around_it() -> None:
    outside = {"app", "pages", "ladder", "benchmarks", "tests", "scripts", "lm_eval"}
    found = [
        f"{module}:{line} imports {dotted}"
        for module in FILES
        for dotted, line in _imports_of(module)
        if dotted.split(".")[0] in outside
    ]
    assert not found, "e2lm_core stands on its own: " + "; ".join(found)


def test_pages_hold_no_logic() -> None:
    views = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]
    heavy = {"torch", "transformers", "sqlite3", "sentence_transformers", "safetensors", "lm_eval", "scipy"}
    found = [
        f"{path.name}:{line} imports {dotted}"
        for path in views
        for dotted, line in _imports(path, None)
        if dotted.split(".")[0] in heavy
    ]
    assert not found, "Pages read state, call a service and draw: " + "; ".join(found)


def test_the_check_itself_sees_lazy_and_relative_imports(tmp_path: Path) -> None:
    file = tmp_path / "sample.py"
    file.write_text("from ..records import Question\ndef f():\n    from . import forward\n    import torch\n")
    assert list(_imports(file, "e2lm_core.engine")) == [
        ("e2lm_core.records.Question", 1),
        ("e2lm_core.engine.forward", 3),
        ("torch", 4),
    ]
