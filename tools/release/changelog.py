"""What the changelog says of a version, and whether that is ready to be released."""

from __future__ import annotations

import datetime as dt
import re


class ChangelogError(Exception):
    """Why the changelog does not announce the version that is to be released, and how to mend it."""


def section_of(changelog: str, version: str) -> str:
    """Return what stands below the heading of `version`, which has to be the newest one and to carry its date.

    Raises:
        ChangelogError: the newest section is of another version, has no day, or says nothing.
    """
    sections = list(re.finditer(r"^## \[([^\]]+)\](?: - (.+))?$", changelog, re.M))
    released = [section for section in sections if section[1] != "Unreleased"]
    if not released or released[0][1] != version:
        found = f"[{released[0][1]}]" if released else "no version"
        raise ChangelogError(f"CHANGELOG.md's newest section is of {found}; write one: ## [{version}] - YEAR-MONTH-DAY")
    heading = released[0]
    try:
        dt.date.fromisoformat(heading[2] or "")
    except ValueError as error:
        raise ChangelogError(
            f"CHANGELOG.md gives {heading[2] or 'no day'} as the day of {version}; write: "
            f"## [{version}] - YEAR-MONTH-DAY"
        ) from error
    position = sections.index(heading)
    if _text_after(changelog, sections, position - 1) if position else "":
        raise ChangelogError(
            f"CHANGELOG.md has changes under [Unreleased]; move them into the section of {version}, or raise the "
            "version"
        )
    text = _text_after(changelog, sections, position)
    if not text:
        raise ChangelogError(f"CHANGELOG.md says nothing about {version}; write what changes for users")
    return text


def _text_after(changelog: str, sections: list[re.Match[str]], position: int) -> str:
    end = sections[position + 1].start() if position + 1 < len(sections) else len(changelog)
    text = changelog[sections[position].end() : end]
    return re.sub(r"^\[[^\]]+\]: \S+$", "", text, flags=re.M).strip()
