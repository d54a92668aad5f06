"""Send to the Telegram chat that your key opens."""
