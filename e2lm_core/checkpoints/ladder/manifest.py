"""Manifest of the embedded ladder."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import safejson

# Names become folders in the cache, so a name must not lead outside it.
PathPart = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    # A later version of the recipe may write keys that this version does not know.
    model_config = ConfigDict(frozen=True, extra="ignore")


class PackedCheckpoint(_Part):
    """Packed checkpoint of the ladder: path of its file in the ladder's folder, and the file's sha256.

    One that is `extra` is left out of the default fleet.
    """

    name: PathPart
    step: int = Field(ge=0)
    tokens_seen: int = Field(ge=0)
    file: str
    sha256: Sha256
    early: bool
    extra: bool = False


class LadderModel(_Part):
    """Model of the ladder with its transformers configuration; `twin_of` and `seed_of` name other models."""

    name: PathPart
    size: str
    arch: str
    role: Literal["science", "web"]
    seed: int | None = None
    twin_of: str | None = None
    seed_of: str | None = None
    parameters: int
    config: dict[str, Any]
    checkpoints: tuple[PackedCheckpoint, ...]

    def checkpoint(self, name: str) -> PackedCheckpoint | None:
        """The checkpoint of that name (`iter_…`); None if there is none."""
        return next((c for c in self.checkpoints if c.name == name), None)


class LadderTokenizer(_Part):
    """Tokenizer of all models: path and sha256 of `tokenizer.json`, content of `tokenizer_config.json`."""

    file: str
    sha256: Sha256
    config: dict[str, Any] = Field(default_factory=dict)


class EarlyWindow(_Part):
    """End of the ladder's early window: step, tokens seen, and fraction of the whole training."""

    end_step: int
    end_tokens: int
    fraction: float


class Manifest(_Part):
    """Manifest of the whole ladder.

    Attributes:
        version: Version of the format.
        context: Context window of the models, in tokens.
        trained_context: Longest input in training, in tokens.
        early_window: End of the early window.
        tokenizer: Tokenizer of all models.
        models: The models.
    """

    version: Literal[1]
    context: int
    trained_context: int
    early_window: EarlyWindow
    tokenizer: LadderTokenizer
    models: tuple[LadderModel, ...]

    def model(self, name: str) -> LadderModel | None:
        """The model of that name; None if there is none."""
        return next((m for m in self.models if m.name == name), None)


def read_manifest(ladder: Path) -> Manifest:
    """Manifest in a ladder's folder.

    Raises:
        CheckpointError: There is none, or the file is no manifest of this version.
    """
    path = ladder / "manifest.json"
    try:
        status = path.stat()
        return _read(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise CheckpointError(
            Sentence(
                "The built-in mini models are missing: {path} cannot be read ({strerror}); get the whole repository, "
                "or set E2LM_LADDER to a ladder's folder.",
                path=path,
                strerror=error.strerror,
            )
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise CheckpointError(
            Sentence(
                "{path} is not a ladder's manifest of version 1: {where}: {reason}; get the ladder's files again.",
                path=path,
                where=where,
                reason=first["msg"],
            )
        ) from error
    except ValueError as error:
        raise CheckpointError(
            Sentence(
                "{path} is not a ladder's manifest ({error}); get the ladder's files again.",
                path=path,
                error=str(error),
            )
        ) from error


def ladder_file(ladder: Path, relative: str) -> Path:
    """Path of a file that the manifest names.

    Raises:
        CheckpointError: It lies outside the ladder's folder.
    """
    path = ladder / relative
    if not path.resolve().is_relative_to(ladder.resolve()):
        raise CheckpointError(
            Sentence(
                "The ladder's manifest names {relative}, outside {ladder}: get the ladder's files again.",
                relative=repr(relative),
                ladder=ladder,
            )
        )
    return path


@lru_cache(maxsize=8)
def _read(path: Path, mtime_ns: int, size: int) -> Manifest:
    # Time and size are here for the cache's key only, so that a rebuilt ladder is read again.
    return Manifest.model_validate(safejson.loads(path.read_text(encoding="utf-8")))
