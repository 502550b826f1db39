"""`zerolite profile` and `zerolite info --delegates`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo as zoo
from zerolite.cli import main

pytest.importorskip("rich", reason="needs the extra cli")

CHAIN = zoo.model_path("mixed_chain")


def tell(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_delegation_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = tell(capsys, "info", CHAIN, "--delegates")
    assert (code, err) == (0, "")
    with zl.load(CHAIN) as model:
        delegation = model.delegation
    table = out.partition("delegation, 1 thread")[2].splitlines()[3:]
    assert len(table) == len(delegation.partitions) + len(delegation.builtin)
    for part, line in zip((*delegation.partitions, *delegation.builtin), table, strict=True):
        assert line.startswith(part.delegate)
        assert line.endswith(f" {len(part.operators)}")
        assert all(name in line for name in part.operators)
    assert "  0-1  " in table[0]
    assert "  2-3, 6-7, 10-11, 14-15, 18-19  " in table[-1]
    assert "delegation, " not in tell(capsys, "info", CHAIN)[1]


def test_delegation_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = tell(capsys, "info", CHAIN, "--json")
    assert code == 0
    document = json.loads(out)["delegation"]
    with zl.load(CHAIN) as model:
        assert document == model.delegation.to_dict()
    assert document["threads"] == 1
    assert not document["complete"]
    positions = sorted(index for part in document["partitions"] + document["builtin"] for index in part["indices"])
    assert positions == list(range(len(positions)))


def test_delegates_that_are_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(tell(capsys, "info", CHAIN, "--delegate", "builtin", "--json")[1])["delegation"]
    assert document["partitions"] == []


def test_profile_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = tell(capsys, "profile", CHAIN, "--runs", "3")
    assert (code, err) == (0, "")
    assert "CUMSUM" in out
    assert "XNNPACK" in out
    assert "3 runs of serving_default" in out


def test_profile_as_json_and_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "trace.json"
    code, out, _ = tell(capsys, "profile", CHAIN, "--runs", "2", "--json", "--trace", trace)
    document = json.loads(out)
    assert code == 0
    assert document["runs"] == 2
    assert document["trace"] == str(trace)
    assert {event["ph"] for event in json.loads(trace.read_text())["traceEvents"]} == {"M", "X"}
    code, out, _ = tell(capsys, "profile", CHAIN, "--runs", "2", "--csv")
    assert code == 0
    assert {line["type"] for line in csv.DictReader(io.StringIO(out))} == {one["type"] for one in document["operators"]}


def test_profile_over_inputs_of_another_shape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = zoo.model_path("conditional")
    with zl.load(model) as loaded:
        shape = loaded.inputs[0].shape
    branches = []
    for value in (-5, 5):
        np.save(tmp_path / "x.npy", np.full(shape, value, np.float32))
        out = tell(capsys, "profile", model, "--runs", "1", "--json", "--input", tmp_path / "x.npy")[1]
        branches.append({one["subgraph"] for one in json.loads(out)["operators"]})
    assert branches[0] != branches[1]


def test_profile_of_another_signature_with_other_kernels(capsys: pytest.CaptureFixture[str]) -> None:
    model = zoo.model_path("multi_signature")
    with zl.load(model) as loaded:
        keys = list(loaded.signatures)
    for key in keys:
        code, out, _ = tell(
            capsys, "profile", model, "--signature", key, "--runs", "1", "--delegate", "builtin", "--json"
        )
        assert code == 0
        document = json.loads(out)
        assert document["signature"] == key
        assert {one["delegate"] for one in document["operators"]} == {"builtin"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "--csv"],
        ["--runs", "0"],
        ["--signature", "nothing"],
        ["--delegate", "nothing"],
        ["--input", "no.npy"],
    ],
)
def test_wrong_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(capsys, "profile", CHAIN, *arguments)[0] == 2


def test_what_can_not_be_written_is_said_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = tell(capsys, "profile", CHAIN, "--trace", tmp_path / "nowhere" / "trace.json")
    assert code == 1
    assert err.startswith("zerolite: ")
    assert err.count("\n") == 1
