from __future__ import annotations

from domain import events as e
from domain.rules.validation import Verdict, Why
from projections.runner import Runner
from projections.tokens import TokenStatus, token_status
from projections.views import Views
from tests.examples import BOT_ID, OTHER_BOT_ID, TENANT, after
from tests.projections.sample_events import Log, registered, removed


def test_a_token_s_status_is_the_last_that_was_said_of_it(log: Log, runner: Runner, views: Views) -> None:
    def told(*events: e.Event) -> list[TokenStatus | None]:
        log.append(*events)
        runner.catch_up()
        return [token_status(views, bot_id) for bot_id in (BOT_ID, OTHER_BOT_ID)]

    who = {"bot_id": BOT_ID, "tenant_id": TENANT}
    new = TokenStatus(Verdict.VALID, after(0), Why.REGISTRATION)

    assert [new, new] == told(registered(), registered(OTHER_BOT_ID))
    assert [TokenStatus(Verdict.TIMEOUT, after(1), Why.ASKED), new] == told(
        e.TokenValidated(**who, occurred_at=after(1), category=Verdict.TIMEOUT, why=Why.ASKED)
    )
    assert [
        TokenStatus(Verdict.VALID, after(2), Why.DAILY),
        TokenStatus(Verdict.REVOKED, after(2), Why.DAILY),
    ] == told(e.TokensInspected(occurred_at=after(2), tenant_id="operator", valid=(BOT_ID,), revoked=(OTHER_BOT_ID,)))
    assert [None, TokenStatus(Verdict.REVOKED, after(2), Why.DAILY)] == told(removed())
