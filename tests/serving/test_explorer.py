"""The explorer in a real browser: each feature, and its pixels against the signatures' numbers."""

from __future__ import annotations

import io
import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from serving_running import PATIENCE

from serving import Client
from serving.calls import row_seeds

sync_api = pytest.importorskip("playwright.sync_api")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
# The pixels of a canvas, or null as long as it is not drawn: scripts set data-drawn when it is.
PIXELS = """canvas => {
  const {width, height, dataset} = canvas;
  if (dataset.drawn === undefined) return null;
  return [width, height, [...canvas.getContext('2d').getImageData(0, 0, width, height).data]];
}"""


@pytest.fixture(scope="module")
def browser(needs_chromium):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs_chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, address):
    if not address.embedded:
        pytest.skip("the explorer is the embedded server's")
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    page.faults, page.hosts = [], set()
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda m: page.faults.append(m.text) if m.type == "error" else None)
    page.on("request", lambda request: page.hosts.add(request.url.split("/")[2]))
    open_page(page, address)
    yield page
    expected = getattr(page, "expected_faults", 0)
    assert len(page.faults) <= expected, page.faults
    assert page.hosts == {address.rest.split("//")[1]}
    context.close()


def open_page(page, address):
    page.goto(address.rest + "/")
    wait_for_grid(page)


def wait_for_grid(page):
    page.wait_for_selector("#grid[aria-busy=false] button canvas[data-drawn]")


@pytest.fixture
def client(address):
    with Client(address.rest, model="mlp") as client:
        yield client


def samples(client, seed, n=36, **inputs):
    """Images and latents of the grid."""
    rows = {
        alias: np.full(n, given) if np.ndim(given) == 0 else given
        for alias, given in inputs.items()
    }
    outputs = client.predict("sample", seed=row_seeds(seed, n), **rows)
    return SimpleNamespace(**outputs)


def pixels(page, selector):
    """The gray levels of a canvas that a script draws."""
    page.locator(f"{selector}[data-drawn]").first.wait_for(state="attached")
    return levels(page.locator(selector).first.evaluate(PIXELS))


def levels(answer):
    width, height, data = answer
    rgba = np.array(data).reshape(height, width, 4)
    assert (rgba[..., 3] == 255).all()
    assert (rgba[..., 0] == rgba[..., 1]).all()
    return rgba[..., 0]


def as_pixels(image):
    return np.floor(255 * np.float64(image[..., 0]) + 0.5)


def choose(page, *indices):
    for index in indices:
        page.click(f"#grid button >> nth={index}")


def settle(page, *words):
    """Waits until the large image is drawn as chosen, and looks for words of its description."""
    page.wait_for_selector("#image[data-drawn]")
    text = page.text_content("#place")
    assert [word for word in words if word not in text] == []


def assert_image(page, image):
    """Within one level: the browser's arithmetic on latents is in double precision."""
    assert_pixels(page, "#image", image, atol=1)


def assert_pixels(page, selector, image, atol=0):
    """Soon: a canvas may still show what it showed before."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = page.locator(selector).first.evaluate(PIXELS)
        shown = np.zeros(0) if answer is None else levels(answer)
        if shown.shape == image.shape[:2] and np.abs(shown - as_pixels(image)).max() <= atol:
            return
        page.wait_for_timeout(50)
    np.testing.assert_allclose(pixels(page, selector), as_pixels(image), atol=atol)


def test_samples_of_a_seed(page, client):
    np.testing.assert_array_equal(page.locator("#grid button").count(), 36)
    for seed in (0, -12345678901234567890, 7):
        page.fill("#seed", str(seed))
        page.select_option("#count", "16")
        page.click("#draw button[type=submit]")
        images = samples(client, seed, 16).images
        for index in (0, 5, 15):
            assert_pixels(page, f"#grid button:nth-child({index + 1}) canvas", images[index])
        assert page.locator("#grid button").count() == 16


def test_another_seed(page):
    before = pixels(page, "#grid button canvas")
    page.click("#another")
    page.wait_for_function("document.querySelector('#seed').value !== '0'")
    wait_for_grid(page)
    assert not np.array_equal(before, pixels(page, "#grid button canvas"))


def test_a_late_answer_does_not_replace_a_newer_one(page, client):
    held = []
    page.route(
        "**/v1/models/**",
        lambda route: route.continue_() if held else held.append(route),
    )
    page.click("#draw button[type=submit]")
    page.fill("#seed", "7")
    page.click("#draw button[type=submit]")
    wait_for_grid(page)
    with page.expect_response("**/v1/models/**"):
        held[0].continue_()
    page.wait_for_timeout(200)
    assert_pixels(page, "#grid button canvas", samples(client, 7).images[0])
    assert page.locator("#grid button").count() == 36
    page.unroute("**/v1/models/**")


def test_only_an_image_that_is_drawn_can_be_saved(page):
    held = []
    page.route("**/v1/models/**", lambda route: held.append(route))
    choose(page, 4)
    page.wait_for_timeout(200)
    assert page.is_disabled("#save-image")
    assert page.is_disabled("#save-latents")
    held[0].continue_()
    settle(page, "sample 5.")
    assert page.is_enabled("#save-image")
    assert page.is_enabled("#save-latents")
    page.unroute("**/v1/models/**")


def test_one_sample(page, client):
    choose(page, 4)
    settle(page, "sample 5.")
    assert_image(page, samples(client, 0).images[4])
    choose(page, 4)
    assert page.is_disabled("#save-image")
    assert page.get_attribute("#image", "data-drawn") is None


def test_the_line(page, client):
    choose(page, 2, 9)
    page.fill("#across", "0.25")
    settle(page, "25 %", "sample 3", "sample 10")
    latents = samples(client, 0).latents
    assert_image(page, client.images((0.75 * latents[2] + 0.25 * latents[9])[None])[0])


def test_the_square(page, client):
    choose(page, 1, 3, 20, 30)
    page.fill("#across", "0.5")
    page.fill("#down", "0.75")
    settle(page, "50 %", "75 %", "sample 2", "sample 4", "sample 21", "sample 31")
    z = np.float64(samples(client, 0).latents)
    top, bottom = (z[1] + z[3]) / 2, (z[20] + z[30]) / 2
    assert_image(page, client.images((0.25 * top + 0.75 * bottom)[None])[0])
    choose(page, 7)
    settle(page, "sample 8.")


def test_single_directions(page, client):
    choose(page, 0)
    settle(page, "sample 1.")
    latents = samples(client, 0).latents[0].copy()
    bounds = [page.get_attribute("#amount", end) for end in ("min", "max")]
    assert bounds == ["-1", "1"]  # the prior's
    for direction, value in ((2, -0.5), (0, 1.0)):
        page.fill("#direction", str(direction))
        page.fill("#amount", str(value))
        latents[direction] = value
    assert page.text_content("#amount-text") == "1.00"
    assert_image(page, client.images(latents[None])[0])
    page.click("#reset")
    assert_image(page, samples(client, 0).images[0])


def test_downloads(page, client):
    choose(page, 0, 1)
    page.fill("#across", "0.5")
    settle(page, "50 %", "sample 1", "sample 2")
    with page.expect_download() as download:
        page.click("#save-latents")
    saved = json.loads(download.value.path().read_text())
    assert (saved["model"], saved["version"]) == ("mlp", 2)
    np.testing.assert_allclose(saved["latents"], samples(client, 0).latents[:2].mean(0), atol=1e-6)
    with page.expect_download() as download:
        page.click("#save-image")
    with Image.open(io.BytesIO(download.value.path().read_bytes())) as saved_image:
        shown = np.asarray(saved_image.convert("L"))
    image = client.images(np.float32(saved["latents"])[None])[0]
    np.testing.assert_allclose(shown, as_pixels(image), atol=1)


def test_model_and_version(page, address):
    assert page.locator("#version option").all_text_contents() == ["2 (canary)", "1 (stable)"]
    page.select_option("#version", "1")
    wait_for_grid(page)
    page.wait_for_function("document.querySelector('#metadata').textContent.includes('version 1')")
    with Client(address.rest, model="mlp", version=1) as client:
        images = client.generate(36)
    assert_pixels(page, "#grid button canvas", images[0])
    about = page.text_content("#metadata")
    for part in ("stable", "a test's generator", "4, prior uniform", "latents float [any, 4]"):
        assert part in about
    assert not page.is_visible("#metadata pre")
    page.click("#metadata summary")
    assert '"recipe": "a test\'s generator"' in page.text_content("#metadata pre")


def choose_model(page, name):
    page.select_option("#model", name)
    page.wait_for_function(
        "name => document.querySelector('#metadata').textContent.includes(name)", arg=name
    )
    wait_for_grid(page)


@pytest.fixture
def sketch(page, address):
    """The page at the model with classes and an encoder, and a client for it."""
    choose_model(page, "sketch")
    with Client(address.rest, model="sketch") as client:
        yield client


@pytest.fixture
def painter(page, address):
    """The page at the inpainting model, and a client for it."""
    choose_model(page, "painter")
    with Client(address.rest, model="painter") as client:
        yield client


def test_controls_of_other_models_are_hidden(page):
    for control in ("#class-row", "#shown-class-row", "#user-image"):
        assert page.is_hidden(control)


def test_a_class(page, sketch):
    assert page.locator("#class option").all_text_contents() == ["each in turn", "0", "1", "2"]
    in_turn = sketch.generate(36, seed=0, condition=np.arange(36) % 3)
    for index in (0, 1, 35):
        assert_pixels(page, f"#grid button:nth-child({index + 1}) canvas", in_turn[index])
    page.select_option("#class", "2")
    page.click("#draw button[type=submit]")
    images = sketch.generate(36, seed=0, condition=2)
    for index in (0, 1, 35):
        assert_pixels(page, f"#grid button:nth-child({index + 1}) canvas", images[index])
    choose(page, 4)
    assert_image(page, images[4])
    page.select_option("#shown-class", "1")
    assert_image(page, sketch.generate(36, seed=0, condition=1)[4])
    with page.expect_download() as download:
        page.click("#save-latents")
    assert json.loads(download.value.path().read_text())["condition"] == 1


def test_interpolations_keep_the_class_of_the_first_sample(page, sketch):
    choose(page, 1, 5)
    page.fill("#across", "1")
    settle(page, "100 %", "sample 2", "sample 6")
    assert_image(page, sketch.generate(6, seed=0, condition=1)[5])


def assert_encoded(page, sketch, scaled):
    """The last cell of the grid is the model's reconstruction of this image."""
    latents = sketch.predict("encode", images=scaled[None])["latents"]
    reconstruction = sketch.images(latents, condition=0)[0]
    assert_pixels(page, "#scaled", scaled)
    for canvas in ("#reconstruction", "#grid button:last-child canvas", "#image"):
        assert_pixels(page, canvas, reconstruction, atol=1)
    return latents[0]


def test_an_opened_image_and_an_interpolation_from_it(page, sketch, tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (6, 6), np.uint8)
    Image.fromarray(levels).save(tmp_path / "image.png")
    page.set_input_files("#open", tmp_path / "image.png")
    page.click("#encode button")
    settle_encoded(page)
    encoded = assert_encoded(page, sketch, np.float32(levels[..., None] / 255))
    choose(page, 3)
    page.fill("#across", "0.5")
    settle(page, "50 %", "your image 1", "sample 4")
    halfway = (encoded + samples(sketch, 0, condition=np.zeros(36, int)).latents[3]) / 2
    assert_image(page, sketch.images(halfway[None], condition=0)[0])
    page.click("#another")  # the user's images stay
    page.wait_for_selector("#grid[aria-busy=false] button[aria-label='Your image 1']")
    page.set_input_files(
        "#open", {"name": "a.png", "mimeType": "image/png", "buffer": b"not an image"}
    )
    page.wait_for_selector("#problem:not([hidden])")
    assert "a.png" in page.text_content("#problem")


def test_a_drawing(page, sketch):
    stroke(page, "#sketch", 0.2, 0)
    drawn = levels(page.locator("#sketch").evaluate(PIXELS.replace("dataset.drawn", "width")))
    assert set(np.unique(drawn[:, : drawn.shape[1] // 3])) == {0}
    assert drawn.max() == 255
    side = drawn.shape[0] // 6
    page.click("#encode button")
    settle_encoded(page)
    blocks = np.float32(drawn.reshape(6, side, 6, side, 1).mean((1, 3)) / 255)
    assert_encoded(page, sketch, blocks)
    corner = "canvas => canvas.getContext('2d').getImageData(0, 0, 1, 1).data[0]"
    for button, level in (("#invert", 255), ("#wipe", 0)):
        page.click(button)
        assert page.locator("#sketch").evaluate(corner) == level


def settle_encoded(page):
    page.wait_for_selector("#grid button[aria-label='Your image 1'][aria-pressed=true]")
    settle(page, "your image 1")


def stroke(page, selector, across, down):
    """A stroke of the mouse through the middle of a canvas, over these parts of its sides."""
    page.locator(selector).scroll_into_view_if_needed()
    box = page.locator(selector).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    dx, dy = box["width"] * across / 2, box["height"] * down / 2
    page.mouse.move(x - dx, y - dy)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=3)
    page.mouse.up()


NOTHING_KNOWN = {"known": np.zeros((36, 6, 6, 1)), "mask": np.zeros((36, 6, 6, 1), bool)}


def test_inpainting(page, painter, tmp_path):
    drawn = samples(painter, 0, **NOTHING_KNOWN)
    assert_pixels(page, "#grid button:nth-child(36) canvas", drawn.images[35])
    levels = np.random.default_rng(0).integers(0, 256, (6, 6), np.uint8)
    Image.fromarray(levels).save(tmp_path / "image.png")
    page.set_input_files("#open", tmp_path / "image.png")
    original = np.float32(levels[..., None] / 255)

    page.click("#inpaint button[type=submit]")
    page.wait_for_selector("#problem:not([hidden])")
    assert "missing" in page.text_content("#problem")

    halves = {"#lower": np.s_[3:], "#right": np.s_[:, 3:]}
    buttons = ("#inpaint button[type=submit]", "#others")
    for (name, half), button, rows in zip(
        halves.items(), buttons, (np.s_[:8], np.s_[8:16]), strict=True
    ):
        mask = np.ones((6, 6, 1), bool)
        mask[half] = False
        page.click(name)
        page.click(button)
        page.wait_for_selector(f"#inpaintings button[aria-label='Inpainting {rows.stop}']")
        assert page.is_hidden("#problem")
        expected = inpaint(painter, original, mask, drawn.latents[rows])
        np.testing.assert_array_equal(expected[:, mask], np.tile(original[mask], (8, 1)))
        assert_pixels(page, "#inpaintings > canvas", original)
        for index in range(8):
            canvas = f"#inpaintings button >> nth={index} >> canvas"
            assert_pixels(page, canvas, expected[index], atol=1)


def inpaint(client, original, mask, latents):
    images, masks = (np.repeat(part[None], len(latents), 0) for part in (original, mask))
    return client.predict("inpaint", images=images, mask=masks, latents=latents)["images"]


def test_a_painted_mask_and_an_interpolation_between_inpaintings(page, painter):
    stroke(page, "#sketch", 0, 0.5)
    stroke(page, "#mask", 0.5, 0)
    page.click("#inpaint button[type=submit]")
    for index in (1, 5):
        page.click(f"#inpaintings button >> nth={index}")
    page.fill("#across", "0.25")
    settle(page, "25 %", "inpainting 2", "inpainting 6")
    with page.expect_download() as download:
        page.click("#save-latents")
    saved = json.loads(download.value.path().read_text())
    original, mask = np.float32(saved["images"]), np.array(saved["mask"])
    # The stroke runs along the edge of rows 2 and 3, and its round ends reach past its own.
    hidden = np.zeros((6, 6, 1), bool)
    hidden[2:4, 1:5] = True
    np.testing.assert_array_equal(~mask, hidden)
    assert original.max() > 0.1  # what was drawn
    latents = samples(painter, 0, **NOTHING_KNOWN).latents
    halfway = np.float32(0.75 * latents[1] + 0.25 * latents[5])
    np.testing.assert_allclose(saved["latents"], halfway, atol=1e-6)
    assert_image(page, inpaint(painter, original, mask, halfway[None])[0])


def test_problems_are_shown(page):
    page.expected_faults = 1  # the browser logs the failed request too
    page.select_option("#model", "types")
    page.wait_for_selector("#problem:not([hidden])")
    assert '"sample"' in page.text_content("#problem")
    page.select_option("#model", "mlp")
    wait_for_grid(page)
    assert page.is_hidden("#problem")
    page.route("**/v1/models/**", lambda route: route.abort())
    page.click("#draw button[type=submit]")
    page.wait_for_selector("#problem:not([hidden])")
    assert "does not answer" in page.text_content("#problem")
    page.unroute("**/v1/models/**")
    page.click("#draw button[type=submit]")
    wait_for_grid(page)
    assert page.is_hidden("#problem")


def test_by_keyboard(page, client):
    page.focus("#another")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    settle(page, "sample 1.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    settle(page, "0 %", "sample 1", "sample 2")
    page.focus("#across")
    page.keyboard.press("End")
    settle(page, "100 %", "sample 1", "sample 2")
    assert_image(page, samples(client, 0).images[1])
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_names_for_readers(page):
    choose(page, 0)
    assert page.get_attribute("#grid button >> nth=0", "aria-pressed") == "true"
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input, select, button')]"
        ".filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).length"
    )
    assert unnamed == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(browser, address, scheme):
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    open_page(page, address)
    for model in ("painter", "sketch"):  # with all controls
        choose_model(page, model)
        choose(page, 0, 1, 2, 3)
        assert page.is_visible("#user-image")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        sizes = page.eval_on_selector_all(
            "button:not(.cell), select",
            "es => es.filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect().height)",
        )
        assert min(sizes) >= 40
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    lightness = np.mean([int(part) for part in color[4:-1].split(",")])
    assert lightness < 64 if scheme == "dark" else lightness > 192
    context.close()


def test_only_the_page_s_own_files_are_served(http):
    page = http.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for path in (
        "/explorer/../server.py",
        "/explorer/%2e%2e/server.py",
        "/explorer/..%2fserver.py",
    ):
        assert http.get(path).status_code == 404
    catalog = http.get("/explorer/catalog.json").json()
    assert [model["name"] for model in catalog] == ["mlp", "painter", "sketch", "types"]
