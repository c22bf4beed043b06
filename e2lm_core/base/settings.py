"""Settings and limits, read once from the environment.

docs/settings.md documents each variable; tests/house/test_settings_document.py compares it with `VARIABLES`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, field_validator

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote

ROOT = Path(__file__).resolve().parents[2]  # the folder that Python imports the package from
# The app, its pages, the example sets and the ladder lie beside the package, or within an installed package.
INSTALLED = (ROOT / "e2lm_core" / "installed").is_dir()
FILES = ROOT / "e2lm_core" / "installed" if INSTALLED else ROOT
# All environment variables that the studio reads: the rows of docs/settings.md.
VARIABLES = (
    *("E2LM_HOME", "E2LM_TASKS", "E2LM_LADDER", "E2LM_CHECKPOINTS", "E2LM_DEVICE", "E2LM_DTYPE"),
    *("E2LM_THREADS", "E2LM_BACKEND", "E2LM_RAY_WORKERS", "E2LM_HUB_ENDPOINT", "E2LM_HUB_QUOTA_GB"),
    *("E2LM_HUB_TOKEN_FOR", "E2LM_HUB_LOGIN", "E2LM_WORKER_GB", "E2LM_RUN_CPU_SECONDS", "E2LM_MAX_QUESTIONS"),
    *("E2LM_UPLOADS_MB", "E2LM_FRAMES", "E2LM_HOSTS", "E2LM_METRICS", "E2LM_LOG", "E2LM_BACKUP"),
    *("E2LM_EMBEDDER", "E2LM_SHIPPED", "E2LM_WITH_LM_EVAL", "E2LM_AUTH", "E2LM_ADMINS", "E2LM_VISITORS"),
    *("E2LM_SANDBOX_HOURS", "E2LM_AS", "E2LM_OIDC_ISSUER", "E2LM_OIDC_CLIENT_ID", "E2LM_OIDC_CLIENT_SECRET"),
    *("E2LM_OIDC_URL", "E2LM_OIDC_SCOPES", "E2LM_COOKIE_SECRET", "E2LM_LANGUAGE"),
    *("E2LM_ASSIST_URL", "E2LM_ASSIST_MODEL", "E2LM_ASSIST_KEY", "E2LM_ASSIST_QUOTA"),
)
LOCALE = (
    ROOT / "e2lm_core" / "ui" / "base" / "locale"
)  # translations of the interface, a folder for each language
ENGLISH = "en"
NEAR = 0.85  # least ratio of difflib, for names that all begin with E2LM_
DEVICE = r"cpu|mps|cuda(:[0-9]{1,3})?"
Dtype = Literal["float32", "bfloat16", "float16"]
Where = Literal["local", "ray"]
Auth = Literal["none", "oidc"]
Visitors = Literal["sandbox", "readonly", "refused"]
Log = Literal["json", "text", "off"]
_ASSIST_URL = (
    r"https?://(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:\d{1,5})?(/[A-Za-z0-9._~/-]{0,300})?"
)
_ASSIST_MODEL = r"[A-Za-z0-9._:/@+-]{1,200}"
PERSON = r"[a-z][a-z0-9-]{0,38}"  # a person's id: safe as a folder's name and in a link
MAX_QUESTIONS = 100_000  # the largest set with which pages, store and scores are measured


class Limits(BaseModel):
    """Hard limits, because a public deployment accepts untrusted input."""

    model_config = ConfigDict(frozen=True)

    min_choices: int = 2
    max_choices: int = 26
    max_fewshot: int = 32
    max_questions: int = 20_000  # E2LM_MAX_QUESTIONS
    max_question_chars: int = 20_000
    max_file_bytes: int = 64 * 2**20
    max_unpacked_bytes: int = 200 * 2**20
    max_archive_files: int = 2_000
    max_prompt_tokens: int = 2_048
    max_queued_jobs: int = 50
    max_queued_jobs_of_one: int = 10  # for one visitor
    competition_questions: tuple[int, int] = (100, 15_000)


class Settings(BaseModel):
    """Places, devices and the caller; frozen, so that threads may share it.

    Attributes:
        home: The server's home folder.
        person: Owner of the workspace; None for the home itself, where nobody signs in.
        author: Name for the history of changes: the person, else the browser; "" on the command line.
        paths: Whether a set may be named by a path on this machine.
        readonly: Whether writing is refused.
        sign_in: Digest of the sign-in of the page that calls; "" without a sign-in.
    """

    model_config = ConfigDict(frozen=True)

    home: Path
    person: str | None = None
    author: str = ""
    paths: bool = True
    readonly: bool = False
    sign_in: str = ""
    auth: Auth = "none"
    admins: tuple[str, ...] = ()
    visitors: Visitors = "sandbox"
    sandbox_hours: float = 24.0
    tasks: Path = FILES / "tasks"
    ladder: Path = FILES / "ladder"
    checkpoints: tuple[Path, ...] = ()
    device: str | None = None
    dtype: Dtype = "float32"
    threads: int | None = None
    backend: Where = "local"
    ray_workers: int | None = None  # None: as many as the cluster has cores, or GPUs where it has any
    hub_endpoint: str | None = None  # None leaves it to huggingface_hub
    hub_quota_bytes: int = 20 * 10**9
    hub_login: bool = False  # whether the token of a `huggingface-cli login` counts
    hf_cache: Path | None = None  # the user's own Hugging Face cache, on a studio without sign-in
    hub_token_for: tuple[str, ...] | None = None  # None: any repository, on a studio without sign-in
    worker_bytes: int | None = None  # None: most of the machine's memory
    run_cpu_s: float = 360_000.0
    frames: tuple[str, ...] = ("'self'", "https://huggingface.co")
    hosts: tuple[str, ...] = ()
    metrics: bool = False
    embedder: str | None = None  # None: the default of e2lm_core.relevance
    shipped: bool = (
        False  # whether the example sets have the included results; True by default from the environment
    )
    with_lm_eval: bool = False  # whether pages may have an lm-eval task's code run, by the installed lm-eval
    uploads_bytes: int = 600 * 2**20
    assist_url: str | None = None  # None: no language model helps authors; its key stays in the environment
    assist_model: str = ""
    assist_quota: int = 50
    limits: Limits = Limits()

    @field_validator("home", "tasks", "ladder")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        """Workers and the harness run in folders of their own, where a relative path is another one."""
        return folder.absolute()

    @property
    def sign_in_mode(self) -> str:
        """The kind of sign-in; a page's pass is valid in one mode only."""
        return self.auth if self.auth == "none" else f"{self.auth}-{self.visitors}"

    @property
    def workspace(self) -> Path:
        """Folder of a person's own sets, their history, drafts and kept results."""
        return self.home if self.person is None else self.home / "people" / self.person

    @property
    def sets(self) -> Path:
        """The person's own question sets, one task folder each."""
        return self.workspace / "sets"

    def for_person(
        self, person: str | None, author: str | None = None, *, paths: bool = True, readonly: bool = False
    ) -> Settings:
        """The same settings for another caller; `author` is the person unless given."""
        author = author if author is not None else person or ""
        return self.model_copy(
            update={"person": person, "author": author, "paths": paths, "readonly": readonly}
        )

    @property
    def database(self) -> Path:
        """File of results and jobs (SQLite, WAL): on the host's own disk, never on a network share."""
        return self.home / "studio.sqlite"

    @property
    def cache(self) -> Path:
        """Folder of reproducible files: unpacked checkpoints, embeddings."""
        return self.home / "cache"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings from the environment variables.

        Raises:
            StudioError: A variable has a value that is not allowed.
        """
        values: dict[str, object] = {
            "home": _path(env.get("E2LM_HOME") or str(Path.home() / ".e2lm-studio"), "E2LM_HOME")
        }
        if tasks := env.get("E2LM_TASKS"):
            values["tasks"] = _folder(tasks, "E2LM_TASKS")
        # A missing folder means that there is no ladder: then no models are embedded.
        if ladder := env.get("E2LM_LADDER"):
            values["ladder"] = _path(ladder, "E2LM_LADDER")
        if paths := env.get("E2LM_CHECKPOINTS"):
            values["checkpoints"] = tuple(_path(p, "E2LM_CHECKPOINTS") for p in paths.split(os.pathsep) if p)
        if device := env.get("E2LM_DEVICE"):
            if not re.fullmatch(DEVICE, device):
                raise StudioError(f"E2LM_DEVICE is {quote(device)}; use cpu, cuda, cuda:1 or mps.")
            values["device"] = device
        if dtype := env.get("E2LM_DTYPE"):
            if dtype not in get_args(Dtype):
                raise StudioError(f"E2LM_DTYPE is {quote(dtype)}; use one of {', '.join(get_args(Dtype))}.")
            values["dtype"] = dtype
        for key in ("threads", "ray_workers"):
            if number := env.get(f"E2LM_{key.upper()}"):
                if not re.fullmatch(r"0*[1-9][0-9]{0,3}", number):
                    raise StudioError(
                        f"E2LM_{key.upper()} is {quote(number)}; use a whole number from 1 to 9,999."
                    )
                values[key] = int(number)
        if backend := env.get("E2LM_BACKEND"):
            values["backend"] = backend_of(backend, "E2LM_BACKEND")
        if embedder := env.get("E2LM_EMBEDDER"):
            values["embedder"] = embedder
        if endpoint := env.get("E2LM_HUB_ENDPOINT"):
            if not endpoint.startswith(("https://", "http://")):
                raise StudioError(f"E2LM_HUB_ENDPOINT is {quote(endpoint)}; use an address with https://.")
            values["hub_endpoint"] = endpoint.rstrip("/")
        if quota := env.get("E2LM_HUB_QUOTA_GB"):
            values["hub_quota_bytes"] = round(_above_0("E2LM_HUB_QUOTA_GB", quota, "GB", 20) * 10**9)
        if env.get("E2LM_AUTH") in (None, "", "none"):  # a deployer's downloads are not shown to other people
            values["hf_cache"] = _hf_cache(env)
        log_kind(env)
        _require_language(env)
        return cls.model_validate(values | _people(env) | _guards(env) | _assist(env))


def log_kind(env: Mapping[str, str] = os.environ) -> Log:
    """The kind of log that `E2LM_LOG` names; `off` if it is not set.

    Raises:
        StudioError: The variable names an unknown kind.
    """
    named = env.get("E2LM_LOG") or "off"
    for known in get_args(Log):
        if named == known:
            return known
    raise StudioError(f"E2LM_LOG is {quote(named)}; use one of {', '.join(get_args(Log))}.")


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Languages of the interface: English, and every one with a catalogue."""
    return (ENGLISH, *sorted(folder.name for folder in LOCALE.iterdir() if folder.is_dir()))


def _require_language(env: Mapping[str, str]) -> None:
    """Refuse a language without a catalogue.

    Raises:
        StudioError: `E2LM_LANGUAGE` names one.
    """
    named = env.get("E2LM_LANGUAGE")
    if named and named not in languages():
        raise StudioError(f"E2LM_LANGUAGE is {quote(named)}; use one of {', '.join(languages())}.")


def misspelt_variables(env: Mapping[str, str] = os.environ) -> list[str]:
    """One sentence for each `E2LM_…` variable that the studio does not know but that nearly matches one."""
    unknown = sorted(name for name in env if name.startswith("E2LM_") and name not in VARIABLES)
    near = {name: get_close_matches(name, VARIABLES, n=1, cutoff=NEAR) for name in unknown}
    return [
        f"{quote(name)} is no setting of the studio and changes nothing: did you mean {matches[0]}?"
        for name, matches in near.items()
        if matches
    ]


def _hf_cache(env: Mapping[str, str]) -> Path | None:
    """The cache folder of huggingface_hub by its documented variables; None if there is none."""
    if place := env.get("HF_HUB_CACHE"):
        cache = expand_home(place)
    elif home := env.get("HF_HOME"):
        cache = expand_home(home) / "hub"
    else:
        cache = expand_home(env.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface" / "hub"
    return cache if cache.is_dir() else None


def backend_of(name: str, said_by: str) -> Where:
    """The backend that scores checkpoints, by name.

    Args:
        name: Name of the backend.
        said_by: Option or variable that gave the name, for the error.

    Raises:
        StudioError: There is no backend of that name.
    """
    for known in get_args(Where):
        if name == known:
            return known
    raise StudioError(f"{said_by} is {quote(name)}; use {' or '.join(get_args(Where))}.")


def _people(env: Mapping[str, str]) -> dict[str, object]:
    """Settings of sign-in, visitors and administrators from the variables."""
    values: dict[str, object] = {}
    for key, allowed in (("auth", get_args(Auth)), ("visitors", get_args(Visitors))):
        if value := env.get(f"E2LM_{key.upper()}"):
            if value not in allowed:
                raise StudioError(f"E2LM_{key.upper()} is {value!r}; use one of {', '.join(allowed)}.")
            values[key] = value
    if admins := env.get("E2LM_ADMINS"):
        values["admins"] = tuple(name.strip() for name in admins.split(",") if name.strip())
    if hours := env.get("E2LM_SANDBOX_HOURS"):
        if not (re.fullmatch(r"\d{1,5}(\.\d{1,3})?", hours, re.ASCII) and float(hours) > 0):
            raise StudioError(f"E2LM_SANDBOX_HOURS is {hours!r}; use a number of hours above 0, such as 24.")
        values["sandbox_hours"] = float(hours)
    if person := env.get("E2LM_AS"):
        if not re.fullmatch(PERSON, person):
            raise StudioError(f"E2LM_AS is {person[:80]!r}; use a person's id, as `people list` shows it.")
        values |= {"person": person, "author": person}
    return values


def _assist(env: Mapping[str, str]) -> dict[str, object]:
    """Settings of the language model that helps authors; none of them is its key."""
    values: dict[str, object] = {}
    if url := env.get("E2LM_ASSIST_URL"):
        if not re.fullmatch(_ASSIST_URL, url):
            raise StudioError(  # the address is not quoted: somebody may have put a password into it
                "E2LM_ASSIST_URL is no address of a server; use one such as https://api.example.org/v1, without a user, "
                "a query and spaces."
            )
        model = env.get("E2LM_ASSIST_MODEL") or ""
        if not re.fullmatch(_ASSIST_MODEL, model):
            raise StudioError(
                f"E2LM_ASSIST_MODEL is {quote(model)}; use the name that the server has for the model, without spaces."
            )
        values |= {"assist_url": url.rstrip("/"), "assist_model": model}
    if quota := env.get("E2LM_ASSIST_QUOTA"):
        if not re.fullmatch(r"[0-9]{1,6}", quota):
            raise StudioError(f"E2LM_ASSIST_QUOTA is {quote(quota)}; use a whole number from 0 to 999,999.")
        values["assist_quota"] = int(quota)
    return values


def expand_home(path: str | Path) -> Path:
    """A path with `~` expanded; unchanged, as in a shell, if no user has that name."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def redact_paths(text: str, env: Mapping[str, str] = os.environ) -> str:
    """A sentence with this machine's paths replaced by their variables, as in `E2LM_HOME/locks`."""
    if "/" not in text:
        return text
    for place, name in _places(tuple(env.get(variable) for variable in _PLACES)):
        text = re.sub(rf"{re.escape(place)}(?=[^\w.-]|[.]?\s|[.]?$)", name, text)
    return text


_PLACES = ("E2LM_HOME", "E2LM_TASKS", "E2LM_LADDER", "E2LM_CHECKPOINTS")


@lru_cache(maxsize=4)
def _places(values: tuple[str | None, ...]) -> tuple[tuple[str, str], ...]:
    """(path, name) of the folders that the studio knows on this machine, the longest first."""
    usual = (str(Path.home() / ".e2lm-studio"), str(FILES / "tasks"), str(FILES / "ladder"), "")
    found = {str(ROOT): "the studio's folder", sys.prefix: "Python's folder"}
    for name, value, default in zip(_PLACES, values, usual, strict=True):
        folders = [expand_home(part).absolute() for part in (value or default).split(os.pathsep) if part]
        found |= {str(path): name for folder in folders for path in (folder, Path(os.path.realpath(folder)))}
    return tuple(
        sorted(((place, name) for place, name in found.items() if len(place) > 1), key=lambda p: -len(p[0]))
    )


def _path(text: str, variable: str) -> Path:
    """The absolute path that a variable names; raises `StudioError` for the home of an unknown user."""
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # `~name` without an account of that name on this machine
        raise StudioError(
            f"{variable} is {quote(text)}, but nobody here has that name: write the path from its root."
        ) from error


def _folder(text: str, variable: str) -> Path:
    """The path of an existing folder that a variable names; raises `StudioError` for any other."""
    path = _path(text, variable)
    if not os.path.isdir(path):  # `Path.is_dir` raises for a name that is too long
        raise StudioError(f"{variable} is {quote(text)}, which is no folder: check its path.")
    return path


def _above_0(name: str, value: str, unit: str, such_as: int) -> float:
    if not (re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII) and float(value) > 0):
        raise StudioError(f"{name} is {quote(value)}; use a number of {unit} above 0, such as {such_as}.")
    return float(value)


_ORIGIN = r"'self'|'none'|(https?://)?(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?"


def _guards(env: Mapping[str, str]) -> dict[str, object]:
    """Settings of memory, time, uploads, the hub's token, frames, hosts and opt-ins from the variables."""
    values: dict[str, object] = {}
    if "E2LM_HUB_TOKEN_FOR" in env:
        values["hub_token_for"] = _names(env["E2LM_HUB_TOKEN_FOR"])
    if gigabytes := env.get("E2LM_WORKER_GB"):
        values["worker_bytes"] = round(_above_0("E2LM_WORKER_GB", gigabytes, "GB", 8) * 10**9)
    if seconds := env.get("E2LM_RUN_CPU_SECONDS"):
        values["run_cpu_s"] = _above_0("E2LM_RUN_CPU_SECONDS", seconds, "seconds", 36_000)
    if number := env.get("E2LM_MAX_QUESTIONS"):
        if not (re.fullmatch(r"0*[1-9][0-9]{0,5}", number) and int(number) <= MAX_QUESTIONS):
            raise StudioError(
                f"E2LM_MAX_QUESTIONS is {quote(number)}; use a whole number from 1 to {MAX_QUESTIONS:,}."
            )
        values["limits"] = Limits(max_questions=int(number))
    if megabytes := env.get("E2LM_UPLOADS_MB"):
        values["uploads_bytes"] = round(_above_0("E2LM_UPLOADS_MB", megabytes, "MB", 600) * 2**20)
    for key in ("frames", "hosts"):
        if text := env.get(f"E2LM_{key.upper()}"):
            values[key] = _names(text)
            if wrong := next((name for name in _names(text) if not re.fullmatch(_ORIGIN, name)), None):
                raise StudioError(
                    f"E2LM_{key.upper()} names {quote(wrong)}; use addresses such as studio.example.org, with commas "
                    "between them."
                )
    if metrics := env.get("E2LM_METRICS"):
        if metrics not in ("open", "closed"):
            raise StudioError(f"E2LM_METRICS is {quote(metrics)}; use open or closed.")
        values["metrics"] = metrics == "open"
    for variable, usual in (("E2LM_WITH_LM_EVAL", "0"), ("E2LM_HUB_LOGIN", "0"), ("E2LM_SHIPPED", "1")):
        allowed = env.get(variable) or usual
        if allowed not in ("0", "1"):
            raise StudioError(f"{variable} is {quote(allowed)}; use 0 or 1.")
        values[variable.removeprefix("E2LM_").lower()] = allowed == "1"
    return values


def _names(text: str) -> tuple[str, ...]:
    """Names separated by commas or spaces, in lower case."""
    return tuple(name.lower() for name in re.split(r"[,\s]+", text) if name)
