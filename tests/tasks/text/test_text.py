"""Texts go into models as their vocabularies say, and answers are parts of the text."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo
from tests.tasks.text.models import WORDS, echo_bert, echo_words, sentiment, table_answers
from zerolite import metadata
from zerolite.cli import main

pytest.importorskip("tokenizers", reason="models of BERT's kind need the extra text")

REGEX_WORDS = "<PAD> 0\n<START> 1\n<UNKNOWN> 2\nthe 3\ngood 4\nbad 5\ndon't 6\n"


def row_of(task: zl.tasks.TextClassifier, text: str) -> list[int]:
    scores = {one.class_number: round(one.score) for one in task(text, k=task.length).predictions}
    return [scores[place] for place in range(task.length)]


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    file = tmp_path / "vocab.txt"
    file.write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return file


def with_regex(model: bytes, pattern: str, words: str = REGEX_WORDS) -> bytes:
    tokenizer = metadata.RegexTokenizer(pattern, (metadata.AssociatedFile("vocab.txt", kind="vocabulary"),))
    labels = metadata.AssociatedFile("labels.txt", kind="axis_labels")
    graph = metadata.SubgraphMetadata(
        inputs=(metadata.TensorMetadata("text", process_units=(tokenizer,)),),
        outputs=(metadata.TensorMetadata("scores", associated_files=(labels,)),),
    )
    files = {"vocab.txt": words.encode(), "labels.txt": b"bad\ngood\n"}
    return metadata.write(model, metadata.Metadata("NLClassifier", subgraphs=(graph,)), files)


# Average word vectors


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("the good", [1, 3, 4, 0, 0, 0]),
        ("The GOOD, bad... don't!", [1, 3, 4, 5, 6, 0]),
        ("", [1, 0, 0, 0, 0, 0]),
        ("nobody knows", [1, 2, 2, 0, 0, 0]),
        ("good " * 100_000, [1, 4, 4, 4, 4, 4]),
        ("хорошо 好", [1, 0, 0, 0, 0, 0]),  # which the pattern takes for what is between words, as RE2 does
    ],
)
def test_words_between_what_the_pattern_matches(text: str, row: list[int]) -> None:
    with zl.tasks.load(with_regex(echo_words(6), r"[^\w\']+")) as task:
        assert isinstance(task, zl.tasks.TextClassifier)
        assert row_of(task, text) == row


def test_classes_are_the_mean_of_the_words() -> None:
    table = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
    with zl.tasks.load(with_regex(sentiment(table, 8), r"\W+"), "text") as task:
        found = task("the good the bad", k=2)
        expected = table[[1, 3, 4, 3, 5, 0, 0, 0]].mean(axis=0)
        assert {one.label: one.score for one in found.predictions} == {
            "bad": pytest.approx(expected[0], abs=1e-6),
            "good": pytest.approx(expected[1], abs=1e-6),
        }
        many = list(task.map(["good", "bad"] * 3, k=1))
        assert [one.predictions for one in many] == [task(one.text, k=1).predictions for one in many]
        json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("(a+)+$", "may take for ever"), (".*.*.*", "may take for ever"), ("[", "is no regular expression")],
)
def test_patterns_that_are_refused(pattern: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        zl.tasks.load(with_regex(echo_words(6), pattern), "text")


def test_vocabulary_of_ones_own(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("good\nbad\n")
    with zl.tasks.load(echo_words(3), "text", vocabulary=words) as task:
        assert row_of(task, "bad good") == [1, 0, 0]
    with pytest.raises(ValueError, match="has no vocabulary in its metadata; give the file"):
        zl.tasks.load(echo_words(3), "text")
    words.write_text("\n\n")
    with pytest.raises(ValueError, match="the vocabulary is empty"):
        zl.tasks.load(echo_words(3), "text", vocabulary=words)


# BERT


@pytest.mark.parametrize("names", [("segment_ids", "ids", "mask"), ("input_word_ids", "input_mask", "input_type_ids")])
def test_pieces_of_bert(names: tuple[str, ...], vocabulary: Path) -> None:
    number = {word: place for place, word in enumerate(WORDS)}
    with zl.tasks.load(echo_bert(8, names), vocabulary=vocabulary) as task:
        assert isinstance(task, zl.tasks.TextClassifier)
        pieces = ["[CLS]", "the", "dog", "play", "##ing", "[UNK]", "[SEP]"]
        assert row_of(task, "The dòg PLAYING xyz") == [1000 + number[one] for one in pieces] + [0]
        assert row_of(task, "") == [1000 + number["[CLS]"], 1000 + number["[SEP]"], *[0] * 6]
        assert row_of(task, "good " * 50)[-1] == 1000 + number["[SEP]"]
        with pytest.raises(TypeError, match="a text is a string; came bytes"):
            task(b"good")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="came a single string"):
            task.map("good")


def test_capital_letters_where_the_vocabulary_has_them(tmp_path: Path) -> None:
    file = tmp_path / "cased.txt"
    file.write_text("\n".join([*WORDS, "Dog"]))
    with zl.tasks.load(echo_bert(4), "text", vocabulary=file) as task:
        assert row_of(task, "Dog dog")[1:3] == [1000 + len(WORDS), 1000 + WORDS.index("dog")]
    file.write_text("a\nb\n")
    with pytest.raises(ValueError, match=r"the vocabulary has no \[CLS\], \[SEP\], \[UNK\]"):
        zl.tasks.load(echo_bert(4), "text", vocabulary=file)


def test_without_the_extra(vocabulary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"pip install 'zerolite\[text\]'"):
        zl.tasks.load(echo_bert(4), "text", vocabulary=vocabulary)


# Answers


def by_brute_force(text: list[str], starts: np.ndarray, ends: np.ndarray) -> tuple[int, int]:
    ids = [WORDS.index(word) for word in text]
    pairs = [(i, j) for i in range(len(ids)) for j in range(i, min(i + 15, len(ids)))]
    return max(pairs, key=lambda pair: starts[ids[pair[0]]] + ends[ids[pair[1]]])


@pytest.mark.parametrize("seed", range(6))
def test_answers_are_the_best_parts_of_the_text(seed: int, vocabulary: Path) -> None:
    rng = np.random.default_rng(seed)
    starts, ends = (rng.normal(size=len(WORDS)).astype(np.float32) for _ in range(2))
    words = [WORDS[number] for number in rng.integers(7, 12, 200)]
    # Parts of the text end at about 33, 66, 99 and so on where they do not overlap.
    begin = (29, 60, 93, 125, 158, 190)[seed]
    words = [word.replace("cat", "dog") for word in words]
    words[begin], words[begin + 7] = "cat", "?"
    starts[WORDS.index("cat")] = ends[WORDS.index("?")] = 9
    text = " ".join(words)
    with zl.tasks.load(table_answers(starts, ends, 40), vocabulary=vocabulary) as task:
        assert isinstance(task, zl.tasks.QuestionAnswerer)
        found = task("Who is good?", text, max_results=4)
        first, last = by_brute_force(words, starts, ends)
        best = found.answers[0]
        assert best.text == " ".join(words[first : last + 1]) == text[best.start : best.end]
        assert best.score == pytest.approx(18, abs=1e-4)
        assert [one.score for one in found.answers] == sorted((one.score for one in found.answers), reverse=True)
        assert sum(one.probability for one in found.answers) == pytest.approx(1)
        assert len({(one.start, one.end) for one in found.answers}) == len(found.answers) == 4
        json.dumps(found.to_dict(), allow_nan=False)
        assert list(task.map([("Who?", text), ("who", "")])) == [task("Who?", text), task("who", "")]


def test_empty_texts_long_questions_and_nan(vocabulary: Path) -> None:
    starts = np.zeros(len(WORDS), np.float32)
    with zl.tasks.load(table_answers(starts, starts, 40), "answer", vocabulary=vocabulary) as task:
        assert task("who", "").answers == ()
        assert task("", "the dog").answers
        assert task("who " * 1000, "the dog").answers[0].text in ("the", "dog", "the dog")
        assert task("who", "好 xyz").answers[0].text
        with pytest.raises(ValueError, match="max_results is 0"):
            task("who", "the", max_results=0)
    broken = np.full(len(WORDS), np.nan, np.float32)
    with zl.tasks.load(table_answers(broken, starts, 40), "answer", vocabulary=vocabulary) as task:
        assert task("who", "the dog").answers == ()


def test_models_that_do_not_read(vocabulary: Path) -> None:
    with pytest.raises(ValueError, match="is no classifier of texts: it takes a row of numbers"):
        zl.tasks.load(model_zoo.model_path("small_cnn"), "text")
    with pytest.raises(ValueError, match="does not answer questions: it takes ids, mask"):
        zl.tasks.load(echo_bert(8), "answer", vocabulary=vocabulary)
    with pytest.raises(ValueError, match=r"anchors= is for detect, and .* is loaded to text"):
        zl.tasks.load(echo_words(3), "text", anchors=np.zeros((1, 4)))
    with pytest.raises(ValueError, match=r"preprocessing= is for detect, .* and embed, and .* is loaded to text"):
        zl.tasks.load(echo_words(3), "text", preprocessing="unit")
    with pytest.raises(ValueError, match=r"vocabulary= is for text and answer, and"):
        zl.tasks.load(model_zoo.model_path("small_cnn"), "classify", vocabulary=vocabulary)


# The commands


def test_commands(tmp_path: Path, vocabulary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    classifier = tmp_path / "text.tflite"
    table = np.array([[0, 0], [0, 0], [0, 0], [0, 0], [-1, 1], [1, -1], [0, 0]], np.float32)
    classifier.write_bytes(with_regex(sentiment(table, 8), r"\W+"))
    lines = tmp_path / "lines.txt"
    lines.write_text("bad\ngood good\n")
    assert main(["text", "the good", "--lines", str(lines), "--model", str(classifier), "--json", "--top", "1"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["text"], one["predictions"][0]["label"]) for one in printed] == [
        ("the good", "good"),
        ("bad", "bad"),
        ("good good", "good"),
    ]
    assert main(["text", "--model", str(classifier)]) == 2
    assert "Give texts" in capsys.readouterr().err
    answerer = tmp_path / "answer.tflite"
    likely = np.zeros(len(WORDS), np.float32)
    likely[WORDS.index("cat")] = 5
    answerer.write_bytes(table_answers(likely, likely, 40))
    text = tmp_path / "text.txt"
    text.write_text("the dog is good. the cat is bad.")
    arguments = [
        "answer",
        "who is bad?",
        "--text",
        str(text),
        "--model",
        str(answerer),
        "--vocabulary",
        str(vocabulary),
    ]
    assert main(arguments) == 0
    assert "cat" in capsys.readouterr().out
    assert main([*arguments, "--json", "--max-results", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"][0]["text"] == "cat"


def test_files_of_texts(tmp_path: Path, vocabulary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    likely = np.zeros(len(WORDS), np.float32)
    likely[WORDS.index("cat")] = 5
    answerer, text = tmp_path / "answer.tflite", tmp_path / "text.txt"
    answerer.write_bytes(table_answers(likely, likely, 40))
    arguments = ["answer", "who?", "--text", str(text), "--model", str(answerer), "--vocabulary", str(vocabulary)]
    text.write_bytes("the cat".encode("utf-8-sig"))
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"][0]["start"] == 4
    text.write_bytes("the café".encode("latin-1"))
    assert main(arguments) == 1
    assert "text.txt is no text in UTF-8: byte 7 is 0xe9; save it as UTF-8" in capsys.readouterr().err
