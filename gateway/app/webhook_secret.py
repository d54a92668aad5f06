"""What Telegram proves itself with at the webhook: what the operator set, or what is made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway import private_files
from gateway.config import Config
from gateway.config.inbound import webhook_secret as checked
from gateway.errors import ConfigInvalid

NAME = "webhook-secret"
_BYTES = 32
_MAX_BYTES = 1024


def webhook_secret(config: Config, random_bytes: Callable[[int], bytes]) -> str:
    """Return the secret; gateways that share a data folder find the same one.

    Raises:
        ConfigInvalid: Its file can't be read, or holds something else.
    """
    if config.webhook_secret:
        return config.webhook_secret.reveal()
    path = config.webhook_secret_file or config.data_dir / NAME
    try:
        if config.webhook_secret_file is None:
            with private_files.locked(config.data_dir):
                if not path.exists():
                    private_files.write(path, random_bytes(_BYTES).hex().encode())
                    private_files.sync(config.data_dir)
                return _secret(private_files.read(path, _MAX_BYTES), path)
        return _secret(path.read_bytes()[:_MAX_BYTES], path)
    except OSError as error:
        raise ConfigInvalid(f"{_name(config)}: {path} can't be read: {error.strerror}.") from None


def _secret(data: bytes, path: Path) -> str:
    try:
        return checked(data.decode("ascii").rstrip("\r\n")).reveal()
    except ValueError:
        raise ConfigInvalid(f"{path} must hold a webhook's secret: 1 to 256 of A-Z a-z 0-9 _ - in one line.") from None


def _name(config: Config) -> str:
    return "CHATKEY_WEBHOOK_SECRET_FILE" if config.webhook_secret_file else "CHATKEY_DATA_DIR"
