"""The explorer in a real browser: each feature, and its pixels against the signatures' numbers."""

from __future__ import annotations

import io
import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
from browsing import axe_findings
from PIL import Image
from serving_models import DIRECTIONS
from serving_running import PATIENCE

from serving import Client
from serving.calls import row_seeds

# The pixels of a canvas, or null as long as it is not drawn: scripts set data-drawn when it is.
PIXELS = """canvas => {
  const {width, height, dataset} = canvas;
  if (dataset.drawn === undefined) return null;
  return [width, height, [...canvas.getContext('2d').getImageData(0, 0, width, height).data]];
}"""


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


def open_page(page, address, link=""):
    page.goto(f"{address.rest}/{link}")
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


def test_truncation(page, client):
    page.fill("#truncation", "0.75")
    page.click("#draw button[type=submit]")
    latents = 0.75 * samples(client, 0).latents
    images = client.images(latents)
    for index in (0, 35):
        assert_pixels(page, f"#grid button:nth-child({index + 1}) canvas", images[index], atol=1)
    choose(page, 2, 9)
    page.fill("#across", "0.25")
    settle(page, "25 %", "sample 3", "sample 10")
    assert_image(page, client.images((0.75 * latents[2] + 0.25 * latents[9])[None])[0])
    page.fill("#truncation", "2.5")
    page.click("#another")
    page.wait_for_selector("#problem:text('must be a number from 0 to 2')")


def test_a_spherical_prior_has_no_truncation(page, address):
    def catalog(route):
        models = route.fetch().json()
        for version in models[0]["versions"]:
            version["metadata"]["prior"]["name"] = "spherical"
        route.fulfill(json=models)

    page.route("**/explorer/catalog.json", catalog)
    page.goto("about:blank")
    open_page(page, address, "#truncation=0.5")
    assert page.is_hidden("#truncation-row")
    assert "Not here: truncation 0.5." in page.text_content("#problem")


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


def test_what_is_below_the_samples_stays_while_they_are_drawn(page):
    held = []
    page.route("**/v1/models/**", lambda route: held.append(route))
    before = page.locator("#another").bounding_box()["y"]
    with page.expect_request("**/v1/models/**"):
        page.click("#another")
    assert page.locator("#grid button").count() == 0
    assert page.locator("#another").bounding_box()["y"] == pytest.approx(before, abs=1)
    page.expected_faults = 1  # the browser logs the failed request
    held[0].abort()
    page.wait_for_selector("#problem:text('does not answer')")
    assert page.locator("#grid").bounding_box()["height"] == 0
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
        page.fill("#dimension", str(direction))
        page.fill("#amount", str(value))
        latents[direction] = value
    assert_image(page, client.images(latents[None])[0])
    assert page.text_content("#amount-text") == "1.00"  # shown when the page asks for the image
    page.click("#reset")
    assert_image(page, samples(client, 0).images[0])


def test_principal_directions(page, address):
    assert page.is_hidden("#direction")  # version 2 has none
    open_version(page, "1")
    texts = [f"Principal direction {n} %)" for n in ("1 (63", "2 (25")]
    options = page.locator("#direction option").all_text_contents()
    assert options == [*texts, "Single dimension"]
    assert page.is_hidden("#dimension")
    choose(page, 0)
    settle(page, "sample 1.")
    end = 3 * 2 / 12**0.5  # deviations of the prior, uniform on [-1, 1]
    bounds = [float(page.get_attribute("#amount", name)) for name in ("min", "max")]
    assert bounds == pytest.approx([-end, end])
    with Client(address.rest, model="mlp", version=1) as client:
        latents = np.float64(samples(client, 0).latents[0])
        for name, vector, value in zip(
            ("p1", "p2"), DIRECTIONS["vectors"], (1.25, -0.5), strict=True
        ):
            page.select_option("#direction", name)
            page.fill("#amount", str(value))
            latents += (value - latents @ vector) * np.array(vector)
            assert_image(page, client.images(latents[None])[0])
        page.select_option("#direction", "")
        page.fill("#dimension", "3")
        page.fill("#amount", "-0.25")
        latents[3] = -0.25
        assert_image(page, client.images(latents[None])[0])


def open_version(page, version):
    page.select_option("#version", version)
    page.wait_for_function(
        "version => document.querySelector('#metadata').textContent.includes(`version ${version}`)",
        arg=version,
    )
    wait_for_grid(page)


def test_directions_that_cannot_be_used_are_left_out(page):
    found = page.evaluate("""async () => {
      const {principal} = await import("/explorer/directions.js");
      const good = {vectors: [[1, 0], [0, 1]], share: [0.5, 0.25]};
      const some = [1, {vectors: "", share: []}, good, {...good, vectors: [[1, 0], [null, 1]]},
        {...good, share: [0.5]}, {...good, vectors: [[1], 2]}].map((directions) => ({directions}));
      return [null, {}, ...some].map((metadata) => principal(metadata, 2).length);
    }""")
    assert found == [0, 0, 0, 0, 2, 1, 1, 0]


def test_latents_of_a_spherical_prior_stay_on_the_sphere(page):
    corners = np.array([[0.6, 0.0, 0.8, 0.0], [0.0, 1.0, 0.0, 0.0]])
    move = [[0.0, 0.0, 0.0, 1.0], 0.6]
    (sphere, *ends), (normal, *_) = page.evaluate(
        """async ([corners, move]) => {
          const {between, moved} = await import("/explorer/latents.js");
          const {bounds} = await import("/explorer/directions.js");
          return ["spherical", "normal"].map((name) => {
            const point = between(corners, 0.5, 0);
            const rows = [[], [move], [[move[0], 1]]].map((moves) => moved(point, moves, {name}));
            return [rows, bounds("p1", {name}, 4)[1], bounds("0", {name}, 100)[0]];
          });
        }""",
        [corners.tolist(), move],
    )
    middle = corners.mean(axis=0)
    on_sphere = middle / np.linalg.norm(middle)
    np.testing.assert_allclose(sphere[0], on_sphere)
    np.testing.assert_allclose(sphere[1], 0.8 * on_sphere + 0.6 * np.eye(4)[3])
    np.testing.assert_allclose(sphere[2], np.eye(4)[3])
    np.testing.assert_allclose(normal, [middle + step * np.eye(4)[3] for step in (0, 0.6, 1)])
    assert ends == [1, pytest.approx(-0.3)]


@pytest.mark.parametrize(
    ("channels", "shown", "words"),
    [
        (2, [0, 0, 0], ""),
        (3, [0, 1, 2], ""),
        (4, [0, 1, 2], ""),
        (8, [0, 1, 2], "Channels 1 to 3 of 8 are shown, as red, green and blue."),
    ],
)
def test_images_of_several_channels(page, channels, shown, words):
    images = np.random.default_rng(0).integers(0, 256, (36, 5, 4, channels))
    answer = {"images": (images / 255).tolist(), "latents": np.zeros((36, 4)).tolist()}
    page.route("**/v1/models/**", lambda route: route.fulfill(json={"outputs": answer}))
    page.click("#draw button[type=submit]")
    page.wait_for_function(
        "words => document.querySelector('#channels').textContent === words", arg=words
    )
    page.wait_for_function("document.querySelector('#grid canvas')?.width === 4")
    *size, data = page.locator("#grid canvas").first.evaluate(PIXELS)
    assert size == [4, 5]
    wanted, alpha = images[0][..., shown], images[0][..., -1:] / 255
    if channels in (2, 4):  # on white
        wanted = np.round(wanted * alpha + 255 * (1 - alpha))
    np.testing.assert_allclose(np.reshape(data, (5, 4, 4))[..., :3], wanted, atol=1)
    page.unroute("**/v1/models/**")


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
    open_version(page, "1")
    with Client(address.rest, model="mlp", version=1) as client:
        images = client.generate(36)
    assert_pixels(page, "#grid button canvas", images[0])
    about = page.text_content("#metadata")
    for part in ("stable", "a test's generator", "4, prior uniform", "latents float [any, 4]"):
        assert part in about
    assert not page.is_visible("#metadata pre")
    page.click("#metadata summary")
    assert '"recipe": "a test\'s generator"' in page.text_content("#metadata pre")


def test_the_truncation_of_an_export(page, address):
    def catalog(route):
        models = route.fetch().json()
        for version in models[0]["versions"]:
            version["metadata"] |= {"weights": "ema", "truncation": 0.7}
        route.fulfill(json=models)

    assert "truncation" not in page.text_content("#metadata dl")
    page.route("**/explorer/catalog.json", catalog)
    page.goto("about:blank")
    open_page(page, address)
    assert "a test's generator, ema weights, truncation 0.7" in page.text_content("#metadata dl")


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
    names = ["0: cat", "1", "2: <b>"]
    assert page.locator("#class option").all_text_contents() == ["each in turn", *names]
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


def test_noise_is_that_of_the_first_sample(page):
    """The catalog says that the generator draws noise; what the page sends for it is left out."""
    asked = []

    def catalog(route):
        models = route.fetch().json()
        for version in models[0]["versions"]:
            inputs = version["signatures"]["serving_default"]["inputs"]
            inputs["noise_seed"] = {"dtype": "DT_INT64", "shape": [-1]}
        route.fulfill(json=models)

    def answer(route):
        body = json.loads(route.request.post_data)
        if "latents" in body["inputs"]:
            asked.append(body["inputs"].pop("noise_seed"))
        route.continue_(post_data=json.dumps(body))

    page.route("**/explorer/catalog.json", catalog)
    page.route("**/v1/models/**", answer)
    page.reload()
    wait_for_grid(page)
    choose(page, 4, 9)
    page.fill("#across", "0.5")
    settle(page, "50 %", "sample 5", "sample 10")
    with page.expect_download() as download:
        page.click("#save-latents")
    seed = int(row_seeds(0, 36)[4])
    assert {*map(tuple, asked)} == {(seed,)}
    assert json.loads(download.value.path().read_text())["noise_seed"] == str(seed)
    page.unroute("**/v1/models/**")


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


def test_an_image_that_is_encoded_late_is_not_shown_with_another_model(page, sketch):
    held = []
    page.route(
        "**/v1/models/sketch/**",
        lambda route: route.continue_() if held else held.append(route),
    )
    with page.expect_request("**/v1/models/sketch/**"):
        page.click("#encode button")
    choose_model(page, "mlp")
    with page.expect_response(lambda answer: "default" in answer.request.post_data) as image:
        held[0].continue_()
    assert image.value.status == 200  # asked for with its class, which the other model lacks
    page.wait_for_timeout(200)
    assert page.is_hidden("#problem")
    assert page.locator("#grid button").count() == 36
    page.unroute("**/v1/models/sketch/**")


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


def test_drawings_are_centered_as_samples_are(page, sketch):
    """A bar drawn in a corner gets the place and the size that blobs of the samples have."""
    images = np.zeros((36, 6, 6, 1))
    images[:, 1:5, 2:5] = 1  # 4 of 6 pixels high, the center of mass at (3, 3.5)
    images[::2, 0, 0] = 0.1  # not ink
    answer = {"images": images.tolist(), "latents": np.zeros((36, 4)).tolist()}
    page.route("**/v1/models/sketch/**", lambda route: route.fulfill(json={"outputs": answer}))
    assert page.is_hidden("#center")  # the edges of the model's own samples are not plain
    page.click("#draw button[type=submit]")
    page.wait_for_selector("#center")
    page.unroute("**/v1/models/sketch/**")

    page.locator("#sketch").scroll_into_view_if_needed()
    box = page.locator("#sketch").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.6 * box["height"])
    page.mouse.up()
    found = {}
    for centered in (True, False):
        page.set_checked("#center", centered)
        page.click("#encode button")
        settle_encoded(page, 1 if centered else 2)
        found[centered] = pixels(page, "#scaled") / 255
    mass = {key: image.sum() for key, image in found.items()}
    y, x = (sum((np.arange(6) + 0.5) * found[True].sum(1 - axis)) / mass[True] for axis in (0, 1))
    assert (y, x) == pytest.approx((3, 3.5), abs=0.05)
    # The stroke is 0.4 long and 0.11 wide with round ends, 0.51 in all; 4 / 6 are wanted.
    assert mass[True] / mass[False] == pytest.approx((4 / 6 / 0.51) ** 2, abs=0.1)
    assert found[False][:, 3:].max() == 0


def test_ink_against_numpy(page):
    """The center of mass and the box of digits; photographs have no plain background."""
    rng = np.random.default_rng(0)
    images = rng.random((5, 8, 10, 1)) * (rng.random((5, 8, 10, 1)) < 0.3)
    images[:, [0, -1]] = images[:, :, [0, -1]] = 0
    noise = rng.random((5, 8, 10, 1))
    found, *others = page.evaluate(
        """async (stacks) => {
          const {typical} = await import("/explorer/center.js");
          return stacks.map(typical);
        }""",
        [images.tolist(), (1 - images).tolist(), noise.tolist(), np.zeros((5, 8, 10, 1)).tolist()],
    )
    ink = np.where(images >= 0.25, images, 0)[..., 0]
    mass = ink.sum((1, 2))
    y = (ink.sum(2) @ (np.arange(8) + 0.5) / mass).mean() / 10
    x = (ink.sum(1) @ (np.arange(10) + 0.5) / mass).mean() / 10
    sides = [max(np.ptp(np.nonzero(one), axis=1) + 1) for one in ink]
    assert found == pytest.approx({"y": y, "x": x, "size": np.median(sides) / 10})
    assert others == [pytest.approx(found), None, None]


def settle_encoded(page, number=1):
    page.wait_for_selector(f"#grid button[aria-label='Your image {number}'][aria-pressed=true]")
    settle(page, f"your image {number}")


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


def test_inpaintings_have_the_truncation(page, painter):
    page.fill("#truncation", "0.5")
    page.click("#lower")
    page.click("#inpaint button[type=submit]")
    page.click("#inpaintings button >> nth=5")
    settle(page, "inpainting 6")
    mask = np.ones((6, 6, 1), bool)
    mask[3:] = False
    latents = 0.5 * samples(painter, 0, **NOTHING_KNOWN).latents[5:6]
    expected = inpaint(painter, np.zeros((6, 6, 1), np.float32), mask, latents)
    assert_pixels(page, "#inpaintings button >> nth=5 >> canvas", expected[0], atol=1)
    assert_image(page, expected[0])


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
    page.focus("#copy-link")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    settle(page, "sample 1.")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    settle(page, "0 %", "sample 1", "sample 2")
    page.focus("#across")
    page.keyboard.press("End")
    settle(page, "100 %", "sample 1", "sample 2")
    assert_image(page, samples(client, 0).images[1])
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_arrow_keys_move_in_the_grid(page):
    focused = "document.activeElement.getAttribute('aria-label')"
    page.focus("#grid button")
    for key, number in (
        ("ArrowLeft", 1),
        ("ArrowRight", 2),
        ("ArrowDown", 8),
        ("ArrowUp", 2),
        ("ArrowUp", 2),
        ("End", 36),
        ("ArrowDown", 36),
        ("Home", 1),
    ):
        page.keyboard.press(key)
        assert page.evaluate(focused) == f"Sample {number}"
    page.keyboard.press("End")
    page.keyboard.press("Space")
    settle(page, "sample 36")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "seed"
    page.keyboard.press("Shift+Tab")  # back to where it was
    assert page.evaluate(focused) == "Sample 36"
    page.keyboard.press("Escape")
    assert page.text_content("#place") == "No sample chosen yet."


def test_every_control_is_reached_by_tab(page, painter):
    choose(page, 0, 1, 2, 3)
    settle(page, "sample 4")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    shown = page.eval_on_selector_all(
        "input, select, button:not(.cell)",
        "es => es.filter(e => e.id && !e.disabled && e.checkVisibility()).map(e => e.id)",
    )
    assert set(shown) <= reached


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


def all_pixels(page):
    """Of the grid and of the large image."""
    page.wait_for_selector("#image[data-drawn]")
    return [canvas.evaluate(PIXELS) for canvas in page.locator("#grid canvas, #image").all()]


def open_link(page, address, link):
    """In a page that shows nothing yet, as a new tab would."""
    page.goto("about:blank")
    open_page(page, address, link)


def test_a_link_restores_the_view(page, address):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_version(page, "1")
    page.fill("#seed", "-12345678901234567890")
    page.select_option("#count", "16")
    page.fill("#truncation", "1.5")
    page.click("#draw button[type=submit]")
    page.wait_for_selector("#grid button:nth-child(16):last-child")
    choose(page, 2, 9, 4, 15)
    page.fill("#across", "0.25")
    page.fill("#down", "0.9")
    page.fill("#amount", "1.2")
    page.select_option("#direction", "")
    page.fill("#dimension", "2")
    page.fill("#amount", "-0.71")
    settle(page, "25 %", "90 %", "sample 3", "sample 10", "sample 5", "sample 16")
    before, text = all_pixels(page), page.text_content("#place")
    page.click("#copy-link")
    page.wait_for_selector("#copied:not(:empty)")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    open_link(page, address, link.removeprefix(address.rest + "/"))
    settle(page, text)
    assert all_pixels(page) == before
    assert page.is_hidden("#problem")
    assert page.input_value("#dimension") == "2"
    page.evaluate("() => { document.querySelector('#grid button').dataset.old = ''; }")
    page.click("#refresh")
    page.wait_for_selector("#grid button:first-child:not([data-old])")
    settle(page, text)
    assert all_pixels(page) == before
    page.wait_for_function("link => location.href === link", arg=link)


def test_a_link_of_a_class(page, address, sketch):
    page.select_option("#class", "2")
    page.click("#draw button[type=submit]")
    choose(page, 4)
    page.select_option("#shown-class", "1")
    page.wait_for_function("() => location.hash.includes('as=1')")
    link = page.evaluate("location.hash")
    assert link == "#model=sketch&version=1&seed=0&images=36&class=2&samples=5&as=1&direction=0"
    open_link(page, address, link)
    settle(page, "sample 5.")
    assert_image(page, sketch.generate(36, seed=0, condition=1)[4])


def test_a_link_is_kept_until_the_server_answers(page, address):
    page.expected_faults = 2  # the browser logs the failed requests
    failing = []
    page.route(
        "**/v1/models/**",
        lambda route: (
            route.abort()
            if any(f'"{name}"' in route.request.post_data for name in failing)
            else route.continue_()
        ),
    )
    for signature in ("sample", "serving_default"):  # of the grid, of the large image
        failing.append(signature)
        page.goto("about:blank")
        page.goto(f"{address.rest}/#model=mlp&version=1&samples=3")
        page.wait_for_selector("#problem:not([hidden])")
        assert "does not answer" in page.text_content("#problem")
        failing.clear()
        page.click("#refresh")
        settle(page, "sample 3.")
        assert page.is_hidden("#problem")
        assert page.input_value("#version") == "1"


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ("#model=gone&seed=7", "Not here: model gone."),
        ("#model=mlp&version=9", "Not here: version 9."),
        ("#model=mlp&version=x", "Not readable: version."),
        ("#images=17&seed=1e9", "Not here: images 17. Not readable: seed."),
        ("#truncation=2.5", "Not readable: truncation."),
        ("#samples=99", "Not here: samples 99."),
        ("#samples=1&direction=p1&moves=0:1,9:1", "Not here: direction p1, moves 0:1,9:1."),
        ("#class=2&toString=1&%E0%A4%A", "Not here: class 2. Not readable: toString, "),
    ],
    ids=["model", "version", "no-number", "images", "truncation", "samples", "directions", "names"],
)
def test_a_damaged_link_still_shows_a_page(page, address, link, named):
    open_link(page, address, link)
    page.wait_for_selector("#problem:not([hidden])")
    assert named in page.text_content("#problem")
    assert page.locator("#grid button").count() == 36


def test_only_the_page_s_own_files_are_served(http):
    page = http.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for path in (
        "/explorer/../server.py",
        "/explorer/%2e%2e/server.py",
        "/explorer/..%2fserver.py",
    ):
        assert http.get(path).status_code == 404
    for path in ("/", "/explorer/app.js"):
        assert http.get(path).headers["cache-control"] == "no-cache"  # not those of other versions
    catalog = http.get("/explorer/catalog.json").json()
    assert [model["name"] for model in catalog] == ["mlp", "painter", "sketch", "types"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(page, axe, scheme):
    page.emulate_media(color_scheme=scheme)
    for model in ("painter", "sketch"):  # with all controls
        choose_model(page, model)
        choose(page, 0, 1, 2, 3)
        settle(page, "sample 4")
        assert axe_findings(page, axe) == []
