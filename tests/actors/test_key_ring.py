"""When keys were used: exact in memory, and on disk often enough."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from actors.key_ring import BEAT_S, KeyRing, KeyUses, used_before
from actors.ports import Ports
from domain.errors import StoreUnavailable
from domain.events import KeyIssued, KeyUsed, TenantRegistered
from domain.keys import hashed
from domain.store.ledger import Ledger
from domain.store.mapper import Entry
from domain.store.sqlite import SQLiteStore
from domain.streams import key_uses_stream
from domain.tenant import Tenant
from tests.doubles import ManualClock, ManualTimers, MemoryJournal, ScriptedTelegram, a_seal
from tests.examples import NOON, OTHER_TENANT, TENANT, a_new_key, a_tenant, after

KEY, OTHER = a_new_key(1), a_new_key(2)
DAY_S = 86_400


def with_key(tenant_id: str, key_id: str) -> Tenant:
    issued = KeyIssued(
        occurred_at=NOON, tenant_id=tenant_id, key_id=key_id, secret_hash=hashed("x"), scopes=("tenant",)
    )
    return a_tenant(TenantRegistered(occurred_at=NOON, tenant_id=tenant_id, name="A"), issued, tenant_id=tenant_id)


class Uses:
    """Two tenants with a key each."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.timers = ManualTimers(self.clock)
        self.journal = MemoryJournal()
        self.ring = KeyRing()
        for tenant_id, key in ((TENANT, KEY), (OTHER_TENANT, OTHER)):
            self.ring.became(Tenant(tenant_id), with_key(tenant_id, key.key_id))
        telegram = ScriptedTelegram(self.clock)
        ports = Ports(self.clock, self.timers, self.journal, telegram, lambda: 0.5, a_seal)
        self.uses = KeyUses(self.ring, ports)

    def used_at(self, key_id: str = KEY.key_id) -> datetime:
        now = self.clock.utc()
        self.ring.was_used(key_id, now)
        return now

    def goes_on(self, seconds: float) -> None:
        self.timers.advance(seconds, self.journal.commit)

    @property
    def written(self) -> list[tuple[str, str, datetime]]:
        return [
            (recorded.stream, recorded.event.key_id, recorded.event.last_used_at)
            for recorded in self.journal.log
            if isinstance(recorded.event, KeyUsed)
        ]


def test_a_key_s_first_use_is_on_disk_within_ten_minutes_and_one_that_is_not_used_never() -> None:
    uses = Uses()
    uses.used_at()
    uses.goes_on(1)
    last = uses.used_at()
    uses.goes_on(BEAT_S)

    assert [("uses/acme", KEY.key_id, last)] == uses.written


def test_a_key_in_constant_use_is_written_down_once_a_day() -> None:
    uses = Uses()
    for _ in range(3 * DAY_S // int(BEAT_S)):
        uses.used_at()
        uses.goes_on(BEAT_S)

    assert [after(0), after(DAY_S), after(2 * DAY_S)] == [used for _, _, used in uses.written]


def test_an_orderly_stop_writes_down_what_is_not_there_yet_and_nothing_twice() -> None:
    uses = Uses()
    uses.used_at(OTHER.key_id)
    uses.used_at()
    uses.goes_on(BEAT_S)
    last = uses.used_at()
    uses.uses.stop()
    uses.goes_on(10 * BEAT_S)

    assert [(OTHER.key_id, NOON), (KEY.key_id, NOON), (KEY.key_id, last)] == [(one, at) for _, one, at in uses.written]


def test_what_could_not_be_written_is_tried_again_at_the_next_beat() -> None:
    uses = Uses()
    used = uses.used_at()
    uses.journal.note = lambda _, then, __: then(StoreUnavailable("full"))  # type: ignore[method-assign]
    uses.goes_on(BEAT_S)
    del uses.journal.note
    uses.goes_on(BEAT_S)

    assert [used] == [at for _, _, at in uses.written]


def test_a_revoked_key_is_forgotten() -> None:
    uses = Uses()
    uses.used_at()
    uses.ring.became(with_key(TENANT, KEY.key_id), Tenant(TENANT))
    uses.goes_on(2 * BEAT_S)

    assert ([], None, None) == (uses.written, uses.ring.find(KEY.key_id), uses.ring.last_use(KEY.key_id))


def test_the_next_process_reads_the_newest_of_each_key(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "log.db")
    ledger, stream = Ledger(store), key_uses_stream(TENANT)
    told = [(KEY.key_id, 5), (OTHER.key_id, 7), (KEY.key_id, 90)]
    ledger.append(
        [
            Entry(stream, n, KeyUsed(occurred_at=after(100), tenant_id=TENANT, key_id=key_id, last_used_at=after(s)))
            for n, (key_id, s) in enumerate(told, 1)
        ]
    )

    assert {KEY.key_id: after(90), OTHER.key_id: after(7)} == used_before(ledger, TENANT)
    assert {} == used_before(ledger, OTHER_TENANT)
    store.close()
