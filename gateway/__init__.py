"""Chatkey: one Telegram bot, one key per chat."""
