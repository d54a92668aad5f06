"""Send one message to the chat that a token opens: python send.py CHAT_ID TEXT [REQUEST_ID].

It prints the message's id and state; on a refusal it prints code, reason and error id and ends with exit code 1.
With exit code 2 it tells what is wrong before anything is sent.
Repeats on UNAVAILABLE, the deadline and encryption are the client's.
"""

from __future__ import annotations

import sys

from chatkey import BlockingClient, ChatkeyError, ConfigurationError


def main(arguments: list[str]) -> int:
    """Send the message."""
    if not 2 <= len(arguments) <= 3:
        print("usage: python send.py CHAT_ID TEXT [REQUEST_ID]", file=sys.stderr)
        return 2
    chat_id, text, *request_id = arguments
    try:
        with BlockingClient() as chat:
            message = chat.send(text, chat_id=int(chat_id), request_id=request_id[0] if request_id else None)
    except (ConfigurationError, ValueError) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except ChatkeyError as refused:
        code = refused.code.name if refused.code else "-"
        print(code, refused.reason or "-", refused.error_id or "-", file=sys.stderr)
        return 1
    print(message.id, message.state.value)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
