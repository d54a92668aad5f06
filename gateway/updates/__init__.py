"""From Telegram to those who may read it: what happened in chats, kept before it is confirmed."""
