"""The report: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from keras_gan import __version__, recipes
from keras_gan.core.files import write_atomically
from keras_gan.data import DataSet
from keras_gan.experiment.run import Run
from keras_gan.reporting import curves, facts, pictures
from keras_gan.reporting.facts import Facts
from keras_gan.reporting.pictures import BUDGET, Pictures

_SIZE = (curves.WIDTH, curves.HEIGHT, curves.LEFT, curves.RIGHT)


@dataclasses.dataclass(frozen=True)
class Page:
    """One run in a report."""

    facts: Facts
    pictures: Pictures
    metrics: curves.Table


def write(
    runs: Sequence[Run],
    file: str | os.PathLike[str],
    load_data: Callable[[Run], DataSet] = recipes.data_of,
) -> None:
    """Writes the report of one run, or of several side by side.

    Args:
        runs: The runs.
        file: The HTML file.
        load_data: Gives the data of a run; an `InputError` of it becomes a remark in the report.

    Raises:
        InputError: A file of a run is damaged.
    """
    write_atomically(file, render_runs(runs, load_data))


def render_runs(runs: Sequence[Run], load_data: Callable[[Run], DataSet]) -> str:
    """The report that `write` writes."""
    return render([_page(run, load_data, BUDGET // len(runs)) for run in runs])


def render_files(run: Run, state: str) -> str:
    """The report as far as the files of a run tell it, for a page that follows training.

    Args:
        run: The run, which may be training; none of its models is loaded.
        state: Stands for the contents of the files; the page asks for a newer one.
    """
    known = facts.of_run(run, following=True)
    return render([Page(known, pictures.of_files(run), _metrics(run))], state)


def _page(run: Run, load_data: Callable[[Run], DataSet], budget: int) -> Page:
    known = facts.of_run(run)
    if known.finished and len(known.shape) == 3:
        load = functools.partial(load_data, run)
        drawn = pictures.of_models(run, known, load, budget)
    else:
        drawn = pictures.of_files(run, budget)
    return Page(known, drawn, _metrics(run))


def _metrics(run: Run) -> curves.Table:
    return run.metrics() if run.metrics_file.exists() else {}


def render(pages: Sequence[Page], state: str = "") -> str:
    """The document.

    Args:
        pages: A page for each run.
        state: Of a page that follows training; empty for a report.
    """
    style, script = _file("report.css") + _file("panels.css"), _file("report.js")
    names = _distinct([page.facts.name for page in pages])
    return _template("report.html").render(
        pages=list(zip(names, pages, strict=True)),
        panels=curves.panels(
            {n: p.metrics for n, p in zip(names, pages, strict=True)},
            equilibrium=all(page.facts.equilibrium for page in pages),
        ),
        differences=_differences(pages),
        numbers=_side_by_side(pages),
        size=_SIZE,
        unknown=facts.UNKNOWN,
        version=__version__,
        state=state,
        style=Markup(style),
        script=Markup(script),
        hashes={"style": _hash(style), "script": _hash(script)},
    )


def draw_curves(tables: Mapping[str, curves.Table]) -> str:
    """Curves as HTML, for pages with the style of `templates/panels.css`.

    Args:
        tables: As for `curves.panels`.
    """
    return _template("panels.html").render(panels=curves.panels(tables), size=_SIZE)


@functools.cache  # it is compiled, and a page that follows training is rendered again and again
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("keras_gan.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"flags": _with_flags, "code": _code}
    return environment.get_template(name)


def _file(name: str) -> str:
    return (resources.files("keras_gan.reporting") / "templates" / name).read_text("utf-8")


def _distinct(names: Sequence[str]) -> list[str]:
    """Names of runs, with a number where two are equal."""
    numbered = [
        name if names.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(names, start=1)
    ]
    return numbered if len(set(numbered)) == len(names) else _distinct(numbered)


def _differences(pages: Sequence[Page]) -> dict[str, list[Any]]:
    """Settings, and what else was given, that are not the same in all runs, by name."""
    rows = []
    for page in pages:
        of_run = {setting.name: setting.value for setting in page.facts.settings}
        rows.append({"recipe": page.facts.recipe, **of_run, "data": page.facts.fingerprint})
    names = dict.fromkeys(name for row in rows for name in row)
    values = {name: [row.get(name, "") for row in rows] for name in names}
    return {name: row for name, row in values.items() if any(value != row[0] for value in row)}


def _side_by_side(pages: Sequence[Page]) -> dict[str, list[facts.Number | None]]:
    """Each number of all runs, by its name; None where a run has it not."""
    rows = [{number.name: number for number in page.facts.numbers} for page in pages]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _with_flags(text: str) -> Markup:
    """A sentence in which the flags of commands stand out and are not broken."""
    return Markup(re.sub(r"--[a-z][\w-]*", r"<code>\g<0></code>", str(escape(text))))


def _code(lines: str | Sequence[str]) -> Markup:
    """Commands, which break between words only: a break in a flag looks like a space."""
    lines = [lines] if isinstance(lines, str) else lines
    word = Markup("<span>{}</span>")
    return Markup("\n").join(
        Markup(" ").join(word.format(text) for text in line.split(" ")) for line in lines
    )


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def file_of(run: Run) -> Path:
    """Where the report of a run goes."""
    return run.path / "report.html"
