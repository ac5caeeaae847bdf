import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s_gui.errors import ModelError
from s2s_gui.formats import archives


def zipped(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, change: Callable[[tarfile.TarInfo], None], name: str = "a") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = 3
        change(info)
        tar.addfile(info, io.BytesIO(b"abc"))
    return path


def unpacked(path: Path, tmp_path: Path) -> dict[str, bytes]:
    folder = tmp_path / "out"
    folder.mkdir()
    assert archives.is_archive(path)
    archives.unpack(path, folder)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def refused(path: Path, tmp_path: Path) -> str:
    folder = tmp_path / "inside" / "out"
    folder.mkdir(parents=True)
    with pytest.raises(ModelError) as caught:
        archives.unpack(path, folder)
    outside = [file for file in tmp_path.rglob("*") if file.is_file() and folder not in file.parents and file != path]
    assert outside == []
    return str(caught.value)


def test_zip_tar_and_gzip(tmp_path: Path) -> None:
    assert unpacked(zipped(tmp_path / "a.zip", {"top/b": b"1", "c": b"2"}), tmp_path) == {"top/b": b"1", "c": b"2"}
    (tmp_path / "two").mkdir()
    assert unpacked(tarred(tmp_path / "a.tar.gz", lambda info: None, "x/y"), tmp_path / "two") == {"x/y": b"abc"}
    (tmp_path / "three").mkdir()
    (tmp_path / "model.bin.gz").write_bytes(gzip.compress(b"one") + gzip.compress(b"two"))
    assert unpacked(tmp_path / "model.bin.gz", tmp_path / "three") == {"model.bin": b"onetwo"}


def test_what_argos_has_for_sentences_stays_packed(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.argosmodel", {"top/stanza/x.pt": b"1", "top/metadata.json": b"{}"})
    assert set(unpacked(path, tmp_path)) == {"top/metadata.json"}


@pytest.mark.parametrize(
    "name", ["../up", "a/../../up", "/etc/up", "C:\\up", "a\\..\\up", "c:up", "a/\x01/..", "x" * 2000]
)
def test_names_that_lead_outside(name: str, tmp_path: Path) -> None:
    assert "outside" in refused(zipped(tmp_path / "a.zip", {name: b"x"}), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda info: setattr(info, "name", "../up"),
        lambda info: setattr(info, "name", "/up"),
        lambda info: setattr(info, "type", tarfile.SYMTYPE),
        lambda info: setattr(info, "type", tarfile.LNKTYPE),
        lambda info: setattr(info, "type", tarfile.FIFOTYPE),
        lambda info: setattr(info, "type", tarfile.CHRTYPE),
    ],
)
def test_tar_members_that_are_no_files(change: Callable[[tarfile.TarInfo], None], tmp_path: Path) -> None:
    assert "a.tar.gz holds" in refused(tarred(tmp_path / "a.tar.gz", change), tmp_path)


def test_links_and_passwords_in_zips(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("a")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    (tmp_path / "one").mkdir()
    assert "is a link" in refused(path, tmp_path / "one")
    content = bytearray(zipped(tmp_path / "b.zip", {"a": b"x"}).read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    (tmp_path / "b.zip").write_bytes(content)
    (tmp_path / "two").mkdir()
    assert "password" in refused(tmp_path / "b.zip", tmp_path / "two")


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_bombs(kind: str, tmp_path: Path) -> None:
    content = b"a" * (200 << 20)
    if kind == "zip":
        path = zipped(tmp_path / "a.zip", {"a": content})
    else:
        path = tmp_path / "a.gz"
        path.write_bytes(gzip.compress(content))
    assert "far more" in refused(path, tmp_path)
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 40 << 20


def test_a_member_twice_and_too_many(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", "2")
    (tmp_path / "one").mkdir()
    assert "twice" in refused(path, tmp_path / "one")
    (tmp_path / "two").mkdir()
    many = zipped(tmp_path / "b.zip", {str(number): b"" for number in range(10_001)}, zipfile.ZIP_STORED)
    assert "too many" in refused(many, tmp_path / "two")


@given(cut=st.floats(0.0, 0.999), flipped=st.integers(0, 1 << 20))
def test_damaged_archives_are_told(tmp_path_factory: pytest.TempPathFactory, cut: float, flipped: int) -> None:
    tmp_path = tmp_path_factory.mktemp("damaged")
    whole = zipped(tmp_path / "a.zip", {"b": bytes(range(256)) * 4, "c/d": b"text"}).read_bytes()
    content = bytearray(whole[: max(4, int(len(whole) * cut))])
    content[flipped % len(content)] ^= 1 << flipped % 8
    (tmp_path / "a.zip").write_bytes(content)
    folder = tmp_path / "out"
    folder.mkdir()
    with suppress(ModelError):
        archives.unpack(tmp_path / "a.zip", folder)
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("a.zip", "out")] == []
