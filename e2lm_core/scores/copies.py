"""Copies of a question in one set: the same text and the same choices, in any order.

Models answer them alike, so resamples draw them together (`Measurements.resampling_groups`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def number_rows(rows: ArrayLike) -> NDArray[np.intp]:
    """Number of each distinct row [N, M] -> [N], from 0."""
    return np.unique(np.asarray(rows), axis=0, return_inverse=True)[1].reshape(-1)


def number_copies(question_texts: ArrayLike, choice_texts: ArrayLike) -> NDArray[np.intp] | None:
    """Number of each distinct question [Q], which its copies share; None without copies.

    Args:
        question_texts: A number for each question's text [Q], int.
        choice_texts: A number for each choice's text [Q, C], int, -1 where there is no choice.
    """
    asked = np.asarray(question_texts)
    if len(np.unique(asked)) == len(asked):
        return None
    numbers = number_rows(np.column_stack([asked, np.sort(np.asarray(choice_texts), axis=1)]))
    return numbers if numbers.max() + 1 < len(asked) else None


def join_copies(
    groups: Sequence[str | None], copies: NDArray[np.intp], ids: Sequence[str]
) -> tuple[str | None, ...]:
    """Groups [Q] in which copies of a question are in one group, with all that share a group with one of them.

    Args:
        groups: Group of each question [Q], None for a question by itself; empty for none at all.
        copies: Number of each distinct question [Q], of `number_copies`.
        ids: Ids of the questions [Q], unlike each other; a group without a name takes its first question's.
    """
    from scipy.sparse import coo_array  # few sets have copies, and no page waits for the import
    from scipy.sparse.csgraph import connected_components

    names = list(groups) or [None] * len(ids)
    numbers = {name: len(ids) + at for at, name in enumerate(dict.fromkeys(filter(None, names)))}
    first = {copy: at for at, copy in reversed(list(enumerate(copies.tolist())))}
    edges = [(at, first[copy]) for at, copy in enumerate(copies.tolist())]
    edges += [(at, numbers[name]) for at, name in enumerate(names) if name]
    size = len(ids) + len(numbers)
    ends = np.array(edges).T
    _, parts = connected_components(coo_array((np.ones(len(edges)), tuple(ends)), shape=(size, size)), False)
    of_questions = parts[: len(ids)]
    many = np.bincount(of_questions, minlength=size) > 1
    named: dict[int, str] = {}
    for at, part in enumerate(of_questions.tolist()):
        if (name := names[at]) is not None:
            named.setdefault(part, name)
        elif many[part]:
            named.setdefault(part, f"copies of {ids[at]}")
    return tuple(named.get(part) for part in of_questions.tolist())
