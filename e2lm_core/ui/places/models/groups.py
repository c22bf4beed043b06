"""Model groups: the choice of the set's fleet, and the form that saves one.

Tested in tests/pages/test_groups.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints.folders import ModelRoles
from e2lm_core.runs import fleets
from e2lm_core.runs.fleets import Fleet, OpenFleet
from e2lm_core.runs.messages.fleets import fleet_label, fleet_size
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, viewport
from e2lm_core.ui.cache import results

GROUP_HELP = language.mark(
    "All numbers of this set are of these models and checkpoints: a folder, a cache or a model that is added changes "
    "none of them. A run makes its models the group; a group that is saved can be chosen for every set."
)
ROLES = ("size", "arch", "role", "seed", "seed_of", "twin_of", "early_end_step", "tokens_per_step")
_NUMBER, _TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
_ROLE_COLUMNS = {
    "model": _TEXT(pinned=True),
    "arch": _TEXT(language.mark("architecture")),
    "seed": _NUMBER(language.mark("seed"), step=1),
    "seed_of": _TEXT(
        language.mark("seed of"),
        help=language.mark("The model that this one is another training run of: seeds are not ranked."),
    ),
    "twin_of": _TEXT(
        language.mark("web twin of"),
        help=language.mark("The science model that this one is the same as, but for science text."),
    ),
    "early_end_step": _NUMBER(
        language.mark("early up to step"),
        min_value=0,
        step=1,
        help=language.mark("The last step of the early window; SQ needs 8."),
    ),
    "tokens_per_step": _NUMBER(language.mark("tokens a step"), min_value=1, step=1),
}


def group_control(task: TaskSet) -> None:
    """Draw the choice of the set's model group, with a button that deletes a saved one."""
    current, saved = (
        results.fleet(task),
        {fleet.name: fleet for fleet in fleets.list_fleets(session.studio())},
    )
    names = list(dict.fromkeys([current.name, *saved]))
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="small"):
        picked = st.selectbox(
            language.translate("Model group"),
            names,
            format_func=lambda name: language.translate(fleet_label(name)),
            key=f"group_{task.address}_{current.name}_{len(names)}",
            width=320,
            help=markdown.escape(language.translate(GROUP_HELP)),
        )
        if current.name in saved and current.name in fleets.saved_names(session.studio().settings):
            _delete_button(current.name)
    if picked != current.name and picked in saved:
        widgets.perform_action(partial(choose_group, task, saved[picked]))
    markdown.caption(Sentence("{size}.", size=fleet_size(current)))


def choose_group(task: TaskSet, fleet: Fleet) -> None:
    """Make a fleet that of the set, and show its models in the controls of a run."""
    fleets.choose_fleet(session.studio(), task.address, fleet, results.fleet(task).num_fewshot)
    forget_choice(task)


def forget_choice(task: TaskSet) -> None:
    """Let the controls of a run show the models of the set's fleet again."""
    for key in (f"run_models_{task.address}", f"run_seeds_{task.address}", f"run_density_{task.address}"):
        st.session_state.pop(key, None)


def _delete_button(name: str) -> None:
    with st.popover(language.translate("Delete"), icon=":material/delete:"):
        markdown.markdown(
            markdown.fill_template(
                "The group **{name}** is deleted. The sets that have it keep its models and roles.", name=name
            )
        )
        if st.button(language.translate("Delete it"), type="primary", key="group_delete"):
            widgets.perform_action(partial(fleets.delete_fleet, session.studio(), name))


def save_form(task: TaskSet, checkpoints: Sequence[Checkpoint]) -> None:
    """Draw the form that saves the selected models as a group, with their roles."""
    current = results.fleet(task)
    with st.expander(language.translate("Save these models as a group"), icon=":material/bookmark_add:"):
        if not checkpoints:
            st.caption(language.translate("Select a model first."))
            return
        declared = fleets.apply_roles(checkpoints, _roles_of(task))
        frame = _role_frame(declared)
        edited = st.data_editor(
            frame,
            hide_index=True,
            disabled=["model", "checkpoints"],
            key=f"group_roles_{task.address}_{current.digest}_{len(checkpoints)}",
            column_config=widgets.headings(frame.columns, _ROLE_COLUMNS | {"role": _role_column()}),
        )
        with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="small"):
            is_saved = current.name in fleets.saved_names(session.studio().settings)
            name = st.text_input(
                language.translate("Name of the group"),
                current.name if is_saved else "",
                key="group_name",
                placeholder=language.translate("My runs"),
                width=260,
            )
            if st.button(
                language.translate("Save"),
                key="group_save",
                icon=":material/bookmark_add:",
                disabled=not name.strip(),
            ):
                widgets.perform_action(
                    partial(_save, task, name.strip(), checkpoints, edited, is_saved and current)
                )


def _role_column() -> Any:
    return st.column_config.SelectboxColumn(
        language.mark("reads"),
        options=["science", "web"],
        required=True,
        format_func=lambda role: language.translate(str(role)),
    )


def _save(
    task: TaskSet,
    name: str,
    checkpoints: Sequence[Checkpoint],
    edited: pd.DataFrame,
    before: OpenFleet | bool,
) -> None:
    names = tuple(checkpoint.name for checkpoint in checkpoints)
    fleet = Fleet(name=name, checkpoints=names, roles=read_roles(checkpoints, edited))
    is_same = isinstance(before, OpenFleet) and before.name == name
    fleets.save_fleet(session.studio(), fleet, replace=is_same)
    choose_group(task, fleet)
    markdown.toast(markdown.fill_template("Saved as {name}: this set's numbers are of it now.", name=name))


def _roles_of(task: TaskSet) -> dict[str, ModelRoles]:
    chosen = fleets.chosen_fleet(session.studio().settings, task.address)
    return {} if chosen is None else chosen.fleet.roles


def _role_frame(checkpoints: Sequence[Checkpoint]) -> pd.DataFrame:
    """One row per model with its roles, as they are in effect."""
    rows: dict[str, dict[str, Any]] = {}
    for checkpoint in checkpoints:
        model = checkpoint.model
        row = rows.setdefault(
            model.name,
            {"model": model.name, "checkpoints": 0}
            | {key: getattr(model, key) for key in ROLES[:6]}
            | {"early_end_step": None, "tokens_per_step": None},
        )
        row["checkpoints"] += 1
        if checkpoint.early:
            row["early_end_step"] = checkpoint.step
        if checkpoint.tokens_seen and checkpoint.step:
            row["tokens_per_step"] = checkpoint.tokens_seen // checkpoint.step
    frame = pd.DataFrame(list(rows.values()))
    numbers = ["seed", "early_end_step", "tokens_per_step"]
    return frame.astype(
        dict.fromkeys(numbers, "Int64") | dict.fromkeys(["size", "arch", "seed_of", "twin_of"], "string")
    )


def read_roles(checkpoints: Sequence[Checkpoint], edited: pd.DataFrame) -> dict[str, ModelRoles]:
    """Roles that differ from those of the catalogue, by model.

    Args:
        checkpoints: Checkpoints as in the catalogue.
        edited: One row per model, a column for each of `ROLES`.

    Raises:
        CheckpointError: A value is not allowed.
    """
    plain = {row["model"]: row for row in _role_frame(checkpoints).to_dict("records")}
    roles = {}
    for row in edited.to_dict("records"):
        values = {
            key: _value(row[key]) for key in ROLES if _value(row[key]) != _value(plain[row["model"]][key])
        }
        if not values:
            continue
        try:
            roles[row["model"]] = ModelRoles.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            raise CheckpointError(
                Sentence(
                    "{model}: {field}: {reason}.",
                    model=row["model"],
                    field=first["loc"][0],
                    reason=first["msg"],
                )
            ) from error
    return roles


def _value(cell: Any) -> Any:
    """Value of a cell: None if it is empty, a whole number as int."""
    if pd.isna(cell) or cell == "":
        return None
    return int(cell) if isinstance(cell, float) else cell
