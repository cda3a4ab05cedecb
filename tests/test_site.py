"""The documentation site: it builds without a warning, and every public name has an entry."""

from __future__ import annotations

import importlib
import json
import logging
import pkgutil
import re
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import axe_findings, chromium

import keras_gan
import serving

build = pytest.importorskip("mkdocs.commands.build", reason="needs the extra 'docs'").build

ROOT = Path(__file__).parents[1]
# What TF-GAN's tutorials and examples use of it, after `tfgan.`: the notebooks tfgan_tutorial,
# tfgan_on_tpus and ESRGAN, and the programs that its wheel 2.1.0 installs.
TF_GAN = {
    "": """gan_model infogan_model cyclegan_model stargan_model CycleGANModel StarGANModel gan_loss
        cyclegan_loss stargan_loss gan_train_ops gan_train GANTrainOps GANTrainSteps
        get_sequential_train_hooks get_joint_train_hooks""",
    "estimator.": "GANEstimator TPUGANEstimator StarGANEstimator SummaryType",
    "losses.": """wasserstein_generator_loss wasserstein_discriminator_loss modified_generator_loss
        modified_discriminator_loss minimax_generator_loss minimax_discriminator_loss
        wasserstein_hinge_generator_loss wasserstein_hinge_discriminator_loss""",
    "features.": """condition_tensor_from_onehot instance_norm spectral_normalize tensor_pool
        spectral_normalization_custom_getter""",
    "tpu.": "batch_norm",
    "eval.": """INCEPTION_DEFAULT_IMAGE_SIZE add_cyclegan_image_summaries add_gan_model_summaries
        add_gan_model_image_summaries add_regularization_loss_summaries add_stargan_image_summaries
        classifier_score classifier_score_from_logits classifier_score_from_logits_streaming
        frechet_classifier_distance frechet_classifier_distance_from_activations
        frechet_classifier_distance_from_activations_streaming frechet_inception_distance
        image_grid image_reshaper inception_score python_image_grid sample_and_run_inception""",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a warning, such as that of a broken link, is an error."""
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())
    logger = logging.getLogger("mkdocs")
    logger.addHandler(handler)
    try:
        build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder)))
    finally:
        logger.removeHandler(handler)
    assert warnings == []
    return folder


def listed(module: types.ModuleType) -> Iterator[str]:
    """The names in `__all__` of a package and of the packages below it."""
    yield from (f"{module.__name__}.{name}" for name in getattr(module, "__all__", ()))
    for found in pkgutil.iter_modules(module.__path__):
        if found.ispkg:
            yield from listed(importlib.import_module(f"{module.__name__}.{found.name}"))


def test_every_public_name_has_an_entry(site: Path) -> None:
    pages = [path.read_text(encoding="utf-8") for path in (site / "api").glob("*.html")]
    entries = {name for page in pages for name in re.findall(r'id="([\w.]+)"', page)}
    names = {*listed(keras_gan), *listed(serving)}
    assert {"keras_gan.GAN", "keras_gan.losses.Hinge", "serving.Client"} <= names
    assert names - entries == set()
    assert not [name for name in entries if name.endswith((".get_config", ".from_config"))]
    members = {"keras_gan.training.gan.GAN.fit", "keras_gan.evaluation.theory.criterion"}
    assert members <= entries


def test_every_recipe_has_a_page_with_its_settings(site: Path) -> None:
    for name in keras_gan.recipes.NAMES:
        page = (site / "recipes" / f"{name}.html").read_text(encoding="utf-8")
        assert "--batch-size" in page, name


def test_guides_are_notebooks(site: Path) -> None:
    guides = sorted((ROOT / "docs" / "guides").glob("*.py"))
    for guide in guides:
        notebook = json.loads((site / "guides" / f"{guide.stem}.ipynb").read_text())
        kinds = {cell["cell_type"] for cell in notebook["cells"]}
        assert kinds == {"markdown", "code"}, guide.name
        assert (site / "guides" / guide.name).is_file()
        assert (site / "guides" / f"{guide.stem}.html").is_file()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(https?:|//)[^"]*"')
    for page in site.rglob("*.html"):
        assert not loaded.search(page.read_text(encoding="utf-8")), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:|//)", sheet.read_text(encoding="utf-8")), sheet


# One page of each kind, in both color schemes and at two widths.
PAGES = {
    "index": ("light", 1200),
    "guides/getting_started": ("dark", 375),
    "recipes/mnist": ("dark", 1200),
    "api/keras_gan": ("light", 375),
    "reports/mnist_conditional": ("dark", 1200),
}


def test_pages_are_accessible(site: Path, needs_chromium: str, axe: str) -> None:
    with chromium(needs_chromium) as browser:
        page = browser.new_page(bypass_csp=True)
        for name, (scheme, width) in PAGES.items():
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            page.goto((site / f"{name}.html").as_uri())
            assert axe_findings(page, axe) == [], name


def test_the_page_about_tf_gan_has_every_name_of_its_tutorials() -> None:
    page = (ROOT / "docs" / "coming_from" / "tf_gan.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:tfgan\.(?:estimator\.)?)?(\w+)`", page))
    assert {name for names in TF_GAN.values() for name in names.split()} - named == set()
