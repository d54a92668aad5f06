"""`chatkey approval`: the second person of two."""

from gateway.cli.second_factor import approvals as command

__all__ = ["command"]
