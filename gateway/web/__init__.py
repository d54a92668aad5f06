"""The HTTP door: health, metrics, public keys."""
