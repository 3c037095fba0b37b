"""The operations of the admin API as OpenAPI describes them. Pure."""

from watcher.api.describing import BAD, LIMIT, UNAVAILABLE, Json, json_answer, query, ref, refused

_VERSION = r"[0-9]{1,9}(\.[0-9]{1,9}){0,5}"
_TARGET = rf"^([A-Za-z0-9]{{1,99}}(=={_VERSION})?|sha256:[0-9a-f]{{64}})$"
_REASON = r"^[!-~]([ -~]{0,499})$"

_TOKENS: Json = {
    "401": refused("It needs a token."),
    "403": refused("The token is not for this."),
    "404": refused("There is no such file here, or no token in the settings."),
}


def _asked(**beside: Json) -> Json:
    properties = {"target": {"type": "string", "pattern": _TARGET}, "reason": {"type": "string", "pattern": _REASON}}
    return {
        "type": "object",
        "required": ["target", "reason"],
        "properties": properties | beside,
        "additionalProperties": False,
    }


def _order(verb: str, summary: str, asked: Json, answered: Json) -> Json:
    return {
        "post": {
            "operationId": verb,
            "summary": summary,
            "security": [{"admin": []}],
            "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
            "responses": {
                "200": json_answer("Carried out.", answered),
                "400": BAD,
                **_TOKENS,
                "413": refused("The body is too large."),
                "422": refused("Without a reason, or with a target that is none."),
                "500": refused("In force, but bytes are still to be destroyed."),
                "503": UNAVAILABLE,
            },
        }
    }


ADMIN: Json = {
    "/api/v1/admin/block": _order("block", "Refuses to serve files.", _asked(), ref("Done")),
    "/api/v1/admin/unblock": _order("unblock", "Takes back blocks.", _asked(), ref("Done")),
    "/api/v1/admin/release": _order("release", "Serves what is held.", _asked(as_was={"type": "boolean"}), ref("Done")),
    "/api/v1/admin/purge": _order(
        "purge",
        "Destroys bytes, or says which.",
        _asked(yes={"type": "boolean"}),
        {"anyOf": [ref("Done"), ref("Plan")]},
    ),
    "/api/v1/admin/unpurge": _order("unpurge", "Lets bytes be fetched again.", _asked(), ref("Done")),
    "/api/v1/admin/acts": {
        "get": {
            "operationId": "acts",
            "summary": "What was ordered, newest first.",
            "security": [{"admin": []}],
            "parameters": [
                query("before", "Those before this number.", {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}),
                LIMIT,
            ],
            "responses": {"200": json_answer("Acts.", ref("Acts")), "400": BAD, **_TOKENS, "503": UNAVAILABLE},
        }
    },
}
