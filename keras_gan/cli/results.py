"""The results of an evaluation as tables and sentences on the screen."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keras_gan.evaluation import published
from keras_gan.evaluation.distances import OVERLAPS
from keras_gan.experiment.measurements import EXAMINED
from keras_gan.reporting.advice import warned
from keras_gan.reporting.measured import significant
from keras_gan.training.sampling import with_truncation


def show(results: dict) -> None:
    """Prints the results of `Evaluator.measure` with those that tell how to read them."""
    console = Console()
    _likelihood(console, results)
    show_distances(results["distances"])
    if accuracy := results["diversity"].get("classifier_accuracy_on_test"):
        console.print(f"the small classifier names {accuracy:.1%} of the test examples correctly")
    for name, section in (
        ("given_classes", _given_classes),
        ("classification", _classification),
        ("inpainting", _inpainting),
        ("inference", _inference),
    ):
        if name in results:
            section(console, results[name])
    if spread := results["likelihood"].get("spread"):
        console.print(
            f"over {len(spread['sets'])} sets of samples: {spread['mean']:.1f} nats, "
            f"standard deviation {spread['standard_deviation']:.2f}"
        )
    if gap := results["diversity"].get("ScoreGap"):
        console.print(
            f"D scores a training example above a test example {gap['auc']:.0%} of the time"
        )
    for warning in results["warnings"]:
        console.print(f"[yellow]warning:[/] {escape(warning)}")
    raised = warned(results)
    for one in raised:
        console.print(f"[red]warning:[/] {escape(f'{one.name}: {one.message}')}")
    if "training examples" not in results["distances"]:
        console.print("recall, density and coverage were not compared with real ones (--no-sanity)")
    if not raised:
        console.print(f"no sign of collapse or memorization in {EXAMINED:,} samples")


def _table(title: str, *columns: str, left: tuple[str, ...]) -> Table:
    """A table; names of files and data may have brackets, which are no markup. None is cut."""
    table = Table(title=escape(title))
    for column in columns:
        table.add_column(
            escape(column), justify="left" if column in left else "right", overflow="fold"
        )
    return table


def _likelihood(console: Console, results: dict) -> None:
    likelihood, run = results["likelihood"], results["run"]
    dataset = run.get("dataset", run["recipe"])  # of a recipe with data of its own
    title = f"Mean log-likelihood of the test set of {dataset}, nats"
    table = _table(title, "model", "nats", "sigma", "source", left=("model", "source"))
    if dataset in ("mnist", "tfd"):
        for row in (*published.TABLE_1, *published.LATER):
            table.add_row(row.model, f"{getattr(row, dataset) or ''}", "", row.source)
        table.add_section()
    for kind, row in results.get("sanity", {}).items():
        name = f"{row['samples']:,} {kind} as samples"
        table.add_row(name, *_cells(row), "this data, this protocol")
    table.add_section()
    made = with_truncation(f"{results['weights']} weights", results.get("truncation", 1))
    name = f"{run['recipe']}, epoch {run['epochs']}, {made}"
    samples = likelihood.get("folds", [likelihood])[0]["samples"]
    table.add_row(f"[bold]{escape(name)}", *_cells(likelihood), f"{samples:,} samples")
    if refined := likelihood.get("refined"):
        name = "the same, bandwidth between the grid's"
        table.add_row(name, *_cells(refined), "not the paper's protocol")
    console.print(table)


def _cells(row: dict) -> tuple[str, str]:
    sigma = f"{row['bandwidth']:.3f}" if "bandwidth" in row else "per fold"
    return f"{row['mean']:.1f} ± {row['standard_error']:.1f}", sigma


def show_distances(distances: dict, real: str = "test examples") -> None:
    """Prints distances of several sets, each by its name, to the same real examples."""
    rows = {
        name: row for name, row in distances.items() if isinstance(row, dict) and "frechet" in row
    }
    overlaps = {name: row["precision_recall"] for name, row in rows.items()}
    first = next(iter(rows))
    columns = (f"{overlap['n_generated']:,} {name}" for name, overlap in overlaps.items())
    counts = {overlap["n_real"] for overlap in overlaps.values()}
    number = f"{counts.pop():,}" if len(counts) == 1 else "as many"
    title = f"Against {number} {real}, on {distances['features']}"
    table = _table(title, "", *columns, left=("",))
    for label, measure, number in (
        ("Frechet distance", "frechet", "distance"),
        ("Frechet, infinitely many", "frechet_at_infinity", "distance"),
        ("KID", "kid", "distance"),
        *((name, "precision_recall", name) for name in OVERLAPS),
        ("Inception Score", "inception_score", "score"),
    ):
        if measure in rows[first]:
            cells = []
            for row in rows.values():
                error = row["standard_errors"].get(number if number in OVERLAPS else measure)
                cell = significant(row[measure][number], 4) if measure in row else ""
                cells.append(cell if error is None else f"{cell} ± {significant(error, 2)}")
            table.add_row(label, *cells)
    Console().print(table)


def _given_classes(console: Console, given: dict) -> None:
    if "likelihood" in given:
        nats, sigma = _cells(given["likelihood"])
        console.print(f"given the class: {nats} nats, sigma {sigma}")
    if "of_each_class" in given:
        console.print(
            f"the classifier names {given['named_as_asked']:.1%} of "
            f"{given['samples_of_each']:,} samples of each class as asked; of the worst "
            f"class {min(given['of_each_class']):.1%}"
        )


def _classification(console: Console, named: dict) -> None:
    console.print(
        f"D names {named['test_error']:.2%} ± {named['standard_error']:.2%} of "
        f"{named['images']:,} test images incorrectly, with {named['labels'] or 'all'} labels"
    )


def _inpainting(console: Console, quality: dict) -> None:
    title = f"{quality['images']:,} test images inpainted from {quality['known']}"
    table = _table(title, "missing pixels", "squared error", left=("missing pixels",))
    for name, key in (
        (f"mean of {quality['draws']} inpaintings", "squared_error"),
        ("one inpainting", "squared_error_of_one"),
        ("nearest training image", "squared_error_of_nearest"),
        ("mean training image", "squared_error_of_mean"),
    ):
        table.add_row(name, f"{quality[key]:.2f}")
    console.print(table)
    within = quality["spread_within_class"]
    classes = "" if within is None else f"; of images of one class {within:.3f}"
    console.print(f"spread of the inpaintings of an image {quality['spread']:.3f}{classes}")
    for name, share in quality.get("named_rightly", {}).items():
        console.print(f"the classifier names {share:.1%} correctly: {name}")


def _inference(console: Console, inferred: dict) -> None:
    recovery, calibration = inferred["recovery"], inferred["calibration"]
    console.print(
        f"latents of samples: correlation with those inferred {recovery['mean']:.3f} over the "
        f"{recovery['used']} directions that carry {recovery['share']:.0%} of G's change"
    )
    pairs = zip(calibration["masses"], calibration["covered"], strict=True)
    regions = ", ".join(f"{covered:.1%} in regions of {mass:.0%}" for mass, covered in pairs)
    console.print(f"calibration of q: {regions}")
    for way, row in inferred.get("reconstruction", {}).items():
        console.print(
            f"test images, {way}: squared error {row['mean']:.2f} ± {row['standard_error']:.2f}"
        )
