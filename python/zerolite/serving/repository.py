"""The models of a server: files and folders that the operator names, and which of their versions are loaded."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from zerolite._hub.download import local_file
from zerolite.serving.errors import UnavailableError, UnknownModelError
from zerolite.serving.served_model import ServedModel, told
from zerolite.serving.settings import ServingSettings

if TYPE_CHECKING:
    from zerolite.serving.metrics import ServerMetrics

__all__ = ["ModelRepository", "ModelState", "Sources", "find_models"]

Sources: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

_log = logging.getLogger("zerolite.serving")


@dataclass(frozen=True)
class ModelState:
    """One line of the index: a version of a model, and whether requests can run it.

    Attributes:
        name: the model's name.
        version: its number.
        ready: whether it is loaded.
        reason: why it is not; empty when it is, or when nobody has asked for it.
    """

    name: str
    version: int
    ready: bool
    reason: str


def find_models(sources: Sources) -> dict[str, dict[int, Path]]:
    """The files of all models by name and version.

    A `.tflite` file is version 1 of a model that has its name. A folder is a model when it has versions, which are
    folders with a number as the name and one `.tflite` file inside; and else a repository, whose files and folders
    are models.

    Raises:
        FileNotFoundError: a source does not exist.
        ValueError: a source is no model, a repository is empty, or two models have the same name.
    """
    found: dict[str, dict[int, Path]] = {}
    paths = [sources] if isinstance(sources, str | os.PathLike) else sources
    for source in map(Path, map(local_file, paths)):
        path = source.absolute()
        if not path.exists():
            raise FileNotFoundError(f"there is no file or folder {source}; name .tflite files, or folders with them")
        models = list(_models_of(path))
        if not models:
            raise ValueError(
                f"{source} holds no model; models are .tflite files, and folders <model>/<version>/*.tflite"
            )
        for name, versions in models:
            if name in found:
                raise ValueError(f"two models are called {name!r}: {_any_of(found[name])} and {_any_of(versions)}")
            found[name] = versions
    return found


def _any_of(versions: Mapping[int, Path]) -> Path:
    return next(iter(versions.values()))


def _models_of(path: Path) -> Iterator[tuple[str, dict[int, Path]]]:
    own = _model_of(path)
    if own is not None:
        yield own
    elif path.is_dir():
        yield from (model for entry in sorted(path.iterdir()) if (model := _model_of(entry)) is not None)


def _model_of(path: Path) -> tuple[str, dict[int, Path]] | None:
    if path.suffix == ".tflite" and path.is_file():
        return path.stem, {1: path}
    if not path.is_dir():
        return None
    versions = {}
    for folder in path.iterdir():
        if folder.name.isascii() and folder.name.isdecimal() and folder.is_dir():
            files = sorted(folder.glob("*.tflite"))
            if len(files) != 1:
                raise ValueError(f"{folder} must hold one .tflite file, and holds {len(files)}")
            versions[int(folder.name)] = files[0]
    return (path.name, versions) if versions else None


class ModelRepository:
    """What is loaded, by name and version; used from one event loop only.

    A name that comes from a client is looked up among the names that were found, and never becomes a path.
    """

    def __init__(self, sources: Sources, settings: ServingSettings, metrics: ServerMetrics) -> None:
        """Find the models, and load none of them.

        Raises:
            OSError, ValueError: as `find_models` raises them.
        """
        self._sources = sources
        self._settings = settings
        self._metrics = metrics
        self._files = find_models(sources)
        self._loaded: dict[str, dict[int, ServedModel]] = {}
        self._reasons: dict[str, dict[int, str]] = {}
        self._changing = asyncio.Lock()

    @property
    def models(self) -> list[ServedModel]:
        """All versions that are loaded."""
        return [model for versions in self._loaded.values() for model in versions.values()]

    def index(self) -> list[ModelState]:
        """Every version of every model that was found."""
        return [
            ModelState(
                name,
                version,
                ready=version in self._loaded.get(name, {}),
                reason=self._reasons.get(name, {}).get(version, ""),
            )
            for name, versions in sorted(self._files.items())
            for version in sorted(versions)
        ]

    def find(self, name: str, version: str | None = None) -> tuple[ServedModel, str]:
        """A version of a model, and the signature that is asked for.

        Args:
            name: the model's name, or ``name:signature``.
            version: its number; None or nothing at all is the highest one that is loaded.

        Raises:
            UnknownModelError: there is no such model, version or signature.
            UnavailableError: it is not loaded.
        """
        model_name, signature = name, None
        if name not in self._files and ":" in name:
            model_name, _, signature = name.partition(":")
        versions = self._files.get(model_name)
        if versions is None:
            raise UnknownModelError(f"there is no model {_shown(name)}")
        loaded = self._loaded.get(model_name, {})
        number = max(loaded, default=max(versions)) if not version else _number(version)
        if number is None or (number not in loaded and number not in versions):
            raise UnknownModelError(f"model {model_name!r} has no version {_shown(version or '')}")
        model = loaded.get(number)
        if model is None:
            reason = self._reasons.get(model_name, {}).get(number, "")
            raise UnavailableError(f"version {number} of model {model_name!r} is not loaded{reason and f': {reason}'}")
        if signature is not None and signature not in model.interfaces:
            raise UnknownModelError(f"model {model_name!r} has no signature {_shown(signature)}")
        return model, model.default_signature if signature is None else signature

    async def load_all(self) -> None:
        """Load every version of every model; those that can't be loaded have a reason in the index.

        Raises:
            ValueError: not one of them can be loaded.
        """
        for name in self._files:
            await self._load(name)
        if not self._loaded:
            reasons = [reason for versions in self._reasons.values() for reason in versions.values()]
            raise ValueError(f"no model can be loaded: {'; '.join(reasons)}")

    async def load(self, name: str) -> None:
        """Look for the model's files again, and load them in the place of what is loaded.

        Requests go to the old versions until the new ones are ready. Versions that can't be loaded stay what they are.

        Raises:
            UnknownModelError: there is no such model.
            UnavailableError: none of its versions can be loaded.
        """
        async with self._changing:
            try:
                found = await asyncio.to_thread(find_models, self._sources)
            except (OSError, ValueError) as error:
                _log.warning("The models can't be found: %s", error)
                raise UnavailableError(
                    "the files of the models are not as they must be; the server's log says more"
                ) from error
            if name not in found:
                raise UnknownModelError(f"there is no model {_shown(name)}")
            self._files[name] = found[name]
            await self._load(name)
            if reasons := self._reasons[name]:
                raise UnavailableError("; ".join(reasons.values()))

    async def unload(self, name: str) -> None:
        """Take a model out of use; requests that have begun are answered first.

        Raises:
            UnknownModelError: there is no such model.
        """
        async with self._changing:
            if name not in self._files:
                raise UnknownModelError(f"there is no model {_shown(name)}")
            for model in self._loaded.pop(name, {}).values():
                model.retire()
            self._reasons.pop(name, None)

    async def close(self) -> None:
        """Take all models out of use."""
        for name in list(self._loaded):
            await self.unload(name)

    async def _load(self, name: str) -> None:
        before = self._loaded.get(name, {})
        after = {version: model for version, model in before.items() if version in self._files[name]}
        reasons: dict[int, str] = {}
        for version, path in sorted(self._files[name].items()):
            try:
                after[version] = await asyncio.to_thread(
                    ServedModel,
                    path,
                    name=name,
                    version=version,
                    settings=self._settings,
                    metrics=self._metrics.of_model(name, version),
                )
            except (OSError, ValueError, RuntimeError, MemoryError) as error:
                _log.warning("Version %d of model %r can't be loaded: %s", version, name, error)
                reasons[version] = told(error, path, name)
        self._reasons[name] = reasons
        if after:
            self._loaded[name] = after
        for version, model in before.items():
            if after.get(version) is not model:
                model.retire()


def _number(version: str) -> int | None:
    longest = 18  # digits, that is
    digits = version.isascii() and version.isdecimal() and len(version) <= longest
    return int(version) if digits else None


def _shown(name: str) -> str:
    longest = 100
    return repr(name if len(name) <= longest else name[:longest])
