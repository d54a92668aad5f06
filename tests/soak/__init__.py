"""Long runs under faults, bounded by `--minutes`: `make soak`."""
