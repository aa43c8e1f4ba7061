import pytest

from ops.sandbox.markup import problem_in


@pytest.mark.parametrize(
    "text",
    [
        "plain words",
        "*bold* _italic_ __underline__ ~gone~ ||hidden||",
        r"escaped \. \! \* \_ \-",
        "`code needs no escapes: a.b!`",
        "```python\nx = 1 + 2\n```",
        "[a link](https://example.org/a-b.html?c=d)",
        "> quoted\n> twice",
        "![👍](tg://emoji?id=5)",
    ],
)
def test_well_marked_text_is_taken(text: str) -> None:
    assert problem_in(text, "MarkdownV2") is None


@pytest.mark.parametrize("mark", "#+-={}.!()|>]")
def test_a_reserved_character_has_to_be_escaped(mark: str) -> None:
    refusal = problem_in(f"so {mark} it is", "MarkdownV2")

    assert refusal is not None
    assert (
        f"Bad Request: can't parse entities: Character '{mark}' is reserved and must be escaped with the preceding '\\'"
    ) == refusal.description


@pytest.mark.parametrize(("text", "entity", "offset"), [("é *b", "Bold", 3), ("a `b", "Code", 2), ("[a", "TextUrl", 0)])
def test_a_span_has_to_end(text: str, entity: str, offset: int) -> None:
    refusal = problem_in(text, "MarkdownV2")

    assert refusal is not None
    assert refusal.description.endswith(f"Can't find end of {entity} entity at byte offset {offset}")


def test_other_ways_of_marking_up_are_not_looked_into() -> None:
    assert problem_in("5 > 4.", "HTML") is None
