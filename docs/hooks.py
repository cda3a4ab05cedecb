"""What MkDocs adds to the pages in docs/: guides, recipes, the API, files that pages link to."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import posixpath
import re
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # for reproduce, which is not installed
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import jupytext
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from keras_gan import GAN, InputError, Run, recipes
from keras_gan.core.settings import Field, fields
from keras_gan.experiment import Settings
from keras_gan.reporting import document
from reproduce import page as results_page
from reproduce import results

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "keras_gan" / "reporting" / "templates"
# Pages of the site that stand elsewhere in the repository.
ELSEWHERE = {
    "contributing.md": "CONTRIBUTING.md",
    "changes.md": "CHANGELOG.md",
    "examples.md": "examples/README.md",
}
PACKAGES = ("keras_gan", "export", "serving")
# What is public in packages that do not list their names in `__all__`.
PUBLIC = {
    "export": ("inspection", "subject", "writing"),
    "keras_gan.cli": (),
    "keras_gan.evaluation": (
        *("likelihood", "distances", "collapse", "features", "gaussians", "theory"),
        *("inpainting", "posterior", "published"),
    ),
    "keras_gan.reporting": (),
    "keras_gan.training": ("auxiliary",),
}

# ------------------------------------------------------------------------------ API


def members(module: types.ModuleType) -> dict[str, Any]:
    """The public names of a module with what they stand for."""
    names = PUBLIC.get(module.__name__, getattr(module, "__all__", None))
    if names is None:  # a module: what it defines
        return {
            name: value
            for name, value in vars(module).items()
            if name[0] != "_" and getattr(value, "__module__", None) == module.__name__
        }
    return {name: _member(module, name) for name in names}


def _member(module: types.ModuleType, name: str) -> Any:
    if module.__name__ in PUBLIC:
        return importlib.import_module(f"{module.__name__}.{name}")
    return getattr(module, name)


def modules(path: str, module: types.ModuleType) -> Iterator[tuple[str, types.ModuleType]]:
    """A public module and those below it, each with its public name."""
    yield path, module
    for name, value in members(module).items():
        if isinstance(value, types.ModuleType):
            yield from modules(f"{path}.{name}", value)


def public_modules() -> dict[str, types.ModuleType]:
    """All public modules by their public names."""
    packages = map(importlib.import_module, PACKAGES)
    return dict(found for package in packages for found in modules(package.__name__, package))


def api_page(path: str, module: types.ModuleType) -> str:
    """The page of a public module: its docstring, the modules below it, and an entry per name."""
    parts = [f"# {path} {{ #{path} }}", inspect.getdoc(module) or ""]
    listed, entries = [], []
    for name, value in members(module).items():
        public = f"{path}.{name}"
        if isinstance(value, types.ModuleType):
            first = (inspect.getdoc(value) or "").partition("\n")[0]
            listed.append(f"- [`{public}`]({public}.md): {first}")
            continue
        if not (inspect.isclass(value) or inspect.isfunction(value)):
            constant = "\n".join(value) if isinstance(value, Mapping | tuple) else repr(value)
            entries.append(f"## {name} {{ #{public} }}\n\n```text\n{constant or '(empty)'}\n```")
            continue
        entries.append(
            f'<span id="{public}"></span>\n\n::: {value.__module__}.{value.__qualname__}'
        )
        entries[-1] += f"\n    options:\n      heading: {name}\n      toc_label: {name}"
        if inherited := _inherited(value):
            entries[-1] += f"\n      inherited_members: [{', '.join(inherited)}]"
    return "\n\n".join([*parts, "\n".join(listed), *entries]) + "\n"


def _inherited(kind: Any) -> list[str]:
    """The public members that a class has from other classes of this project."""
    bases = [
        base
        for base in getattr(kind, "__mro__", ())[1:]
        if base.__module__.partition(".")[0] in PACKAGES
    ]
    names = (name for base in bases for name in vars(base))
    return [name for name in names if name[0] != "_" and name not in _HIDDEN]


_HIDDEN = {"build", "call", "get_config", "from_config"}  # as by `filters` in mkdocs.yml


# -------------------------------------------------------------------------- recipes


def recipe_page(name: str) -> str:
    """The page of a recipe: its docstring, its settings, and its results."""
    recipe = recipes.get(name)
    text = inspect.getdoc(importlib.import_module(f"keras_gan.recipes.{name}")) or ""
    title, _, rest = text.partition("\n")
    inherited = {field.name: field for field in fields(Settings)}
    own = [field for field in fields(recipe.settings) if inherited.get(field.name) != field]
    others = [field for field in fields(recipe.settings) if field not in own]
    parts = [f"# {name}", title, rest.strip("\n"), "## Settings", _settings(own)]
    if others:
        fold = "\n".join(f"    {line}" for line in _settings(others).splitlines())
        parts.append(
            f'??? note "Settings that every recipe has, with their usual defaults"\n\n{fold}'
        )
    parts += [_report_link(preset) for preset in GAN.presets if _recipe_of_preset(preset) == name]
    parts += [_result(found) for found in results.load() if _recipe_of(found) == name]
    return "\n\n".join(parts) + "\n"


def _settings(rows: list[Field]) -> str:
    lines = ["| flag | default | meaning |", "| --- | --- | --- |"]
    for field in rows:
        default = "" if field.default in ("", None) else f"`{field.default}`"
        if field.kind is bool:
            default = "on" if field.default else "off"
        lines.append(f"| `{field.flag}` | {default} | {field.help} |")
    return "\n".join(lines)


def _recipe_of(result: dict[str, Any]) -> str:
    """The recipe that a result of `reproduce` was measured with."""
    run = result.get("protocol", {}).get("run", {})
    return run.get("recipe", re.sub(r"_seed\d+$", "", result["result"]))


@functools.cache  # opening a preset checks all of its files
def _recipe_of_preset(preset: str) -> str:
    return Run.open(preset).identity["recipe"]


def _report_link(preset: str) -> str:
    return (
        f"## Trained model\n\n[Report of the preset `{preset}`](../reports/{preset}.html): "
        "samples, curves, and each number with its protocol, as "
        f"`keras-gan report {preset}` writes it. "
        f'`keras_gan.GAN.from_preset("{preset}")` loads it.'
    )


def report(preset: str) -> str:
    """The report of a built-in preset."""

    def no_data(run: Run) -> None:
        raise InputError("the documentation is built without the data")

    return document.render_runs([Run.open(preset)], no_data)


def _result(result: dict[str, Any]) -> str:
    text = results_page.section(result, [result["data"]] if "data" in result else [])
    text = text.replace("Data (a).", f"Data: {result.get('data')}.").replace("### ", "## Result: ")
    drawn = any(picture.endswith("curves.png") for picture in result["pictures"])
    curves = [] if drawn else map(_curves, _tables(result))
    return "\n\n".join([text.replace("](", "](../"), *curves])


def _tables(result: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Rows along training, as `metrics.csv` names them and counts epochs."""
    names = {"raw": "val_log_likelihood", "ema": "val_log_likelihood_ema"}
    for part in ("curve", "losses"):
        if rows := result.get(part):
            yield [
                {"epoch": row["epoch"] - 1}
                | {names.get(key, key): row[key] for key in row if key != "epoch"}
                for row in rows
            ]


def _curves(rows: list[dict[str, Any]]) -> str:
    table = {name: [row[name] for row in rows] for name in rows[0]}
    drawn = document.draw_curves({"": table})
    return "\n".join(line for line in drawn.splitlines() if line.strip())  # one block of HTML


# --------------------------------------------------------------------------- guides


def guide(path: Path) -> dict[str, str]:
    """A guide's page and notebook, by their suffixes, from its Python file."""
    notebook = jupytext.read(path)
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    cells = [
        cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```"
        for cell in notebook.cells
    ]
    files = {"Notebook": f"{path.stem}.ipynb", "Python file": path.name}
    links = (f'<a href="{file}" download>{name}</a>' for name, file in files.items())
    first, _, rest = cells[0].partition("\n")
    cells[0] = "\n\n".join([first, " · ".join(links), rest.strip()])
    return {".md": "\n\n".join(cells) + "\n", ".ipynb": jupytext.writes(notebook, "ipynb")}


# --------------------------------------------------------------- pages, files, links


def generated() -> dict[str, str]:
    """The text of every generated page, report and notebook, by its place in the site."""
    pages = {page: (ROOT / file).read_text(encoding="utf-8") for page, file in ELSEWHERE.items()}
    pages |= {f"recipes/{name}.md": recipe_page(name) for name in recipes.NAMES}
    pages["panels.css"] = (TEMPLATES / "panels.css").read_text(encoding="utf-8")
    pages |= {f"reports/{name}.html": report(name) for name in GAN.presets}
    pages |= {f"api/{path}.md": api_page(path, found) for path, found in public_modules().items()}
    for path in sorted((ROOT / "docs" / "guides").glob("*.py")):
        pages |= {f"guides/{path.stem}{suffix}": text for suffix, text in guide(path).items()}
    return pages


def on_config(config: MkDocsConfig) -> None:
    """Adds the pages of recipes and of the API to the navigation."""
    sections = {name: section for entry in config.nav for name, section in entry.items()}
    sections["Recipes and results"].append(
        {"Each recipe": [{name: f"recipes/{name}.md"} for name in recipes.NAMES]}
    )
    sections["API"] += [{path: f"api/{path}.md"} for path in public_modules()]


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Adds generated pages, and the files of the repository that pages link to."""
    for place, text in generated().items():
        files.append(File.generated(config, place, content=text))
    for file in list(files.documentation_pages()):
        for target in _links(file.src_uri, file.content_string):
            if target.startswith("source/") and target not in files.src_uris:
                path = str(ROOT / target.removeprefix("source/"))
                files.append(File.generated(config, target, abs_src_path=path))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lets links to files outside of docs/ lead to their places in the site."""
    folder = posixpath.dirname(page.file.src_uri)

    def replace(match: re.Match) -> str:
        target = _place(page.file.src_uri, match[1])
        return f"]({posixpath.relpath(target, folder or '.')}{match[2] or ''})"

    # "```cpp load.cc": the words after the language are a title.
    markdown = re.sub(r"^(```\w+) (\w[^\n{=]*)$", r'\1 title="\2"', markdown, flags=re.MULTILINE)
    return _LINK.sub(replace, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Names the search dialog for screen readers, which the theme leaves out."""
    return output.replace('class="md-search"', 'class="md-search" aria-label="Search"', 1)


_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def _links(page: str, text: str) -> set[str]:
    return {_place(page, match[1]) for match in _LINK.finditer(text)}


def _place(page: str, target: str) -> str:
    """Where in the site a link of a page leads, from its target as the page gives it."""
    source = ELSEWHERE.get(page, f"docs/{page}")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    for place, file in {**ELSEWHERE, "index.md": "README.md"}.items():
        if path == file:
            return place
    if path.startswith("docs/guides/"):
        path = path.removesuffix(".py") + ".md"
    return path.removeprefix("docs/") if path.startswith("docs/") else f"source/{path}"
