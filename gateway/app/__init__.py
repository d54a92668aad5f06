"""The only place that knows every room: builds them from the configuration, starts, drains and stops them."""

from gateway.app.bot import seen_chats
from gateway.app.building import App, running
from gateway.app.serving import serve

__all__ = ["App", "running", "seen_chats", "serve"]
