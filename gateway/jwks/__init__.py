"""Where public keys come from: files that are watched and addresses that are asked. Nothing else in the house fetches.

What comes is bytes; whether they are keys to be trusted is decided by whoever takes them (`gateway.access`).
"""
