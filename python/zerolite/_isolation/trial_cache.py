"""What trials found, kept in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from zerolite import _native
from zerolite._isolation.model_settings import ModelSettings
from zerolite._platform.files import make_private_folder, user_cache_folder, write_atomically

__all__ = ["TrialCache"]

_LONGEST = 4096
#: Grows when trials find what they did not find before, or what they find means something else.
_TRIAL = 3


class TrialCache:
    """What earlier trials of one model found, under the same settings and with the same runtime.

    It is kept in ``$XDG_CACHE_HOME/zerolite/verdicts`` (``~/.cache`` without it), under the SHA-256 of all that it
    depends on. A folder that can't be read or written, or that others may write to, is as good as an empty one, and so
    is a verdict that others may have written.
    """

    def __init__(self, content: memoryview, settings: dict[str, Any]) -> None:
        """Make the key, from the model, the settings and the runtime."""
        library = Path(_native.runtime_path())
        status = library.stat()
        runtime = f"{library} {status.st_size} {status.st_mtime_ns} {_native.__version__} {_TRIAL}\n"
        digest = hashlib.sha256(content)
        digest.update(os.fsencode(runtime))
        digest.update(ModelSettings(settings).to_json().encode())
        self._key = digest.hexdigest()

    @property
    def known(self) -> str | None:
        """How the process ended: "" when it survived, None when nobody knows."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            verdict = json.loads(_native.read_trusted(os.fsencode(self._path()), _LONGEST))
            if isinstance(verdict["death"], str):
                death: str = verdict["death"]
                return death
        return None

    def keep(self, death: str) -> None:
        """Remember how the process ended."""
        with contextlib.suppress(OSError, RuntimeError):
            path = self._path()
            make_private_folder(path.parent)
            _native.require_trusted_folder(os.fsencode(path.parent))
            write_atomically(path, json.dumps({"death": death[: _LONGEST // 8]}).encode(), mode=0o600)

    def _path(self) -> Path:
        return user_cache_folder() / "verdicts" / f"{self._key}.json"
