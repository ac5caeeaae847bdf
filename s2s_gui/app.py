"""The window's wiring: a list of what exists, made and joined once. ``main`` is what the user starts."""

import builtins
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from s2s_gui import libraries
from s2s_gui.messages import Request, Update
from s2s_gui.storage import library, session, settings
from s2s_gui.worker import Worker

if TYPE_CHECKING:
    from s2s_gui.window.main_window import MainWindow

PLAIN_IMPORT = builtins.__import__
COMMANDS = ("translate", "models", "train", "evaluate", "bench")


def make_tasks() -> Callable[[Request], Iterator[Update]]:
    """Return the worker's tasks; called on the worker's thread, after the window is shown."""
    # Imported here because it brings torch, which takes a second or more.
    from s2s_gui import tasks

    return tasks.make()


def make_file_tasks() -> Callable[[Request], Iterator[Update]]:
    """Return the tasks of the worker for model files; called on its thread."""
    # Imported here for the same reason.
    from s2s_gui import tasks

    return tasks.make_files()


def _import_plainly() -> None:
    """Undo what PySide6 does to imports for features that this program does not use.

    With it, torch takes a third of a second longer to import and 40 MB more, and the window's modules 20 ms.
    """
    builtins.__import__ = PLAIN_IMPORT


def build(argv: list[str], list_models: Callable[[], list[library.Installed]] = library.installed) -> "MainWindow":
    """Make and join everything and return the main window, not yet shown and without entering the event loop."""
    # Imported here so that ``main`` can say in plain words what Qt misses, and the console does without Qt.
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QApplication

    _import_plainly()
    from s2s_gui.window import style
    from s2s_gui.window.bridge import Bridge
    from s2s_gui.window.file_jobs import FileJobs
    from s2s_gui.window.i18n import Translations
    from s2s_gui.window.main_window import MainWindow

    application = QApplication.instance()
    if not isinstance(application, QApplication):
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        application = QApplication(argv)
    application.setApplicationName("s2s-gui")
    application.setDesktopFileName("s2s-gui")
    application.setFont(style.interface_font(application))
    kept_settings = settings.read()
    bridge = Bridge()
    worker = Worker(make_tasks, bridge.post)
    translations = Translations(application)
    files = FileJobs(make_file_tasks)
    return MainWindow(kept_settings, session.read(), worker, bridge, files, list_models, translations)


def main(argv: list[str] | None = None) -> int:
    """Open the window, with the files named, and return the exit code; for a command, be the console."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments and (arguments[0].startswith("-") or arguments[0] in COMMANDS):
        # Imported here because the window does not need it and should be on the screen as soon as possible.
        from s2s_gui.console import main as console

        return console.main(arguments)
    reason = libraries.why_no_display(os.environ)
    if not reason:
        try:
            return _run([str(Path(file).absolute()) for file in arguments])
        except ImportError as error:
            reason = libraries.why_no_qt(error)
    sys.stderr.write(reason + "\n")
    return 1


def _run(files: list[str]) -> int:
    # Imported here for the same reason as in ``build``.
    from PySide6.QtWidgets import QApplication

    _import_plainly()
    from s2s_gui.window.single_instance import SingleInstance

    application = QApplication([sys.argv[0]])
    instance = SingleInstance()
    if not instance.is_first(files):
        return 0
    window = build([sys.argv[0]])
    # Ctrl+C in the terminal: Qt's loop never comes back to Python for it, and the text is saved as it is typed.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    instance.raise_wanted.connect(window.come_forward)
    instance.files_came.connect(window.models.importing.take)
    window.show()
    window.models.importing.take(files)
    code = application.exec()
    instance.close()
    if not window.worker_ended:
        # The worker is deep inside an import or one long operation; everything is saved, and a thread that wakes up
        # in an interpreter that is being taken apart could crash it.
        os._exit(code)
    return code
