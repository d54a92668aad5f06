"""What both clients share: their settings, and the chat that they write to when none is named."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod

from chatkey.connection import DEFAULT_ADDRESS, Connection
from chatkey.errors import ConfigurationError
from chatkey.messages import Credential
from chatkey.retries import Attempts, Retries
from chatkey.tokens import Token, token_source


class Core(ABC):
    """The settings of a client.

    Args:
        address: `host:port` or `unix:` and a path; `CHATKEY_ADDRESS` or 127.0.0.1:50051 if left out.
        token: The token; that of `CHATKEY_TOKEN_FILE` or `CHATKEY_TOKEN` if left out.
        token_file: A file that has the token. It is read before every call, so the token in it may be replaced.
        insecure: Whether plaintext may leave the machine.
        ca_file: Certificates (PEM) to trust instead of the system's.
        certificate_file: The certificate (PEM) that this client shows; with `key_file`.
        key_file: Its private key (PEM).
        timeout: Seconds until a call fails that is not given another time.
        retries: When to repeat a call.
    """

    def __init__(
        self,
        address: str | None = None,
        token: str | None = None,
        *,
        token_file: str | os.PathLike[str] | None = None,
        insecure: bool = False,
        ca_file: str | os.PathLike[str] | None = None,
        certificate_file: str | os.PathLike[str] | None = None,
        key_file: str | os.PathLike[str] | None = None,
        timeout: float = 30.0,
        retries: Retries | None = None,
    ) -> None:
        """Check the settings; nothing is sent.

        Raises:
            ConfigurationError: There is no token, a certificate can't be read, or settings contradict each other.
        """
        self._connection = Connection(
            address=address or os.environ.get("CHATKEY_ADDRESS") or DEFAULT_ADDRESS,
            insecure=insecure,
            ca_file=ca_file,
            certificate_file=certificate_file,
            key_file=key_file,
        )
        self._token = token_source(token, token_file)
        self._timeout = timeout
        self._retries = retries or Retries()
        self._known_chat: tuple[Token, int] | None = None
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Set up what one kind of client has and the other has not."""

    def __repr__(self) -> str:
        """Name the gateway, never the token."""
        return f"{type(self).__name__}({self._connection.address!r})"

    def _attempts(self, timeout: float | None) -> Attempts:
        return Attempts(self._retries, self._timeout if timeout is None else timeout)

    def _chat_of(self, token: Token) -> int | None:
        """Return the chat that was learned with this token: another token may open another chat."""
        return self._known_chat[1] if self._known_chat is not None and self._known_chat[0] == token else None

    def _learn_chat(self, token: Token, credential: Credential) -> int:
        if len(credential.grants) != 1:
            raise ConfigurationError(f"the token opens {len(credential.grants)} chats: say which chat_id")
        self._known_chat = (token, credential.grants[0].chat_id)
        return credential.grants[0].chat_id
