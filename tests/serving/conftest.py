"""What tests of servers under load start from."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.serving.running import Gate
from zerolite.serving.served_model import ServedModel


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    run = ServedModel._run

    def slow_run(*arguments: Any) -> Any:
        gate.pass_through()
        return run(*arguments)

    monkeypatch.setattr(ServedModel, "_run", slow_run)
    yield gate
    gate.open()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads
