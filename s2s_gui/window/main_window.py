"""The main window: lays out bar, panes and status line, and connects them with the live translation.

Everything that takes time is done by the worker or the chores thread; this file only shows and asks.
"""

from collections.abc import Callable

import msgspec
from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QMoveEvent,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QApplication, QMainWindow

from s2s_gui.description import Direction
from s2s_gui.messages import DecodeOptions, Failed, ModelReady, Result
from s2s_gui.storage.library import Installed
from s2s_gui.storage.session import Session
from s2s_gui.storage.settings import Settings
from s2s_gui.window import font_notice, languages, style, worker_texts
from s2s_gui.window.actions import Actions
from s2s_gui.window.announce import announce
from s2s_gui.window.bridge import Bridge
from s2s_gui.window.chores import Chores
from s2s_gui.window.documents import Documents
from s2s_gui.window.file_jobs import FileJobs
from s2s_gui.window.i18n import Translations
from s2s_gui.window.live import BUSY, LiveTranslation, State
from s2s_gui.window.memory import Memory
from s2s_gui.window.models import Models
from s2s_gui.window.pacing import Cause
from s2s_gui.window.pages import Pages
from s2s_gui.window.status_line import StatusLine
from s2s_gui.window.swapping import Swapping
from s2s_gui.window.text_panes import SourceEdit
from s2s_gui.window.workspace import Workspace
from s2s_gui.worker import Worker

SIZE = (960, 640)
SMALLEST = (480, 360)
ZOOM_STEP = 10
LATEST_BEGIN_MS = 250
PATIENCE_SECONDS = 2.0
CALM_MS = 250


class MainWindow(QMainWindow):
    """The translator's window; ``first_shown`` fires once, after the first paint."""

    first_shown = Signal()

    def __init__(
        self,
        settings: Settings,
        session: Session,
        worker: Worker,
        bridge: Bridge,
        files: FileJobs,
        list_models: Callable[[], list[Installed]],
        translations: Translations,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.worker = worker
        self.bridge = bridge
        self.worker_ended = True
        self._session = session
        self._files = files
        self._translations = translations
        self._has_begun = False
        self._failure_is_of_text = False
        self._failure_is_of_load = False
        self._shown_state = State.NO_MODEL
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(CALM_MS)
        self._calm.timeout.connect(self._show_state_now)
        bridge.setParent(self)
        files.setParent(self)
        self.chores = Chores(self)
        self.live = LiveTranslation(worker.submit, worker.stop, parent=self)
        self.memory = Memory(self.chores, self._session_now, self._on_not_kept, self)
        self._make_widgets()
        self.swapping = Swapping(self.live, self.source, self.target, self._on_direction, self._show_direction)
        self.documents = Documents(self.chores, self.target.translation, self)
        self.models = Models(self.live, self.workspace, self.chores, self.memory, files, list_models, self)
        self._connect()
        self._restore()
        self._apply_settings()
        self.retranslate()
        self._show_state()
        self.source.setFocus()

    # construction

    def _make_widgets(self) -> None:
        self.source = SourceEdit(self)
        self.commands = Actions(self, lambda: self.source.is_composing)
        self.workspace = Workspace(self.commands, self.source, self)
        self.bar, self.target, self.strip = self.workspace.bar, self.workspace.target, self.workspace.strip
        self.setCentralWidget(self.workspace)
        self.status_line = StatusLine(self)
        self.statusBar().addWidget(self.status_line, 1)
        self.statusBar().setContentsMargins(12, 0, 4, 0)
        self.setMinimumSize(*SMALLEST)
        self.setAcceptDrops(True)
        self.pages = Pages(self.commands, self)
        self.font_notice = font_notice.FontNotice(self.strip, font_notice.has_chinese_font, self)

    def _connect(self) -> None:
        live, actions = self.live, self.commands
        self.bridge.arrived.connect(live.take)
        self.bridge.flushed.connect(self._show_state)
        live.state_changed.connect(self._show_state)
        live.began.connect(self.target.begin)
        live.partial.connect(self.target.show_partial)
        live.lines_known.connect(self.target.show_known)
        live.finished.connect(self._on_finished)
        live.ended_early.connect(self.target.end)
        live.emptied.connect(self._on_emptied)
        live.model_ready.connect(self._on_model_ready)
        live.load_failed.connect(self._on_load_failed)
        live.failed.connect(self._on_failed)
        self.source.edited.connect(self._on_edited)
        self.source.composing_changed.connect(live.set_composing)
        self.source.zoomed.connect(self._zoom)
        self.target.zoomed.connect(self._zoom)
        self.bar.direction_chosen.connect(self._on_direction)
        self.bar.pressed.connect(self._on_pressed)
        self.workspace.arranged.connect(self.memory.touch)
        self.models.text_arrived.connect(self.documents.open)
        self.models.connect_actions(actions)
        self.documents.opened.connect(self._on_opened)
        self.documents.message.connect(self.strip.show_message)
        self.pages.settings_changed.connect(self._on_settings)
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._apply_theme)
        for name, function in (
            ("open", self.documents.ask_open),
            ("save", self.documents.ask_save),
            ("quit", self.close),
            ("undo", self.source.undo),
            ("redo", self.source.redo),
            ("copy_translation", self._copy),
            ("paste", self._paste),
            ("clear", lambda: self.source.replace_text("", Cause.PASTED)),
            ("settings", lambda: self.pages.show_settings(self.settings)),
            ("translate", live.translate_now),
            ("stop", self._on_escape),
            ("swap", self.swapping.swap),
            ("swap_languages", self.swapping.swap_languages),
            ("choose_direction", self.bar.open_sources),
            ("choose_target", self.bar.open_targets),
            ("choose_model", self.bar.model_box.showPopup),
            ("larger", lambda: self._zoom(1)),
            ("smaller", lambda: self._zoom(-1)),
            ("normal_size", lambda: self._zoom(0)),
            ("full_screen", lambda: self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)),
            ("help", self.pages.show_help),
        ):
            actions.connect_to(name, function)

    def _restore(self) -> None:
        """Show what the last session left."""
        session = self._session
        self.resize(*SIZE)
        if session.geometry:
            self.restoreGeometry(QByteArray.fromBase64(session.geometry.encode()))
        if session.splitter:
            self.workspace.splitter.setSizes(list(session.splitter))
        self.source.restore_text(session.text)
        self.live.set_text(session.text)
        if session.translation:
            self.target.restore(session.translation, session.text.split("\n"))
        self.workspace.show_count(len(self.live.text))

    # start and end

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.bridge.set_quiet(self.isMinimized())
        if not self._has_begun:
            # A window that opens minimised is never painted.
            QTimer.singleShot(LATEST_BEGIN_MS, self._begin)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._has_begun:
            QTimer.singleShot(0, self._begin)

    @Slot()
    def _begin(self) -> None:
        """Look for models once the window is on the screen; loading one imports torch, in the worker."""
        if not self._has_begun:
            self._has_begun = True
            self.first_shown.emit()
            self.models.begin(self._session, languages.spoken(self._translations.language))

    def closeEvent(self, event: QCloseEvent) -> None:
        self.memory.save()
        self.bridge.close()
        self.worker_ended = all((self.worker.close(), self._files.close()))
        self.chores.finish(PATIENCE_SECONDS)
        super().closeEvent(event)

    def _session_now(self) -> Session:
        direction = self.live.direction
        return Session(
            text=self.live.text,
            translation=self.target.translation(),
            source=str(direction.source) if direction else self._session.source,
            target=str(direction.target) if direction else self._session.target,
            model=self.live.folder or self._session.model,
            geometry=bytes(self.saveGeometry().toBase64().data()).decode(),
            splitter=tuple(self.workspace.splitter.sizes()),
        )

    # models

    @Slot(object)
    def _on_model_ready(self, ready: ModelReady) -> None:
        if self._failure_is_of_load:
            self._failure_is_of_load = False
            self.strip.dismiss()
        self.bar.set_directions(ready.card.ways(), self.live.direction)
        self.bar.show_model(ready.folder)
        self.workspace.name_panes(self.live.direction)
        self.font_notice.look(ready.card.ways(), self.live.text)
        self.memory.touch()

    @Slot(object)
    def _on_failed(self, failed: Failed) -> None:
        self._failure_is_of_text = True
        self.strip.show_message(lambda: worker_texts.translated(failed.message), failed.detail)

    @Slot(object)
    def _on_load_failed(self, failed: Failed) -> None:
        self._failure_is_of_text, self._failure_is_of_load = False, True
        self.bar.show_model(self.live.folder)
        if self.live.card is None:
            self.bar.set_directions((), None)
        self.strip.show_message(lambda: worker_texts.translated(failed.message), failed.detail)

    # text and direction

    @Slot(str, Cause)
    def _on_edited(self, text: str, cause: Cause) -> None:
        self.swapping.follow(text)
        self.live.edited(text, cause)
        self.workspace.show_count(len(self.live.text))
        self.font_notice.look((), text)
        self.memory.touch()

    @Slot(object)
    def _on_direction(self, direction: Direction) -> None:
        self.target.set_stale(True)
        self.live.set_direction(direction)
        self._show_direction()
        self.memory.touch()

    def _show_direction(self) -> None:
        self.bar.show_direction(self.live.direction)
        self.workspace.name_panes(self.live.direction)

    @Slot(str)
    def _on_opened(self, text: str) -> None:
        self.strip.dismiss()
        self.workspace.show_panes()
        self.source.replace_text(text, Cause.PASTED)

    def _paste(self) -> None:
        self.workspace.show_panes()
        self.source.paste_over()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.target.translation())
        self.workspace.note_copied()

    @Slot()
    def _on_pressed(self) -> None:
        if self.live.state in BUSY:
            self.live.stop()
        else:
            self.live.translate_now()

    def _on_escape(self) -> None:
        if not self.workspace.close_front():
            self.live.stop()

    # what the worker says

    @Slot(object)
    def _on_finished(self, result: Result) -> None:
        if self._failure_is_of_text:
            self.strip.dismiss()
        texts = [line.text for line in result.lines] or result.text.split("\n")
        self.target.show_result(texts, [line.doubtful for line in result.lines])
        announce(self.target, self.tr("Translation finished."))
        self.memory.touch()

    @Slot()
    def _on_emptied(self) -> None:
        self.target.restore("", [""])
        self.target.set_stale(False)

    @Slot()
    def _show_state(self) -> None:
        """Show the state; a translation that follows a finished one shows only if it is not done in a moment."""
        live = self.live
        if live.state in (State.LOADING, State.STALE):
            self.target.set_stale(True)
        if live.state is not State.DONE:
            self.workspace.clear_note()
        if live.state in BUSY and self._shown_state is State.DONE:
            if not self._calm.isActive():
                self._calm.start()
            return
        self._show_state_now()

    @Slot()
    def _show_state_now(self) -> None:
        live = self.live
        self._calm.stop()
        self._shown_state = live.state
        self.bar.show_state(live.state, bool(live.text.strip()))
        name, loading = (self.models.shelf.name_of(folder) for folder in (live.folder, live.loading_folder))
        self.status_line.show_state(live, name, loading)
        self.commands["copy_translation"].setEnabled(live.state is not State.EMPTY)

    # look

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.memory.touch()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self.workspace.dragEnterEvent(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.workspace.dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self.workspace.dropEvent(event)

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        self.memory.touch()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        elif event.type() is QEvent.Type.WindowStateChange:
            self.bridge.set_quiet(self.isMinimized())
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Set every text in the language of the interface."""
        self.setWindowTitle(self.tr("Translator"))
        self.models.shelf.show_names()

    def _zoom(self, step: int) -> None:
        size = 100 if step == 0 else min(300, max(50, self.settings.text_size + step * ZOOM_STEP))
        self._on_settings(msgspec.structs.replace(self.settings, text_size=size))

    @Slot(object)
    def _on_settings(self, settings: Settings) -> None:
        if settings != self.settings:
            self.settings = settings
            self._apply_settings()
            self.memory.save_settings(settings)
            self.pages.update_settings(settings)

    def _apply_settings(self) -> None:
        self._translations.use(self.settings.interface_language)
        self._apply_theme()
        self.workspace.set_text_size(self.settings.text_size)
        self.live.while_typing = self.settings.while_typing
        self.live.pacer.pace = self.settings.pace
        kept = self.settings
        self.live.set_engine(kept.precision, shortlist=kept.shortlist, threads=kept.threads)
        self.live.set_idle_minutes(kept.idle_minutes)
        self.target.mark_doubtful(kept.mark_doubtful)
        self.live.set_options(DecodeOptions(beam_size=self.settings.beam_size or None))

    @Slot()
    def _apply_theme(self) -> None:
        application = QApplication.instance()
        if isinstance(application, QApplication):
            shades = style.apply_theme(application, self.settings.theme)
            self.workspace.set_shades(shades)
            self.commands.set_shades(shades)
            self.setWindowIcon(style.icon("translator", shades))

    def come_forward(self) -> None:
        """Show the window above others: a second start asks for it."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def _on_not_kept(self, error: Exception) -> None:
        self.strip.show_message(lambda: self.tr("Your text could not be saved for the next start: {0}").format(error))
