"""One window for each user folder: a second start raises the first window and ends.

The one socket of the program, local to this computer and this user.
"""

import hashlib

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from s2s_gui import paths

PATIENCE_MS = 300
RAISE = b"raise\n"


class SingleInstance(QObject):
    """Asks a running program to show itself, or listens for later ones."""

    raise_wanted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = "s2s-gui-" + hashlib.sha256(str(paths.user_data().absolute()).encode()).hexdigest()[:16]
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def is_first(self) -> bool:
        """Return whether no other program runs; if one does, it was asked to show its window."""
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if socket.waitForConnected(PATIENCE_MS):
            socket.write(RAISE)
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
        self.raise_wanted.emit()
