"""How the Bot API says no: every refusal the sandbox knows, in Telegram's own words.

Texts are those of the Bot API server (tdlib/telegram-bot-api, Client.cpp and HttpReader.cpp) and of TDLib.
"""

from __future__ import annotations

from collections.abc import Mapping

_PREFIXES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    500: "Internal Server Error",
}


class Refusal(Exception):
    """An answer with `ok: false`: its HTTP status, its `description` and its `parameters`."""

    def __init__(self, code: int, description: str, parameters: Mapping[str, int] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    @property
    def retry_after(self) -> int | None:
        """Seconds the caller is told to wait, as in the `Retry-After` header."""
        return (self.parameters or {}).get("retry_after")

    def body(self) -> dict[str, object]:
        """The JSON object that goes out."""
        answer: dict[str, object] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = dict(self.parameters)
        return answer


class InvalidInput(Exception):
    """A problem found while reading input, not yet worded as an answer: the caller adds the prefix."""


def bad_request(problem: str) -> Refusal:
    """A 400, worded as the server words its own errors."""
    return refusal(400, problem)


def forbidden(problem: str) -> Refusal:
    """A 403, worded as the server words its own errors."""
    return refusal(403, problem)


def refusal(code: int, problem: str) -> Refusal:
    """Put the status' name before `problem`, whose first letter becomes small unless it is an ALL_CAPS code."""
    if problem != problem.upper():
        problem = problem[:1].lower() + problem[1:]
    return Refusal(code, f"{_PREFIXES[code]}: {problem}")


def too_many_requests(retry_after: int) -> Refusal:
    """A 429 that says in three places how many seconds to wait."""
    return Refusal(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})


def too_large(detail: str = "") -> Refusal:
    """A 413."""
    return Refusal(413, "Request Entity Too Large" + (f": {detail}" if detail else ""))


def migrated(new_chat_id: int) -> Refusal:
    """The 400 of a basic group that became a supergroup."""
    description = "Bad Request: group chat was upgraded to a supergroup chat"
    return Refusal(400, description, {"migrate_to_chat_id": new_chat_id})


def not_found(detail: str = "") -> Refusal:
    """A 404."""
    return refusal(404, detail) if detail else Refusal(404, "Not Found")


def unauthorized(detail: str = "") -> Refusal:
    """A 401."""
    return refusal(401, detail) if detail else Refusal(401, "Unauthorized")
