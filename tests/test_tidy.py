"""The architecture, written as tests: when one fails, the map (the README's tree) and the code disagree.

Not seen: imports by `importlib`, and a clock that is passed around uncalled.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "domain": set(),
    "actors": {"domain"},
    "projections": {"domain"},
    "gateway": {"domain", "actors", "projections"},
    "ops": {"domain", "actors", "projections", "gateway"},
}
GATEWAY_KNOWS_OF_ACTORS = {"actors.messages", "actors.runtime"}
"""What can be asked, and how an answer is awaited; never who does the work."""

RULE_INGREDIENTS = {
    "__future__", "collections", "dataclasses", "datetime", "domain", "enum", "functools", "hashlib", "heapq",
    "ipaddress", "itertools", "math", "re", "typing", "urllib",
}  # fmt: skip
"""Time and chance arrive as arguments, and the world does not arrive at all."""
CLOCKS = {
    "now", "today", "utcnow", "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns",
    "process_time", "thread_time", "localtime", "gmtime",
}  # fmt: skip
CHANCE = {"random", "randint", "uniform", "choice", "shuffle", "urandom", "token_bytes", "token_hex", "uuid4", "uuid7"}
MODULES_WITH_A_CLOCK = {"time", "datetime", "date"}

MAX_LINES = 250
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
EXPECTING = {"pytest.raises", "pytest.warns", "pytest.fail"}
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)))
SOMEBODY_S_MACHINE = re.compile(r"(?<![\w.~-])/(?:(?:home|Users|root)/|work\b)")
PLACES_OF_TOOLS = {".git"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


MODULES = [path for package in MAY_IMPORT for path in sorted((ROOT / package).rglob("*.py"))]
RULES = [path for path in MODULES if ROOT / "domain" / "rules" in path.parents]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
every_module = pytest.mark.parametrize("path", MODULES, ids=name)
every_rule = pytest.mark.parametrize("path", RULES, ids=name)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), name(path))


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def imported(path: Path) -> set[str]:
    """Every name that an import could mean: `from actors import runtime` means `actors` and `actors.runtime`."""
    names = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            here = path.relative_to(ROOT).with_suffix("").parts[: -node.level] if node.level else ()
            module = ".".join((*here, *([node.module] if node.module else [])))
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def roots(names: set[str]) -> set[str]:
    return {one.partition(".")[0] for one in names}


def calls(path: Path) -> Iterator[tuple[str, str, int]]:
    """Of `datetime.now(UTC)` in line 3: ("datetime", "now", 3); a bare `sleep(1)` comes from ""."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            match node.func:
                case (
                    ast.Attribute(value=ast.Name(id=of), attr=called)
                    | ast.Attribute(value=ast.Attribute(attr=of), attr=called)
                ):
                    yield of, called, node.lineno
                case ast.Attribute(attr=called):
                    yield "?", called, node.lineno
                case ast.Name(id=called):
                    yield "", called, node.lineno


def clock_calls(path: Path) -> list[str]:
    """`clock.now()` of a clock that was handed in is nobody's clock; `time.time()` and `datetime.now()` are."""
    bare = {one.rpartition(".")[2] for one in imported(path) if one.startswith("time.")}
    return [
        f"{of}.{called}() in line {line}"
        for of, called, line in calls(path)
        if called in CLOCKS and (of in MODULES_WITH_A_CLOCK or (not of and called in bare))
    ]


def asserting_nothing(path: Path) -> list[str]:
    """Tests that neither assert, nor expect an error, nor call a function of the tests that does."""
    found = {one.name: one for one in ast.walk(tree(path)) if isinstance(one, FUNCTIONS)}
    asserting = {called for called, one in found.items() if asserts(one)} | asserting_of_others(path)
    return [
        called
        for called, one in found.items()
        if called.startswith("test_") and not (asserts(one) or names_in(one) & asserting)
    ]


def asserting_of_others(path: Path) -> set[str]:
    """Functions that are imported from other files of the tests."""
    found = set()
    for one in tree(path).body:
        file = ROOT / f"{(one.module or '').replace('.', '/')}.py" if isinstance(one, ast.ImportFrom) else ROOT
        if isinstance(one, ast.ImportFrom) and file.is_file() and ROOT / "tests" in file.parents:
            functions = [function for function in ast.walk(tree(file)) if isinstance(function, FUNCTIONS)]
            asserting = {function.name for function in functions if asserts(function)}
            found |= {alias.asname or alias.name for alias in one.names if alias.name in asserting}
    return found


def asserts(function: ast.AST) -> bool:
    return any(
        isinstance(one, ast.Assert) or (isinstance(one, ast.Attribute) and ast.unparse(one) in EXPECTING)
        for one in ast.walk(function)
    )


def names_in(function: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(function) if isinstance(one, ast.Name)}


def files_of_the_project() -> Iterator[Path]:
    """All that git would track, without asking git: a checkout need not have it."""
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not any(
            part in PLACES_OF_TOOLS or any(fnmatch(part, pattern) for pattern in ignored) for part in parts
        ):
            yield path


@every_module
def test_a_module_imports_only_what_its_package_may(path: Path) -> None:
    package = package_of(path)
    ours = roots(imported(path)) & {*MAY_IMPORT, "tests"} - {package}

    assert ours <= MAY_IMPORT[package]


@pytest.mark.parametrize("path", [path for path in MODULES if package_of(path) == "gateway"], ids=name)
def test_the_gateway_knows_of_actors_only_what_they_can_be_asked(path: Path) -> None:
    of_actors = {one for one in imported(path) if package_of_name(one) == "actors" and one != "actors"}
    beyond = {one for one in of_actors if ".".join(one.split(".")[:2]) not in GATEWAY_KNOWS_OF_ACTORS}

    assert set() == beyond


def package_of_name(module: str) -> str:
    return module.partition(".")[0]


@every_rule
def test_a_rule_is_made_of_values_alone(path: Path) -> None:
    assert set() == roots(imported(path)) - RULE_INGREDIENTS
    assert [] == [one for one in imported(path) if one.startswith("domain.store")]


@every_rule
def test_a_rule_asks_neither_clock_nor_chance_nor_the_world(path: Path) -> None:
    impure = CLOCKS | CHANCE | {"open", "print", "input", "sleep"}

    assert [] == [f"{called}() in line {line}" for _, called, line in calls(path) if called in impure]


@every_module
def test_only_ops_owns_a_clock(path: Path) -> None:
    assert package_of(path) == "ops" or not clock_calls(path)


@every_module
def test_a_file_is_short_enough_to_be_read_at_once(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@every_module
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=name)
def test_nothing_is_left_for_later(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert [] == [line for line in text.splitlines() if UNFINISHED.search(line)]


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_every_test_asserts_something(path: Path) -> None:
    assert [] == asserting_nothing(path)


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_no_test_sleeps(path: Path) -> None:
    assert [] == [f"line {line}" for _, called, line in calls(path) if called == "sleep"]


def test_no_file_knows_whose_machine_it_was_written_on() -> None:
    found = []
    for path in files_of_the_project():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{name(path)}:{n}: {line.strip()}" for n, line in enumerate(lines, 1) if SOMEBODY_S_MACHINE.search(line)
        ]

    assert [] == found


def test_every_package_is_looked_at() -> None:
    assert all((ROOT / package / "__init__.py").is_file() for package in MAY_IMPORT)
    assert {package_of(path) for path in MODULES} == MAY_IMPORT.keys()
    assert RULES


# The tests of the tests: each habit has a way to be broken that must be seen


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("import time\ntime.time()", ["time.time() in line 2"]),
        ("import time\ntime.monotonic()", ["time.monotonic() in line 2"]),
        ("from time import monotonic\nmonotonic()", [".monotonic() in line 2"]),
        ("from datetime import datetime\ndatetime.now()", ["datetime.now() in line 2"]),
        ("import datetime\ndatetime.datetime.now()", ["datetime.now() in line 2"]),
        ("self._clock.now()", []),
        ("clock.monotonic()", []),
        ("loop.time()", []),
    ],
)
def test_a_clock_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, seen: list[str]) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "module.py"
    path.write_text(code)

    assert seen == clock_calls(path)


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("import actors.bot", {"actors.bot"}),
        ("from actors import bot", {"actors", "actors.bot"}),
        ("def f():\n    from actors.bot import BotActor", {"actors.bot", "actors.bot.BotActor"}),
        ("from . import other", {"gateway", "gateway.other"}),
        ("from ..actors import bot", {"actors", "actors.bot"}),
    ],
)
def test_an_import_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, seen: set[str]) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / "gateway" / "module.py"
    path.parent.mkdir()
    path.write_text(code)

    assert seen == imported(path)


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("def test_a():\n    look()", ["test_a"]),
        ("def look():\n    pass\n\ndef test_a():\n    look()", ["test_a"]),
        ("def test_a():\n    assert 1", []),
        ("def test_a():\n    async def story():\n        assert 1", []),
        ("def test_a():\n    with pytest.raises(ValueError):\n        look()", []),
        ("def look():\n    assert 1\n\ndef test_a():\n    look()", []),
        ("from tests.looks import look\n\ndef test_a():\n    look()", []),
        ("from tests.looks import other\n\ndef test_a():\n    other()", ["test_a"]),
    ],
)
def test_a_test_that_asserts_nothing_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, seen: list[str]
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "looks.py").write_text("def look():\n    assert 1\n\ndef other():\n    pass")
    path = tmp_path / "tests" / "test_it.py"
    path.write_text(code)

    assert seen == asserting_nothing(path)


@pytest.mark.parametrize(
    ("line", "machine_s"),
    [
        ("cd /" + "work/main", True),
        ("cd /" + "work", True),
        ("'/" + "home/somebody/botloft'", True),
        ("https://example.com/" + "home/page", False),
        ("GET /" + "workers", False),
        ("~/" + "work", False),
    ],
)
def test_a_path_of_somebody_s_machine_is_recognised(line: str, machine_s: bool) -> None:
    assert machine_s == bool(SOMEBODY_S_MACHINE.search(line))
