"""Write the results that the package brings: the example sets on the embedded models, run from nothing.

python -m scripts.shipped_results              # some minutes; after a change of an example set, of the ladder or of the engine
python -m scripts.shipped_results --traits     # seconds: only the embedded models' windows and BOS
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import torch
import typer

from e2lm_core.base.records import Loglikelihood, Scope
from e2lm_core.base.settings import Settings
from e2lm_core.base.version import VERSION
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.engine import traits
from e2lm_core.engine.local import LocalBackend
from e2lm_core.runs.evaluate import evaluate
from e2lm_core.runs.store import shipped_results
from e2lm_core.runs.store.requests import RequestIndex, render_prompts
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets.collection import list_sets, open_set


def main(
    only_traits: Annotated[
        bool, typer.Option("--traits", help="Only windows and BOS, without a run.")
    ] = False,
) -> None:
    """Run and write."""
    traits.SHIPPED.write_text(json.dumps(found_traits(), indent=2) + "\n", encoding="utf-8")
    if only_traits:
        return
    results = measured()
    made = shipped_results.ShippedInfo(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        studio=VERSION,
        torch=torch.__version__.split("+")[0],
        device="CPU",
    )
    data = shipped_results.pack_results(made, results)
    shipped_results.FILE.write_bytes(data)
    print(
        f"{shipped_results.FILE.name}: {sum(map(len, results.values())):,} results of {len(results)} checkpoints, "
        f"{len(data) / 1e6:.2f} MB."
    )


def found_traits() -> dict[str, dict[str, object]]:
    """{key: window and BOS} of the embedded models, as their configurations and tokenizers say here and now."""
    with tempfile.TemporaryDirectory() as home:
        studio = open_studio(Settings(home=Path(home), device="cpu"))
        backend, found = studio.backend, {}
        assert isinstance(backend, LocalBackend)
        for checkpoint in studio.local_checkpoints:
            key = traits.traits_key(checkpoint, studio.settings)
            if checkpoint.packed is not None and key not in found:
                found[key] = backend.read_traits(checkpoint).model_dump()
        return dict(sorted(found.items()))


def measured() -> Mapping[Scope, Mapping[bytes, Loglikelihood]]:
    """All results of the example sets on the embedded models, computed here and now."""
    with tempfile.TemporaryDirectory() as home:
        studio = open_studio(Settings(home=Path(home), device="cpu"))
        default, keys = without_extras(studio.local_checkpoints), set[bytes]()
        for info in list_sets(studio.settings):
            task = open_set(studio.settings, info.address)
            evaluate(studio, task, default)
            keys |= RequestIndex(render_prompts(task)).texts.keys()
        scopes = [studio.backend.scope(checkpoint) for checkpoint in default]
        return {scope: studio.store.get(scope, keys) for scope in scopes}


if __name__ == "__main__":
    typer.run(main)
