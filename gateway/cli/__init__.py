"""The `chatkey` command, one file per noun."""
