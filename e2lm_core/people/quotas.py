"""Quotas of a person: limits, use, errors.

A limit that an administrator has set for a person takes precedence over their limit for visitors or for
everybody, and that over the defaults here. Administrators have no quotas, and nobody has any without sign-in, but of
what costs the deployer money elsewhere (`for_all`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from e2lm_core.base import formatting
from e2lm_core.base.errors import LimitError, StudioError
from e2lm_core.base.files import folder_bytes
from e2lm_core.base.records import Record
from e2lm_core.base.sentences import Sentence, SentenceField
from e2lm_core.base.settings import Settings
from e2lm_core.people import accounts

EVERYBODY, VISITORS = "everybody", "visitors"
_FOLDERS = ("sets", "history", "drafts", "results", "shelf")  # the trash has a limit of its own
_LOOK_AGAIN_S = 3.0  # age of a measured size: not every edit waits for a new measurement
_MORE = Sentence("or ask an administrator for more")


class QuotaKind(Record):
    """Kind of quota with its default limits.

    Attributes:
        key: Name of the kind in the database.
        label: Name of the kind in the interface.
        most: Default limit of a person.
        most_of_visitor: Default limit of a visitor without an account.
        sentence: Sentence of the error, with {used} and {most}.
        unit: Unit of the limits, "bytes" or "seconds"; "" for a number.
        for_all: Whether administrators, and the one person without sign-in, have it as well.
    """

    key: str
    label: SentenceField
    most: float
    most_of_visitor: float
    sentence: SentenceField
    unit: str = ""
    for_all: bool = False


KINDS = (
    QuotaKind(
        key="sets",
        label=Sentence("question sets"),
        most=100,
        most_of_visitor=5,
        sentence=Sentence("You have {used} question sets and a limit of {most}: delete one, {more}."),
    ),
    QuotaKind(
        key="bytes",
        label=Sentence("disk, with history"),
        most=2e9,
        most_of_visitor=1e8,
        unit="bytes",
        sentence=Sentence(
            "Your sets, their history and your results take {used}, and {most} are yours: delete what you no "
            "longer need, {more}."
        ),
    ),
    QuotaKind(
        key="results",
        label=Sentence("kept results"),
        most=50,
        most_of_visitor=5,
        sentence=Sentence(
            "You keep {used} results from elsewhere, and {most} are yours to keep: remove one, {more}."
        ),
    ),
    QuotaKind(
        key="runs",
        label=Sentence("waiting runs"),
        most=10,
        most_of_visitor=2,
        sentence=Sentence(
            "{used} of your runs are waiting already, and {most} may: wait until one has started, cancel one, "
            "{more}."
        ),
    ),
    QuotaKind(
        key="cpu",
        label=Sentence("CPU a day"),
        most=6 * 3600,
        most_of_visitor=1800,
        unit="seconds",
        sentence=Sentence(
            "You have used {used} of today's {most} of computing time. Results so far are kept: "
            "continue tomorrow (UTC), {more}."
        ),
    ),
    QuotaKind(
        key="uploads",
        label=Sentence("uploads a day"),
        most=2e9,
        most_of_visitor=2e8,
        unit="bytes",
        sentence=Sentence(
            "You have uploaded {used} today, and {most} a day are yours: go on tomorrow (UTC), {more}."
        ),
    ),
    QuotaKind(
        key="assist",
        label=Sentence("requests for proposals a day"),
        most=50,  # E2LM_ASSIST_QUOTA
        most_of_visitor=0,
        sentence=Sentence(
            "You have asked the language model {used} times today, and {most} a day are yours: go on tomorrow (UTC), "
            "{more}."
        ),
        for_all=True,
    ),
)
_BY_KEY = {kind.key: kind for kind in KINDS}


class Quota(Record):
    """Use and limit of one kind for a person.

    Attributes:
        kind: The kind.
        used: Amount in use, in the kind's unit.
        most: Limit in the same unit; None for an administrator, who has no limit.
    """

    kind: QuotaKind
    used: float
    most: float | None

    @property
    def text(self) -> str:
        """Use and limit as text: 3 of 100."""
        used = format_amount(self.kind, self.used)
        return (
            used
            if self.most is None
            else Sentence("{used} of {most}", used=used, most=format_amount(self.kind, self.most))
        )


def quotas_of(settings: Settings, person: str) -> list[Quota]:
    """All quotas of a person with their use.

    Raises:
        StudioError: The person is not the caller, who is no administrator.
    """
    if person != settings.person:
        accounts.require_administrator(settings, Sentence("see what others use"))
    theirs = settings.for_person(person)
    return [Quota(kind=k, used=_USED[k.key](theirs), most=_most(theirs, k)) for k in KINDS]


def check_quota(settings: Settings, key: str, additional: float = 1) -> None:
    """Refuse an addition beyond the caller's quota.

    Args:
        settings: The caller's settings.
        key: Kind of the quota.
        additional: Amount to be added, in the kind's unit; 0 to check the present use only.

    Raises:
        LimitError: The caller would exceed the limit.
    """
    kind = _BY_KEY[key]
    if settings.person is None and not kind.for_all:
        return
    most = _most(settings, kind)
    if most is None:
        return
    used = _USED[key](settings)
    if used + additional <= most:
        return
    if settings.person is not None and settings.author not in ("", settings.person):
        raise LimitError(
            Sentence(
                "{owner}, whose set this is, has a limit of {most} and uses {used}: ask {owner} to delete what "
                "they no longer need, {more}.",
                owner=settings.person,
                used=format_amount(kind, used),
                most=format_amount(kind, most),
                more=_MORE,
            )
        )
    raise LimitError(
        Sentence(kind.sentence, used=format_amount(kind, used), most=format_amount(kind, most), more=_MORE)
    )


def quota_limit(settings: Settings, key: str) -> float | None:
    """The caller's limit of a kind; None without a quota."""
    kind = _BY_KEY[key]
    return None if settings.person is None and not kind.for_all else _most(settings, kind)


def record_use(settings: Settings, key: str, amount: float) -> None:
    """Add to the caller's use of today, for a kind that is counted by the day.

    Args:
        settings: The caller's settings.
        key: Kind of the quota.
        amount: Amount used, in the kind's unit.
    """
    if amount <= 0 or (settings.person is None and not _BY_KEY[key].for_all):
        return
    with accounts.accounts_database(settings).transaction() as connection:
        connection.execute(
            "INSERT INTO spent (person, day, kind, amount) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (person, day, kind) DO UPDATE SET amount = amount + excluded.amount",
            (settings.person or "", _today(), key, amount),
        )


def charge(settings: Settings, key: str, amount: float) -> None:
    """Check the caller's quota and add to the use of today.

    Args:
        settings: The caller's settings.
        key: Kind of the quota, one that is counted by the day.
        amount: Amount to be used, in the kind's unit.

    Raises:
        LimitError: The caller would exceed the limit; nothing is recorded.
    """
    if settings.person is None and not _BY_KEY[key].for_all:
        return
    with accounts.accounts_database(settings).transaction():  # or two at once pass the same check
        check_quota(settings, key, amount)
        record_use(settings, key, amount)


def set_limit(settings: Settings, key: str, limit: float | None, whose: str = EVERYBODY) -> None:
    """Set the limit of a kind for a person, for all visitors or for everybody.

    Args:
        settings: The caller's settings.
        key: Kind of the quota.
        limit: The limit in the kind's unit, at least 0 and less than 1e15; None to remove the setting.
        whose: "everybody", "visitors", or the id, e-mail or name of a person.

    Raises:
        StudioError: The caller is not an administrator, or there is no such kind, number or person.
    """
    accounts.require_administrator(settings, Sentence("change quotas"))
    if key not in _BY_KEY:
        raise StudioError(
            Sentence(
                "There is no quota {key}: there are {by_key}.", key=repr(key[:80]), by_key=", ".join(_BY_KEY)
            )
        )
    if limit is not None and not 0 <= limit < 1e15:
        raise StudioError(Sentence("A quota cannot be {limit}: use a number from 0.", limit=f"{limit:g}"))
    person = whose if whose in (EVERYBODY, VISITORS) else accounts.find_person(settings, whose).id
    with accounts.accounts_database(settings).transaction() as connection:
        connection.execute("DELETE FROM quotas WHERE person = ? AND kind = ?", (person, key))
        if limit is not None:
            connection.execute(
                "INSERT INTO quotas (person, kind, most) VALUES (?, ?, ?)", (person, key, limit)
            )


def limit_overrides(settings: Settings) -> list[tuple[str, QuotaKind, float]]:
    """Limits that administrators have set: (person's id, "visitors" or "everybody"; kind; limit).

    Raises:
        StudioError: The caller is not an administrator.
    """
    accounts.require_administrator(settings, Sentence("see quotas"))
    if not accounts.has_accounts(settings):
        return []
    with accounts.accounts_database(settings).reading() as connection:
        rows = connection.execute("SELECT person, kind, most FROM quotas ORDER BY person, kind").fetchall()
    return [(person, _BY_KEY[key], most) for person, key, most in rows if key in _BY_KEY]


def format_amount(quota_kind: QuotaKind, amount: float) -> str:
    """Amount with its unit as text."""
    if quota_kind.unit == "bytes":
        return formatting.size(round(amount))
    if quota_kind.unit == "seconds":
        return f"{amount / 3600:,.1f} h" if amount >= 3600 else f"{amount / 60:,.0f} min"
    return f"{amount:,.0f}"


def default_limit(settings: Settings, kind: QuotaKind) -> float:
    """Limit of a kind for people who have signed in, before any that an administrator has set."""
    return settings.assist_quota if kind.key == "assist" else kind.most


def _most(settings: Settings, kind: QuotaKind) -> float | None:
    if not kind.for_all and accounts.is_administrator(settings):
        return None
    person = settings.person or ""
    visits = person.startswith(f"{accounts.VISITOR}-")
    names = (person, VISITORS if visits else EVERYBODY)
    with accounts.accounts_database(settings).reading() as connection:
        rows = dict(
            connection.execute(
                "SELECT person, most FROM quotas WHERE kind = ? AND person IN (?, ?)", (kind.key, *names)
            ).fetchall()
        )
    default = kind.most_of_visitor if visits else default_limit(settings, kind)
    return float(next((rows[name] for name in names if name in rows), default))


def _sets(settings: Settings) -> float:
    return sum(1 for folder in _inside(settings.sets) if not folder.name.startswith("."))


def _results(settings: Settings) -> float:
    return sum(1 for path in _inside(settings.workspace / "results") if path.suffix == ".json")


def _inside(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


_sizes: dict[Path, tuple[float, int]] = {}  # by workspace: (monotonic time, bytes)


def _bytes(settings: Settings) -> float:
    at, size = _sizes.get(settings.workspace, (float("-inf"), 0))
    if time.monotonic() - at > _LOOK_AGAIN_S:
        size = folder_bytes(settings.workspace / name for name in _FOLDERS)
        _sizes[settings.workspace] = (time.monotonic(), size)
    return float(size)


def _runs(settings: Settings) -> float:
    with accounts.accounts_database(settings).reading() as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM jobs WHERE owner = ? AND state = 'queued'", (settings.person,)
        ).fetchone()
    return float(count)


def _spent(key: str) -> Callable[[Settings], float]:
    def of_today(settings: Settings) -> float:
        with accounts.accounts_database(settings).reading() as connection:
            row = connection.execute(
                "SELECT amount FROM spent WHERE person = ? AND day = ? AND kind = ?",
                (settings.person or "", _today(), key),
            ).fetchone()
        return float(row[0]) if row else 0.0

    return of_today


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


_USED: dict[str, Callable[[Settings], float]] = {
    "sets": _sets,
    "bytes": _bytes,
    "results": _results,
    "runs": _runs,
    "cpu": _spent("cpu"),
    "uploads": _spent("uploads"),
    "assist": _spent("assist"),
}
