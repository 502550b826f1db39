"""The bill of materials of a release, as CycloneDX 1.6: what is compiled into a wheel and what it asks pip for."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

# What has code in the extension module: the name, the kind of its package, its license, and how it gets there.
COMPILED_IN = (
    ("pybind11", "pypi", "BSD-3-Clause", "its headers are compiled into the extension module"),
    ("numpy", "pypi", "BSD-3-Clause", "its C interface is compiled into the extension module; a dependency, too"),
    ("libstdc++", "generic", "GPL-3.0-or-later WITH GCC-exception-3.1", "linked into the extension module"),
)
# Extras for work on zerolite itself: nothing that people install asks for them.
INTERNAL_EXTRAS = frozenset({"bench", "dev", "docs", "release", "test"})


class BillError(Exception):
    """Why what was written is no CycloneDX document."""


def bill_of_materials(metadata: Message) -> str:
    """Return the bill of the archive with this core metadata (METADATA, PKG-INFO) as JSON, checked against the schema.

    Raises:
        BillError: the document does not follow the schema of CycloneDX 1.6.
    """
    name, version = metadata["Name"], metadata["Version"]
    product = Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        description=metadata["Summary"],
        licenses=[LicenseExpression(metadata["License-Expression"])],
        purl=PackageURL("pypi", None, name, version),
        bom_ref=name,
    )
    parts: dict[str, Component] = {}
    for part in (*_compiled_in(), *_asked_for(metadata.get_all("Requires-Dist", []), name)):
        parts.setdefault(part.name, part)
    bom = Bom(components=parts.values())
    bom.metadata.component = product
    bom.register_dependency(product, parts.values())
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    mistake = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if mistake is not None:
        raise BillError(f"the bill of materials does not follow CycloneDX 1.6: {mistake}")
    return text


def _compiled_in() -> Iterator[Component]:
    for name, kind, license_, how in COMPILED_IN:
        yield Component(
            name=name,
            type=ComponentType.LIBRARY,
            scope=ComponentScope.REQUIRED,
            description=how,
            licenses=[LicenseExpression(license_)],
            purl=PackageURL(kind, None, name),
            bom_ref=name,
        )


def _asked_for(lines: list[str], product: str) -> Iterator[Component]:
    """Yield the dependencies first, then what the extras ask for, as optional parts."""
    requirements = [Requirement(line) for line in lines]
    for requirement in sorted(requirements, key=lambda each: _extra(each) is not None):
        extra = _extra(requirement)
        if requirement.name == product or extra in INTERNAL_EXTRAS:
            continue
        asked = f"{requirement.name}{requirement.specifier}"
        yield Component(
            name=requirement.name,
            type=ComponentType.LIBRARY,
            scope=ComponentScope.OPTIONAL if extra else ComponentScope.REQUIRED,
            description=f"asked for as {asked}{f' by the extra {extra}' if extra else ''}",
            purl=PackageURL("pypi", None, requirement.name),
            bom_ref=requirement.name,
        )


def _extra(requirement: Requirement) -> str | None:
    """Return the extra that asks for it: what the marker compares `extra` with."""
    marker = str(requirement.marker or "")
    _, found, rest = marker.partition('extra == "')
    return rest.partition('"')[0] if found else None
