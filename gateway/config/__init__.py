"""The configuration: one frozen value, read once, refused if it is half-set.

Each field of `Config` is one setting: `data_dir` is `CHATKEY_DATA_DIR` in the environment and `data_dir` in
`chatkey.toml`. The environment goes first. A secret has a second name for a file that holds it, `…_FILE`, and is never
taken from `chatkey.toml` itself, which ends up in version control too easily. An unknown name is refused: it is a
typing error that would otherwise leave a default in force.
"""

from gateway.config.loading import FOR_CALLERS, describe, load
from gateway.config.settings import PREFIX, Config
from gateway.config.values import Secret, host_and_port, is_loopback, listen_address

__all__ = [
    "FOR_CALLERS",
    "PREFIX",
    "Config",
    "Secret",
    "describe",
    "host_and_port",
    "is_loopback",
    "listen_address",
    "load",
]
