"""The page that runs a generator in the browser, in Chromium, against Python's samples."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import keras
import numpy as np
import pytest
import small
from browsing import axe_findings
from PIL import Image

import keras_gan
from export import web, writing
from export.__main__ import main
from export.subject import Subject
from keras_gan import conditioning, priors
from keras_gan.data import Identity, UnitRange

PRESET = "mnist_conditional"
WEB = writing.Settings(("web",))
EACH_IN_TURN = np.arange(64) % 10
# With the modules that the page runs: importing them again makes no request.
SAMPLES = """async ([seed, labels]) => {
  const { generate, prior } = await import("./generator.js");
  const { draw } = await import("./latents.js");
  const images = await generate(draw(prior, BigInt(seed), labels.length), labels);
  return images.map((image) => [...image]);
}"""
LATENTS = "async (prior) => (await import('./latents.js')).draw(prior, 5n, 200)"
PIXELS = """canvas => {
  const { width, height } = canvas;
  return [...canvas.getContext("2d").getImageData(0, 0, width, height).data];
}"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, as `python -m http.server` does, without a line for each."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which its files are served."""
    folder = tmp_path_factory.mktemp("host")
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page(browser, host):
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.faults, page.requested = [], []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda m: page.faults.append(m.text) if m.type == "error" else None)
    page.on("request", lambda request: page.requested.append(request.url))
    yield page
    assert page.faults == []
    assert [url for url in page.requested if not url.startswith(host[1])] == []
    context.close()


@pytest.fixture
def preset(host, needs_onnxruntime_web: None) -> tuple[str, str]:
    """The address of the preset's page, and what the command printed."""
    folder, address = host
    path, printed = folder / PRESET / "1" / "web", folder / "printed"
    if not path.exists():
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            assert main([PRESET, "--formats", "web", "--output", str(folder)]) == 0
        printed.write_text(output.getvalue())
    return f"{address}/{PRESET}/1/web/", printed.read_text()


@pytest.fixture(scope="module")
def gan() -> keras_gan.GAN:
    return keras_gan.GAN.from_preset(PRESET)


def open_page(page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("#grid canvas")


def draw(page, **fields: str) -> None:
    """Draws samples, and waits for them."""
    page.eval_on_selector("#grid", "grid => grid.replaceChildren()")
    for name, value in fields.items():
        page.fill(f"#{name}", value)
    page.click("#draw [type=submit]")
    page.wait_for_selector("#grid canvas")


def as_pixels(image: np.ndarray) -> np.ndarray:
    return np.floor(255 * np.float64(image) + 0.5)


def test_it_gives_python_s_samples_fast_and_without_requests(page, preset, gan) -> None:
    begun = time.perf_counter()
    open_page(page, preset[0])
    loaded = time.perf_counter() - begun
    requests = len(page.requested)
    page.context.set_offline(True)
    begun = time.perf_counter()
    draw(page, seed="-7")
    drawn = time.perf_counter() - begun
    print(f"loading {loaded:.2f} s, drawing 64 samples {drawn:.2f} s")
    assert drawn < 2
    expected = gan.generate(64, seed=-7, condition=EACH_IN_TURN)
    samples = np.array(page.evaluate(SAMPLES, [-7, EACH_IN_TURN.tolist()])).reshape(expected.shape)
    np.testing.assert_allclose(samples, expected, rtol=0, atol=1e-4)
    canvases = page.locator("#grid canvas")
    assert canvases.count() == 64
    for i in (0, 9, 63):
        pixels = np.reshape(canvases.nth(i).evaluate(PIXELS), (28, 28, 4))
        np.testing.assert_allclose(pixels[..., :3] - as_pixels(expected[i]), 0, atol=1)
        assert (pixels[..., 3] == 255).all()
    assert len(page.requested) == requests


def test_classes_and_images_between_two_samples(page, preset, gan, tmp_path: Path) -> None:
    open_page(page, preset[0])
    # One row a class, read from the labels and the buttons' places.
    assert page.locator("#grid span").all_text_contents() == list("0123456789")
    tops = page.eval_on_selector_all("#grid > *", "es => es.map(e => e.offsetTop)")
    assert np.argsort(tops[10:20]).tolist() == list(range(10))
    assert tops[10:20] == tops[20:30]
    with page.expect_download() as download:
        page.click("#save-all")
    with Image.open(download.value.path()) as picture:
        assert picture.size == (7 * 28 * 5, 10 * 28 * 5)
        shown = np.asarray(picture.convert("L"))[2::5, 2::5]
    in_turn = gan.generate(64, seed=0, condition=EACH_IN_TURN)
    np.testing.assert_allclose(shown[28:56, 56:84], as_pixels(in_turn[21])[..., 0], atol=1)
    page.eval_on_selector("#grid", "grid => grid.replaceChildren()")
    page.select_option("#class", "3")
    page.wait_for_selector("#grid button[aria-label='sample 64, class 3']")
    page.focus("#grid button >> nth=4")
    page.keyboard.press("Enter")
    page.click("#grid button >> nth=9")
    page.fill("#between", "0.25")
    page.wait_for_function("document.querySelector('#place').textContent.startsWith('25 %')")
    latents = gan.prior.sample(10, seed=0).numpy()
    point = (0.75 * latents[4] + 0.25 * latents[9])[None]
    (expected,) = conditioning.call(gan.generator, point, {"condition": np.array([3])})
    pixels = np.reshape(page.locator("#image").evaluate(PIXELS), (28, 28, 4))
    np.testing.assert_allclose(pixels[..., :3] - as_pixels(expected), 0, atol=1)
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == f"{PRESET}.png"
    page.click("#another")
    page.wait_for_function("document.querySelector('#seed').value !== '0'")
    page.fill("#seed", "x")
    page.eval_on_selector("#draw", "form => form.noValidate = true")
    page.click("#draw [type=submit]")
    page.wait_for_selector("#message:text('whole number')")


def test_truncation(page, preset, gan) -> None:
    open_page(page, preset[0])
    assert "truncation" not in page.text_content("main")  # of the export
    draw(page, truncation="0.75")
    expected = gan.generate(64, seed=0, condition=EACH_IN_TURN, truncation=0.75)
    canvases = page.locator("#grid canvas")
    for i in (0, 63):
        pixels = np.reshape(canvases.nth(i).evaluate(PIXELS), (28, 28, 4))
        np.testing.assert_allclose(pixels[..., :3] - as_pixels(expected[i]), 0, atol=1)
    page.fill("#truncation", "2.5")
    page.click("#another")
    page.wait_for_selector("#message:text('must be a number from 0 to 2')")


def test_latents_of_other_priors(page, preset) -> None:
    page.goto(preset[0])
    for prior in (priors.Normal(7), priors.Spherical(3), priors.Mixture(5, components=6)):
        networks = small.network_pair(latent_dim=prior.dimension)
        described = Subject(*networks, prior, Identity()).metadata()["prior"]
        latents = page.evaluate(LATENTS, described)
        np.testing.assert_allclose(latents, prior.sample(200, seed=5), rtol=0, atol=3e-6)
    page.wait_for_selector("#grid canvas")  # all is loaded


def test_latents_between_two_of_a_spherical_prior_are_on_the_sphere(page, preset) -> None:
    page.goto(preset[0])
    between = "async (args) => (await import('./latents.js')).between(...args)"
    for name, length in (("spherical", 1), ("normal", 0.5**0.5)):
        point = page.evaluate(between, [{"name": name}, [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], 0.5])
        np.testing.assert_allclose(point, np.array([1, 0, 1]) / 2**0.5 * length)
    page.wait_for_selector("#grid canvas")  # all is loaded


def color_images() -> Subject:
    """A small model of color images, without classes."""
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [
            keras.Input((6,), name="latents"),
            keras.layers.Dense(4 * 5 * 3, activation="sigmoid"),
            keras.layers.Reshape((4, 5, 3)),
        ]
    )
    discriminator = keras.Sequential([keras.Input((4, 5, 3)), keras.layers.Flatten()])
    return Subject(generator, discriminator, priors.Normal(6), UnitRange())


def test_color_images_on_a_phone(page, host, axe: str, needs_onnxruntime_web: None) -> None:
    folder, address = host
    subject = dataclasses.replace(color_images(), origin={"truncation": 0.7})
    name = "sea.and-land"
    path = writing.write(subject, folder, name, settings=WEB).path
    files = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}
    of_page = ("index.html", "app.js", "generator.js", "latents.js", "style.css", "model.onnx")
    of_runtime = (*web.RUNTIME_FILES.values(), "LICENSE", "ThirdPartyNotices.txt")
    assert files == {
        "assets.extra/metadata.json",
        *(f"web/{file}" for file in of_page),
        *(f"web/onnxruntime-web/{file}" for file in of_runtime),
    }
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": 375, "height": 700})
        open_page(page, f"{address}/{name}/1/web/")
        assert page.is_hidden("#class-row")
        for i in (0, 63):
            page.click(f"#grid button >> nth={i}")
        page.wait_for_selector("#place:text('sample 64')")
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        assert axe_findings(page, axe) == []
    assert page.title() == page.text_content("h1") == name
    assert "truncation 0.7" in page.text_content("main")
    latents = subject.prior.sample(64, seed=0)
    pixels = np.reshape(page.locator("#grid canvas").nth(63).evaluate(PIXELS), (4, 5, 4))
    expected = as_pixels(subject.generate(latents)[63])
    np.testing.assert_allclose(pixels[..., :3], expected, atol=1)


def test_names_of_classes(page, host, needs_onnxruntime_web: None) -> None:
    folder, address = host
    latents = keras.Input((6,), name="latents")
    condition = keras.Input((), dtype="int64", name="condition")
    x = keras.layers.Concatenate()([latents, keras.layers.Embedding(8, 3)(condition)])
    x = keras.layers.Reshape((4, 5, 3))(keras.layers.Dense(60, activation="sigmoid")(x))
    plain = color_images()
    names = ["cat", "1", "<b>a</b>", *("a_long_name" + 9 * "_of_a_class" + n for n in "34567")]
    subject = dataclasses.replace(
        plain,
        generator=keras.Model([latents, condition], x),
        condition=conditioning.Classes(8, class_names=names),
    )
    writing.write(subject, folder, "named", settings=WEB)
    page.set_viewport_size({"width": 375, "height": 700})
    open_page(page, f"{address}/named/1/web/")
    shown = ["0: cat", "1", "2: <b>a</b>", *(f"{i}: {names[i]}" for i in range(3, 8))]
    assert page.locator("#grid span").all_text_contents() == shown
    assert page.locator("#class option").all_text_contents()[1:] == shown
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.click("#grid button >> nth=0")
    page.wait_for_selector("#place:text('sample 1, class 0: cat')")


def test_the_command_says_how_to_see_the_page(preset, host, capsys) -> None:
    printed = preset[1]
    path = host[0] / PRESET / "1"
    assert "web/model.onnx serving_default: largest error" in printed
    assert f"python -m http.server --directory {path / 'web'}\n" in printed
    assert main(["inspect", str(path)]) == 0
    assert "web/model.onnx: ONNX, opset 18\n" in capsys.readouterr().out


class Narrow(priors.Normal):
    """A prior that the page does not know."""


def inpainting() -> Subject:
    gan, _, _, scale = small.of_recipe("digits_inpainting")
    return Subject(gan.generator, gan.discriminator, gan.prior, scale, gan.condition)


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (lambda: dataclasses.replace(color_images(), preprocessing=Identity()), "gray or color"),
        (lambda: dataclasses.replace(color_images(), prior=Narrow(6)), "Narrow"),
        (inpainting, "inpainting"),
    ],
    ids=["points", "prior", "masks"],
)
def test_models_without_a_page(subject, message: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(web, "package", lambda: pytest.fail("a download comes later"))
    with pytest.raises(keras_gan.InputError, match=rf"web .*{message}.*--formats onnx"):
        writing.write(subject(), tmp_path / "models", "m", settings=WEB)
    assert not (tmp_path / "models").exists()


def test_without_the_package(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_GAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(web, "ORIGIN", "http://127.0.0.1:9/onnxruntime-web.tgz")
    with pytest.raises(keras_gan.InputError, match=r"put http.*tgz into .*/cache$"):
        writing.write(color_images(), tmp_path / "models", "m", settings=WEB)
    assert not (tmp_path / "models").exists()
