"""Answer whoever writes in the chat with their own words, until Ctrl-C: python echo.py.

The token needs the permissions `read` and `write`.
"""

from __future__ import annotations

from contextlib import suppress

from chatkey import BlockingClient, UpdateKind


def main() -> None:
    """Answer messages as they come."""
    with suppress(KeyboardInterrupt), BlockingClient() as chat:
        for update in chat.updates(kinds=[UpdateKind.MESSAGE]):
            if update.message and update.message.text:
                chat.send(
                    update.message.text,
                    chat_id=update.chat_id,
                    thread_id=update.message_thread_id,
                    reply_to=update.message.message_id,
                    # An update may come again: its number as the name of the answer, and it is answered once.
                    request_id=f"echo-{update.update_id}",
                )


if __name__ == "__main__":
    main()
