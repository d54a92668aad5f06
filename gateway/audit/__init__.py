"""The log of what was decided, and its proof."""
