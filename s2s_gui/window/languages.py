"""The names of languages in the language of the interface; Qt only knows them in English and in their own."""

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QLocale

from s2s_gui.description import Direction, Language

NAMES = {
    "ar": QT_TRANSLATE_NOOP("Languages", "Arabic"),
    "bg": QT_TRANSLATE_NOOP("Languages", "Bulgarian"),
    "cs": QT_TRANSLATE_NOOP("Languages", "Czech"),
    "da": QT_TRANSLATE_NOOP("Languages", "Danish"),
    "de": QT_TRANSLATE_NOOP("Languages", "German"),
    "el": QT_TRANSLATE_NOOP("Languages", "Greek"),
    "en": QT_TRANSLATE_NOOP("Languages", "English"),
    "es": QT_TRANSLATE_NOOP("Languages", "Spanish"),
    "et": QT_TRANSLATE_NOOP("Languages", "Estonian"),
    "fi": QT_TRANSLATE_NOOP("Languages", "Finnish"),
    "fr": QT_TRANSLATE_NOOP("Languages", "French"),
    "he": QT_TRANSLATE_NOOP("Languages", "Hebrew"),
    "hi": QT_TRANSLATE_NOOP("Languages", "Hindi"),
    "hu": QT_TRANSLATE_NOOP("Languages", "Hungarian"),
    "id": QT_TRANSLATE_NOOP("Languages", "Indonesian"),
    "it": QT_TRANSLATE_NOOP("Languages", "Italian"),
    "ja": QT_TRANSLATE_NOOP("Languages", "Japanese"),
    "ko": QT_TRANSLATE_NOOP("Languages", "Korean"),
    "nl": QT_TRANSLATE_NOOP("Languages", "Dutch"),
    "no": QT_TRANSLATE_NOOP("Languages", "Norwegian"),
    "pl": QT_TRANSLATE_NOOP("Languages", "Polish"),
    "pt": QT_TRANSLATE_NOOP("Languages", "Portuguese"),
    "ro": QT_TRANSLATE_NOOP("Languages", "Romanian"),
    "ru": QT_TRANSLATE_NOOP("Languages", "Russian"),
    "sv": QT_TRANSLATE_NOOP("Languages", "Swedish"),
    "th": QT_TRANSLATE_NOOP("Languages", "Thai"),
    "tr": QT_TRANSLATE_NOOP("Languages", "Turkish"),
    "uk": QT_TRANSLATE_NOOP("Languages", "Ukrainian"),
    "vi": QT_TRANSLATE_NOOP("Languages", "Vietnamese"),
    "zh": QT_TRANSLATE_NOOP("Languages", "Chinese"),
}
SCRIPTS = {("zh", "Hant"): QT_TRANSLATE_NOOP("Languages", "Traditional Chinese")}


def name(language: Language) -> str:
    """Return the name of ``language`` for people; its own name where we have none."""
    known = SCRIPTS.get((language.code, language.script)) or NAMES.get(language.code)
    if known is not None:
        return QCoreApplication.translate("Languages", str(known))
    return QLocale(language.code).nativeLanguageName() or str(language)


def autonym(language: Language) -> str:
    """Return how the language calls itself."""
    return QLocale(str(language).replace("-", "_")).nativeLanguageName() or name(language)


def first_direction(directions: tuple[Direction, ...], kept: tuple[str, str], spoken: str) -> Direction:
    """Return the direction to begin with: the ``kept`` one, else one from the language ``spoken`` ("en"), else any."""
    known = next((each for each in directions if (str(each.source), str(each.target)) == kept), None)
    own = next((each for each in directions if each.source.code == spoken), None)
    return known or own or directions[0]


def spoken(interface: str) -> str:
    """Return the code of the user's language: Chinese where the interface is, else that of the desktop."""
    return "zh" if interface.startswith("zh") else QLocale.system().bcp47Name().partition("-")[0]


def direction_name(direction: Direction) -> str:
    """Return "Chinese → English" in the language of the interface."""
    return f"{name(direction.source)} → {name(direction.target)}"
