"""A lane a chat: each in its order, none waiting for another."""

from __future__ import annotations

import math
from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.slot import Ticket
from domain.methods import method_named
from domain.rules.lanes import Lanes
from tests.examples import a_command


def a_ticket(name: str, chat: str | None = "1") -> Ticket:
    method = method_named("sendMessage")
    assert method is not None
    return Ticket(a_command(command_id=name, chat=chat), method, chat, 0.0, 30.0, lambda _: None)


def joined(*tickets: Ticket) -> Lanes:
    lanes = Lanes()
    for ticket in tickets:
        lanes.join(ticket)
    return lanes


def test_a_chat_leaves_in_its_order_and_one_at_a_time() -> None:
    one, two = a_ticket("one"), a_ticket("two")
    lanes = joined(one, two)

    assert one is lanes.head()
    lanes.head_leaves()
    assert None is lanes.head()
    lanes.free(one.lane)
    assert two is lanes.head()


def test_chats_do_not_wait_for_each_other() -> None:
    one, two = a_ticket("one", "1"), a_ticket("two", "2")
    lanes = joined(one, two)
    lanes.head_leaves()

    assert two is lanes.head()


def test_commands_without_a_chat_do_not_wait_for_each_other() -> None:
    lanes = joined(a_ticket("one", None), a_ticket("two", None))
    lanes.head_leaves()
    head = lanes.head()

    assert head is not None
    assert "two" == head.command.command_id


def test_all_that_wait_are_known_whatever_they_wait_for() -> None:
    out, behind, asleep, ready = a_ticket("out"), a_ticket("behind"), a_ticket("asleep", "2"), a_ticket("ready", "3")
    lanes = joined(out, behind, asleep, ready)
    lanes.head_leaves()
    lanes.head_sleeps(math.inf)

    assert [behind, asleep, ready] == lanes.waiting()


def test_what_comes_back_goes_first_and_not_before_its_time() -> None:
    one, two = a_ticket("one"), a_ticket("two")
    lanes = joined(one, two)
    lanes.head_leaves()
    lanes.come_back(one, 5.0)

    assert (None, 5.0) == (lanes.head(), lanes.next_wake())
    lanes.wake(4.9)
    assert None is lanes.head()
    lanes.wake(5.0)
    assert one is lanes.head()


def test_a_sleeping_chat_keeps_only_itself_waiting() -> None:
    one, other = a_ticket("one", "1"), a_ticket("other", "2")
    lanes = joined(one, other)
    lanes.head_sleeps(9.0)

    assert other is lanes.head()


def test_who_joins_a_sleeping_chat_does_not_wake_it() -> None:
    lanes = joined(a_ticket("one"))
    lanes.head_sleeps(9.0)
    lanes.join(a_ticket("two"))

    assert None is lanes.head()


def test_when_the_sleeper_is_gone_the_next_is_looked_at() -> None:
    one, two = a_ticket("one"), a_ticket("two")
    lanes = joined(one, two)
    lanes.head_sleeps(9.0)
    lanes.remove(one)

    assert two is lanes.head()
    assert math.inf == lanes.next_wake()


def test_when_another_than_the_sleeper_is_gone_it_sleeps_on() -> None:
    one, two = a_ticket("one"), a_ticket("two")
    lanes = joined(one, two)
    lanes.head_sleeps(9.0)
    lanes.remove(two)

    assert (None, 9.0) == (lanes.head(), lanes.next_wake())


def test_who_sleeps_is_not_woken_by_the_alarm_of_one_that_is_gone() -> None:
    one, two = a_ticket("one"), a_ticket("two")
    lanes = joined(one, two)
    lanes.head_sleeps(5.0)
    lanes.remove(one)
    lanes.head_sleeps(9.0)
    lanes.wake(5.0)

    assert (None, 9.0) == (lanes.head(), lanes.next_wake())


def test_what_is_not_there_is_removed_without_fuss() -> None:
    one = a_ticket("one")
    lanes = joined(one)
    lanes.head_leaves()
    lanes.remove(one)
    lanes.remove(a_ticket("two", "2"))

    assert 0 == len(lanes)


def test_a_call_of_a_predecessor_keeps_its_chat_busy() -> None:
    lanes = Lanes()
    one = a_ticket("one")
    lanes.busy(one.lane)
    lanes.join(one)

    assert None is lanes.head()
    lanes.free(one.lane)
    assert one is lanes.head()


class Naive:
    """The same, as one would say it: slowly."""

    def __init__(self) -> None:
        self.waiting: dict[str, deque[Ticket]] = {}
        self.out: dict[str, Ticket] = {}
        self.until: dict[str, float] = {}
        self.now = 0.0

    def may_leave(self) -> set[Ticket]:
        return {
            queue[0]
            for lane, queue in self.waiting.items()
            if queue and lane not in self.out and self.until.get(lane, -1.0) <= self.now
        }


moves = st.lists(
    st.tuples(
        st.sampled_from(["join", "leave", "end", "sleep", "back", "free", "remove", "rouse", "time"]),
        st.integers(0, 3),
        st.integers(0, 6),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(moves)
def test_whatever_comes_and_goes_exactly_those_are_ready_that_should_be(story: list[tuple[str, int, int]]) -> None:
    lanes, naive, names = Lanes(), Naive(), iter(range(1000))
    for what, chat, number in story:
        played(lanes, naive, what, f"{chat}", number, f"{next(names)}")
        lanes.wake(naive.now)

        ready = naive.may_leave()
        assert (lanes.head() in ready) if ready else lanes.head() is None
        assert sum(map(len, naive.waiting.values())) == len(lanes)
        assert lanes.next_wake() >= naive.now
    assert ready_of(lanes) == naive.may_leave() if story else True


def played(lanes: Lanes, naive: Naive, what: str, chat: str, number: int, name: str) -> None:
    lane, head = f"chat:{chat}", lanes.head()
    match what:
        case "join":
            ticket = a_ticket(name, chat)
            lanes.join(ticket)
            naive.waiting.setdefault(lane, deque()).append(ticket)
        case "leave" if head is not None:
            lanes.head_leaves()
            naive.out[head.lane] = naive.waiting[head.lane].popleft()
        case "end" if head is not None:
            lanes.head_ends()
            naive.waiting[head.lane].popleft()
        case "sleep" if head is not None:
            lanes.head_sleeps(naive.now + number)
            naive.until[head.lane] = naive.now + number
        case "back" if lane in naive.out:
            ticket = naive.out.pop(lane)
            lanes.come_back(ticket, naive.now + number)
            naive.waiting[lane].appendleft(ticket)
            naive.until[lane] = naive.now + number
        case "free" if lane in naive.out:
            del naive.out[lane]
            lanes.free(lane)
        case "remove" if naive.waiting.get(lane):
            queue = naive.waiting[lane]
            ticket = queue[number % len(queue)]
            if queue[0] is ticket:
                naive.until.pop(lane, None)
            queue.remove(ticket)
            lanes.remove(ticket)
        case "rouse" if naive.waiting.get(lane):
            naive.until.pop(lane, None)
            lanes.rouse(lambda ticket: ticket.lane == lane)
        case "time":
            naive.now += number


def ready_of(lanes: Lanes) -> set[Ticket]:
    found = set()
    while (head := lanes.head()) is not None:
        found.add(head)
        lanes.head_leaves()
    return found
