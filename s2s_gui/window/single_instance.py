"""One window for each user folder: a second start raises the first window, hands over its files, and ends.

The one socket of the program, local to this computer and this user.
"""

import hashlib
import json
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from s2s_gui import paths

PATIENCE_MS = 300
LONGEST_LINE = 1 << 20


class SingleInstance(QObject):
    """Asks a running program to show itself, or listens for later ones; ``files_came`` carries their paths.

    What is sent is one line: the paths as JSON.
    """

    raise_wanted = Signal()
    files_came = Signal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = "s2s-gui-" + hashlib.sha256(str(paths.user_data().absolute()).encode()).hexdigest()[:16]
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def is_first(self, files: Sequence[str] = ()) -> bool:
        """Return whether no other program runs; if one does, it was asked to show its window and take ``files``."""
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if socket.waitForConnected(PATIENCE_MS):
            socket.write(json.dumps(list(files)).encode() + b"\n")
            socket.waitForBytesWritten(PATIENCE_MS)
            socket.disconnectFromServer()
            return False
        # What a crash left behind would keep us from listening.
        QLocalServer.removeServer(self._name)
        self._server.listen(self._name)
        return True

    def close(self) -> None:
        """Listen no longer."""
        self._server.close()

    @Slot()
    def _on_connection(self) -> None:
        socket = self._server.nextPendingConnection()
        socket.disconnected.connect(socket.deleteLater)
        socket.readyRead.connect(self._on_ready)
        self.raise_wanted.emit()
        self._on_ready()

    @Slot()
    def _on_ready(self) -> None:
        lines = [
            bytes(socket.readLine(LONGEST_LINE).data())
            for socket in self._server.findChildren(QLocalSocket)
            if socket.canReadLine()
        ]
        for line in lines:
            files = _paths(line)
            if files:
                self.files_came.emit(files)


def _paths(line: bytes) -> list[str]:
    try:
        files = json.loads(line)
    except ValueError:
        return []
    return files if isinstance(files, list) and all(isinstance(file, str) for file in files) else []
