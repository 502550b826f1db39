"""What is heard in each window of a recording, by models of plain arithmetic, whose answers are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import zerolite as zl
from tests.support import model_zoo
from tests.tasks.sounds import LENGTH, loudness, wave_file
from zerolite import metadata
from zerolite.cli import main


def scores(predictions: tuple[zl.vision.Prediction, ...]) -> list[float]:
    return [one.score for one in sorted(predictions, key=lambda one: one.class_number)]


@pytest.mark.parametrize("axes", [1, 2])
def test_windows_overlap_by_half(axes: int) -> None:
    sound = np.concatenate((np.full(LENGTH, 0.5), np.full(LENGTH, -0.25), np.full(400, 1.0))).astype(np.float32)
    with zl.tasks.load(loudness(axes=axes), class_names=["up", "down"]) as task:
        assert isinstance(task, zl.tasks.AudioClassifier)
        found = task(sound)
    means = [0.5, 0.125, -0.25, (-0.25 * 800 + 400) / 1600]
    assert [(one.start_s, one.end_s) for one in found.windows] == [(0, 0.1), (0.05, 0.15), (0.1, 0.2), (0.15, 0.225)]
    for window, mean in zip(found.windows, means, strict=True):
        np.testing.assert_allclose(scores(window.predictions), [mean, -mean], atol=1e-5)
    np.testing.assert_allclose(scores(found.predictions), [np.mean(means), -np.mean(means)], atol=1e-5)
    assert [found.windows[2].predictions[0].label, found.predictions[0].label] == ["down", "up"]
    assert found.duration_s == 3600 / 16_000
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("length", [1, 100, LENGTH - 1, LENGTH, LENGTH + 1, 2 * LENGTH])
def test_every_sample_is_heard(length: int) -> None:
    sound = np.zeros(length, np.float32)
    sound[-1] = 1
    with zl.tasks.load(loudness(), "audio") as task:
        found = task(sound)
    assert scores(found.windows[-1].predictions)[0] == pytest.approx(1 / LENGTH, rel=1e-3)
    assert found.windows[-1].end_s == length / 16_000
    assert len(found.windows) == 1 + max(0, -(-(length - LENGTH) // (LENGTH // 2)))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_files_are_their_samples(width: int, channels: int, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (LENGTH, channels))
    file = tmp_path / "sound.wav"
    file.write_bytes(wave_file(samples, width=width))
    with zl.tasks.load(loudness(), "audio") as task:
        found = task(file)
        assert found.path == file
        assert scores(found.predictions)[0] == pytest.approx(samples.mean(), abs=2.0 ** (1 - 8 * width) + 1e-5)
        for form in (str(file), file.read_bytes()):
            assert task(form).predictions == found.predictions
        whole = np.rint(samples * (1 << 15)).astype(np.int16)
        for array in (samples, samples.astype(np.float32), whole):
            assert scores(task(array).predictions)[0] == pytest.approx(samples.mean(), abs=1e-4)


@pytest.mark.parametrize("workers", [None, 2])
def test_many_recordings(workers: int | None) -> None:
    sounds = [np.full(LENGTH, level / 10, np.float32) for level in range(8)]
    steps: list[tuple[int, int | None]] = []
    with zl.tasks.load(loudness(), "audio", workers=workers) as task:
        found = list(task.map(sounds, progress=lambda *step: steps.append(step)))
        assert [round(10 * scores(one.predictions)[0]) for one in found] == list(range(8))
        assert steps == [(done, 8) for done in range(1, 9)]
        assert list(task.map([])) == []


def test_what_is_no_sound(tmp_path: Path) -> None:
    silence = np.zeros((50, 1))
    broken = tmp_path / "broken.wav"
    broken.write_bytes(wave_file(silence)[:20])
    with zl.tasks.load(loudness(), "audio") as task:
        assert scores(task(wave_file(silence)).predictions) == [0, 0]
        with pytest.raises(ValueError, match="has 44100 samples a second, and the model takes 16000; resample it"):
            task(wave_file(silence, rate=44_100))
        with pytest.raises(ValueError, match="has 8000 samples a second"):
            task(silence, sample_rate=8000)
        for content in (b"", b"no sound", broken):
            with pytest.raises(ValueError, match=r"is no \.wav file of whole numbers"):
                task(content)
        for wrong, said in (
            (np.zeros(0), "at least one"),
            (np.zeros((2, 2, 2)), "at least one"),
            (np.full(9, np.nan), "NaN"),
        ):
            with pytest.raises(ValueError, match=said):
                task(wrong)
        with pytest.raises(TypeError, match="samples are real numbers from -1 to 1, or int16; came int64"):
            task(np.zeros(9, np.int64))
        with pytest.raises(TypeError, match="a sound is a path, bytes or an array of samples; came list"):
            task([0.0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is no classifier of sound: it takes samples"):
        zl.tasks.load(model_zoo.model_path("small_cnn"), "audio")
    with pytest.raises(ValueError, match="1 labels for a model with 2 classes"):
        zl.tasks.load(loudness(), "audio", class_names=["one"])


def test_metadata_tells_rate_and_labels() -> None:
    labels = metadata.AssociatedFile("labels.txt", kind="axis_labels")
    sound = metadata.TensorMetadata("audio", content=metadata.Content(metadata.AudioProperties(8000, 1)))
    graph = metadata.SubgraphMetadata(
        inputs=(sound,), outputs=(metadata.TensorMetadata("probability", associated_files=(labels,)),)
    )
    described = metadata.Metadata("AudioClassifier", subgraphs=(graph,))
    with zl.tasks.load(metadata.write(loudness(), described, {"labels.txt": b"up\ndown"})) as task:
        assert isinstance(task, zl.tasks.AudioClassifier)
        found = task(wave_file(np.full((LENGTH, 1), 0.5), rate=8000))
        assert (found.duration_s, found.predictions[0].label) == (0.2, "up")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    (tmp_path / "model.tflite").write_bytes(loudness())
    (tmp_path / "names.txt").write_text("up\ndown\n", encoding="utf-8")
    folder = tmp_path / "recordings"
    folder.mkdir()
    (folder / "loud.wav").write_bytes(
        wave_file(np.concatenate((np.full((LENGTH, 1), 0.5), np.full((LENGTH, 1), -0.4))))
    )
    (folder / "quiet.WAV").write_bytes(wave_file(np.full((LENGTH, 1), -0.25)))
    (folder / "notes.txt").write_text("no sound", encoding="utf-8")
    return folder


def test_command_of_recordings(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--model",
        str(recordings.parent / "model.tflite"),
        "--class-names",
        str(recordings.parent / "names.txt"),
    ]
    assert main(["audio", str(recordings), *options, "--json"]) == 0
    loud, quiet = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (Path(loud["path"]).name, Path(quiet["path"]).name) == ("loud.wav", "quiet.WAV")
    assert [window["predictions"][0]["label"] for window in loud["windows"]] == ["up", "up", "down"]
    assert quiet["predictions"][0]["label"] == "down"
    assert main(["audio", str(recordings / "quiet.WAV"), *options, "--top", "1"]) == 0
    assert capsys.readouterr().out.split()[-2:] == ["down", "0.25"]
    assert main(["audio", str(recordings / "loud.wav"), *options, "--windows"]) == 0
    assert capsys.readouterr().out.split()[-6:] == ["0.10", "s", "0.20", "s", "down", "0.4"]


def test_command_goes_on_after_a_broken_recording(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(recordings.parent / "model.tflite")
    (recordings / "broken.wav").write_bytes(b"RIFF")
    assert main(["audio", str(recordings), "--model", model]) == 1
    said = capsys.readouterr()
    assert "quiet.WAV" in said.out
    assert "broken.wav is no .wav file" in said.err
    assert "1 of 3 recordings can't be heard" in said.err
    assert main(["audio", str(recordings), "--model", model, "--json"]) == 1
    assert "is no .wav file" in json.loads(capsys.readouterr().out.splitlines()[0])["error"]
    empty = recordings.parent / "empty"
    empty.mkdir()
    assert main(["audio", str(empty), "--model", model]) == 2
    assert "There is no .wav file in these folders." in capsys.readouterr().err


def test_command_names_recordings_that_are_none(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(recordings.parent / "model.tflite")
    silent = recordings / "none.wav"
    silent.write_bytes(wave_file(np.zeros((0, 1))))
    wide = bytearray(wave_file(np.zeros((8, 1)), width=2))
    wide[32:36] = (8).to_bytes(2, "little") + (64).to_bytes(2, "little")  # bytes of a frame, bits of a sample
    (recordings / "wide.wav").write_bytes(wide)
    assert main(["audio", str(silent), str(recordings / "wide.wav"), "--model", model]) == 1
    said = capsys.readouterr().err
    assert "none.wav holds no samples; leave it out" in said
    assert "wide.wav is no .wav file of whole numbers: its samples have 64 bits; convert it" in said
