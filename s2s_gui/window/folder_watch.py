"""Watching a folder for files that arrive and come to rest, without looking again and again."""

import os
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal, Slot

STILL_MS = 2000
UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".tmp")


class FolderWatch(QObject):
    """``settled`` carries the names of new files that have not changed for two seconds."""

    settled = Signal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder: Path | None = None
        self._known: dict[str, tuple[int, int]] = {}
        self._moving: dict[str, tuple[int, int]] = {}
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self._look)
        self._watcher.fileChanged.connect(self._look)
        self.timer = QTimer(self)
        self.timer.setSingleShot(True)
        self.timer.setInterval(STILL_MS)
        self.timer.timeout.connect(self._settle)

    def start(self, folder: Path) -> bool:
        """Watch ``folder`` instead of any other; what is in it now does not count. Return whether it can be watched."""
        self.stop()
        if not self._watcher.addPath(str(folder)):
            return False
        self.folder = folder
        self._known = self._files()
        return True

    def stop(self) -> None:
        """Watch nothing."""
        self.timer.stop()
        self._moving.clear()
        watched = self._watcher.files() + self._watcher.directories()
        if watched:
            self._watcher.removePaths(watched)
        self.folder = None

    @Slot()
    def _look(self) -> None:
        """Note what is new or has changed, and wait until it is still."""
        files = self._files()
        self._known = {name: stamp for name, stamp in self._known.items() if name in files}
        self._moving = {name: stamp for name, stamp in files.items() if self._known.get(name) != stamp}
        if self._moving and self.folder is not None:
            self._watcher.addPaths([str(self.folder / name) for name in self._moving])
            self.timer.start()

    @Slot()
    def _settle(self) -> None:
        files = self._files()
        still = [name for name, stamp in self._moving.items() if files.get(name) == stamp]
        if len(still) < len(self._moving):
            self._look()
            return
        self._moving.clear()
        self._known.update((name, files[name]) for name in still)
        if self._watcher.files():
            self._watcher.removePaths(self._watcher.files())
        self.settled.emit(still)

    def _files(self) -> dict[str, tuple[int, int]]:
        """Return size and time of the files in the folder that are not marked as unfinished."""
        found: dict[str, tuple[int, int]] = {}
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if entry.is_file() and not entry.name.startswith(".") and not entry.name.endswith(UNFINISHED):
                        status = entry.stat()
                        found[entry.name] = (status.st_size, status.st_mtime_ns)
        except OSError:
            return found
        return {name: stamp for name, stamp in found.items() if stamp[0]}
