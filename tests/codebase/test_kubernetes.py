"""The manifests are what Kubernetes and KServe take: fields exist, have their types, and none is missing that must be.

The schemas are the classes of their Python clients, which are made from the servers' own descriptions.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parents[2]
MANIFESTS = sorted((ROOT / "examples" / "kubernetes").glob("*.yaml"))
PLAIN: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (int, float),
    "object": (object,),
}
OF_KUBERNETES = {
    ("apps/v1", "Deployment"): "V1Deployment",
    ("v1", "Service"): "V1Service",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "V2HorizontalPodAutoscaler",
    ("policy/v1", "PodDisruptionBudget"): "V1PodDisruptionBudget",
}
OF_KSERVE = {
    ("serving.kserve.io/v1alpha1", "ServingRuntime"): "V1alpha1ServingRuntime",
    ("serving.kserve.io/v1beta1", "InferenceService"): "V1beta1InferenceService",
}


def documents() -> list[Any]:
    return [document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def of(kinds: dict[tuple[str, str], str]) -> list[tuple[str, Any]]:
    return [(kinds[key], document) for document in documents() if (key := kind_of(document)) in kinds]


def kind_of(document: Any) -> tuple[str, str]:
    return document["apiVersion"], document["kind"]


def built(value: Any, kind: str, classes: Any, where: str) -> Any:
    """The value as an object of the client, which refuses what is missing."""
    # Clients write list[V1Container] and dict(str, str), and later ones List and Dict[str, str].
    if several := re.fullmatch(r"[Ll]ist\[(.*)\]", kind):
        assert isinstance(value, list), where
        return [built(entry, several[1], classes, f"{where}[{place}]") for place, entry in enumerate(value)]
    if named := re.fullmatch(r"[Dd]ict[\[(]str, ?(.*)[\])]", kind):
        return {name: built(entry, named[1], classes, f"{where}.{name}") for name, entry in value.items()}
    if kind in PLAIN:
        assert isinstance(value, PLAIN[kind]), f"{where} is {value!r}, and must be {kind}"
        return value
    schema = classes(kind)
    attributes = {key: attribute for attribute, key in schema.attribute_map.items()}
    assert not value.keys() - attributes, f"{where}: {kind} has no {sorted(value.keys() - attributes)}"
    fields = {
        attributes[key]: built(entry, schema.openapi_types[attributes[key]], classes, f"{where}.{key}")
        for key, entry in value.items()
    }
    return schema(**fields)


def test_every_document_is_known() -> None:
    assert {kind_of(document) for document in documents()} == {*OF_KUBERNETES, *OF_KSERVE}


def test_documents_of_kubernetes() -> None:
    client = pytest.importorskip("kubernetes.client", reason="Kubernetes' client is not installed")
    for kind, document in of(OF_KUBERNETES):
        built(document, kind, lambda name: getattr(client, name), kind)
    broken = {**of(OF_KUBERNETES)[0][1], "spec": {"replica": 3}}
    with pytest.raises(AssertionError, match="V1DeploymentSpec has no"):
        built(broken, "V1Deployment", lambda name: getattr(client, name), "")
    with pytest.raises(ValueError, match="selector"):
        built({**broken, "spec": {"replicas": 3}}, "V1Deployment", lambda name: getattr(client, name), "")


def test_documents_of_kserve() -> None:
    client = pytest.importorskip("kubernetes.client", reason="Kubernetes' client is not installed")
    models = pytest.importorskip("kserve.models", reason="KServe's client is not installed")
    for kind, document in of(OF_KSERVE):
        built(document, kind, lambda name: getattr(models, name, None) or getattr(client, name), kind)


def test_servers_are_started_as_they_can_be() -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "zerolite", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "200", "PATH": ""},
    ).stdout
    found = 0
    for document in documents():
        spec = document["spec"].get("template", document).get("spec", {})
        for container in spec.get("containers", []):
            command, *options = container["args"]
            assert (container["command"], command) == (["zerolite"], "serve")
            unknown = [
                option for option in options if option.startswith("--") and option.partition("=")[0] not in help_text
            ]
            assert not unknown
            found += 1
    assert found == 2
