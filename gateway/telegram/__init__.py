"""The only speaker of the Bot API."""
