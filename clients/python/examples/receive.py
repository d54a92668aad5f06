"""Print what people write in the chats that the token may read, a line each, until Ctrl-C: python receive.py.

It begins with the oldest that the gateway still keeps. On a refusal it prints what is wrong and ends with exit code 1.
Repeats on UNAVAILABLE and the cursor are the client's.
"""

from __future__ import annotations

import sys
from contextlib import suppress

from chatkey import BlockingClient, ChatkeyError, UpdateKind


def main() -> int:
    """Print messages as they come."""
    try:
        with suppress(KeyboardInterrupt), BlockingClient() as chat:
            for update in chat.updates(from_oldest=True, kinds=[UpdateKind.MESSAGE]):
                if update.message and update.message.text:
                    print(update.chat_id, update.message.text, flush=True)
    except ChatkeyError as wrong:
        print(wrong, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
