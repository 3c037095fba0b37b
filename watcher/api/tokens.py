"""Who may order: the bearer tokens of the settings (RFC 6750), each with a name and what may be done with it.

All tokens are compared each time, by digests and in constant time: an answer does not show how near a guess was, nor
which token there is. No token is ever part of a log line or an answer.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from aiohttp import hdrs, web

from mirror.setting_subscribers import Admin
from mirror.web.keys import SETTINGS
from mirror.web.problems import Problem

Scope: TypeAlias = Literal["block", "release", "purge", "read"]

_ALL: frozenset[Scope] = frozenset({"block", "release", "purge", "read"})


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    digest: bytes
    scopes: frozenset[Scope]


def bearer(request: web.Request, scope: Scope | None) -> str:
    """The name of the token that came with the request, which may do what `scope` says; None: whatever it may do.

    Raises Problem: 404 where there is no token in the settings, 401 where none of them came, 403 where that one may
    not do this.
    """
    known = tuple(_known(request.app[SETTINGS].admin))
    if not known:
        raise Problem(404, "Not Found", "there is no admin API here: no admin.token is set")
    given = _given(request)
    found = _found(given, known) if given is not None else None
    if found is None:
        sentence = "send a token as Authorization: Bearer" if given is None else "this is none of the tokens"
        raise Problem(401, "Unauthorized", sentence)
    if scope is not None and scope not in found.scopes:
        raise Problem(403, "Forbidden", f'the token "{found.name}" is without the scope "{scope}"')
    return found.name


def _known(admin: Admin) -> Iterator[_Known]:
    if token := admin.token.get_secret_value():
        yield _Known("admin", _digest(token), _ALL)
    for each in admin.tokens:
        yield _Known(each.name, _digest(each.token.get_secret_value()), frozenset(each.scopes))


def _given(request: web.Request) -> str | None:
    """The token of the one `Authorization` header; of two nobody can say which one is meant."""
    values = request.headers.getall(hdrs.AUTHORIZATION, [])
    if len(values) != 1:
        return None
    scheme, _, token = values[0].strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _found(given: str, known: tuple[_Known, ...]) -> _Known | None:
    digest, found = _digest(given), None
    for each in known:
        if hmac.compare_digest(each.digest, digest):
            found = each
    return found


def _digest(token: str) -> bytes:
    # A header can hold what is no UTF-8, as lone surrogates.
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
