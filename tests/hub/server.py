"""A server with the part of the Hugging Face Hub's interface that downloads files, on this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

__all__ = ["Hub", "running_hub"]


@dataclass
class Hub:
    """What the server has.

    Attributes:
        files: (repository, commit, path) -> content.
        revisions: (repository, branch or tag) -> commit.
        gated: repositories that nobody may read.
        large: whether files have the digest of large files, SHA-256, or that of small ones, Git's.
        instead: what is sent in the place of every content, where that is not None.
        status: the error that every request is answered with, where that is not None.
        requests: method and path of each request.
        url: where it listens.
    """

    files: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    revisions: dict[tuple[str, str], str] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    large: bool = True
    instead: bytes | None = None
    status: int | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def add(self, repository: str, path: str, content: bytes, *, branch: str = "main") -> str:
        """Commit a file to a branch, and return the commit."""
        commit = hashlib.sha1(f"{repository} {path} {branch}".encode() + content).hexdigest()
        before = self.revisions.get((repository, branch))
        for (owner, old, other), kept in list(self.files.items()):
            if (owner, old) == (repository, before):
                self.files[repository, commit, other] = kept
        self.files[repository, commit, path] = content
        self.revisions[repository, branch] = self.revisions[repository, commit] = commit
        return commit

    def downloads(self) -> int:
        """How many contents were asked for."""
        return sum(method == "GET" and "/resolve/" in path for method, path in self.requests)

    def digest(self, content: bytes) -> str:
        if self.large:
            return hashlib.sha256(content).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Context manager: a server without files, until the block ends."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            content = self._answer()
            if content is not None:
                self.wfile.write(content)

        def _answer(self) -> bytes | None:
            hub.requests.append((self.command, self.path))
            parts = self.path.partition("?")[0].lstrip("/").split("/", 4)
            if hub.status is not None or len(parts) != 5 or parts[2] != "resolve":
                self._refuse(hub.status or 404, "")
                return None
            owner, name, _, revision, path = map(unquote, parts)
            repository = f"{owner}/{name}"
            commit = hub.revisions.get((repository, revision), "")
            content = hub.files.get((repository, commit, path))
            if content is None:
                if repository in hub.gated:
                    self._refuse(403, "GatedRepo")
                elif repository not in {known for known, _ in hub.revisions}:
                    self._refuse(401, "RepoNotFound")
                elif not commit:
                    self._refuse(404, "RevisionNotFound")
                else:
                    self._refuse(404, "EntryNotFound", commit)
                return None
            sent = content if hub.instead is None else hub.instead
            self.send_response(200)
            self.send_header("X-Repo-Commit", commit)
            self.send_header("ETag", f'"{hub.digest(content)}"')
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            return sent

        def _refuse(self, status: int, code: str, commit: str = "") -> None:
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            if commit:
                self.send_header("X-Repo-Commit", commit)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
