"""The language of the interface: loads the translations, ours and Qt's own, and switches them while running."""

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

from s2s_gui import paths
from s2s_gui.storage.settings import InterfaceLanguage

CHINESE = "zh_CN"


class Translations:
    """The installed translators; English is the source language and needs none."""

    def __init__(self, application: QApplication) -> None:
        self._application = application
        self._installed: list[QTranslator] = []
        self._language = "en"

    @property
    def language(self) -> str:
        """The language in use, "en" or "zh_CN"."""
        return self._language

    def use(self, wanted: InterfaceLanguage) -> None:
        """Switch to ``wanted``; every widget is told by an event."""
        language = system_language() if wanted == "system" else wanted
        if language == self._language:
            return
        self._language = language
        for translator in self._installed:
            self._application.removeTranslator(translator)
        self._installed.clear()
        if language != "en":
            ours = paths.shipped("resources") / "i18n" / f"s2s_{language}.qm"
            qt = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath) + f"/qtbase_{language}.qm"
            for file in (qt, str(ours)):
                translator = QTranslator(self._application)
                if translator.load(file):
                    self._application.installTranslator(translator)
                    self._installed.append(translator)


def system_language() -> str:
    """Return the interface language that suits the desktop: Simplified Chinese for Chinese, else English."""
    return CHINESE if QLocale.system().language() is QLocale.Language.Chinese else "en"
