"""The windows beside the main one, settings and help: made when first asked for, then kept."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from s2s_gui.storage.settings import Settings
from s2s_gui.window.actions import Actions

if TYPE_CHECKING:
    from s2s_gui.window.help_page import HelpPage
    from s2s_gui.window.settings_page import SettingsPage


class Pages(QObject):
    """Shows the pages; ``settings_changed`` carries the new settings."""

    settings_changed = Signal(object)

    def __init__(self, actions: Actions, parent: QWidget) -> None:
        super().__init__(parent)
        self._actions = actions
        self._window = parent
        self.settings: SettingsPage | None = None
        self.help: HelpPage | None = None

    def show_settings(self, settings: Settings) -> None:
        """Show the settings window with ``settings``."""
        if self.settings is None:
            # Imported here, as the help is below, so that the main window is there sooner.
            from s2s_gui.window.settings_page import SettingsPage

            self.settings = SettingsPage(settings, self._window)
            self.settings.changed.connect(self.settings_changed)
        self.settings.show_settings(settings)
        _show(self.settings)

    def update_settings(self, settings: Settings) -> None:
        """Let an open settings window show what was changed elsewhere."""
        if self.settings is not None:
            self.settings.show_settings(settings)

    def show_help(self) -> None:
        """Show the help window."""
        if self.help is None:
            from s2s_gui.window.help_page import HelpPage

            self.help = HelpPage(self._actions, self._window)
        _show(self.help)


def _show(page: QWidget) -> None:
    if page.isVisible():
        page.raise_()
    page.show()
    page.activateWindow()
