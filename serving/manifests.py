"""Compose file and manifests around the real server, as plain dictionaries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.production import Deployment

_GRPC, _REST = 8500, 8501
_USER = 1000
MODELS_DIR, CONFIG_DIR = "/models", "/config"


def resource_name(name: str) -> str:
    """A name that Kubernetes accepts: lower case letters, digits and hyphens, 63 at most."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-") or "model"


def compose(deployment: Deployment, sources: Sequence[Path]) -> dict:
    """A compose file: the real server on loopback, models and configuration mounted read-only."""
    models = zip(sources, deployment.models, strict=True)
    return {
        "name": deployment.name,
        "services": {
            "serving": {
                "image": deployment.image,
                "entrypoint": ["tensorflow_model_server"],
                "command": deployment.server_flags(),
                "user": f"{_USER}:{_USER}",
                "ports": [f"127.0.0.1:{_GRPC}:{_GRPC}", f"127.0.0.1:{_REST}:{_REST}"],
                "volumes": [
                    *(_bind(str(source.resolve()), str(m.base_path)) for source, m in models),
                    _bind("./config", CONFIG_DIR),
                ],
                "read_only": True,
                "cap_drop": ["ALL"],
                "security_opt": ["no-new-privileges:true"],
                "cpus": deployment.cpu,
                "mem_limit": _compose_memory(deployment.memory),
                "restart": "unless-stopped",
                "stop_grace_period": "30s",
                "healthcheck": {
                    # The image has no HTTP client; the port opens once the models are loaded.
                    "test": ["CMD", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{_REST}"],
                    "interval": "10s",
                    "timeout": "2s",
                    "start_period": "60s",
                },
            }
        },
    }


def _bind(source: str, target: str) -> dict:
    return {"type": "bind", "source": source, "target": target, "read_only": True}


def _compose_memory(memory: str) -> str:
    return memory.replace("Gi", "g").replace("Mi", "m")


def kubernetes(deployment: Deployment) -> list[dict]:
    """Configuration, deployment, service and autoscaling."""
    name, labels = deployment.name, {"app.kubernetes.io/name": deployment.name}
    low, high = deployment.replicas
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": _metadata(f"{name}-config", labels),
            "data": deployment.config_files(),
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": _metadata(name, labels),
            "spec": {
                "replicas": low,
                "selector": {"matchLabels": labels},
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
                },
                "template": {
                    "metadata": {
                        "labels": labels,
                        "annotations": {
                            "prometheus.io/scrape": "true",
                            "prometheus.io/port": str(_REST),
                            "prometheus.io/path": deployment.metrics_path,
                        },
                    },
                    "spec": _pod(deployment),
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(name, labels),
            "spec": {
                "selector": labels,
                "ports": [
                    {"name": "grpc", "port": _GRPC, "targetPort": "grpc", "appProtocol": "grpc"},
                    {"name": "rest", "port": _REST, "targetPort": "rest", "appProtocol": "http"},
                ],
            },
        },
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": _metadata(name, labels),
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                "minReplicas": low,
                "maxReplicas": high,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "cpu",
                            "target": {"type": "Utilization", "averageUtilization": 70},
                        },
                    }
                ],
            },
        },
    ]


def _metadata(name: str, labels: dict) -> dict:
    return {"name": name, "labels": labels}


def _pod(deployment: Deployment) -> dict:
    # Any model will do: the ports open only when all of them are loaded.
    status = {"path": f"/v1/models/{deployment.models[0].name}", "port": "rest"}
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 45,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "serving",
                "image": deployment.image,
                "command": ["tensorflow_model_server"],
                "args": deployment.server_flags(),
                "ports": [
                    {"name": "grpc", "containerPort": _GRPC},
                    {"name": "rest", "containerPort": _REST},
                ],
                "startupProbe": {"httpGet": status, "periodSeconds": 5, "failureThreshold": 60},
                "readinessProbe": {"httpGet": status, "periodSeconds": 5, "timeoutSeconds": 2},
                "livenessProbe": {"httpGet": status, "periodSeconds": 10, "timeoutSeconds": 5},
                # Time for the service to send its requests elsewhere before the server ends.
                "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
                "resources": _resources(deployment),
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": "models", "mountPath": MODELS_DIR, "readOnly": True},
                    {"name": "config", "mountPath": CONFIG_DIR, "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {
                "name": "models",
                "persistentVolumeClaim": {"claimName": deployment.claim, "readOnly": True},
            },
            {"name": "config", "configMap": {"name": f"{deployment.name}-config"}},
        ],
    }


def _resources(deployment: Deployment) -> dict:
    amounts = {"cpu": str(deployment.cpu), "memory": deployment.memory}
    return {"requests": amounts, "limits": amounts}


def kserve(deployment: Deployment) -> list[dict]:
    """KServe's InferenceServices, one per model: instead of the manifests above."""
    low, high = deployment.replicas
    return [
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": resource_name(model.name)},
            "spec": {
                "predictor": {
                    "minReplicas": low,
                    "maxReplicas": high,
                    "model": {
                        "modelFormat": {"name": "tensorflow"},
                        "storageUri": f"pvc://{deployment.claim}/{deployment.inside(model)}",
                        "resources": _resources(deployment),
                    },
                }
            },
        }
        for model in deployment.models
    ]
