"""What the commands that ask a running gateway have in common: where it is, whose key, and how it ends.

Exit codes: 0 done, 1 refused or failed, 2 a mistake in the command itself, 3 the gateway cannot be reached.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

from ops import settings as our_settings
from ops.access import NotReached, Refused
from ops.client import AdminClient, url_of

REFUSED, UNREACHED = 1, 3

Url = Annotated[str | None, typer.Option(help="the gateway; else BOTLOFT_URL, else where the settings say it listens")]
Reason = Annotated[str, typer.Option(help="why, for the record")]


@contextmanager
def asking(url: str | None) -> Iterator[AdminClient]:
    """With the admin's key of the environment, or typed in: others can see options, in the list of processes."""
    with trouble_said():
        found = our_settings.load()
        yield AdminClient(where(url, found), _key(found))


def where(url: str | None, found: our_settings.Settings) -> str:
    """Raises NotReached."""
    return url or os.environ.get("BOTLOFT_URL") or url_of(found)


@contextmanager
def trouble_said() -> Iterator[None]:
    """What goes wrong is said in a sentence, on standard error."""
    try:
        yield
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


def failed(sentence: str, code: int) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
