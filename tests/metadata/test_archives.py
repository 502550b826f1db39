"""Archives that are made to do harm, or are broken, are refused by name; honest ones of any tool are read."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Callable

import pytest

import zerolite as zl
from tests.support import model_zoo

MODEL = model_zoo.model_path("unused_input").read_bytes()
_END = struct.Struct("<4s4HIIH")
_CENTRAL = struct.Struct("<4s6H3I5H2I")


def archived(fill: Callable[[zipfile.ZipFile], None], *, prefix: bytes = MODEL) -> bytes:
    stream = io.BytesIO()
    stream.write(prefix)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names twice
        with zipfile.ZipFile(stream, "w") as archive:
            fill(archive)
    return stream.getvalue()


def named(*names: str, prefix: bytes = MODEL) -> bytes:
    def fill(archive: zipfile.ZipFile) -> None:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), name)

    return archived(fill, prefix=prefix)


def central(content: bytes, field: int, value: int, *, entry: int = 0) -> bytes:
    """The archive with another number in its list of files."""
    changed = bytearray(content)
    place = content.index(b"PK\x01\x02")
    for _ in range(entry):
        place = content.index(b"PK\x01\x02", place + 4)
    values = list(_CENTRAL.unpack_from(changed, place))
    values[field] = value
    _CENTRAL.pack_into(changed, place, *values)
    return bytes(changed)


FLAGS, METHOD, PACKED, SIZE, PLACE = 3, 4, 8, 9, 16


@pytest.mark.parametrize(
    "name", ["../up.txt", "a/../../up.txt", "/etc/passwd", "C:/up.txt", "..", "a//b", "./a", "a\nb"]
)
def test_names_that_lead_elsewhere(name: str) -> None:
    content = named("labels.txt", name)
    for ask in (zl.metadata.read, zl.metadata.read_labels, lambda one: zl.metadata.read_attached(one, "labels.txt")):
        with pytest.raises(ValueError, match="is not possible for a packed file") as refused:
            ask(content)
        assert repr(name) in str(refused.value)
        assert str(refused.value).startswith("the files packed into the model in memory can't be read: ")


def test_backslashes_lead_elsewhere_on_other_systems() -> None:
    content = named("x/up.txt").replace(b"x/up.txt", b"..\\p.txt")
    with pytest.raises(ValueError, match="is not possible for a packed file"):
        zl.metadata.read(content)


def test_names_that_end_early() -> None:
    content = named("labels.txt.exe").replace(b"labels.txt.exe", b"labels.txt\0exe")
    with pytest.raises(ValueError, match="is not possible for a packed file"):
        zl.metadata.read(content)


def test_names_twice() -> None:
    with pytest.raises(ValueError, match=r"'labels\.txt' is in its archive twice; pack one of them under another name"):
        zl.metadata.read(named("labels.txt", "b.txt", "labels.txt"))
    for names in (("a/b", "a"), ("a", "a.txt", "a/b/c"), ("a", "a/")):
        with pytest.raises(ValueError, match="'a' is a file and a folder"):
            zl.metadata.read(named(*names))
    assert zl.metadata.read(named("a/b", "a.txt", "a/")).attached_files == ("a/b", "a.txt")


def test_very_deep_folders_take_no_memory() -> None:
    """A list of all folders would be of hundreds of gigabytes."""
    names = [f"{number}" + "/a" * 30_000 for number in range(200)]
    assert len(zl.metadata.read(named(*names)).attached_files) == len(names)


def test_bombs() -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        archive.writestr("bomb.txt", bytes(100 << 20), zipfile.ZIP_DEFLATED)

    with pytest.raises(ValueError, match=r"'bomb\.txt' in its archive would grow from [\d,]+ to 104,857,600 bytes"):
        zl.metadata.read(archived(fill))


def test_many_bombs() -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        for number in range(3):
            archive.writestr(f"{number}.txt", bytes(60 << 20), zipfile.ZIP_DEFLATED)

    with pytest.raises(ValueError, match=r"its archive would grow from [\d,]+ to 188,743,680 bytes"):
        zl.metadata.read(archived(fill))


def test_sizes_that_are_not_true() -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        archive.writestr("labels.txt", bytes(1 << 20), zipfile.ZIP_DEFLATED)

    content = central(archived(fill), SIZE, 10)
    assert zl.metadata.read(content).attached_files == ("labels.txt",)
    with pytest.raises(ValueError, match=r"'labels\.txt' in its archive can't be unpacked: Bad CRC"):
        zl.metadata.read_attached(content, "labels.txt")
    with pytest.raises(ValueError, match=r"'labels\.txt' in its archive is stored as 10 bytes and said to have 1000"):
        zl.metadata.read(central(named("labels.txt"), SIZE, 1000))


def test_overlapping_files() -> None:
    content = named("a.txt", "b.txt")
    first = content.index(b"PK\x03\x04")
    with pytest.raises(ValueError, match=r"the file '[ab]\.txt' in its archive overlaps another one"):
        zl.metadata.read(central(content, PLACE, first, entry=1))
    with pytest.raises(ValueError, match=r"the file 'b\.txt' in its archive overlaps another one"):
        zl.metadata.read(central(central(content, PACKED, 500, entry=1), SIZE, 500, entry=1))


@pytest.mark.parametrize("place", [0, len(MODEL) + 5, 1 << 31, (1 << 32) - 2])
def test_files_that_are_not_there(place: int) -> None:
    with pytest.raises(ValueError, match=r"'a\.txt' is not where its archive says"):
        zl.metadata.read(central(named("a.txt"), PLACE, place))


def test_encrypted_files() -> None:
    with pytest.raises(ValueError, match=r"'a\.txt' in its archive is encrypted; pack it as it is"):
        zl.metadata.read(central(named("a.txt"), FLAGS, 1))


def test_other_methods() -> None:
    with pytest.raises(ValueError, match=r"'a\.txt' in its archive is packed by method 14; pack it as it is"):
        zl.metadata.read(central(named("a.txt"), METHOD, 14))


def test_a_broken_list_of_files() -> None:
    content = named("a.txt").replace(b"PK\x01\x02", b"PK\x01\x03")
    with pytest.raises(ValueError, match="its archive is broken"):
        zl.metadata.read(content)
    with pytest.raises(ValueError, match="its archive is broken"):
        zl.metadata.write(content, zl.metadata.Metadata(name="a"))


def test_what_only_looks_like_an_archive_is_none() -> None:
    """Weights can hold any four bytes."""
    content = MODEL + b"PK\x05\x06" + bytes(60)
    assert zl.metadata.read(content).attached_files == ()


def test_the_advice_helps() -> None:
    with pytest.raises(
        ValueError, match=r"pack them anew, with zl\.metadata\.write, into the model as it was converted"
    ):
        zl.metadata.read_labels(named("labels.txt", "labels.txt"))
    good = zl.metadata.write(MODEL, zl.metadata.Metadata(), {"labels.txt": b"cat"})
    assert zl.metadata.read_labels(good) == ["cat"]


def test_archives_of_other_tools() -> None:
    """Compressed, in folders, with a comment, and put behind the model as they are."""

    def fill(archive: zipfile.ZipFile) -> None:
        archive.writestr("texts/", b"")
        archive.writestr("texts/labels.txt", b"cat\n" * 1000, zipfile.ZIP_DEFLATED)
        archive.writestr("b.bin", bytes(range(256)))
        archive.comment = b"a comment"

    for content in (archived(fill), MODEL + archived(fill, prefix=b"")):
        assert zl.metadata.read(content).attached_files == ("texts/labels.txt", "b.bin")
        assert zl.metadata.read_labels(content) == ["cat"] * 1000
        written = zl.metadata.write(content, zl.metadata.Metadata(name="a"))
        assert zl.metadata.read_attached(written, "b.bin") == bytes(range(256))
        assert zl.metadata.read_attached(written, "texts/labels.txt") == b"cat\n" * 1000


def test_no_such_file() -> None:
    with pytest.raises(ValueError, match=r"no file 'b\.txt' packed into it; the files in it: 'a\.txt'"):
        zl.metadata.read_attached(named("a.txt"), "b.txt")
    with pytest.raises(ValueError, match="the files in it: none"):
        zl.metadata.read_attached(MODEL, "b.txt")


def test_packed_files_may_be_read_where_they_are_unpacked() -> None:
    content = zl.metadata.write(MODEL, zl.metadata.Metadata(), {"labels.txt": b"cat"})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (entry,) = archive.infolist()
    assert (entry.compress_type, entry.external_attr >> 16, entry.create_system) == (zipfile.ZIP_STORED, 0o100644, 3)
    assert content == zl.metadata.write(MODEL, zl.metadata.Metadata(), {"labels.txt": b"cat"}), (
        "the same bytes each time"
    )
