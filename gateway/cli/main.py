"""The `chatkey` command: finds the subcommand, and turns whatever goes wrong into one line."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence

import click

from gateway.errors import ConfigInvalid, GatewayError, NotDurable

COMMANDS = {
    "demo": ("gateway.cli.demo", "Show the whole thing at work; needs no Telegram account."),
    "serve": ("gateway.cli.serve", "Run the gateway."),
    "sandbox": ("gateway.cli.sandbox", "Run a Bot API in a box, as strict as Telegram's."),
    "send": ("gateway.cli.send", "Send a message through a running gateway."),
    "receive": ("gateway.cli.receive", "Print what happens in chats, as a running gateway tells it."),
    "token": ("gateway.cli.token", "Issue, look at and revoke tokens: the keys of chats."),
    "key": ("gateway.cli.key", "Rotate the keys that sign tokens."),
    "operator": ("gateway.cli.operator", "Issue and revoke tokens of operators, who administer over the network."),
    "client": ("gateway.cli.client", "Register, restrict and disable clients: those who hold tokens."),
    "chat": ("gateway.cli.chat", "Authorize, suspend and discover chats."),
    "approval": ("gateway.cli.approval", "Approve what another operator asked for."),
    "audit": ("gateway.cli.audit", "Look into the log of what was allowed and refused."),
    "config": ("gateway.cli.config", "Check and print the configuration."),
}


class LazyGroup(click.Group):
    """Imports a subcommand only when it is called: `--help` must not pay for all of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the subcommand, or None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), "command")  # noqa: B009 - by convention
        assert isinstance(command, click.Command)  # noqa: S101 - each module of the table has one
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table, without importing what is in it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, meaning) for name, (_, meaning) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="chatkey-gateway", prog_name="chatkey")
def chatkey() -> None:
    """One Telegram bot, one key per chat.

    Settings come from the environment (CHATKEY_...) and from chatkey.toml; `chatkey config print` lists them.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 when it did what was asked, 2 when it was called wrongly, 1 for the rest."""
    for writer in ("gateway.store.writer", "gateway.store.postgres.writer"):
        # That the storage fails is told in the one line that the command ends with.
        logging.getLogger(writer).addHandler(logging.NullHandler())
    try:
        status = chatkey.main(arguments, prog_name="chatkey", standalone_mode=False)
    except click.UsageError as error:
        _end(f"{error.format_message()} Try `{error.ctx.command_path if error.ctx else 'chatkey'} --help`.", 2)
    except click.ClickException as error:
        _end(error.format_message(), 1)
    except NotDurable as error:
        _end(f"It could not be put on durable storage, so nothing was changed: {error.__cause__ or error}.", 1)
    except (ConfigInvalid, GatewayError) as error:
        _end(str(error), 1)
    except (click.Abort, KeyboardInterrupt):
        _end("Stopped.", 130)
    except BrokenPipeError:
        # Whoever read the output has had enough: nothing is wrong, and nobody is there to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(status or 0)


def _end(line: str, status: int) -> None:
    click.echo(f"chatkey: {' '.join(line.split())}", err=True)
    sys.exit(status)
