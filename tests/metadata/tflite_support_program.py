"""What tflite-support does with a file; run by a Python that has it, which is not the one that runs the tests.

PYTHON tflite_support_program.py everything MODEL TARGET   metadata with all that the schema has
PYTHON tflite_support_program.py copy SOURCE MODEL TARGET  the metadata and files of SOURCE, written into MODEL
PYTHON tflite_support_program.py show MODEL                the metadata in its own words, and the files' names
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tflite_support import flatbuffers, metadata
from tflite_support import metadata_schema_py_generated as schema


def made(cls: Any, **fields: Any) -> Any:
    instance = cls()
    for name, value in fields.items():
        assert hasattr(instance, name), name
        setattr(instance, name, value)
    return instance


def associated(name: str, kind: int, **fields: str) -> Any:
    return made(schema.AssociatedFileT, name=name, type=kind, **fields)


def unit(kind: str, **fields: Any) -> Any:
    options = made(getattr(schema, f"{kind}T"), **fields)
    return made(schema.ProcessUnitT, optionsType=getattr(schema.ProcessUnitOptions, kind), options=options)


def content(kind: str, dimensions: tuple[int, int] | None = None, **fields: Any) -> Any:
    return made(
        schema.ContentT,
        contentPropertiesType=getattr(schema.ContentProperties, kind),
        contentProperties=made(getattr(schema, f"{kind}T"), **fields),
        range=None if dimensions is None else made(schema.ValueRangeT, min=dimensions[0], max=dimensions[1]),
    )


def everything() -> bytes:
    kinds = schema.AssociatedFileType
    vocabulary = associated("vocabulary.txt", kinds.VOCABULARY)
    image = made(
        schema.TensorMetadataT,
        name="image",
        description="what to look at",
        dimensionNames=["batch", "numbers"],
        content=content(
            "ImageProperties",
            colorSpace=schema.ColorSpaceType.RGB,
            defaultSize=made(schema.ImageSizeT, width=320, height=240),
        ),
        processUnits=[unit("NormalizationOptions", mean=[127.5, 1.0, 2.0], std=[128.0, 0.5, 4.0])],
        stats=made(schema.StatsT, max=[1.0, 2.0, 3.0], min=[-1.0, -2.0, -3.0]),
    )
    sound = made(schema.TensorMetadataT, name="sound", content=content("AudioProperties", sampleRate=16000, channels=1))
    scores = made(
        schema.TensorMetadataT,
        name="scores",
        content=content(
            "BoundingBoxProperties",
            (2, 2),
            index=[1, 0, 3, 2],
            type=schema.BoundingBoxType.CENTER,
            coordinateType=schema.CoordinateType.PIXEL,
        ),
        processUnits=[
            unit(
                "ScoreCalibrationOptions",
                scoreTransformation=schema.ScoreTransformationType.INVERSE_LOGISTIC,
                defaultScore=0.25,
            ),
            unit("ScoreThresholdingOptions", globalScoreThreshold=0.5),
        ],
        associatedFiles=[
            associated("labels.txt", kinds.TENSOR_AXIS_LABELS, description="names", locale="en", version="2"),
            associated("labels-fr.txt", kinds.TENSOR_VALUE_LABELS, locale="fr"),
            associated("calibration.csv", kinds.TENSOR_AXIS_SCORE_CALIBRATION),
        ],
    )
    graph = made(
        schema.SubGraphMetadataT,
        name="main",
        description="the graph",
        inputTensorMetadata=[image, sound],
        outputTensorMetadata=[scores],
        associatedFiles=[associated("index.ldb", kinds.SCANN_INDEX_FILE)],
        inputProcessUnits=[
            unit("BertTokenizerOptions", vocabFile=[vocabulary]),
            unit(
                "SentencePieceTokenizerOptions",
                sentencePieceModel=[associated("pieces.model", kinds.UNKNOWN)],
                vocabFile=[vocabulary],
            ),
            unit("RegexTokenizerOptions", delimRegexPattern="[^\\w']+", vocabFile=[vocabulary]),
        ],
        outputProcessUnits=[unit("ScoreThresholdingOptions", globalScoreThreshold=0.125)],
        inputTensorGroups=[made(schema.TensorGroupT, name="fed", tensorNames=["image", "sound"])],
        outputTensorGroups=[made(schema.TensorGroupT, name="found", tensorNames=["scores"])],
        customMetadata=[made(schema.CustomMetadataT, name="own", data=[0, 1, 255])],
    )
    described = made(
        schema.ModelMetadataT,
        name="everything",
        description="all that the schema has",
        version="v1",
        author="somebody",
        license="Apache-2.0",
        subgraphMetadata=[graph],
        associatedFiles=[associated("README.md", kinds.DESCRIPTIONS)],
    )
    builder = flatbuffers.Builder(0)
    builder.Finish(described.Pack(builder), metadata.MetadataPopulator.METADATA_FILE_IDENTIFIER)
    return bytes(builder.Output())


def main(arguments: list[str]) -> None:
    what, *paths = arguments
    if what == "show":
        shown = metadata.MetadataDisplayer.with_model_file(paths[0])
        print(shown.get_metadata_json())
        print(sorted(shown.get_packed_associated_file_list()))
        return
    source, target = Path(paths[-2]).read_bytes(), Path(paths[-1])
    populator = metadata.MetadataPopulator.with_model_buffer(bytearray(source))
    if what == "copy":
        populator.load_metadata_and_associated_files(Path(paths[0]).read_bytes())
    else:
        populator.load_metadata_buffer(bytearray(everything()))
        names = [
            "README.md",
            "calibration.csv",
            "index.ldb",
            "labels-fr.txt",
            "labels.txt",
            "pieces.model",
            "vocabulary.txt",
        ]
        populator.load_associated_file_buffers({name: f"the content of {name}\n".encode() for name in names})
    populator.populate()
    target.write_bytes(bytes(populator.get_model_buffer()))


if __name__ == "__main__":
    main(sys.argv[1:])
