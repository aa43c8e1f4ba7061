"""Whatever is sent, with whichever key: an answer that was promised, and no failure of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.sandbox.client import running_sandbox
from tests.acceptance.fuzzing import KEYS, Fuzzing
from tests.acceptance.gateway_process import FAST, Gateway


@pytest.fixture(scope="module")
def fuzzing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzing]:
    with running_sandbox() as sandbox:
        gateway = Gateway(tmp_path_factory.mktemp("fuzz") / "state", sandbox.base_url, **FAST).start()
        fuzzing = Fuzzing(gateway, sandbox)
        yield fuzzing
        fuzzing.close()
        assert gateway.stop() == 0
        assert "request_failed" not in gateway.log.read_text()


@pytest.mark.parametrize("who", KEYS)
def test_every_answer_is_one_that_the_document_promises(fuzzing: Fuzzing, who: str) -> None:
    before = fuzzing.sent

    assert "" == "\n\n".join(fuzzing.faults(who))
    assert before < fuzzing.sent
