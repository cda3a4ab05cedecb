"""The command line and its files: one clear line and exit code 2 for whatever cannot be used."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import trustme
from serving_running import PATIENCE, free_port

import export.serve
import serving.__main__
from serving import UsageError
from serving.__main__ import main
from serving.config import read_batching_file, read_model_config_file, read_monitoring_file
from serving.settings import build_parser, find_models, read_settings
from serving.tls import read_keys, read_ssl_config

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def test_settings(contract_base):
    settings = read_settings(
        [
            str(contract_base),
            *("--port=0", "--rest_api_port=9001", "--rest_api_timeout_in_ms=1500"),
            *("--enable_batching", "--max_rows=7", "--file_system_poll_wait_seconds=3"),
            *("--host=[::1]", "--allowed_hosts=A.example, b"),
            "--allow_version_labels_for_unavailable_models",
        ]
    )
    assert [model.name for model in settings.models] == ["mlp", "painter", "sketch", "types"]
    assert settings.roots == (contract_base.resolve(),)
    assert (settings.port, settings.rest_api_port) == (None, 9001)
    assert settings.host == "::1"
    assert settings.allowed_hosts == {"a.example", "b"}
    assert settings.allow_version_labels_for_unavailable_models
    assert settings.rest_api_timeout_in_ms == 1500
    assert settings.batching.max_batch_size == 1000
    assert settings.limits.max_rows == 7
    assert settings.file_system_poll_wait_seconds == 3
    assert settings.keys is None


def test_one_model(contract_base):
    (model,) = read_settings([str(contract_base / "mlp"), "--enable_batching=false"]).models
    assert model.name == "mlp"
    settings = read_settings([f"--model_base_path={contract_base / 'mlp'}", "--model_name=m"])
    assert settings.models[0].name == "m"
    assert settings.batching is None


def test_a_model_whose_name_is_a_number(tmp_path):
    for version in ("7/1", "digits/2"):
        (tmp_path / version).mkdir(parents=True)
    found = {model.name: model.base_path.name for model in find_models(tmp_path)}
    assert found == {"7": "7", "digits": "digits"}
    (one,) = find_models(tmp_path / "7")
    assert (one.name, one.base_path) == ("7", tmp_path / "7")


def test_exports_in_other_formats_are_left_out(tmp_path, caplog):
    for file in ("digits/1/saved_model.pb", "small/1/generator.onnx", "small/2/generator.onnx"):
        path = tmp_path / file
        path.parent.mkdir(parents=True)
        path.touch()
    caplog.set_level("WARNING", "serving")
    (tmp_path / "coming" / "1").mkdir(parents=True)  # its files may be on their way
    assert [model.name for model in find_models(tmp_path)] == ["coming", "digits"]
    assert caplog.messages == [f"{tmp_path / 'small'}: left out, as it has no SavedModel"]
    shutil.rmtree(tmp_path / "coming")
    shutil.rmtree(tmp_path / "digits")
    with pytest.raises(UsageError, match="no SavedModel in it"):
        find_models(tmp_path)


def test_without_the_extra_there_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(serving.__main__, "_PACKAGES", ("grpc", "no_such_package"))
    monkeypatch.setattr(export.serve.subprocess, "run", None)  # nothing is exported in vain
    for call in (main, export.serve.main):
        assert call(["digits"]) == 2
        message = capsys.readouterr().err
        assert "no_such_package: not installed; in a checkout: pip install '.[serving]'" in message
        assert message.count("\n") == 1


def test_the_packages_that_are_looked_for_are_those_of_the_extra():
    with open(ROOT / "pyproject.toml", "rb") as file:
        extra = tomllib.load(file)["project"]["optional-dependencies"]["serving"]
    wanted = {re.match(r"[\w.-]+", requirement)[0] for requirement in extra}
    modules = metadata.packages_distributions()
    given = {name for module in serving.__main__._PACKAGES for name in modules[module]}
    assert {re.sub("[-_.]+", "-", name).lower() for name in given} == wanted


@pytest.mark.parametrize("command", ["launch", "label"])
def test_the_help_of_each_command_shows_defaults(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "(default: 300.0)" in text
    assert ("(default: 8500)" in text) == (command == "launch")


@pytest.mark.parametrize(
    ("flag", "code"),
    [
        *(("--no_such_flag", 2), ("--port=x", 2), ("--help", 0)),
        *(("--weights", 2), ("--trust-recipe=1", 2)),
    ],
)
def test_flags_are_read_before_a_model_is_exported(monkeypatch, capsys, flag, code):
    monkeypatch.setattr(export.serve.subprocess, "run", None)  # nothing is exported in vain
    with pytest.raises(SystemExit) as exit_:
        export.serve.main(["digits", "--weights=ema", flag])
    assert exit_.value.code == code
    printed = capsys.readouterr()
    assert printed.out.startswith("usage: keras-gan serve") == (code == 0)
    assert printed.err.count("\n") == (code == 2)


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--port=8501", "--rest_api_port must differ from --port"),
        ("--batching_parameters_file=x", "needs --enable_batching"),
        ("--monitoring_config_file=nowhere", "nowhere: cannot be read"),
        ("--model_config_file=x", "and only one"),
        ("--ssl_key_file=x", "--ssl_certificate_file is missing"),
    ],
)
def test_flags_that_cannot_be_used_are_found_before_an_export(monkeypatch, capsys, flag, text):
    monkeypatch.setattr(export.serve.subprocess, "run", None)  # nothing is exported in vain
    assert export.serve.main(["digits", flag]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keras-gan serve: ")
    assert text in line


def test_help_names_defaults_only_where_there_are_any():
    text = build_parser().format_help()
    assert "(default: 8501)" in text
    assert "None" not in text


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "one of EXPORT_DIR, --model_base_path and --model_config_file is needed"),
        (["nowhere"], "nowhere: no such directory"),
        (["EMPTY"], "no version in it; a version is a directory whose name is a number"),
        (["--model_base_path=nowhere"], "nowhere: no such directory"),
        (["--model_config_file=nowhere"], "nowhere: cannot be read (No such file or directory)"),
        (["BASE", "--model_base_path=BASE"], "and only one"),
        (["BASE", "--model_name=m"], "--model_name fits one model"),
        (["BASE", "--port=x"], "argument --port: invalid whole number value: 'x'"),
        (["FILE"], "/file: no such directory"),
        (["LOOP"], "/loop: cannot be listed (Too many levels of symbolic links)"),
        (["BASE", "--port=-1"], "argument --port: at least 0 expected, not -1"),
        (["BASE", "--port=65536"], "argument --port: at most 65535 expected, not 65536"),
        (["BASE", "--rest_api_port=65536"], "at most 65535 expected, not 65536"),
        (["BASE", "--allowed_hosts=a.example:80"], "names without a port expected"),
        (["BASE", "--allowed_hosts="], "names without a port expected"),
        (["BASE", "--host="], "argument --host: an address expected, not ''"),
        (["BASE", "--host=[]"], "an address expected, not '[]'"),
        (["BASE", "--nope"], "unrecognized arguments: --nope"),
        (["BASE", "--enable_batching=perhaps"], "true or false expected, not 'perhaps'"),
        (["BASE", "--port=9", "--rest_api_port=9"], "--rest_api_port must differ from --port"),
        (["BASE", "--port=0", "--rest_api_port=0"], "nothing to listen on"),
        (["BASE", "--batching_parameters_file=x"], "needs --enable_batching"),
        (["BASE", "--ssl_certificate_file=x"], "--ssl_key_file is missing"),
        (["BASE", "--ssl_key_file=x"], "--ssl_certificate_file is missing"),
        (["BASE", "--ssl_config_file=x", "--ssl_key_file=y"], "no other file goes with it"),
    ],
)
def test_bad_flags(contract_base, tmp_path, capsys, flags, text):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    places = {
        "EMPTY": str(tmp_path),
        "FILE": str(tmp_path / "file"),
        "LOOP": str(tmp_path / "loop"),
    }
    arguments = [flag.replace("BASE", str(contract_base)) for flag in flags]
    arguments = [places.get(flag, flag) for flag in arguments]
    try:
        code = main(arguments)
    except SystemExit as ended:  # argparse's own way
        code = ended.code
    assert code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keras-gan serve: ")
    assert text in line


@pytest.mark.parametrize("flag", ["port", "rest_api_port"])
def test_a_port_in_use(contract_base, capfd, flag):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = {"port": "rest_api_port", "rest_api_port": "port"}[flag]
        assert main([str(contract_base), f"--{flag}={port}", f"--{other}=0"]) == 2
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("keras")]
    assert lines == [
        f"keras-gan serve: --{flag}={port}: 127.0.0.1 cannot be listened on there "
        "(Address already in use)"
    ]


def test_a_model_that_does_not_load(tmp_path, capsys):
    (tmp_path / "m" / "1").mkdir(parents=True)
    assert main([str(tmp_path), "--port=0", "--rest_api_port=0"]) == 2
    capsys.readouterr()
    assert main([str(tmp_path), "--port=0", f"--rest_api_port={free_port()}"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("keras-gan serve: UNKNOWN: Some models did not become available: {m}")


def test_a_mistake_shows_without_loading_tensorflow(tmp_path):
    code = (
        "import sys; from serving.__main__ import main; code = main(sys.argv[1:]); "
        "assert 'tensorflow' not in sys.modules; sys.exit(code)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "nowhere")],
        capture_output=True,
        cwd=Path(__file__).parents[2],
        text=True,
        timeout=PATIENCE,
    )
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1


class TestFiles:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("model_config_list {\n  config {\n    nam: 'x'\n", ":3: not a ModelServerConfig"),
            ("model_config_list { config { name: 3 } }", ":1: not a ModelServerConfig"),
            ("", ": model_config_list is missing"),
            ("model_config_list { config { } }", "name is missing"),
            (
                'model_config_list { config { name: "m" base_path: "/m" } }',
                "model m: model_platform must be 'tensorflow', not ''",
            ),
            (
                'model_config_list { config { name: "m" base_path: "m" '
                'model_platform: "tensorflow" } }',
                "Expected model m to have an absolute path or URI; got base_path()=m",
            ),
            (
                'model_config_list { config { name: "m" base_path: "/m" '
                'model_platform: "tensorflow" } config { name: "m" base_path: "/m" '
                'model_platform: "tensorflow" } }',
                "Illegal to list model m multiple times in config list",
            ),
            (
                'model_config_list { config { name: "m" base_path: "/m\\000" '
                'model_platform: "tensorflow" } }',
                "model m: base_path holds a null character",
            ),
        ],
    )
    def test_models(self, tmp_path, text, message):
        path = tmp_path / "models.config"
        path.write_text(text)
        with pytest.raises(UsageError) as caught:
            read_model_config_file(path)
        assert str(caught.value).startswith(f"{path}:")
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_an_unknown_field_is_named(self, tmp_path):
        path = tmp_path / "models.config"
        path.write_text('model_config_list {\n  config {\n    nam: "x"\n  }\n}\n')
        with pytest.raises(UsageError, match=r'config:3: .*no field named "nam"'):
            read_model_config_file(path)

    def test_policies_and_labels(self, tmp_path):
        path = tmp_path / "models.config"
        entry = 'config {{ name: "{}" base_path: "/m" model_platform: "tensorflow" {} }}'
        entries = [
            entry.format("a", ""),
            entry.format("b", "model_version_policy { latest { num_versions: 3 } }"),
            entry.format("c", "model_version_policy { all { } }"),
            entry.format(
                "d",
                "model_version_policy { specific { versions: 4 versions: 2 } } "
                'version_labels { key: "stable" value: 2 }',
            ),
        ]
        path.write_text(f"model_config_list {{ {' '.join(entries)} }}")
        on_disk = {number: Path(str(number)) for number in (1, 2, 3, 4)}
        models = read_model_config_file(path)
        assert [model.aspired(on_disk) for model in models] == [
            {4},
            {2, 3, 4},
            {1, 2, 3, 4},
            {2, 4},
        ]
        assert models[3].labels == {"stable": 2}

    def test_batching(self, tmp_path):
        path = tmp_path / "batching.config"
        path.write_text(
            "max_batch_size { value: 32 } batch_timeout_micros { value: 500 } "
            "max_enqueued_batches { value: 7 } num_batch_threads { value: 3 } "
            'thread_pool_name { value: "pool" } allowed_batch_sizes: 4 allowed_batch_sizes: 16 '
            "pad_variable_length_inputs: true enable_large_batch_splitting { value: true } "
            "max_execution_batch_size { value: 16 }"
        )
        batching = read_batching_file(path)
        assert (batching.max_batch_size, batching.batch_timeout_micros) == (32, 500)
        assert (batching.max_enqueued_batches, batching.num_batch_threads) == (7, 3)
        assert (batching.thread_pool_name, batching.allowed_batch_sizes) == ("pool", (4, 16))
        assert batching.pad_variable_length_inputs
        assert batching.max_execution_batch_size == 16

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("max_batch_size: 3", ":1: not a BatchingParameters"),
            ("max_batch_size { value: 0 }", "max_batch_size must be at least 1, not 0"),
            ("num_batch_threads { value: -1 }", "num_batch_threads must be at least 1, not -1"),
            ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must not be negative"),
            ("allowed_batch_sizes: 8", "allowed_batch_sizes must rise to the largest batch (1000)"),
            (
                "max_batch_size { value: 4 } allowed_batch_sizes: 4 allowed_batch_sizes: 2",
                "allowed_batch_sizes must rise",
            ),
            ("max_execution_batch_size { value: 8 }", "needs enable_large_batch_splitting"),
        ],
    )
    def test_bad_batching(self, tmp_path, text, message):
        path = tmp_path / "batching.config"
        path.write_text(text)
        with pytest.raises(UsageError) as caught:
            read_batching_file(path)
        assert str(caught.value).startswith(f"{path}:")
        assert message in str(caught.value)

    def test_monitoring(self, tmp_path):
        path = tmp_path / "monitoring.config"
        path.write_text('prometheus_config { enable: true path: "/metrics" }')
        assert read_monitoring_file(path) == "/metrics"
        path.write_text("prometheus_config { enable: true }")
        assert read_monitoring_file(path) == "/monitoring/prometheus/metrics"
        path.write_text("")
        assert read_monitoring_file(path) is None
        path.write_text('prometheus_config { enable: true path: "metrics" }')
        with pytest.raises(UsageError, match=r"config: .*path must begin with /, as in '/metrics'"):
            read_monitoring_file(path)


class TestKeys:
    def test_files(self, authority, tmp_path):
        pair = authority.issue_cert("localhost")
        certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
        pair.cert_chain_pems[0].write_to_path(str(certificate))
        pair.private_key_pem.write_to_path(str(key))
        assert read_keys(certificate, key, None).client_authority is None
        assert read_keys(None, None, None) is None
        other = tmp_path / "other.pem"
        authority.issue_cert("localhost").private_key_pem.write_to_path(str(other))
        with pytest.raises(UsageError, match=r"certificate\.pem: not a certificate with its key"):
            read_keys(certificate, other, None)
        with pytest.raises(UsageError, match=r"other\.pem: not an authority's certificate"):
            read_keys(certificate, key, other)
        with pytest.raises(UsageError, match="cannot be read"):
            read_keys(certificate, tmp_path / "nowhere", None)

    def test_ssl_config_file(self, authority, tmp_path):
        pair = authority.issue_cert("localhost")
        path = tmp_path / "ssl.config"

        def write(**texts):
            lines = [f"{name}: {value!r}" for name, value in texts.items()]
            path.write_text("\n".join(lines).replace("True", "true"))

        key, certificate = pair.private_key_pem.bytes(), pair.cert_chain_pems[0].bytes()
        texts = {"server_key": key.decode(), "server_cert": certificate.decode()}
        write(**texts)
        assert read_ssl_config(path).client_authority is None
        ca = authority.cert_pem.bytes().decode()
        write(**texts, custom_ca=ca, client_verify=True)
        assert read_ssl_config(path).client_authority == ca.encode()
        write(**texts, client_verify=True)
        with pytest.raises(UsageError, match="custom_ca is missing"):
            read_ssl_config(path)
        write(server_cert=certificate.decode())
        with pytest.raises(UsageError, match="server_key is missing"):
            read_ssl_config(path)
