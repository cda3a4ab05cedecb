"""The page that follows a run: what it serves, to whom, and that it refreshes itself."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browsing import chromium

from keras_gan import Run, plotting, watch
from keras_gan.callbacks import SampleGrid
from keras_gan.reporting import document, pictures
from keras_gan.reporting.pages import Server

METRICS = "epoch,value\n0,-1.5\n"


@pytest.fixture
def run(tmp_path) -> Path:
    """A run that is training: no models, one epoch of nine."""
    folder = tmp_path / "run"
    (folder / "samples").mkdir(parents=True)
    config = {
        "format": 2,
        "identity": {"data": "0"},
        "recipe": "digits",
        "settings": {"dataset": "digits"},
        "example_shape": [8, 8, 1],
        "sessions": [{"epochs": 9}],
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "metrics.csv").write_text(METRICS)
    draw(folder, 1)
    return folder


def draw(folder: Path, epoch: int) -> None:
    picture = np.full((20, 20, 3), epoch % 256, np.uint8)
    plotting.save_image(picture, folder / "samples" / f"epoch-{epoch:04d}.png")


@pytest.fixture
def server(run) -> Iterator[Server]:
    with Server(run, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server: Server, path: str = "/", host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def later(path: Path, seconds: float) -> None:
    """Makes sure that the time of a change is another, however coarse the file system's clock."""
    os.utime(path, (1e9 + seconds, 1e9 + seconds))


def test_the_page_changes_with_the_files_of_the_run(run, server, monkeypatch) -> None:
    status, page = get(server)
    assert status == 200
    assert "1 of 9 epochs are done" in page
    assert 'alt="samples, epoch 1"' in page
    state = get(server, "/state")[1]
    assert f'data-state="{state}"' in page
    with monkeypatch.context() as patched:
        patched.setattr(document, "render_files", None)  # the page is kept as long as it is right
        assert get(server) == (200, page)
    (run / "metrics.csv").write_text(METRICS + "1,-1.4\n")
    later(run / "metrics.csv", 1)
    draw(run, 2)
    later(run / "samples", 2)
    warning = {"name": "constant-output", "message": "all samples are the same"}
    (run / "warnings.json").write_text(json.dumps({"epoch": 1, "warnings": [warning]}))
    assert get(server, "/state")[1] != state
    page = get(server)[1]
    assert 'alt="samples, epoch 2"' in page
    assert "All samples are the same." in page
    assert "What to try next" in page


def test_pictures_are_in_the_order_of_their_epochs_and_other_files_are_left_alone(run) -> None:
    for epoch in (10_000, 9_999, 20):
        draw(run, epoch)
    (run / "samples" / "epoch-0020 copy.png").write_bytes(b"")
    files = SampleGrid.files(run / "samples")
    assert [file.stem for file in files] == [
        "epoch-0001",
        "epoch-0020",
        "epoch-9999",
        "epoch-10000",
    ]
    assert "epoch 10000" in document.render_files(Run.open(run), "")


def test_browsers_that_leave_and_heads(run, server, capsys) -> None:
    for _ in range(3):
        connection = socket.create_connection(("127.0.0.1", server.server_port))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        linger = struct.pack("ii", 1, 0)  # the connection is reset
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()
    assert get(server, "/?x=1")[0] == 200
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port)
    connection.request("HEAD", "/")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"")
    assert int(response.headers["Content-Length"]) > 1000
    assert "Traceback" not in capsys.readouterr().err


def test_a_damaged_file_is_said_and_does_not_end_the_server(run, server) -> None:
    (run / "metrics.csv").write_text("epoch,value\n0,?\n")
    status, text = get(server)
    assert status == 500
    assert "metrics.csv is damaged" in text
    (run / "metrics.csv").write_text(METRICS)
    later(run / "metrics.csv", 1)
    assert get(server)[0] == 200


def test_an_unexpected_fault_is_one_line_and_any_name_is_shown(run, server, monkeypatch) -> None:
    monkeypatch.setattr(document, "render_files", lambda *_: 1 / 0)
    assert get(server) == (500, "ZeroDivisionError: division by zero")
    monkeypatch.setattr(document, "render_files", lambda *_: os.fsdecode(b"run-\xff"))
    assert get(server) == (200, "run-?")


@pytest.mark.parametrize("host", ["localhost:8600", "127.0.0.1", "LOCALHOST", "localhost."])
def test_this_machine_is_answered(server, host) -> None:
    assert get(server, "/state", host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8600", "[::1", ""])
def test_a_page_from_elsewhere_is_refused(server, host) -> None:
    assert get(server, "/", host)[0] == 403


def test_other_paths_are_unknown(server) -> None:
    assert get(server, "/config.json")[0] == 404
    assert get(server, "/../../etc/passwd")[0] == 404


def test_the_command_ends_with_ctrl_c_and_refuses_what_it_cannot_use(
    run, server, capsys, monkeypatch
) -> None:
    def stop(self) -> None:
        raise KeyboardInterrupt

    assert watch.main([str(run), "--port", str(server.server_port)]) == 2
    assert "cannot be used" in capsys.readouterr().err
    assert watch.main([str(run.parent)]) == 2
    with monkeypatch.context() as patched:
        patched.setattr(Server, "serve_forever", stop)
        assert watch.main([str(run), "--port", "0"]) == 0
    assert "http://localhost:" in capsys.readouterr().out


def test_the_page_refreshes_itself_in_a_browser(run, server, needs_chromium) -> None:
    draw(run, 2)
    with chromium(needs_chromium) as browser:
        page = browser.new_page()
        faults = []
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"http://localhost:{server.server_port}/")
        page.get_by_role("slider").fill("0")
        draw(run, 3)
        page.wait_for_selector(".timeline img[alt='samples, epoch 3']", state="attached")
        # The slider stays where the reader put it.
        assert page.locator(".timeline output").inner_text() == "epoch 1"
        assert faults == []
        # A file that cannot be read is said; what the page shows stays, and goes on.
        (run / "metrics.csv").write_text("epoch,value\n0,?\n")
        page.get_by_text("metrics.csv is damaged").wait_for()
        assert page.locator(".timeline").count() == 1
        (run / "metrics.csv").write_text(METRICS)
        later(run / "metrics.csv", 1)
        draw(run, 4)
        page.wait_for_selector(".timeline img[alt='samples, epoch 4']", state="attached")
        assert page.get_by_text("is damaged").count() == 0


def test_the_slider_stays_at_its_epoch_and_in_the_hand(
    run, server, needs_chromium, monkeypatch
) -> None:
    monkeypatch.setattr(pictures, "_EPOCHS", 5)
    for epoch in range(5):
        draw(run, epoch)
    with chromium(needs_chromium) as browser:
        page = browser.new_page()
        page.goto(f"http://localhost:{server.server_port}/")
        shown = page.locator(".timeline output")

        def last() -> str:
            return page.locator(".timeline img").last.get_attribute("alt")

        page.get_by_role("slider").fill("2")
        assert shown.inner_text() == "epoch 2"
        for epoch in range(5, 9):
            draw(run, epoch)
        page.wait_for_selector(".timeline img[alt='samples, epoch 8']", state="attached")
        # Now the page has every second epoch, so that the slider stands elsewhere.
        assert page.get_by_role("slider").input_value() == "1"
        assert shown.inner_text() == "epoch 2"
        # As long as the reader holds the slider, it is not taken away.
        page.get_by_role("slider").hover()
        page.mouse.down()
        draw(run, 9)
        with page.expect_response(f"http://localhost:{server.server_port}/"):
            pass  # the page has been asked for again
        page.wait_for_timeout(200)
        assert last() == "samples, epoch 8"
        page.mouse.up()
        page.wait_for_selector(".timeline img[alt='samples, epoch 9']", state="attached")
