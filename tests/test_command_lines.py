"""Wrong command lines, generated from the parsers of all commands.

Each ends with one line on stderr that names what is wrong, and with code 2, and writes nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib.metadata
import io
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

import export.__main__
import serving.__main__
from keras_gan import InputError, data, evaluate, figures, generate, pack, train
from keras_gan.cli import main as keras_gan_command
from keras_gan.cli import parsing, start_tensorflow
from keras_gan.core.settings import Field, fields
from keras_gan.experiment.evaluator import EvaluationSettings
from keras_gan.experiment.job import Options
from keras_gan.recipes import get
from serving import settings as serving_settings

TOO_LONG = "x" * 300  # a file's name has at most 255 bytes
# Those that together have all settings.
RECIPES = (
    *("digits", "digits_inference", "digits_semi_supervised", "own_data", "mnist_r3gan"),
    *("sngan_cifar10", "r3gan_cifar10", "tfd_stage2", "ring"),
)


class Command(NamedTuple):
    """A command, and a call of it that lacks nothing."""

    main: Callable[[list[str]], int]
    call: list[str]
    settings: tuple[type, ...] = ()  # that its flags are made of
    passes_on: bool = False  # flags that it does not know


COMMANDS = {
    f"train {recipe}": Command(
        train.main, ["--recipe", recipe, "--dry-run"], (get(recipe).settings, Options)
    )
    for recipe in RECIPES
} | {
    "evaluate": Command(evaluate.main, ["absent"], (EvaluationSettings,)),
    "figures": Command(figures.main, ["absent"]),
    "generate": Command(generate.main, ["absent", "--output", "samples"]),
    "pack": Command(pack.pack, ["absent", "--output", "file"]),
    "unpack": Command(pack.unpack, ["absent", "--run-dir", "run"]),
    "export": Command(export.__main__.main, ["absent", "--output", "exports"]),
    "export inspect": Command(export.__main__.main, ["inspect", "absent"]),
    "serve": Command(serving.__main__.main, ["absent"]),
    "serve client": Command(serving.__main__.main, ["client", "http://localhost:1", "--model=m"]),
    "serve config": Command(serving.__main__.main, ["config", "absent"]),
    "serve launch": Command(serving.__main__.main, ["launch", "absent"], passes_on=True),
    "serve label": Command(
        serving.__main__.main,
        ["label", "localhost:1", "--model_config_file=absent", "--model=m", "--label=stable=1"],
    ),
}


class Parsing(Exception):
    """Carries the parser of a command out of it."""


def parser_of(command: Command, monkeypatch) -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser.parse_known_args

    def stop(parser, *arguments, **named):
        if parser.add_help:  # the others look for one flag
            raise Parsing(parser)
        return parse(parser, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_known_args", stop)
        with pytest.raises(Parsing) as caught:
            command.main(command.call)
    return caught.value.args[0]


def wrong_calls(command: Command, parser: argparse.ArgumentParser) -> Iterator[tuple[str, list]]:
    """What the message must name, and the arguments."""
    known = {field.flag: field for group in command.settings for field in fields(group)}
    if not command.passes_on:
        yield "--no-such-option", [*command.call, "--no-such-option"]
    for action in parser._actions:
        if not action.option_strings or isinstance(action, argparse._HelpAction):
            continue
        flag = action.option_strings[0]
        if action.nargs == 0:
            yield flag, [*command.call, f"{flag}=perhaps"]
            continue
        if action.nargs != "?":
            yield flag, [*command.call, flag]
        for value in wrong_values(action, known.get(flag)):
            yield flag, [*command.call, f"{flag}={value}"]


def wrong_values(action: argparse.Action, field: Field | None) -> Iterator[str]:
    """Values that an option cannot have."""
    kind = field.kind if field else action.type
    name = getattr(kind, "__name__", "")
    if name in ("int", "float", "number", "whole number", "port"):
        yield from ("", "many", "nan", "inf", "-inf", "1e999", f"-{10**30}", "1,5", "0x10")
        yield str(10**400)
    if name in ("int", "whole number", "port"):
        yield from ("1.5", "1e3", str(10**30))
    if field is not None and kind in (int, float):
        step = 1 if kind is int else 1e-3
        for limit, wrong in (("least", -step), ("most", step), ("above", 0), ("below", 0)):
            if limit in field.limits:
                yield repr(field.limits[limit] + wrong)
    if field is not None and (field.choices or field.path):
        yield from ("",) if field.default != "" else ()
        yield "nothing such" if field.choices else TOO_LONG
        if field.path:
            yield os.sep
    if kind is Path or name in ("path", "path_name"):
        yield from ("", TOO_LONG, os.sep)


def outcome(main, arguments) -> tuple[int | str, str, str]:
    """Exit code, or the exception's name, stdout and stderr."""
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
        warnings.catch_warnings(),
    ):
        try:
            code = main(arguments)
        except SystemExit as stop:
            code = stop.code
        except Exception as error:
            code = f"{type(error).__name__}: {error}"
    return code, out.getvalue(), err.getvalue()


def faults_of(name, main, arguments, named, folder) -> list[str]:
    code, out, err = outcome(main, arguments)
    good = (code, out, err.count("\n")) == (2, "", 1) and named in err and not os.listdir(folder)
    return [] if good else [f"{name} {arguments} -> {code!r}: {out[:200]}{err[:400]}"]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TF_CONFIG", raising=False)
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_each_wrong_value_of_each_option_is_one_line(name, elsewhere, monkeypatch):
    command = COMMANDS[name]
    calls = list(wrong_calls(command, parser_of(command, monkeypatch)))
    faults = [
        fault
        for named, arguments in calls
        for fault in faults_of(name, command.main, arguments, named, elsewhere)
    ]
    assert not faults, "\n".join(faults)


def test_there_are_enough_calls(monkeypatch):
    calls = [wrong_calls(c, parser_of(c, monkeypatch)) for c in COMMANDS.values()]
    assert sum(len(list(of_one)) for of_one in calls) > 1000


@pytest.mark.parametrize("name", ["", "tarin", "--recipe", "-"])
def test_an_unknown_command_is_one_line(name, elsewhere):
    assert not faults_of("keras-gan", keras_gan_command.main, [name], repr(name), elsewhere)


@pytest.mark.parametrize(
    ("name", "nearest"), [("evalute", "evaluate"), ("TRAIN", "train"), ("--versoin", "--version")]
)
def test_an_unknown_command_names_the_nearest(name, nearest, capsys):
    assert keras_gan_command.main([name]) == 2
    assert capsys.readouterr().err.endswith(f"; did you mean {nearest}?\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ouput", "x.png"], "unrecognized arguments: --ouput; did you mean --output?"),
        (["--ouput=x.png"], "did you mean --output?"),
        (["--output", "x.png", "--hlep"], "did you mean --help?"),
        (["x.png"], "arguments are required: --output"),
        (["--output", "x.png", "--truncation", "0,7"], "invalid float value: '0,7'"),
        (["--output", "x.png", "--", "--ouput"], "unrecognized arguments: -- --ouput"),
    ],
)
def test_a_mistyped_flag_names_the_nearest(arguments, message, elsewhere):
    assert not faults_of("", generate.main, ["digits", *arguments], message, elsewhere)


@pytest.mark.parametrize("run", ["", os.sep, TOO_LONG, "absent", "a_file", "a\nb"])
@pytest.mark.parametrize("main", [evaluate.main, figures.main, export.__main__.main])
def test_a_run_that_cannot_be_one(run, main, tmp_path, monkeypatch):
    (tmp_path / "a_file").write_text("")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    run = f"../{run}" if run == "a_file" else run
    further = ["--output", "exports"] if main is export.__main__.main else []
    assert not faults_of("", main, [run, *further], "", tmp_path / "here")


RECIPE = """
import dataclasses, sys
from keras_gan import experiment

@dataclasses.dataclass(frozen=True)
class Settings(experiment.Settings):
    pass

def build(settings, data):
    sys.exit(0)
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import sys; sys.exit(0)", "mine.py, line 1 fails: SystemExit: 0"),
        ("1 / 0", "mine.py, line 1 fails: ZeroDivisionError"),
        ("def", "mine.py fails: SyntaxError"),
        ("\0", "mine.py fails: SyntaxError"),
        (RECIPE, "mine.py, line 10 fails: SystemExit: 0"),
        (RECIPE + "def load_data(settings): sys.exit(0)", "fails: SystemExit: 0"),
        (RECIPE + "def training_set(settings, data): return {}['x']", "fails: KeyError: 'x'"),
    ],
)
def test_a_recipe_file_that_fails_is_one_line(text, words, elsewhere):
    Path("mine.py").write_text(text)
    (elsewhere / "here").mkdir()
    os.chdir("here")
    path = str(elsewhere / "mine.py")
    assert not faults_of("", train.main, ["--recipe", path], words, elsewhere / "here")


@pytest.mark.parametrize("place", [os.sep, "//", "/..", "../../../../../../../../..", ""])
def test_the_whole_disk_is_no_data_set_and_no_run(place, elsewhere):
    for flag in ("--dataset", "--run-dir", "--data-dir", "--checkpoint-dir"):
        assert not faults_of("", train.main, [flag, place], flag, elsewhere)


def test_a_tilde_is_the_home_folder_after_an_equals_sign_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parsing.path("~/run") == str(tmp_path / "run")
    assert serving_settings.path_name("~/run") == tmp_path / "run"
    assert Options(run_dir="~/run").run_dir == str(tmp_path / "run")
    (table := tmp_path / "classes.csv").write_text("")
    assert data.classes_file("~/classes.csv", Path("photos")) == table
    with pytest.raises(InputError, match=re.escape(f"no recipe file {tmp_path / 'mine.py'}")):
        get("~/mine.py")


def test_a_file_is_no_folder(elsewhere):
    (elsewhere / "here").mkdir()
    (elsewhere / "file").write_text("")
    os.chdir("here")
    for flag in ("--run-dir", "--data-dir", "--checkpoint-dir"):
        for path in ("../file", "../file/below"):
            assert not faults_of("", train.main, [flag, path], flag, elsewhere / "here")


def test_ctrl_c_while_a_command_is_imported_is_one_line(monkeypatch, capsys):
    def load(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib.metadata.EntryPoint, "load", load)
    assert keras_gan_command.main(["train"]) == 130
    assert capsys.readouterr().err == "train: ended at once\n"


def test_commands_work_with_closed_standard_streams(tmp_path):
    command = 'exec "$0" -m keras_gan.train --recipe digits --dry-run <&- >&- 2>&-'
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    run = subprocess.run(["bash", "-c", command, sys.executable], cwd=tmp_path, env=environment)
    assert run.returncode == 0


@pytest.mark.parametrize("error", [errno.EPIPE, errno.ENOSPC])
def test_an_output_that_nobody_reads_is_one_line(error, monkeypatch, capsys):
    class Closed(io.StringIO):
        def flush(self):
            raise OSError(error, os.strerror(error))

    calls = {
        "keras-gan": lambda: keras_gan_command.main(["--version"]),
        "pack": lambda: parsing.run(lambda _: 0, [], "pack"),
    }
    for name, call in calls.items():
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", Closed())
            assert call() == 4
        expected = f"{name}: error: standard output: {os.strerror(error)}\n"
        assert capsys.readouterr().err == expected
    assert parsing.run(mock.Mock(side_effect=BrokenPipeError(32, "Broken")), [], "pack") == 4
    assert capsys.readouterr().err == "pack: error: standard output: Broken\n"


def test_characters_that_the_terminal_lacks_are_replaced(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    start_tensorflow._prepare_standard_streams()
    print("12 ± 1", flush=True)
    assert sys.stdout.buffer.getvalue() == b"12 ? 1\n"
