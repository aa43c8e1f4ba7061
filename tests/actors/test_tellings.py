"""What a process died over is told by the next one: an alert that was not raised, or not cleared."""

from __future__ import annotations

import msgspec

from actors.messages import ClearAlert, RaiseAlert
from actors.takeover import taken_over
from actors.tellings import left_untold, tellings
from domain.bot import Bot
from domain.identities import REVOKED
from tests.doubles import a_registered_bot
from tests.examples import BOT_ID, OTHER_BOT_ID, TENANT, an_identity


def refused(bot_id: int = BOT_ID) -> Bot:
    return msgspec.structs.replace(a_registered_bot(bot_id), suspended=REVOKED, suspended_by="botloft")


def test_an_alert_that_was_not_raised_is_raised_and_one_that_was_not_cleared_is_cleared() -> None:
    opened = [("token_revoked", OTHER_BOT_ID), ("bot_given_up", OTHER_BOT_ID)]
    cleared, raised = left_untold([refused(), a_registered_bot(OTHER_BOT_ID)], opened)

    assert ClearAlert("token_revoked", OTHER_BOT_ID) == cleared
    assert isinstance(raised, RaiseAlert)
    assert ("token_revoked", BOT_ID, TENANT) == (raised.kind, raised.bot_id, raised.tenant_id)


def test_a_bot_that_is_removed_ends_its_incident() -> None:
    removed = msgspec.structs.replace(refused(), owner=None, suspended=None, suspended_by=None)

    assert [ClearAlert("token_revoked", BOT_ID)] == list(tellings(refused(), removed))


def test_of_a_bot_that_another_tenant_takes_over_its_former_one_is_told_and_nobody_of_another_name() -> None:
    taken = msgspec.structs.replace(a_registered_bot(), owner=an_identity(tenant_id="globex", username="new_bot"))

    assert [taken_over(TENANT, BOT_ID)] == list(tellings(a_registered_bot(), taken))
