"""The files of deploy/: valid by the schemas of their systems, and one command line in all."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from keras_gan.core.errors import InputError, Interrupted, TrainingError
from keras_gan.experiment import cluster

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
SLURM = DEPLOY / "slurm.sh"
COMMAND = shlex.split(
    "python -m keras_gan.train --strategy multi_worker --recipe mnist --run-dir",
)
MANIFESTS = {
    document["kind"]: document
    for document in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))
}


def executable(path: Path, text: str) -> None:
    path.write_text(f"#!/usr/bin/env bash\n{text}\n")
    path.chmod(0o755)


class TestKubernetes:
    job = MANIFESTS["Job"]["spec"]
    pod = job["template"]["spec"]
    container = pod["containers"][0]

    @pytest.mark.parametrize("kind", ["Service", "PersistentVolumeClaim", "Job"])
    def test_the_official_schema(self, kind):
        kubernetes_validate.validate(MANIFESTS[kind], "1.37", strict=True)

    def test_pods_find_each_other(self):
        """As Kubernetes names the pods of an indexed Job: <job>-<index>.<subdomain>."""
        service, job = MANIFESTS["Service"], MANIFESTS["Job"]
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["selector"] == {
            "batch.kubernetes.io/job-name": job["metadata"]["name"]
        }
        assert self.pod["subdomain"] == service["metadata"]["name"]
        assert self.job["completionMode"] == "Indexed"
        env = {entry["name"]: entry["value"] for entry in self.container["env"]}
        assert self.job["completions"] == self.job["parallelism"] == int(env["WORKERS"])
        (volume,) = self.pod["volumes"]
        claim = MANIFESTS["PersistentVolumeClaim"]["metadata"]["name"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim

    def test_what_ends_with_which_code_comes_back(self):
        assert self.pod["restartPolicy"] == "Never"  # a pod failure policy allows no other
        rules = self.job["podFailurePolicy"]["rules"]
        codes = {
            code: rule["action"]
            for rule in rules
            for code in rule.get("onExitCodes", {}).get("values", ())
        }
        assert codes == {
            InputError.exit_code: "FailJob",
            TrainingError.exit_code: "FailJob",
            Interrupted.exit_code: "Ignore",
        }
        named = {rule["onExitCodes"]["containerName"] for rule in rules if "onExitCodes" in rule}
        assert named == {self.container["name"]}

    def run(self, tmp_path, index: int) -> list[str]:
        """TF_CONFIG, then the command, of one pod of three."""
        executable(tmp_path / "python", 'printf "%s\\n" "$TF_CONFIG" "$0" "$@"')
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "WORKERS": "3",
            "JOB_COMPLETION_INDEX": str(index),
        }
        command = [*self.container["command"], *self.container["args"]]
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        config, _, *arguments = result.stdout.splitlines()
        return [config, *arguments]

    @pytest.mark.parametrize("index", [0, 2])
    def test_each_pod_makes_its_tf_config(self, tmp_path, monkeypatch, index):
        config, *arguments = self.run(tmp_path, index)
        assert [*COMMAND, "runs/mnist"] == ["python", *arguments]
        assert json.loads(config)["task"] == {"type": "worker", "index": index}
        monkeypatch.setenv("TF_CONFIG", config)
        resolver = cluster.read()
        addresses = [f"keras-gan-{i}.keras-gan:2222" for i in range(3)]
        assert resolver.cluster_spec().as_dict() == {"worker": addresses}
        assert (resolver.task_type, resolver.task_id) == ("worker", index)
        assert self.container["ports"][0]["containerPort"] == 2222

    def test_a_pod_too_many_says_so(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TF_CONFIG", self.run(tmp_path, 3)[0])
        with pytest.raises(InputError, match="this process worker 3, but the cluster has 3"):
            cluster.read()


class TestSlurm:
    def run(self, folder: Path, code: int) -> tuple[int, list[list[str]]]:
        """The script's exit code, and how it called stand-ins for Slurm's commands."""
        for name, ending in (("srun", code), ("scontrol", 0)):
            record = f'printf "%s\\0" {name} "$@" >> "$0.calls"; exit {ending}'
            executable(folder / name, record)
        environment = {"PATH": f"{folder}:{os.environ['PATH']}", "SLURM_JOB_ID": "42"}
        result = subprocess.run(["bash", SLURM], env={**environment, "RUN_DIR": "/a b"})
        files = sorted(folder.glob("*.calls"), reverse=True)
        return result.returncode, [file.read_text().split("\0")[:-1] for file in files]

    def test_the_command(self, tmp_path):
        code, (srun,) = self.run(tmp_path, 0)
        assert code == 0
        assert srun == ["srun", "--kill-on-bad-exit=0", *COMMAND, "/a b"]

    def test_an_interrupted_job_is_queued_again(self, tmp_path):
        code, (_, scontrol) = self.run(tmp_path, Interrupted.exit_code)
        assert code == Interrupted.exit_code
        assert scontrol == ["scontrol", "requeue", "42"]

    @pytest.mark.parametrize("code", [InputError.exit_code, TrainingError.exit_code, 137])
    def test_a_failed_one_is_not(self, tmp_path, code):
        assert self.run(tmp_path, code)[0] == code
        assert not (tmp_path / "scontrol.calls").exists()

    def test_options_of_sbatch(self):
        """Slurm is no package of PyPI, so the options stand here as sbatch's manual has them."""
        head, _, body = SLURM.read_text(encoding="utf-8").partition("\nset -u")
        assert head.startswith("#!/usr/bin/env bash\n")
        assert "#SBATCH" not in body  # sbatch reads up to the first command
        parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
        for name, form in {
            "job-name": r"[\w-]+",
            "nodes": r"\d+",
            "ntasks-per-node": "1",  # one process a node, as the cluster resolver is told by srun
            "cpus-per-task": r"\d+",
            "time": r"\d+:\d\d:\d\d",
            "signal": r"TERM@\d+",  # to the steps: "B:" would send it to this script alone
            "open-mode": "append",
            "output": r"\S+",
        }.items():
            parser.add_argument(f"--{name}", type=re.compile(form).fullmatch, required=True)
        parser.add_argument("--requeue", action="store_true", required=True)
        lines = re.findall(r"^#SBATCH (.*)$", head, re.MULTILINE)
        options = parser.parse_args([word for line in lines for word in shlex.split(line)])
        assert [name for name, value in vars(options).items() if not value] == []


class TestDockerfile:
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.M)
    lines = tuple(line for line in text.replace("\\\n", "").splitlines() if line.strip())

    def of(self, instruction: str) -> list[str]:
        return [line.split(None, 1)[1] for line in self.lines if line.split()[0] == instruction]

    def test_the_linter(self):
        hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
        result = subprocess.run(
            [hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False
        )
        assert (result.returncode, result.stdout) == (0, "")
        pod = TestKubernetes.pod["securityContext"]
        assert self.of("USER") == [str(pod["runAsUser"])]

    def test_everything_that_the_build_needs_is_copied(self):
        copied = {source for line in self.of("COPY") for source in line.split()[:-1]}
        assert [source for source in copied if not (ROOT / source).exists()] == []
        project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        for needed in ("keras_gan", "export", "serving", "README.md", "LICENSE"):
            assert needed in project
            assert needed in copied

    @pytest.mark.parametrize(("extras", "wanted"), [("", "/source"), ("cuda", "/source[cuda]")])
    def test_what_is_installed(self, tmp_path, extras, wanted):
        executable(tmp_path / "pip", 'printf "%s\\n" "$@" > "$0.call"')
        executable(tmp_path / "rm", "")
        install = self.of("RUN")[0]
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "EXTRAS": extras}
        subprocess.run(["sh", "-c", install], env=environment, check=True)
        call = (tmp_path / "pip.call").read_text().splitlines()
        assert call[0] == "install"
        assert call[-1] == wanted
        assert "/source/constraints.txt" in call

    def test_it_trains(self):
        (entry,) = self.of("ENTRYPOINT")
        assert json.loads(entry) == COMMAND[:3]
