"""Reads the settings from the environment and from `chatkey.toml`, and shows them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.config.settings import PREFIX, Config, environment
from gateway.config.values import Secret
from gateway.errors import ConfigInvalid
from gateway.trust import TrustedIssuer, trusted_issuers

FOR_CALLERS = frozenset({"CHATKEY_ADDRESS", "CHATKEY_TOKEN", "CHATKEY_TOKEN_FILE", "CHATKEY_CONFIG"})
"""Names that the environment may have beside the settings: those of the client, and where `chatkey.toml` is."""


def load(environ: Mapping[str, str], directory: Path | None = None) -> Config:
    """Read the settings from the environment and from `chatkey.toml`.

    Args:
        environ: The environment, such as `os.environ`.
        directory: Where to look for `chatkey.toml` when `CHATKEY_CONFIG` names none; None: the working directory.

    Raises:
        ConfigInvalid: a name is unknown, a value malformed, or the whole half-set.
    """
    settings = {item.name: item for item in fields(Config)}
    given, issuers = _from_file(environ, directory or Path.cwd(), settings)
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in FOR_CALLERS:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in settings or variable != environment(name):
            raise ConfigInvalid(f"{variable} is not a setting. `chatkey config print` lists them.")
        if environ[variable] == "":
            raise ConfigInvalid(f"{variable} is set and empty: unset it, or give it a value.")
        given[name] = (variable, environ[variable])
        given.pop(f"{name}_file", None)
    values = {name: _parsed(settings[name], *value) for name, value in given.items()}
    return Config(trusted_issuers=issuers, **values)


def describe(config: Config) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of each setting; a secret's value is stars."""
    rows = []
    for item in fields(config):
        value = getattr(config, item.name)
        shown = "****" if isinstance(value, Secret) else "" if value is None else str(value)
        if isinstance(value, timedelta):
            shown = f"{int(value.total_seconds())}s"
        if item.name == "trusted_issuers":
            shown = ", ".join(issuer.issuer for issuer in config.trusted_issuers)
        rows.append((environment(item.name), shown, item.metadata["meaning"]))
    return rows


def _from_file(
    environ: Mapping[str, str], directory: Path, settings: Mapping[str, Any]
) -> tuple[dict[str, tuple[str, str]], tuple[TrustedIssuer, ...]]:
    named = environ.get("CHATKEY_CONFIG")
    path = Path(named) if named else directory / "chatkey.toml"
    if not named and not path.exists():
        return {}, ()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigInvalid(f"{path} can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path} is not TOML: {error}.") from None
    issuers = trusted_issuers(content.pop("trusted_issuers", []), f"{path}: [[trusted_issuers]]")
    for name, value in content.items():
        if name not in settings:
            raise ConfigInvalid(f"{path}: `{name}` is not a setting. `chatkey config print` lists them.")
        if settings[name].metadata["secret"]:
            raise ConfigInvalid(f"{path}: `{name}` is a secret; name a file that holds it: `{name}_file`.")
        if not isinstance(value, str):
            raise ConfigInvalid(f"{path}: `{name}` must be a text in quotes.")
    return {name: (f"{path}: `{name}`", value) for name, value in content.items()}, issuers


def _parsed(setting: Any, source: str, text: str) -> Any:
    try:
        return setting.metadata["parse"](text)
    except ValueError as error:
        raise ConfigInvalid(f"{source} must be {error}.") from None
