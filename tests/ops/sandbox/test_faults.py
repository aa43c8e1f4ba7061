from ops.sandbox.faults import Fault, Faults

ALWAYS = float  # float() is 0.0: a draw that is below every probability


def faults(*wanted: Fault) -> Faults:
    some = Faults()
    for fault in wanted:
        some.add(fault)
    return some


def test_a_fault_strikes_as_often_as_it_was_told_to() -> None:
    some = faults(Fault("status", times=2))

    assert ["status", "status", None] == [some.strike(1, "getMe", None, ALWAYS).kind for _ in range(3)]


def test_a_fault_without_a_number_of_times_strikes_until_it_is_removed() -> None:
    some = faults(Fault("close_before", times=None))

    assert {"close_before"} == {some.strike(1, "getMe", None, ALWAYS).kind for _ in range(50)}
    assert some.remove(1)
    assert some.strike(1, "getMe", None, ALWAYS).kind is None


def test_a_fault_strikes_only_the_bot_the_method_and_the_chat_it_names() -> None:
    some = faults(Fault("status", bot_id=1, method="sendMessage", chat_id=5))

    assert some.strike(2, "sendMessage", 5, ALWAYS).kind is None
    assert some.strike(1, "sendPhoto", 5, ALWAYS).kind is None
    assert some.strike(1, "sendMessage", 6, ALWAYS).kind is None
    assert "status" == some.strike(1, "sendMessage", 5, ALWAYS).kind


def test_what_chance_spares_is_not_counted() -> None:
    some = faults(Fault("status", probability=0.3))

    assert some.strike(1, "getMe", None, lambda: 0.3).kind is None
    assert 0 == some.by_id[1].struck
    assert "status" == some.strike(1, "getMe", None, lambda: 0.29).kind


def test_a_delay_comes_together_with_another_fault() -> None:
    struck = faults(Fault("latency", latency_ms=40), Fault("reset_after")).strike(1, "getMe", None, ALWAYS)

    assert 40 == struck.latency_ms
    assert "reset_after" == struck.kind


def test_of_two_faults_that_spoil_an_answer_the_older_one_strikes_first() -> None:
    some = faults(Fault("html"), Fault("malformed"))

    assert ["html", "malformed"] == [some.strike(1, "getMe", None, ALWAYS).kind for _ in range(2)]


def test_the_other_kinds_may_be_slow_too() -> None:
    assert 25 == faults(Fault("lost_ok", latency_ms=25)).strike(1, "getMe", None, ALWAYS).latency_ms
