"""Chats as such: what is asked of Telegram at once, while a caller waits for the answer."""
