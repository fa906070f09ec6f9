"""The grammar of the command line, and what each way to end it returns."""

import sys

import pytest

from tabveil.cli import COMMANDS, Line, main, parse, usage
from tabveil.errors import ConfigError
from tabveil.interrupts import Terminated, exit_code_of


def test_a_line_is_a_command_overrides_and_options():
    line = parse(["sweep", "dataset=csv", "--config-dir", "mine", "+x=1", "--cfg", "job"])
    assert line == Line("sweep", ["dataset=csv", "+x=1"], "mine", show_config=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["swep"], "no command 'swep'"),
        (["sweep", "dataset"], "'dataset' is no KEY=VALUE"),
        (["sweep", "--fast"], "'--fast' is no KEY=VALUE and no option"),
        (["sweep", "--cfg", "hydra"], "only `--cfg job`"),
        (["sweep", "--config-dir"], "'--config-dir'"),
    ],
)
def test_what_is_not_of_the_grammar_is_refused(words, message):
    with pytest.raises(ConfigError, match=message):
        parse(words)


def test_help_names_every_command_and_version_is_printed(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"tabveil {name}" in text for name in COMMANDS)
    assert text.strip() == usage().strip()
    assert main(["--version"]) == 0
    assert main([]) == 2


def test_help_and_config_need_no_torch_pandas_or_mlflow():
    code = (
        "import sys; from tabveil.cli import main; main(['--help']); "
        "main(['sweep', '--cfg', 'job']); "
        "print([m for m in ('torch', 'mlflow', 'pandas', 'optuna') if m in sys.modules])"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stderr


def test_the_shown_configuration_is_resolved_where_every_value_is_there(capsys):
    assert main(["sweep", "--cfg", "job"]) == 0  # DVC takes its parameters from this
    assert "${" not in capsys.readouterr().out
    assert main(["sample", "--cfg", "job"]) == 0
    assert "model: ???" in capsys.readouterr().out


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_an_interrupt_and_a_user_error_have_their_exit_codes(monkeypatch, capsys, raised, code):
    def interrupted(words):
        raise raised

    assert main(["nothing"]) == 2
    assert capsys.readouterr().err.startswith("tabveil: no command")
    monkeypatch.setattr("tabveil.cli.parse", interrupted)
    assert main(["sweep"]) == code


def test_a_fault_of_ours_is_one_line_without_the_librarys_message(monkeypatch, capsys):
    def broken(line):
        raise ValueError("could not convert string to float: 'Smith'")

    monkeypatch.setattr("tabveil.cli.run", broken)
    assert main(["sweep"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("tabveil: ValueError at ")
    assert "Smith" not in said
    assert len(said.splitlines()) == 1


def test_an_interrupt_inside_of_a_librarys_error_is_an_interrupt() -> None:
    def wrapped(kind) -> BaseException:
        try:
            try:
                raise kind
            except KeyboardInterrupt:
                raise ValueError("rolled back")  # noqa: B904  (as a library does)
        except ValueError as error:
            return error

    assert exit_code_of(wrapped(KeyboardInterrupt)) == 130
    assert exit_code_of(wrapped(Terminated)) == 143
    assert exit_code_of(ValueError("of its own")) is None
