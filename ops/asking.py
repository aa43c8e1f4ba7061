"""What the commands that ask a running gateway have in common: where it is, whose key, and how it ends.

Exit codes: 0 done, 1 refused or failed, 2 a mistake in the command itself, 3 the gateway cannot be reached.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from ops import settings as our_settings
from ops.client import AdminClient, NotReached, Refused, url_of

REFUSED, UNREACHED = 1, 3

Url = Annotated[str | None, typer.Option(help="where the gateway listens; by default as the settings say")]
Key = Annotated[
    str | None,
    typer.Option(help="an admin's key; others can see options, so better set BOTLOFT_ADMIN_KEY or type it when asked"),
]


@contextmanager
def asking(url: str | None, key: str | None) -> Iterator[AdminClient]:
    """What goes wrong is said in a sentence, on standard error."""
    try:
        found = our_settings.load()
        yield AdminClient(url or url_of(found), key or _key(found))
    except NotReached as error:
        failed(str(error), UNREACHED)
    except (Refused, our_settings.BadSettings) as error:
        failed(str(error), REFUSED)


def _key(found: our_settings.Settings) -> str:
    if found.admin_key is not None:
        return found.admin_key.get_secret_value()
    if not sys.stdin.isatty():
        raise Refused("It takes an admin's key: set BOTLOFT_ADMIN_KEY.")
    return str(typer.prompt("Admin key", hide_input=True))


def failed(sentence: str, code: int) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
