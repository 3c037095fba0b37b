"""How the parts of an OpenAPI description are written: parameters, answers, refusals. Pure."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

REF = "#/components/schemas/{name}"


def ref(name: str) -> Json:
    """A type that the document holds once."""
    return {"$ref": REF.format(name=name)}


def query(name: str, description: str, schema: Json) -> Json:
    """A parameter behind the question mark."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def in_path(name: str, description: str, schema: Json) -> Json:
    """A parameter in the path."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def many(items: Json) -> Json:
    """A parameter that may be repeated."""
    return {"type": "array", "items": items, "maxItems": 100}


def answer(description: str, **types: Json) -> Json:
    """An answer of one of several media types; `_` in their names stands for `/`, `__` for `+`."""
    names = {name: name.replace("__", "+").replace("_", "/", 1).replace("_", "-") for name in types}
    return {"description": description, "content": {names[name]: {"schema": schema} for name, schema in types.items()}}


def json_answer(description: str, schema: Json) -> Json:
    """An answer in JSON."""
    return answer(description, application_json=schema)


def refused(description: str) -> Json:
    """A refusal, as problem details."""
    return answer(description, application_problem__json=ref("Problem"))


BAD = refused("What was asked cannot be understood; the sentence says why.")
NOT_FOUND = refused("There is no such thing here.")
UNAVAILABLE = refused("Not at the moment; ask again soon.")
LIMIT = query(
    "limit", "At most so many, and never more than 1,000.", {"type": "integer", "minimum": 1, "maximum": 999_999}
)
