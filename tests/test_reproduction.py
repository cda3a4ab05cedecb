"""The page of the paper's results says what their JSON files say, and no result is without one."""

from __future__ import annotations

import copy
import math
import shlex
import tomllib

import pytest

from reproduce import __main__ as command
from reproduce import experiments, page, results

FOUND = results.load()


def test_the_page_is_generated():
    assert page.PAGE.read_text(encoding="utf-8") == page.render(FOUND), (
        "run: python -m reproduce page"
    )


def named(result: dict) -> str:
    return result["result"]


@pytest.mark.parametrize("result", FOUND, ids=named)
def test_each_number_of_a_result_is_on_the_page(result):
    before = page.render([result])
    for index, row in enumerate(result["rows"]):
        for column, value in row.items():
            if isinstance(value, int | float):
                other = copy.deepcopy(result)
                other["rows"][index][column] = 2 * value + 1
                assert page.render([other]) != before, f"row {index}, {column}"


@pytest.mark.parametrize("result", FOUND, ids=named)
def test_a_result_says_how_it_was_made(result):
    assert result["command"].startswith("python -m reproduce ")
    options = command.parser().parse_args(shlex.split(result["command"])[3:])
    assert named(result).startswith(options.result)
    assert result["command"] in page.PAGE.read_text(encoding="utf-8")
    assert {"python", "tensorflow", "keras", "numpy"} <= set(result["versions"])
    if result["rows"]:
        assert result["seeds"] == [options.seed]
        assert result["protocol"]
        assert result["seconds"] > 0
        assert {"processor", "cores", "memory_gib", "load"} == set(result["machine"])
        assert result["pictures"]
    else:
        assert result["needs"]
    for picture in result["pictures"]:
        assert (results.ROOT / "docs" / picture).is_file(), picture


def test_a_table_leaves_out_empty_columns():
    rows = [
        {"samples": "images", "epoch": "", "mean": 243.44, "refined": ""},
        {"samples": "centroids", "epoch": "", "mean": 334.7, "refined": 335.0},
    ]
    assert page.table(rows).splitlines() == [
        "| samples | nats | refined |",
        "| --- | --- | --- |",
        "| images | 243.4 |  |",
        "| centroids | 334.7 | 335.0 |",
    ]


def test_the_curve_and_its_best_epoch():
    metrics = {
        "epoch": [0.0, 1.0, 2.0, 3.0],
        "val_log_likelihood": [math.nan, 5.04, math.nan, -1.0],
        "val_log_likelihood_averaged": [math.nan, 7.0, math.nan, 9.0],
    }
    assert experiments.best_epoch(metrics, "val_log_likelihood") == (2, 5.04)
    assert experiments.best_epoch(metrics, "val_log_likelihood_averaged") == (4, 9.0)
    assert experiments.curve(metrics) == [
        {"epoch": 2, "raw": 5.0, "averaged": 7.0},
        {"epoch": 4, "raw": -1.0, "averaged": 9.0},
    ]


def test_tfd_gives_commands_and_no_number(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    experiments.tfd()
    (found,) = results.load(tmp_path / "results")
    assert found["rows"] == []
    assert all(line in page.render([found]) for line in found["commands"])


def test_bad_input_is_one_line(capsys):
    assert command.main(["parzen_sanity", "--run-dir", "runs/x"]) == 2
    assert "--run-dir is for digits and mnist" in capsys.readouterr().err
    assert command.main(["everything"]) == 2


def test_it_is_not_installed():
    with (results.ROOT / "pyproject.toml").open("rb") as file:
        included = tomllib.load(file)["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.partition(".")[0] for name in included} == {"keras_gan", "export", "serving"}
