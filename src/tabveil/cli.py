"""What can be typed after `tabveil`?

This file parses the line, prints help, and turns errors into exit codes: 0 done; 2 wrong usage
or input; 3 a leak was shown or a gate refused; 4 cannot tell; 1 anything else; 130 interrupted,
143 terminated.
The commands themselves are in `commands/`, one module each, imported only when it runs, so that
help answers at once.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

import tabveil
from tabveil import logs
from tabveil.errors import ConditionError, ConfigError, TabveilError, safe_summary
from tabveil.interrupts import exit_code_of, keep_interrupts
from tabveil.redaction import hide_passwords
from tabveil.threads import limit_environment

COMMANDS = {
    "inspect": "path=table.csv                 the inferred schema, with reasons",
    "prepare": "dataset=randhie                raw table → schema.json + splits",
    "train": "synthesizer=autoregressive       one run: fit, sample, evaluate, log",
    "sweep": "experiment=demo                  a study; run again = resume; front at the end",
    "confirm": "experiment=demo                retrain the front, open the release split, register",
    "audit": "synthetic=a.csv train=b.csv control=c.csv    attack any table, whoever made it",
    "sample": "model=models:/randhie@balanced n=100000 out=rows.parquet",
    "verify": "rows=FOLDER                    hold a folder of drawn rows against its manifest",
    "report": "model=models:/randhie@balanced out=report.html    the release's page",
    "withdraw": "model=models:/randhie/3 why=…   take a release back; aliases move on",
    "status": "                                how far every study is, who runs it, what failed",
    "ledger": "                                who opened which release split, and drew what",
    "serve": "web.port=8000                   the web page and the REST API, and a worker",
    "worker": "                                runs what page and API ask for; serve starts one",
}

USAGE = """\
tabveil: turn a sensitive table into synthetic data that may be released.

usage: tabveil COMMAND [KEY=VALUE …] [--config-dir DIR] [--cfg job] [--debug]

{commands}

options
  --cfg job          print the composed configuration and stop
  --config-dir DIR   look for your own configs in DIR too (DIR/dataset/mine.yaml → dataset=mine)
  --debug            show the traceback of an error
  --help, --version

exit codes
  0 done (an audit: nothing shown; confirm: a release), 2 wrong usage or input, 3 a leak was shown
  or the gate refused, 4 cannot tell, 130 interrupted, 143 terminated, 1 anything else

`tabveil COMMAND --cfg job` shows what there is to set. Paths, columns and levels are what
is typed; other values are Hydra overrides. Your own table:
  tabveil sweep dataset=csv dataset.path=mine.csv dataset.target=income
"""


@dataclass(frozen=True)
class Line:
    """A parsed command line."""

    command: str
    overrides: list[str]
    config_dir: str | None = None
    show_config: bool = False
    debug: bool = False


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:  # a process of our own
        keep_interrupts()
    command = next((one for one in arguments[:1] if one in COMMANDS), None)
    with logs.bind(command=command):
        return _main(arguments)


def _main(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        if not arguments or "--help" in arguments or "-h" in arguments:
            print(usage())
            return 0 if arguments else 2
        if arguments == ["--version"]:
            print(f"tabveil {tabveil.__version__}")
            return 0
        return run(parse(arguments))
    except TabveilError as error:
        if debug:
            traceback.print_exc()
        # What a condition names, and what there is instead, are values of the table.
        is_about_rows = isinstance(error, ConditionError)
        return _failed(str(error), error.exit_code, logged=not is_about_rows)
    except BrokenPipeError:  # the reader of our output, such as `head`, has left
        sys.stderr.close()
        return 1
    except OSError as error:
        if debug:
            traceback.print_exc()
        return _failed(f"{error.filename or ''}: {error.strerror or error}", 1)
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        code = exit_code_of(error)
        if code is not None:
            return _failed("interrupted; run the same command again to go on", code)
        # A fault of ours; a library's message may quote the table.
        return _failed(f"{safe_summary(error)}; --debug shows where", 1)


def _failed(why: str, code: int, *, logged: bool = True) -> int:
    """Say why, on standard error and in the log."""
    why = hide_passwords(why)
    print(f"tabveil: {why}", file=sys.stderr)
    message = why if logged else "a condition cannot be met; the command's own output says which"
    logs.event("command failed", level="error", code=code, message=message)
    return code


def usage() -> str:
    """The help text."""
    rows = (f"  tabveil {name:9}{text}" for name, text in COMMANDS.items())
    return USAGE.format(commands="\n".join(rows))


def parse(arguments: Sequence[str]) -> Line:
    """Parse a command line. Raises ConfigError for what is not part of the grammar above."""
    command, *rest = arguments
    if command not in COMMANDS:
        raise ConfigError(f"no command {command!r}; there are: {', '.join(COMMANDS)}")
    overrides: list[str] = []
    config_dir, show_config, debug = None, False, False
    while rest:
        word = rest.pop(0)
        if word == "--debug":
            debug = True
        elif word.startswith(("--cfg=", "--config-dir=")):
            rest = [*word.split("=", 1), *rest]
        elif word in ("--cfg", "--config-dir") and rest:
            value = rest.pop(0)
            show_config = show_config or word == "--cfg"
            config_dir = value if word == "--config-dir" else config_dir
            if word == "--cfg" and value != "job":
                raise ConfigError(f"--cfg {value}: only `--cfg job` is known")
        elif word.startswith("-") or "=" not in word.lstrip("~+"):
            raise ConfigError(f"{word!r} is no KEY=VALUE and no option; see tabveil --help")
        else:
            overrides.append(word)
    return Line(command, overrides, config_dir, show_config, debug)


def run(line: Line) -> int:
    """Compose the command's configuration and run it, or print it."""
    from tabveil.config.compose import compose_command
    from tabveil.config.settings import n_threads
    from tabveil.config.space import split_overrides

    fixed, space = split_overrides(line.overrides)
    if space and line.command not in ("sweep", "confirm"):
        raise ConfigError(f"only a sweep tries several values; give one for: {', '.join(space)}")
    composition = compose_command(
        line.command, fixed, line.config_dir, space=space, complete=not line.show_config
    )
    if line.show_config:
        print(composition.to_yaml(), end="")
        return 0
    # Before numpy and torch load: they read the number of threads then.
    limit_environment(n_threads(composition))
    # Arrow's own allocator returns memory and asks for it again: a tenth of the time of reading.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    logs.event("command begins", version=tabveil.__version__)
    started = time.monotonic()
    code: int | None = importlib.import_module(f"tabveil.commands.{line.command}").run(composition)
    logs.event("command ended", code=code or 0, seconds=round(time.monotonic() - started, 3))
    return code or 0
