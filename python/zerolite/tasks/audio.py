"""Classification of sound: what is heard, and when."""

from __future__ import annotations

import io
import math
import os
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from zerolite._platform.files import read_file
from zerolite._runtime.validation import positive_int
from zerolite.metadata import AudioProperties
from zerolite.tasks.task_model import ModelTask
from zerolite.vision import Prediction, check_labels, top

if TYPE_CHECKING:
    from zerolite.tasks.task_model import TaskModel, TaskTensor

__all__ = ["AudioClassifier", "AudioSource", "Heard", "HeardWindow"]

#: The path of a .wav file, its bytes, or samples: real numbers from -1 to 1 or int16, shape (samples[, channels]).
AudioSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | NDArray[Any]

# What YAMNet takes, and most networks for sound.
_USUAL_RATE = 16_000
_FEWEST_SAMPLES = 1_000
_OVERLAP = 0.5
_ROW = 2  # axes
_WIDEST_SAMPLE = 4  # bytes


@dataclass(frozen=True, slots=True)
class HeardWindow:
    """What is heard in one window of time.

    Attributes:
        start_s: where the window begins, in seconds.
        end_s: where it ends, at most where the sound ends.
        predictions: the classes, the most likely first.
    """

    start_s: float
    end_s: float
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What is heard in one recording.

    Attributes:
        predictions: the classes by the mean of their scores over all windows, the most likely first.
        windows: what is heard when.
        duration_s: how long the recording is, in seconds.
        path: the file; None where it came from memory.
    """

    predictions: tuple[Prediction, ...]
    windows: tuple[HeardWindow, ...]
    duration_s: float
    path: Path | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "path": None if self.path is None else str(self.path),
            "duration_s": self.duration_s,
            "predictions": [one.to_dict() for one in self.predictions],
            "windows": [
                {
                    "start_s": window.start_s,
                    "end_s": window.end_s,
                    "predictions": [one.to_dict() for one in window.predictions],
                }
                for window in self.windows
            ],
        }


class AudioClassifier(ModelTask):
    """A network that hears what is in a window of sound, such as YAMNet.

    It may be called from several threads. Close it, or use it in a with statement, when it is done.

    Attributes:
        class_names: the names of the classes, by their numbers; empty where nobody told them.
        sample_rate: samples a second that the model takes: those of the metadata, or 16,000.
        length: how many samples a window has.
    """

    name = "audio"

    def __init__(self, model: TaskModel, *, class_names: Sequence[str] | None) -> None:
        """Take a model; see `zerolite.tasks.load`.

        Raises:
            ValueError: the model takes no sound or tells no classes, or an option does not fit it.
        """
        output = _scores_of(model)
        if not _takes_sound(model) or output is None:
            inputs = ", ".join(f"'{one.spec.name}' of shape {one.spec.shape}" for one in model.inputs) or "none"
            raise ValueError(
                f"{model.name} is no classifier of sound: it takes samples, (samples,) or (1, samples), and gives "
                f"scores of classes; its inputs are {inputs}, and its outputs {model.described_outputs()}"
            )
        super().__init__(model)
        self._input, self._output = model.inputs[0], output
        properties = _properties_of(model)
        if properties is not None and properties.channels > 1:
            raise ValueError(f"{model.name} takes sound of {properties.channels} channels, and only mono is fed here")
        self.sample_rate = _USUAL_RATE if properties is None else properties.sample_rate or _USUAL_RATE
        self.length = math.prod(self._input.spec.shape)
        names = list(class_names) if class_names is not None else model.labels(output)
        if class_names is not None:
            check_labels(names, output.spec.shape[-1])
        self.class_names = tuple(names) if len(names) == output.spec.shape[-1] else ()
        self._calibration = model.calibration(output, output.spec.shape[-1])

    @classmethod
    def fits(cls, model: TaskModel) -> bool:
        """Whether the model takes sound and tells classes."""
        return _takes_sound(model) and _scores_of(model) is not None

    def __call__(self, sound: AudioSource, *, sample_rate: int | None = None, k: int = 5) -> Heard:
        """Say what is heard in a recording.

        Windows overlap by half. The last one is filled up with silence, and so is a recording that is shorter than one.

        Args:
            sound: the path or the bytes of a .wav file, or samples: real numbers from -1 to 1 or int16, of shape
                (samples,) or (samples, channels), whose channels are averaged.
            sample_rate: samples a second of an array; None is what the model takes. Files tell it themselves.
            k: how many classes at most.

        Raises:
            OSError: the file can't be read.
            TypeError: `sound` is none of these.
            ValueError: it is no .wav file of whole numbers, is empty, holds NaN, or has another sample rate than the
                model takes.
            Error: the model fails or is closed.
        """
        return self._answer(sound, sample_rate, positive_int("k", k))

    def map(
        self,
        sounds: Iterable[AudioSource],
        *,
        sample_rate: int | None = None,
        k: int = 5,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> Iterator[Heard]:
        """Say what is heard in many recordings, one after another; in a pool, in several at once.

        Args:
            sounds: a list or an iterator of what a call takes.
            sample_rate: as for a call.
            k: as for a call.
            progress: is called after each recording with how many are done and how many there are, None for not known.

        Returns:
            An iterator in the order of the recordings.
        """
        most = positive_int("k", k)
        return self._each(lambda one: self._answer(one, sample_rate, most), sounds, progress)

    def _answer(self, source: AudioSource, sample_rate: int | None, k: int) -> Heard:
        samples, rate, path = _opened(source, sample_rate or self.sample_rate)
        if rate != self.sample_rate:
            raise ValueError(
                f"{path or 'the sound in memory'} has {rate} samples a second, and the model takes {self.sample_rate}; "
                "resample it before, for example with scipy.signal.resample_poly"
            )
        hop = max(1, round(self.length * (1 - _OVERLAP)))
        starts = range(0, max(1, len(samples) - self.length + hop), hop)
        rows = np.array([self._scores(samples[start : start + self.length]) for start in starts])
        windows = tuple(
            HeardWindow(start / rate, min(start + self.length, len(samples)) / rate, self._best(row, k))
            for start, row in zip(starts, rows, strict=True)
        )
        return Heard(self._best(rows.mean(axis=0), k), windows, len(samples) / rate, path)

    def _scores(self, part: NDArray[np.float32]) -> NDArray[np.float64]:
        filled = np.zeros(self.length, np.float32)
        filled[: len(part)] = part
        spec = self._input.spec
        outputs = self._model.run({spec.name: spec.store(filled.reshape(spec.shape))})
        # Of several frames within a window, the mean, as YAMNet's own example has it.
        scores: NDArray[np.float64] = np.asarray(outputs[self._output.spec.name], np.float64)
        mean: NDArray[np.float64] = scores.reshape(-1, scores.shape[-1]).mean(axis=0)
        return mean if self._calibration is None else self._calibration.apply(mean)

    def _best(self, scores: NDArray[np.float64], k: int) -> tuple[Prediction, ...]:
        ranked = top(np.where(np.isnan(scores), -np.inf, scores), self.class_names or None, k=k)
        return tuple(one for one in ranked if math.isfinite(one.score))


def _opened(source: AudioSource, rate: int) -> tuple[NDArray[np.float32], int, Path | None]:
    """Samples from -1 to 1 of one channel, how many there are a second, and the file."""
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    if path is not None or isinstance(source, bytes | bytearray | memoryview):
        content = read_file(path) if path is not None else bytes(source)  # type: ignore[arg-type] # a buffer then
        samples, rate = _of_wave(content, str(path or "the sound in memory"))
    elif isinstance(source, np.ndarray):
        if source.dtype.kind not in "f" and source.dtype != np.int16:
            raise TypeError(
                f"samples are real numbers from -1 to 1, or int16; came {source.dtype}; convert them before"
            )
        samples = source.astype(np.float32) / np.float32(1 if source.dtype.kind == "f" else 1 << 15)
    else:
        raise TypeError(f"a sound is a path, bytes or an array of samples; came {type(source).__name__}")
    if path is not None and samples.size == 0:
        raise ValueError(f"{path} holds no samples; leave it out")
    if samples.ndim not in (1, 2) or samples.size == 0:
        raise ValueError(
            f"samples have the shape (samples,) or (samples, channels), at least one; came {samples.shape}"
        )
    mono = samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)
    if not np.isfinite(mono).all():
        raise ValueError("the sound holds NaN or infinite samples; remove them")
    return mono, rate, path


def _of_wave(content: bytes, name: str) -> tuple[NDArray[np.float32], int]:
    """Samples of shape (samples, channels), and how many there are a second, of the bytes of a .wav file."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if width > _WIDEST_SAMPLE:
                raise wave.Error(f"its samples have {8 * width} bits")
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError, RuntimeError) as error:
        raise ValueError(
            f"{name} is no .wav file of whole numbers: {str(error) or 'it ends too early'}; convert it, or give "
            "samples as an array"
        ) from error
    usable = np.frombuffer(frames[: len(frames) // (width * channels) * width * channels], np.uint8)
    padded = np.zeros((usable.size // width, 4), np.uint8)
    padded[:, 4 - width :] = usable.reshape(-1, width)
    if width == 1:  # the only one without a sign
        padded[:, 3] ^= 0x80
    samples = padded.view("<i4")[:, 0].astype(np.float32) / np.float32(1 << 31)
    return samples.reshape(-1, channels), rate


def _properties_of(model: TaskModel) -> AudioProperties | None:
    content = model.inputs[0].metadata.content
    properties = None if content is None else content.properties
    return properties if isinstance(properties, AudioProperties) else None


def _takes_sound(model: TaskModel) -> bool:
    if len(model.inputs) != 1:
        return False
    spec = model.inputs[0].spec
    is_row = len(spec.shape) in (1, _ROW) and math.prod(spec.shape) == spec.shape[-1] and spec.dtype.kind == "f"
    return is_row and (spec.shape[-1] >= _FEWEST_SAMPLES or _properties_of(model) is not None)


def _scores_of(model: TaskModel) -> TaskTensor | None:
    """The output with scores: the only one, or that which is called so among several, as YAMNet has them."""
    rows = [one for one in model.outputs if len(one.spec.shape) == _ROW and one.spec.shape[-1] > 1]
    named = [one for one in rows if "score" in one.words or "prob" in one.words]
    found = rows if len(model.outputs) == 1 else named
    return found[0] if len(found) == 1 else None
