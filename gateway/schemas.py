"""JSON Schemas of what routes take and answer, out of the types themselves and of what stands below their fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, get_origin

import msgspec
from msgspec import inspect

from gateway.notes import notes_of
from gateway.operations import Media, Shape

PREFIX = "#/components/schemas/"


class Schemas:
    """Of all the shapes at once, so that equal names of different types are told apart."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        types = list(dict.fromkeys(one for shape in shapes for one in _types_in(shape)))
        structs = _structs_in(types)
        every = [*types, *(struct for struct in structs if struct not in types)]
        schemas, self.components = msgspec.json.schema_components(
            every, schema_hook=_of_others, ref_template=f"{PREFIX}{{name}}"
        )
        self._of: dict[Any, dict[str, Any]] = dict(zip(every, schemas, strict=True))
        for struct in structs:
            _detail(struct, self.components[self._of[struct]["$ref"].removeprefix(PREFIX)])

    def of(self, shape: Shape) -> dict[str, Any]:
        if not isinstance(shape, Mapping):
            return self._of[shape]
        fields = {name: self._of[one] for name, one in shape.items()}
        return {"type": "object", "properties": fields, "required": [*fields]}


def like(struct: type[msgspec.Struct], name: str, *, without: tuple[str, ...] = (), **more: Any) -> Any:
    """A type for an answer that is made of this one: without some fields, and with more of them, which may lack."""
    notes = notes_of(struct, msgspec.Struct)
    fields = [
        (field.encode_name, Annotated[field.type, msgspec.Meta(description=notes.get(field.name))])
        for field in msgspec.structs.fields(struct)
        if field.name not in without
    ]
    lacking = [(key, type_ | msgspec.UnsetType, msgspec.UNSET) for key, type_ in more.items()]
    return msgspec.defstruct(name, [*fields, *lacking], kw_only=True)


def _types_in(shape: Shape) -> Iterator[Any]:
    if isinstance(shape, Mapping):
        yield from shape.values()
    elif shape is not None and not isinstance(shape, Media):
        yield shape


def _structs_in(types: Iterable[Any]) -> list[type[msgspec.Struct]]:
    found: dict[type[msgspec.Struct], None] = {}
    waiting: list[Any] = list(inspect.multi_type_info(types))
    while waiting:
        one = waiting.pop()
        if isinstance(one, inspect.StructType):
            if one.cls in found:
                continue
            found[one.cls] = None
        if isinstance(one, inspect.Type | inspect.Field):
            waiting += [getattr(one, name) for name in one.__struct_fields__]
        elif isinstance(one, tuple):
            waiting += one
    return list(found)


def _detail(struct: type[msgspec.Struct], schema: dict[str, Any]) -> None:
    """A field of an answer is always there, whatever its default is, unless that is UNSET; one of a body may lack."""
    fields = msgspec.structs.fields(struct)
    config = (get_origin(struct) or struct).__struct_config__
    if not (config.forbid_unknown_fields or config.omit_defaults):
        schema["required"] = [field.encode_name for field in fields if field.default is not msgspec.UNSET]
    notes = notes_of(get_origin(struct) or struct, msgspec.Struct)
    for field in fields:
        described = schema["properties"][field.encode_name]
        if field.encode_name in schema["required"]:
            described.pop("default", None)
        if field.name in notes:
            described["description"] = notes[field.name]


def _of_others(one: type) -> dict[str, Any]:
    """Of what msgspec leaves to us, which takes no empty schema."""
    if one is object:
        return {"title": "Anything"}
    raise NotImplementedError(one)
