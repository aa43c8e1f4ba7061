"""What the source says of the fields of a struct: the sentence that stands below each."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from typing import Any


def notes_of(struct: Any, base: type) -> dict[str, str]:
    """By field; of this class and those that it is made from, as far as they are made from `base` in turn."""
    told: dict[str, str] = {}
    for made_from in reversed(struct.__mro__):
        if issubclass(made_from, base):
            told |= _told_in(made_from)
    return told


@cache
def _told_in(struct: Any) -> dict[str, str]:
    try:
        source = inspect.cleandoc("\n" + inspect.getsource(struct))
    except (OSError, TypeError):
        # Made while the program runs.
        return {}
    definition: Any = ast.parse(source).body[0]
    told = {}
    for field, after in zip(definition.body, definition.body[1:], strict=False):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                told[name] = inspect.cleandoc(text)
    return told
