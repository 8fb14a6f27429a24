"""The application whose flows a command works on, and the screens they must fit."""

from __future__ import annotations

import os
import sys

import click

from ussd_app import endpoints
from ussd_app.application import Application, named
from ussd_app.endpoints import budgets_of
from ussd_app.flow.diagnostics import FlowError
from ussd_app.messages import Budget
from workers.settings import Settings


def find_application(settings: Settings) -> Application:
    """What `CASSOU_APPLICATION` names: filters, rules and functions. Exits 2 where it is none."""
    try:
        return named(settings.application)
    except ValueError as error:
        click.echo(f"CASSOU_APPLICATION={error}", err=True)
        sys.exit(2)


def served_budgets(settings: Settings) -> tuple[Budget, ...]:
    """The sizes of screens of the configured endpoints. Exits 2 where they cannot be read."""
    try:
        return budgets_of(endpoints.load(settings.endpoints_file, os.environ))
    except FlowError as error:
        click.echo(str(error), err=True)
    except UnicodeDecodeError as error:
        click.echo(f"{settings.endpoints_file}: not UTF-8 text: {error}", err=True)
    except OSError as error:
        sentence = f"{settings.endpoints_file}: {error.strerror}; set CASSOU_ENDPOINTS_FILE"
        click.echo(sentence, err=True)
    sys.exit(2)


def known_budgets(settings: Settings) -> tuple[Budget, ...]:
    """The sizes of screens of the configured endpoints; 160 septets where none can be read."""
    try:
        found = endpoints.load(settings.endpoints_file, os.environ)
    except (FlowError, OSError, UnicodeDecodeError):
        return (Budget(),)
    return budgets_of(found)
