"""The files for the real server, by their official formats; canary, rollback and launcher."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import numpy as np
import pytest
import yaml
from google.protobuf import text_format
from serving_running import PATIENCE, free_port, running, wait_for
from tensorflow_serving.config import model_server_config_pb2

from serving import Client, UsageError, errors, operations
from serving.__main__ import main
from serving.config import read_batching_file, read_model_config_file, read_monitoring_file
from serving.operations import Admin, move_labels
from serving.production import resource_name, resource_names
from serving.settings import Settings

# Without the first, the server does not start with labels; without the second, it answers no more
# than four gRPC calls a core at a time.
FLAGS = {"--allow_version_labels_for_unavailable_models=true", "--grpc_max_threads=99"}


@pytest.fixture(scope="module")
def written(contract_base, tmp_path_factory):
    output = tmp_path_factory.mktemp("deployment")
    flags = [
        "--grpc_max_threads=99",
        "--max_batch_size=48",
        "--memory=512Mi",
        "--cpu=3",
        "--name=gan",
    ]
    assert main(["config", str(contract_base), "--output", str(output), *flags]) == 0
    return output


def documents(path):
    return list(yaml.safe_load_all(path.read_text()))


class TestFiles:
    def test_models(self, written):
        text = (written / "config/models.config").read_text()
        message = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
        entries = message.model_config_list.config
        assert [(entry.name, entry.base_path) for entry in entries] == [
            ("mlp", "/models/mlp"),
            ("painter", "/models/painter"),
            ("sketch", "/models/sketch"),
            ("types", "/models/types"),
        ]

    def test_batching_and_monitoring(self, written):
        batching = read_batching_file(written / "config/batching.config")
        assert batching.allowed_batch_sizes == (1, 2, 4, 8, 16, 32, 48)
        assert (batching.max_batch_size, batching.num_batch_threads) == (48, 3)
        path = read_monitoring_file(written / "config/monitoring.config")
        assert path == "/monitoring/prometheus/metrics"

    def test_compose(self, written, contract_base):
        command = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
        program = Path(sys.executable).with_name(command[0])
        subprocess.run(
            [program, *command[1:], written / "compose.yaml"], check=True, timeout=PATIENCE
        )
        (service,) = documents(written / "compose.yaml")[0]["services"].values()
        assert all(volume["read_only"] for volume in service["volumes"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        assert service["volumes"][0]["source"] == str((contract_base / "mlp").resolve())
        assert set(service["command"]) >= FLAGS
        # A server that looks at its file would undo what `serve label` does in between.
        assert not any("poll" in flag for flag in service["command"])

    def test_kubernetes(self, written):
        kinds = {}
        for document in documents(written / "kubernetes.yaml"):
            kubernetes_validate.validate(document, "1.37", strict=True)
            kinds[document["kind"]] = document
        assert set(kinds) == {"ConfigMap", "Deployment", "Service", "HorizontalPodAutoscaler"}
        (container,) = kinds["Deployment"]["spec"]["template"]["spec"]["containers"]
        assert {"startupProbe", "readinessProbe", "livenessProbe", "resources"} <= set(container)
        assert all(mount["readOnly"] for mount in container["volumeMounts"])
        assert set(container["args"]) >= FLAGS
        config = kinds["ConfigMap"]["data"]
        named = {flag.split("=")[1] for flag in container["args"] if "_file=" in flag}
        assert named == {f"/config/{name}" for name in config}
        assert config["models.config"] == (written / "config/models.config").read_text()
        assert "replicas" not in kinds["Deployment"]["spec"]  # applied again, it would scale down
        selector = kinds["Deployment"]["spec"]["selector"]["matchLabels"]
        assert kinds["Service"]["spec"]["selector"] == selector

    def test_kserve(self, written):
        # KServe's schema lives in its cluster; here its fields by name.
        for name, document in zip(
            ("mlp", "painter", "sketch", "types"), documents(written / "kserve.yaml"), strict=True
        ):
            assert document["apiVersion"] == "serving.kserve.io/v1beta1"
            assert document["kind"] == "InferenceService"
            model = document["spec"]["predictor"]["model"]
            assert model["modelFormat"] == {"name": "tensorflow"}
            assert model["storageUri"] == f"pvc://models/{name}"
            assert model["resources"]["limits"] == {"cpu": "3", "memory": "512Mi"}

    def test_one_model_with_versions_and_labels(self, contract_base, tmp_path):
        flags = ["--version=1", "--label=stable=1", "--label=canary=2", "--output", str(tmp_path)]
        assert main(["config", str(contract_base / "mlp"), *flags]) == 0
        (model,) = read_model_config_file(tmp_path / "config/models.config")
        assert (model.name, str(model.base_path)) == ("mlp", "/models/mlp")
        assert model.versions == {1, 2}
        assert model.labels == {"stable": 1, "canary": 2}
        (service,) = documents(tmp_path / "compose.yaml")[0]["services"].values()
        assert service["volumes"][0]["target"] == "/models/mlp"

    @pytest.mark.parametrize(
        ("flags", "text"),
        [
            (["nowhere"], "nowhere: no such directory"),
            (["--memory=2GB"], "--memory must read like 512Mi or 2Gi, not '2GB'"),
            (["--cpu=0"], "--cpu must be at least 1"),
            (["--grpc_max_threads=0"], "--grpc_max_threads must be at least 1"),
            (["--name=A_b"], "--name must be lower case letters"),
            (["--name=2a"], "hyphens, a letter first, not '2a'"),
            (["--min_replicas=5"], "--min_replicas must be between 1 and --max_replicas (4)"),
            (["--version=1"], "--version and --label fit one model"),
            (["--label=x"], "'x': label=version is expected"),
            (["--label=x=1", "--label=x=2"], "'x=2': x is version 1 already"),
            ([f"--label=x={2**63}"], f"'x={2**63}': label=version is expected"),
        ],
    )
    def test_bad_flags(self, contract_base, tmp_path, capsys, flags, text):
        directory = [] if flags == ["nowhere"] else [str(contract_base)]
        assert main(["config", *directory, *flags, "--output", str(tmp_path / "out")]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert text in line
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["config --output", "launch --config_dir"])
def test_files_that_cannot_be_written(contract_base, tmp_path, monkeypatch, capsys, command):
    (tmp_path / "tensorflow_model_server").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "file"
    file.touch()
    name, flag = command.split()
    assert main([name, str(contract_base), flag, str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"keras-gan serve: {file}/")
    assert "models.config: cannot be written (" in line


def test_resource_names():
    assert resource_name("My_Model 2") == "my-model-2"
    assert len(resource_name("x" * 99)) == 63
    assert resource_name("2024") == "model-2024"  # the name of a service begins with a letter
    assert resource_name("é") == "model"
    assert resource_names(["a-b", "a.b", "a_b", "c"]) == ["a-b", "a-b-2", "a-b-3", "c"]


@pytest.fixture
def labelled(contract_base, tmp_path):
    """A server of its own, with `mlp` version 1 labelled stable."""
    base = tmp_path / "mlp"
    shutil.copytree(contract_base / "mlp", base)
    config = tmp_path / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "mlp" base_path: "{base}" '
        'model_platform: "tensorflow" model_version_policy { specific { versions: 1 } } '
        'version_labels { key: "stable" value: 1 } } }'
    )
    settings = Settings(
        tuple(read_model_config_file(config)),
        (tmp_path.resolve(),),
        port=0,
        rest_api_port=None,
        file_system_poll_wait_seconds=0.05,
    )
    with running(settings) as server:
        yield f"127.0.0.1:{server.port}", config


def version_behind(address, label):
    with Client(f"grpc://{address}", model="mlp", label=label) as client:
        client.images(np.zeros((1, 4)))
        return client.metadata().version


def test_canary_then_promotion_then_rollback(labelled, capsys):
    address, config = labelled
    command = ["label", address, "--model_config_file", str(config), "--model=mlp"]
    assert main([*command, "--label=stable=1", "--label=canary=2"]) == 0
    assert capsys.readouterr().out == "mlp: canary is version 2, stable is version 1\n"
    assert version_behind(address, "stable") == 1
    assert version_behind(address, "canary") == 2
    assert main([*command, "--label=stable=2"]) == 0
    assert version_behind(address, "stable") == 2
    with pytest.raises(errors.InvalidArgument):
        version_behind(address, "canary")
    assert main([*command, "--label=stable=1"]) == 0
    assert version_behind(address, "stable") == 1
    (model,) = read_model_config_file(config)
    assert (model.versions, model.labels) == ({1}, {"stable": 1})


def test_a_move_keeps_what_the_real_server_logs(labelled):
    address, config = labelled
    logging = 'logging_config { log_collector_config { type: "file" filename_prefix: "/log" } }'
    config.write_text(config.read_text().replace("version_labels", f"{logging} version_labels"))
    command = ["label", address, "--model_config_file", str(config), "--model=mlp"]
    assert main([*command, "--label=stable=2"]) == 0
    message = text_format.Parse(config.read_text(), model_server_config_pb2.ModelServerConfig())
    (entry,) = message.model_config_list.config
    assert entry.logging_config.log_collector_config.filename_prefix == "/log"
    assert entry.version_labels == {"stable": 2}


def test_a_failed_move_changes_nothing(labelled, capsys):
    address, config = labelled
    before = config.read_text()
    broken = config.parent / "mlp" / "9"
    (broken / "variables").mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"no model")
    command = ["label", address, "--model_config_file", str(config), "--model=mlp"]
    assert main([*command, "--label=stable=9"]) == 1
    assert "mlp version 9" in capsys.readouterr().err
    assert version_behind(address, "stable") == 1
    assert config.read_text() == before
    assert main([*command[:-1], "--model=nope", "--label=stable=1"]) == 2
    unwritable = config.with_name("m" * 250)  # the temporary name is too long
    unwritable.write_text(before)
    capsys.readouterr()
    assert main([*command[:3], str(unwritable), "--model=mlp", "--label=stable=2"]) == 2
    assert "mmm: cannot be written (File name too long)" in capsys.readouterr().err
    assert version_behind(address, "stable") == 1
    assert sorted(path.name for path in config.parent.iterdir()) == [
        "mlp",
        unwritable.name,
        config.name,
    ]
    with Admin(address) as admin, pytest.raises(errors.DeadlineExceeded):
        move_labels([admin], read_model_config_file(config), "mlp", {"stable": 77}, 0.3)


def test_an_interrupted_move_changes_nothing(labelled, monkeypatch):
    address, config = labelled
    wait = Admin.wait_until_available

    def interrupted(admin, *arguments):
        wait(admin, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Admin, "wait_until_available", interrupted)
    with Admin(address) as admin:
        with pytest.raises(KeyboardInterrupt):
            move_labels([admin], read_model_config_file(config), "mlp", {"stable": 2})
        wait_for(lambda: admin.states("mlp")[2].state == "END")
    assert version_behind(address, "stable") == 1


class Failing:
    """A server that ends when its old versions are to be unloaded."""

    reloads = 0

    def states(self, model):
        return {}

    def reload(self, models):
        self.reloads += 1
        if self.reloads > 2:
            raise errors.Unavailable("gone")

    def wait_until_available(self, *arguments):
        pass


def test_a_server_that_has_unloaded_the_old_version_loads_it_again(labelled):
    address, config = labelled
    with Admin(address) as admin, pytest.raises(errors.Unavailable):
        move_labels([admin, Failing()], read_model_config_file(config), "mlp", {"stable": 2})
    assert version_behind(address, "stable") == 1


def test_no_label_moves_that_cannot_be_recorded(labelled, monkeypatch, capsys):
    address, config = labelled

    def full(path, *arguments, **named):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    command = ["label", address, "--model_config_file", str(config), "--model=mlp"]
    assert main([*command, "--label=stable=2"]) == 2
    assert "models.config: cannot be written (No space left" in capsys.readouterr().err
    assert version_behind(address, "stable") == 1


def test_launch_needs_the_program(contract_base, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UsageError, match="tensorflow_model_server is not on PATH"):
        operations.launch([str(contract_base)])


@pytest.mark.parametrize("flags", [[], ["exports", "--model_config_file=models.config"]])
def test_launch_needs_one_source_of_models(flags, tmp_path, monkeypatch):
    (tmp_path / "tensorflow_model_server").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="one of EXPORT_DIR and --model_config_file"):
        operations.launch(flags)


# The embedded server reads the same files and takes the same flags, but it has no gRPC threads.
STAND_IN = f"""#!/bin/sh
echo "$@" > "$0.flags"
for flag; do
  shift
  case "$flag" in --grpc_max_threads=*) ;; *) set -- "$@" "$flag" ;; esac
done
exec {sys.executable} -m serving "$@"
"""


def test_launch_with_the_labels_that_were_recorded(contract_base, tmp_path):
    stand_in = tmp_path / "bin" / "tensorflow_model_server"
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    port, rest = free_port(), free_port()
    environment = {**os.environ, "PATH": f"{stand_in.parent}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "serving", "launch"),
            *(
                f"--model_config_file={contract_base}/models.config",
                f"--port={port}",
                f"--rest_api_port={rest}",
                "--grace_seconds=5",
            ),
        ],
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        names = "mlp, painter, sketch, types"
        assert process.stdout.readline() == f"AVAILABLE: {names} at localhost:{port}\n"
        with Client(f"http://127.0.0.1:{rest}", model="mlp", label="stable") as client:
            assert client.generate(3).shape == (3, 6, 6, 1)
            assert client.metadata().version == 1
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait(PATIENCE)
    assert process.returncode == 0
    assert '"message": "stopped"' in log
    flags = stand_in.with_suffix(".flags").read_text().split()
    assert {"--allow_version_labels_for_unavailable_models=true", "--grpc_max_threads=256"} <= {
        *flags
    }
