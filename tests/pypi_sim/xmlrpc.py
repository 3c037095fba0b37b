"""The XML-RPC methods that still answer, and the faults of those that do not."""

import xmlrpc.client
from collections.abc import Callable
from typing import Any

from tests.pypi_sim.warehouse import Warehouse

PARSE_ERROR = -32700
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
APPLICATION_ERROR = -32500

_SEE = "See https://warehouse.pypa.io/api-reference/xml-rpc.html#deprecated-methods for more information."
_GONE = "RuntimeError: PyPI no longer supports the XMLRPC {method} method. Use {instead} instead. {see}"

_DEAD = {
    "system.multicall": "ValueError: MultiCall requests have been deprecated, use individual requests instead.",
    "changelog": "ValueError: The changelog method has been deprecated, use changelog_since_serial instead.",
    "package_data": f"RuntimeError: This API has been deprecated. {_SEE}",
    "package_urls": f"RuntimeError: This API has been deprecated. {_SEE}",
    "top_packages": f"RuntimeError: This API has been removed. Use BigQuery instead. {_SEE}",
    "list_packages": _GONE.format(method="list_packages", instead="Simple API", see=_SEE),
    "package_releases": _GONE.format(method="package_releases", instead="JSON or Simple API", see=_SEE),
    "release_urls": _GONE.format(method="release_urls", instead="JSON or Simple API", see=_SEE),
    "release_data": _GONE.format(method="release_data", instead="JSON or Simple API", see=_SEE),
}


class UnreadableError(Exception):
    """The body is not a method call."""


def read_call(body: bytes) -> tuple[str, tuple[Any, ...]]:
    """Method name and arguments of a request body."""
    try:
        arguments, method = xmlrpc.client.loads(body)
    except Exception as error:  # the parser raises whatever the broken text leads it to
        raise UnreadableError(str(error)) from error
    if method is None:
        raise UnreadableError("no method name")
    return method, arguments


def fault(code: int, text: str) -> bytes:
    """A fault, which upstream sends with status 200."""
    return xmlrpc.client.dumps(xmlrpc.client.Fault(code, text), methodresponse=True).encode()


def too_many_requests(seconds: int) -> bytes:
    """The fault of a client that has used up its calls."""
    return fault(
        APPLICATION_ERROR,
        "HTTPTooManyRequests: The action could not be performed because there were too many requests by the "
        f"client. Limit may reset in {seconds} seconds.",
    )


def is_known(method: str) -> bool:
    """Whether the method exists, alive or dead; others are refused before they are counted."""
    return method in _DEAD or method in _ALIVE


def answer(warehouse: Warehouse, method: str, arguments: tuple[Any, ...]) -> bytes:
    """The response body of a call."""
    if method in _DEAD:
        return fault(APPLICATION_ERROR, _DEAD[method])
    if method not in _ALIVE:
        return fault(METHOD_NOT_FOUND, "server error; requested method not found")
    parameters, function = _ALIVE[method]
    complaints = _complaints(parameters, arguments)
    if complaints:
        return fault(INVALID_PARAMS, f"client error; {'; '.join(complaints)}")
    result = function(warehouse, *arguments)
    return xmlrpc.client.dumps((result,), methodresponse=True, allow_none=True).encode()


def _complaints(parameters: tuple[tuple[str, type], ...], arguments: tuple[Any, ...]) -> list[str]:
    found = []
    for position, (name, kind) in enumerate(parameters):
        if position >= len(arguments):
            found.append(f"{name}: Missing required argument")
        elif type(arguments[position]) is not kind:
            noun = "integer" if kind is int else "string"
            found.append(f"{name}: Input should be a valid {noun}")
    surplus = range(len(parameters), len(arguments))
    found.extend(f"{position}: Unexpected positional argument" for position in surplus)
    return found


def _last_serial(warehouse: Warehouse) -> int | None:
    return warehouse.journal.last_serial or None


def _since_serial(warehouse: Warehouse, serial: int) -> list[tuple[str, str | None, int, str, int]]:
    return [row.on_the_wire() for row in warehouse.journal.page_since(serial)]


def _packages_with_serials(warehouse: Warehouse) -> dict[str, int]:
    return warehouse.packages_with_serials()


def _package_roles(warehouse: Warehouse, name: str) -> list[tuple[str, str]]:
    project = next((each for each in warehouse.projects.values() if each.name == name), None)
    if project is None:
        return []
    return [(role, user) for user, role in project.roles.items()]


def _user_packages(warehouse: Warehouse, user: str) -> list[tuple[str, str]]:
    living = sorted(warehouse.projects.values(), key=lambda project: project.name)
    return [(project.roles[user], project.name) for project in living if user in project.roles]


_ALIVE: dict[str, tuple[tuple[tuple[str, type], ...], Callable[..., Any]]] = {
    "changelog_last_serial": ((), _last_serial),
    "changelog_since_serial": ((("serial", int),), _since_serial),
    "list_packages_with_serial": ((), _packages_with_serials),
    "package_roles": ((("package_name", str),), _package_roles),
    "user_packages": ((("username", str),), _user_packages),
}
