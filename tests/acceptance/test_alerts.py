"""An operator hears of a bot that is given up, and that it works again, though the process died in between."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops.sandbox.client import SandboxClient
from tests.acceptance.gateway_process import FAST, ROOT, Acme, Gateway

TOLD_WITHIN_S = 30


class Receiver:
    """The operator's end of the line."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/alerts"
        self.told: list[str] = []
        self._came = threading.Condition()

    def takes(self, body: bytes) -> None:
        with self._came:
            self.told.append(json.loads(body)["type"])
            self._came.notify_all()

    def hears(self, *types: str) -> None:
        with self._came:
            assert self._came.wait_for(lambda: self.told == list(types), TOLD_WITHIN_S), self.told


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.takes(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server.server_port)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield receiver
        server.shutdown()
        serving.join()


class FailingGateway(Gateway):
    command = (sys.executable, str(ROOT / "tests" / "acceptance" / "failing_gateway.py"))


def test_one_alert_when_a_bot_is_given_up_and_one_when_it_works_again_in_another_process(
    tmp_path: Path, sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "failing"
    monkeypatch.setenv("FAILING", str(failing))
    with receiving() as operator:
        settings = {**FAST, "ALERT_URL": operator.url, "ALERT_SECRET": "what the operator's end of the line knows"}
        gateway = FailingGateway(tmp_path / "state", sandbox.base_url, **settings).start()
        acme = Acme(gateway, sandbox)
        failing.touch()
        with acme.client() as client, gateway.admin() as admin:
            given_up = acme.send(client, 5, "the bug strikes")
            operator.hears("alert.raised")
            (alert,) = admin.get("/admin/system/stats").json()["alerts"]
        gateway.kill()
        failing.unlink()

        gateway.start()
        with gateway.admin() as admin:
            still_open = admin.get("/admin/system/stats").json()["alerts"]
        operator.hears("alert.raised", "alert.cleared")
        with acme.client() as client, gateway.admin() as admin:
            works = acme.send(client, 5, "all is well")
            after = admin.get("/admin/system/stats").json()["alerts"]
        assert gateway.stop() == 0

        gateway.start()
        with acme.client() as client:
            acme.send(client, 5, "still well").raise_for_status()
        assert gateway.stop() == 0

    assert given_up.json()["code"] == "bot_suspended"
    assert (alert["kind"], alert["bot_id"], alert["tenant_id"]) == ("bot_given_up", acme.bot_id, acme.tenant_id)
    assert "failed 6 times in a minute (ZeroDivisionError)" in alert["detail"]
    assert still_open == [alert]
    assert works.json()["outcome"] == "delivered"
    assert after == []
    assert operator.told == ["alert.raised", "alert.cleared"]
    assert sandbox.texts(acme.bot_id) == ["all is well", "still well"]
