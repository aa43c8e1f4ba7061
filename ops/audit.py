"""`make audit`: known vulnerabilities of what constraints.txt pins, by pip-audit, which asks PyPI.

pip-audit says "no known vulnerabilities" also where it could ask about nothing; here an audit that did not happen is
called so. It fails for what it found, and not for a network that is not there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

COMMAND = (
    *(sys.executable, "-m", "pip_audit", "--requirement", "constraints.txt", "--no-deps", "--disable-pip"),
    *("--format", "json", "--progress-spinner", "off"),
)
SHOWN = 5


def main() -> int:
    if find_spec("pip_audit") is None:
        return _said(0, "NOT AUDITED: pip-audit is not installed, and could not be.")
    ended = subprocess.run(COMMAND, capture_output=True, text=True, check=False)  # noqa: S603  ourselves
    return _said(*verdict(ended.stdout))


def verdict(told: str) -> tuple[int, str]:
    """Exit code and sentence for what pip-audit has written; nothing, where it could not ask."""
    try:
        packages = json.loads(told)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return 0, "NOT AUDITED: PyPI could not be asked. Run `make audit` on a machine that reaches it."
    asked = [one for one in packages if "skip_reason" not in one]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    found = [
        f"{one['name']} {one['version']}: {bad['id']}, {_way_out(bad['fix_versions'])}"
        for one in asked
        for bad in one["vulns"]
    ]
    if not asked:
        return 0, f"NOT AUDITED: PyPI told nothing of any of the {len(packages)} packages."
    more = f", and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
    rest = f" NOT AUDITED: {', '.join(skipped[:SHOWN])}{more}." if skipped else ""
    if found:
        return 1, "\n".join([*found, f"{len(found)} known vulnerabilities in {len(asked)} packages.{rest}"])
    return 0, f"No known vulnerabilities in {len(asked)} packages.{rest}"


def _way_out(fixed_in: list[str]) -> str:
    return f"fixed in {', '.join(fixed_in)}" if fixed_in else "no fix yet"


def _said(code: int, sentence: str) -> int:
    sys.stdout.write(sentence + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
