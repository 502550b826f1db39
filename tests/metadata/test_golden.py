"""Metadata with all that the schema has, as tflite-support 0.4.4 wrote it into a model.

`golden/everything.tflite` was made of `unused_input.tflite` by `tflite_support_program.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zerolite as zl
from tests.support import model_zoo
from zerolite.metadata import (
    AssociatedFile,
    AudioProperties,
    BertTokenizer,
    BoundingBoxProperties,
    Content,
    CustomMetadata,
    ImageProperties,
    Metadata,
    Normalization,
    RegexTokenizer,
    ScoreCalibration,
    ScoreThresholding,
    SentencePieceTokenizer,
    Stats,
    SubgraphMetadata,
    TensorGroup,
    TensorMetadata,
)

GOLDEN = Path(__file__).parent / "golden" / "everything.tflite"
MODEL = model_zoo.model_path("unused_input")
VOCABULARY = (AssociatedFile("vocabulary.txt", kind="vocabulary"),)
EVERYTHING = Metadata(
    name="everything",
    description="all that the schema has",
    version="v1",
    author="somebody",
    license="Apache-2.0",
    min_parser_version="1.5.0",
    associated_files=(AssociatedFile("README.md", kind="descriptions"),),
    subgraphs=(
        SubgraphMetadata(
            name="main",
            description="the graph",
            inputs=(
                TensorMetadata(
                    name="image",
                    description="what to look at",
                    dimension_names=("batch", "numbers"),
                    content=Content(ImageProperties("rgb", (320, 240))),
                    process_units=(Normalization((127.5, 1.0, 2.0), (128.0, 0.5, 4.0)),),
                    stats=Stats(max=(1.0, 2.0, 3.0), min=(-1.0, -2.0, -3.0)),
                ),
                TensorMetadata(name="sound", content=Content(AudioProperties(16000, 1))),
            ),
            outputs=(
                TensorMetadata(
                    name="scores",
                    content=Content(BoundingBoxProperties((1, 0, 3, 2), "center", "pixel"), dimensions=(2, 2)),
                    process_units=(ScoreCalibration("inverse_logistic", 0.25), ScoreThresholding(0.5)),
                    associated_files=(
                        AssociatedFile("labels.txt", "names", "axis_labels", "en", "2"),
                        AssociatedFile("labels-fr.txt", kind="value_labels", locale="fr"),
                        AssociatedFile("calibration.csv", kind="score_calibration"),
                    ),
                ),
            ),
            associated_files=(AssociatedFile("index.ldb", kind="scann_index"),),
            input_process_units=(
                BertTokenizer(VOCABULARY),
                SentencePieceTokenizer((AssociatedFile("pieces.model"),), VOCABULARY),
                RegexTokenizer(r"[^\w']+", VOCABULARY),
            ),
            output_process_units=(ScoreThresholding(0.125),),
            input_groups=(TensorGroup("fed", ("image", "sound")),),
            output_groups=(TensorGroup("found", ("scores",)),),
            custom=(CustomMetadata("own", b"\x00\x01\xff"),),
        ),
    ),
)
FILES = {
    name: f"the content of {name}\n".encode()
    for name in (
        "README.md",
        "calibration.csv",
        "index.ldb",
        "labels-fr.txt",
        "labels.txt",
        "pieces.model",
        "vocabulary.txt",
    )
}


def test_everything_is_read() -> None:
    known = zl.metadata.read(GOLDEN)
    assert known == EVERYTHING
    assert (known.inputs, known.outputs) == (known.subgraphs[0].inputs, known.subgraphs[0].outputs)
    assert known.attached_files == tuple(FILES)
    assert {name: zl.metadata.read_attached(GOLDEN, name) for name in known.attached_files} == FILES
    assert {one.name for one in known.all_files} == set(FILES)


def test_everything_is_written() -> None:
    written = zl.metadata.write(MODEL, EVERYTHING, FILES)
    assert zl.metadata.read(written) == EVERYTHING
    assert {name: zl.metadata.read_attached(written, name) for name in FILES} == FILES
    assert MODEL.read_bytes() in written, "the model itself is there as it was"
    for content in FILES.values():
        assert content in written, "files are not compressed"


def test_their_file_is_written_again() -> None:
    """The metadata that they put somewhere into the FlatBuffer is replaced."""
    written = zl.metadata.write(GOLDEN, zl.metadata.read(GOLDEN))
    assert zl.metadata.read(written) == EVERYTHING
    assert {name: zl.metadata.read_attached(written, name) for name in FILES} == FILES
    assert zl.metadata.write(written, EVERYTHING) == written


def test_plain_values_are_all_of_it() -> None:
    values = json.loads(json.dumps(zl.metadata.read(GOLDEN).to_dict()))
    assert values["attached_files"] == list(FILES)
    assert values["subgraphs"][0]["inputs"][1]["content"]["properties"] == {
        "type": "audio",
        "sample_rate": 16000,
        "channels": 1,
    }
    assert Metadata.from_dict(values) == EVERYTHING


@pytest.mark.parametrize(
    ("metadata", "version"),
    [
        (Metadata(name="a"), "1.0.0"),
        (Metadata(associated_files=(AssociatedFile("README.md"),)), "1.0.0"),
        (Metadata(associated_files=VOCABULARY), "1.0.1"),
        (Metadata(subgraphs=(SubgraphMetadata(input_process_units=(Normalization((1.0,)),)),)), "1.1.0"),
        (
            Metadata(subgraphs=(SubgraphMetadata(outputs=(TensorMetadata(process_units=(BertTokenizer(),)),)),)),
            "1.1.0",
        ),
        (Metadata(subgraphs=(SubgraphMetadata(output_groups=(TensorGroup("a"),)),)), "1.2.0"),
        (
            Metadata(subgraphs=(SubgraphMetadata(outputs=(TensorMetadata(process_units=(RegexTokenizer(),)),)),)),
            "1.2.1",
        ),
        (
            Metadata(subgraphs=(SubgraphMetadata(outputs=(TensorMetadata(content=Content(AudioProperties())),)),)),
            "1.3.0",
        ),
        (Metadata(associated_files=(AssociatedFile("README.md", kind="scann_index"),)), "1.4.0"),
        (Metadata(associated_files=(AssociatedFile("README.md", version="2"),)), "1.4.1"),
        (Metadata(subgraphs=(SubgraphMetadata(custom=(CustomMetadata("a"),)),)), "1.5.0"),
        (Metadata(min_parser_version="2.0.1"), "2.0.1"),
        (Metadata(min_parser_version="none"), "1.0.0"),
    ],
)
def test_the_oldest_parser_that_knows_it_all(metadata: Metadata, version: str) -> None:
    assert zl.metadata.read(zl.metadata.write(MODEL, metadata, FILES)).min_parser_version == version
