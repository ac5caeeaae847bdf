"""The worker's own sentences in the language of the interface; the worker itself knows no Qt and speaks English."""

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

SENTENCES = (
    QT_TRANSLATE_NOOP("Worker", "Something went wrong inside the program. Your text is safe; please try again."),
    QT_TRANSLATE_NOOP("Worker", "The translation engine could not start, so nothing can be translated."),
    QT_TRANSLATE_NOOP("Worker", "The translation ended too early. Your text is safe; please try again."),
    QT_TRANSLATE_NOOP("Worker", "There was not enough memory. Close other programs or use a smaller model."),
)


def translated(sentence: str) -> str:
    """Return ``sentence`` in the language of the interface if it is one of the worker's own, else unchanged."""
    return QCoreApplication.translate("Worker", sentence)
