"""Where errors end: each becomes a message in plain words on stderr and an exit code."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import UnsupportedOperation

import typer

from mmsearch.cli.output import flush, notice
from mmsearch.errors import MmsearchError

INTERRUPTED = 130
BUG = 1


@contextmanager
def errors_reported(*, verbose: bool) -> Iterator[None]:
    """Run a command; whatever it raises ends as a message and `typer.Exit`.

    Args:
        verbose: Also show the traceback.
    """
    try:
        yield
        flush()
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except MmsearchError as error:
        _tell(f"Error: {error.message}", error.remedy, verbose=verbose)
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt as error:
        _tell("Stopped. What was finished is kept; run the same command again to go on.", verbose=verbose)
        raise typer.Exit(INTERRUPTED) from error
    except BrokenPipeError as error:  # such as `mmsearch search ... | head -1`: the reader has what it wanted
        _leave_stdout()
        raise typer.Exit(0) from error
    except Exception as error:
        what = traceback.format_exception_only(error)[-1].strip()
        _tell(f"Error: {what}", _report(verbose), verbose=verbose)
        raise typer.Exit(BUG) from error


def _report(verbose: bool) -> str:
    how = "please report it with what is shown above" if verbose else "run it again with -v to see where it happened"
    return f"This is a bug in mmsearch; {how}."


def _tell(*lines: str, verbose: bool) -> None:
    with suppress(BrokenPipeError):
        if verbose:
            traceback.print_exc()
        for line in filter(None, lines):
            notice(line)


def _leave_stdout() -> None:
    """Point stdout elsewhere, else Python complains about the closed pipe when it flushes at the end."""
    with suppress(UnsupportedOperation):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
