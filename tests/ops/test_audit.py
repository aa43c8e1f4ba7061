"""What `make audit` says: never that nothing is wrong where nothing was looked at."""

from __future__ import annotations

import json

import pytest

from ops.audit import verdict

CLEAN = {"name": "starlette", "version": "1.0.0", "vulns": []}
BAD = {
    "name": "jinja2",
    "version": "2.4.1",
    "vulns": [
        {"id": "PYSEC-2014-8", "fix_versions": ["2.7.2"], "aliases": ["CVE-2014-1402"], "description": "long"},
        {"id": "PYSEC-2099-1", "fix_versions": [], "aliases": [], "description": "long"},
    ],
}
SKIPPED = {"name": "uvicorn", "skip_reason": "Dependency not found on PyPI and could not be audited: uvicorn (0.1)"}
UNASKED = "NOT AUDITED: PyPI could not be asked. Run `make audit` on a machine that reaches it."


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ([CLEAN, CLEAN], (0, "No known vulnerabilities in 2 packages.")),
        ([SKIPPED], (0, "NOT AUDITED: PyPI told nothing of any of the 1 packages.")),
        ([CLEAN, SKIPPED], (0, "No known vulnerabilities in 1 packages. NOT AUDITED: uvicorn.")),
        (
            [CLEAN, *[SKIPPED] * 7],
            (
                0,
                "No known vulnerabilities in 1 packages. "
                "NOT AUDITED: uvicorn, uvicorn, uvicorn, uvicorn, uvicorn, and 2 more.",
            ),
        ),
        (
            [CLEAN, BAD],
            (
                1,
                "jinja2 2.4.1: PYSEC-2014-8, fixed in 2.7.2\njinja2 2.4.1: PYSEC-2099-1, no fix yet\n"
                "2 known vulnerabilities in 2 packages.",
            ),
        ),
    ],
)
def test_what_was_found_fails_and_what_was_not_looked_at_is_said(
    packages: list[object], expected: tuple[int, str]
) -> None:
    assert expected == verdict(json.dumps({"dependencies": packages, "fixes": []}))


@pytest.mark.parametrize("told", ["", "Traceback (most recent call last):", "{}", "[]", "null", '{"dependencies": '])
def test_where_pypi_could_not_be_asked_nothing_is_claimed(told: str) -> None:
    assert (0, UNASKED) == verdict(told)
