"""The settings of limits: what is understood, what is refused and how, and that no password is shown."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from ops import limits, settings
from ops.cli import app

PASSWORD = "a-password-that-nobody-may-see"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("createForumTopic=0.5", {"createForumTopic": 0.5}),
        (" senddocument = 5 , createForumTopic=.5, ", {"sendDocument": 5.0, "createForumTopic": 0.5}),
    ],
)
def test_methods_are_named_as_the_bot_api_names_them(text: str, expected: dict[str, float]) -> None:
    assert expected == limits.by_method(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sendDocment=5", "the Bot API has no method sendDocment. Did you mean sendDocument?"),
        ("paint=5", "the Bot API has no method paint."),
        ("=5", "the Bot API has no method =5."),
        ("getMe", "getMe needs requests per second above 0, like getMe=0.5"),
        ("getMe=fast", "getMe needs requests per second above 0, like getMe=0.5"),
        ("getMe=0", "getMe needs requests per second above 0, like getMe=0.5"),
        ("getMe=-1", "getMe needs requests per second above 0, like getMe=0.5"),
        ("getMe=nan", "getMe needs requests per second above 0, like getMe=0.5"),
        ("getMe=inf", "getMe needs requests per second above 0, like getMe=0.5"),
        ("getMe=1,getme=2", "getMe is there twice"),
    ],
)
def test_what_is_no_limit_of_a_method_is_refused_by_its_name(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        limits.by_method(text)

    assert said == str(refused.value)


@pytest.mark.parametrize("uri", ["", "memory://", "MEMORY://"])
def test_memory_is_this_process_alone(uri: str) -> None:
    assert limits.storage(SecretStr(uri)) is None


@pytest.mark.parametrize(
    "uri", [f"mongodb://:{PASSWORD}@host", PASSWORD, f"redis://:{PASSWORD}@", "redis://", "redis://h:port"]
)
def test_what_names_no_redis_is_refused_without_its_password(uri: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        limits.storage(SecretStr(uri))

    assert PASSWORD not in str(refused.value)


def test_without_its_client_redis_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "find_spec", lambda _: None)
    monkeypatch.setenv("RATE_LIMIT_STORAGE_URI", f"redis://:{PASSWORD}@host/0")
    with pytest.raises(settings.BadSettings) as refused:
        settings.load()

    assert (
        'RATE_LIMIT_STORAGE_URI: needs the Redis client, which is not installed: pip install "botloft[redis]"'
        == str(refused.value)
    )


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        (f"redis://:{PASSWORD}@host:6379/1?password={PASSWORD}", "redis://host:6379/1"),
        (f"rediss://{PASSWORD}:{PASSWORD}@[::1]/0", "rediss://[::1]/0"),
    ],
)
def test_the_settings_show_where_limits_are_kept_and_no_password(
    monkeypatch: pytest.MonkeyPatch, uri: str, shown: str
) -> None:
    monkeypatch.setenv("RATE_LIMIT_STORAGE_URI", uri)
    monkeypatch.setenv("BOTLOFT_METHOD_RPS", "getMe=5")
    printed = CliRunner().invoke(app, ["settings"], env={"COLUMNS": "300"}).stdout
    lines = {line.split()[0]: line.split()[1] for line in printed.splitlines() if line}

    assert PASSWORD not in printed
    assert PASSWORD not in repr(settings.load())
    assert (shown, "getMe=5") == (lines["RATE_LIMIT_STORAGE_URI"], lines["BOTLOFT_METHOD_RPS"])


def test_a_name_with_our_prefix_is_told_what_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTLOFT_RATE_LIMIT_STORAGE_URI", "memory://")
    with pytest.raises(settings.BadSettings) as refused:
        settings.load()

    assert "Did you mean RATE_LIMIT_STORAGE_URI?" in str(refused.value)
