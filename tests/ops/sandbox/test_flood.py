import pytest

from ops.sandbox.flood import HELD_S_MAX, Flood, Limits

NOON = 43_200.0
SENT = None


def flood(**limits: float) -> Flood:
    return Flood(Limits(**limits))


def test_a_chat_takes_a_short_burst_and_then_one_message_a_second() -> None:
    limits = flood(chat_burst=3)

    assert [SENT, SENT, SENT, 1] == [limits.retry_after(1, 5, NOON) for _ in range(4)]
    assert limits.retry_after(1, 5, NOON + 1) is SENT


def test_a_held_chat_leaves_the_other_chats_alone() -> None:
    limits = flood(chat_burst=1)

    assert [SENT, 1] == [limits.retry_after(1, 5, NOON) for _ in range(2)]
    assert limits.retry_after(1, 6, NOON) is SENT


def test_a_bot_sends_thirty_messages_a_second_to_all_its_chats() -> None:
    limits = flood()

    assert [SENT] * 30 == [limits.retry_after(1, chat, NOON) for chat in range(1, 31)]
    assert 1 == limits.retry_after(1, 31, NOON)
    assert limits.retry_after(2, 31, NOON) is SENT
    assert limits.retry_after(1, 31, NOON + 1) is SENT


def test_a_group_takes_twenty_messages_a_minute() -> None:
    limits = flood(bot_rps=1000, chat_rps=1000, chat_burst=1000)

    assert [SENT] * 20 == [limits.retry_after(1, -100, NOON + second) for second in range(20)]
    assert 40 == limits.retry_after(1, -100, NOON + 20)


def test_who_asks_too_early_waits_longer() -> None:
    limits = flood(chat_burst=1)
    limits.retry_after(1, 5, NOON)

    assert 1 == limits.retry_after(1, 5, NOON)
    assert 2 == limits.retry_after(1, 5, NOON + 0.5)
    assert 2 == limits.retry_after(1, 5, NOON + 1.5)
    assert limits.retry_after(1, 5, NOON + 3) is SENT


def test_no_impatience_makes_the_wait_longer_than_its_bound() -> None:
    limits = flood(chat_burst=1)

    assert HELD_S_MAX == max(limits.retry_after(1, 5, NOON) or 0 for _ in range(200))


@pytest.mark.parametrize("second", range(0, 20, 3))
def test_a_steady_pace_below_the_limits_is_never_refused(second: int) -> None:
    limits = flood()

    assert {SENT} == {limits.retry_after(1, 5, NOON + second + n) for n in range(100)}
