"""Replies are what the model's own operators, of a library, make of each part of a message, added up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zerolite as zl
from tests.support import model_zoo
from tests.support.sample_libraries import compile_library
from tests.tasks.text.models import echo_words
from tests.tasks.text.reply_models import OPERATORS, TABLE, expected_replies, reply_model
from zerolite.cli import main

MODEL = reply_model(3)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("operators") / "libsample_reply.so"
    compile_library("sample_reply.cpp", path, f"-I{zl.get_include()}")
    return path


@pytest.fixture(scope="module")
def kernels(library: Path) -> list[zl.CustomOp]:
    return [zl.CustomOp(name, library) for name in OPERATORS]


@pytest.fixture(scope="module")
def replier(kernels: list[zl.CustomOp]) -> Iterator[zl.tasks.Replier]:
    with zl.tasks.load(MODEL, "reply", custom_ops=kernels) as task:
        yield task


def told(replies: zl.tasks.Replies) -> list[tuple[str, float]]:
    return [(one.text, one.score) for one in replies.replies]


def assert_expected(replies: zl.tasks.Replies, messages: list[str]) -> None:
    """Scores in order; texts in any order where scores are the same."""
    expected = expected_replies(messages, 3)
    assert [score for _, score in told(replies)] == pytest.approx([score for _, score in expected], abs=1e-6)
    assert dict(told(replies)) == pytest.approx(dict(expected), abs=1e-6)


def test_replies_of_one_message(replier: zl.tasks.Replier) -> None:
    found = replier("Coffee?")
    assert [one.text for one in found.replies] == ["Yes, please!", "No, thanks"]
    assert [one.score for one in found.replies] == pytest.approx([0.55, 0.35])
    assert found.messages == ("Coffee?",)
    assert json.loads(json.dumps(found.to_dict()))["replies"][0]["text"] == "Yes, please!"
    assert told(replier("hallo"))[0][0] == "Grüße 🙂"
    assert told(replier("what")) == told(replier("")) == []
    assert_expected(replier(" ?! ,"), [" ?! ,"])
    assert [one.text for one in replier("Coffee?", max_results=1).replies] == ["Yes, please!"]
    assert told(replier("what", backoff=["Okay", "Sure"], max_results=1)) == [("Okay", 0.0)]


@given(st.lists(st.sampled_from([*TABLE, "so", "Coffee", "BYE", ".", "!", ",", "...", "?!", "ß", "\n"]), max_size=12))
def test_parts_are_added(replier: zl.tasks.Replier, words: list[str]) -> None:
    message = " ".join(words)
    assert_expected(replier(message, max_results=10), [message])


def test_messages_of_a_chat_and_many_chats(replier: zl.tasks.Replier, kernels: list[zl.CustomOp]) -> None:
    chat = ["Coffee? hallo", "bye, bye."]
    assert_expected(replier(chat, max_results=10), chat)
    steps: list[tuple[int, int | None]] = []
    with zl.tasks.load(MODEL, workers=2, custom_ops=kernels) as pooled:
        assert isinstance(pooled, zl.tasks.Replier)
        found = list(pooled.map([*chat, chat], max_results=10, progress=lambda *step: steps.append(step)))
    assert [told(one) for one in found] == [told(replier(one, max_results=10)) for one in (*chat, chat)]
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_wrong_use(replier: zl.tasks.Replier, kernels: list[zl.CustomOp]) -> None:
    with pytest.raises(zl.Error, match=r"NORMALIZE, EXTRACT_FEATURES and PREDICT are custom.*custom_ops="):
        zl.tasks.load(MODEL, "reply")
    with pytest.raises(ValueError, match=r"suggests no replies: it takes a text.*its inputs are 'words' of shape"):
        zl.tasks.load(echo_words(3), "reply")
    with pytest.raises(ValueError, match=r"class_names= is for .*, and .* is loaded to reply"):
        zl.tasks.load(MODEL, "reply", class_names=["a"], custom_ops=kernels)
    with pytest.raises(TypeError, match="a text is a string; came int"):
        replier([1])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="came a single string; call the task"):
        replier.map("hallo")
    with pytest.raises(TypeError, match="backoff is a list"):
        replier("hallo", backoff="no")
    with pytest.raises(ValueError, match="max_results"):
        replier("hallo", max_results=0)


# The commands


def test_commands(library: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "reply.tflite"
    model.write_bytes(MODEL)
    operators = [word for name in OPERATORS for word in ("--custom-op", f"{name}={library}")]
    assert main(["reply", "Coffee?", "bye", "--model", str(model), *operators, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["replies"][0]["text"] for line in lines] == ["Yes, please!", "See you"]
    assert main(["reply", "Coffee?", "--model", str(model), *operators, "--max-results", "1"]) == 0
    assert re.search(r"Coffee\?\s+Yes, please!\s+0.550", capsys.readouterr().out)
    assert main(["info", str(model), *operators]) == 0
    out = capsys.readouterr().out
    assert "nothing here runs" not in out
    assert main(["reply", "Coffee?", "--model", str(model)]) == 1
    assert "custom_ops=" in capsys.readouterr().err
    for wrong in ("NORMALIZE", f"={library}", "NORMALIZE="):
        assert main(["reply", "Coffee?", "--model", str(model), "--custom-op", wrong]) == 2
        assert "as NAME=LIBRARY" in " ".join(capsys.readouterr().err.split())
    unused = [*operators, "--custom-op", f"PREDICT={library}"]
    assert main(["run", str(model_zoo.model_path("dense_2layer")), *unused]) == 1
    assert "'PREDICT' twice" in capsys.readouterr().err
