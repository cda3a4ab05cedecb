"""Tables 1 and 2 of the paper as data, what was published later, and the checks made here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A mean log-likelihood under a Parzen window, nats.

    Attributes:
        mean: The mean over test examples.
        error: Its standard error: over test examples on MNIST, over folds on TFD; None if none was
            published.
    """

    mean: float
    error: float | None = None

    def __str__(self) -> str:
        return f"{self.mean:g}" if self.error is None else f"{self.mean:g} ± {self.error:g}"


@dataclass(frozen=True)
class Row:
    """One model's scores in the measure of Table 1.

    Attributes:
        model: Its name.
        mnist: Score on MNIST, or None.
        tfd: Score on the Toronto Face Database, or None.
        source: Where the scores stand.
    """

    model: str
    mnist: Score | None
    tfd: Score | None
    source: str


_PAPER = "Goodfellow et al. 2014, Table 1"

TABLE_1 = (
    Row("DBN", Score(138, 2), Score(1909, 66), _PAPER),
    Row("Stacked CAE", Score(121, 1.6), Score(2110, 50), _PAPER),
    Row("Deep GSN", Score(214, 1.1), Score(1890, 29), _PAPER),
    Row("Adversarial nets", Score(225, 2), Score(2057, 26), _PAPER),
)

# The same measure, published afterwards.
LATER = (
    Row("GMMN", Score(147), Score(2085), "Li et al. 2015"),
    Row("GMMN+AE", Score(282), Score(2204), "Li et al. 2015"),
    Row("VAE", Score(325), Score(2180), "Yeung et al. 2017"),
    Row("Mixture VAE", Score(338), Score(2358), "Yeung et al. 2017"),
    Row("AAE", Score(340), Score(2252), "Makhzani et al. 2015"),
)


@dataclass(frozen=True)
class Challenge:
    """One row of Table 2: what a task asks of each family of generative models.

    Attributes:
        task: What is to be done.
        directed: Deep directed graphical models.
        undirected: Deep undirected graphical models.
        autoencoders: Generative autoencoders.
        adversarial: Adversarial nets.
        checks: The tests of this repository that show the adversarial cell, as `file::test`; empty
            while there is none.
    """

    task: str
    directed: str
    undirected: str
    autoencoders: str
    adversarial: str
    checks: tuple[str, ...]


TABLE_2 = (
    Challenge(
        "Training",
        "Inference needed during training.",
        "Inference needed during training; MCMC for the gradient of the partition function.",
        "A trade between mixing and power of reconstruction.",
        "Two players to be kept in step; Helvetica.",
        (
            "tests/test_gan.py::test_k_updates_of_d_for_one_of_g",
            "tests/test_diagnostics.py::test_each_collapse_raises_its_alarm",
        ),
    ),
    Challenge(
        "Inference",
        "Learned approximate inference.",
        "Variational inference.",
        "MCMC-based inference.",
        "Learned approximate inference.",
        ("tests/test_inference.py::test_latents_are_found_again",),
    ),
    Challenge(
        "Sampling",
        "No difficulty.",
        "Needs a Markov chain.",
        "Needs a Markov chain.",
        "No difficulty.",
        ("tests/test_gan.py::test_generate_rows_depend_on_seed_and_index_alone",),
    ),
    Challenge(
        "Evaluating p(x)",
        "Intractable; may be approximated with AIS.",
        "Intractable; may be approximated with AIS.",
        "Not explicit; may be approximated with Parzen windows.",
        "Not explicit; may be approximated with Parzen windows.",
        ("tests/test_parzen.py::test_agrees_with_mixture_same_family",),
    ),
    Challenge(
        "Model design",
        "Nearly all models are extremely hard to train.",
        "Careful design for several properties at once.",
        "Any differentiable function is allowed in theory.",
        "Any differentiable function is allowed in theory.",
        (
            "tests/test_theory.py::test_any_differentiable_function_learns_and_a_discrete_one_cannot",
        ),
    ),
)


def table_1_markdown(rows: Iterable[Row] = (*TABLE_1, *LATER)) -> str:
    """Table 1 as Markdown.

    Args:
        rows: Published rows, and a run's own among them.

    Returns:
        The table, one row a line.
    """
    lines = ["| model | MNIST | TFD | source |", "|---|---|---|---|"]
    for row in rows:
        scores = ("" if score is None else str(score) for score in (row.mnist, row.tfd))
        lines.append(f"| {' | '.join((row.model, *scores, row.source))} |")
    return "\n".join(lines) + "\n"


def table_2_markdown(root: str = "..") -> str:
    """Table 2 as Markdown; each cell of the adversarial column links the tests that show it.

    Args:
        root: The repository's root as seen from the page.

    Returns:
        The table, one row a line.
    """
    lines = [
        "| | directed | undirected | generative autoencoders | adversarial nets |",
        "|---|---|---|---|---|",
    ]
    for row in TABLE_2:
        links = [
            f"[{test.removeprefix('test_').replace('_', ' ')}]({root}/{file})"
            for file, test in (check.split("::") for check in row.checks)
        ]
        adversarial = f"{row.adversarial} Checked: {'; '.join(links)}."
        cells = (row.task, row.directed, row.undirected, row.autoencoders, adversarial)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def page() -> str:
    """The page `docs/tables.md`; `python -m keras_gan.evaluation.tables` prints it."""
    return (
        "# The paper's tables\n\n"
        "Generated from `keras_gan.evaluation.tables`, never edited:\n\n"
        "    python -m keras_gan.evaluation.tables > docs/tables.md\n\n"
        "## Table 1: log-likelihood under a Parzen window, nats\n\n"
        "MNIST: mean and standard error over test examples. TFD: over folds.\n"
        "`python -m keras_gan.evaluate RUN` prints a run's own row beside these, and rows that\n"
        "tell how to read them: on MNIST 10,000 training images used as samples get about 243,\n"
        "k-means centroids about 334, so that a number far above 243 is smoothing, not better\n"
        "samples (Theis et al. 2016).\n\n"
        f"{table_1_markdown()}\n"
        "## Table 2: what each family of models struggles with\n\n"
        f"{table_2_markdown()}"
    )


if __name__ == "__main__":
    print(page(), end="")
