"""The names of languages in the language of the interface; Qt only knows them in English and in their own."""

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QLocale

from s2s_gui.description import Direction, Language, ModelCard

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
MOST_NAMED = 4
SCRIPTS = {("zh", "Hant"): QT_TRANSLATE_NOOP("Languages", "Traditional Chinese")}


def name(language: Language) -> str:
    """Return the name of ``language`` for people; its own name where we have none."""
    known = SCRIPTS.get((language.code, language.script)) or NAMES.get(language.code)
    if known is not None:
        return QCoreApplication.translate("Languages", str(known))
    return _own_name(language) or str(language)


def autonym(language: Language) -> str:
    """Return how the language calls itself."""
    return _own_name(language) or name(language)


def _own_name(language: Language) -> str:
    return QLocale(str(language).replace("-", "_")).nativeLanguageName()


def full_name(language: Language) -> str:
    """Return the name of ``language`` for people with its own name, where that is another."""
    ours, own = name(language), autonym(language)
    return ours if ours == own else f"{ours} ({own})"


def offer(card: ModelCard) -> str:
    """Return the directions of a model for people: one a line, and the languages that it has among each other."""
    lines = [f"{full_name(each.source)} → {full_name(each.target)}" for each in card.directions]
    if card.languages:
        lines.append(_among(card))
        lines.append(", ".join(full_name(tongue.language) for tongue in card.languages))
    return "\n".join(lines)


def short_offer(card: ModelCard) -> str:
    """Return the directions of a model for people in a few words."""
    parts = [direction_name(each) for each in card.directions[:MOST_NAMED]]
    if len(card.directions) > MOST_NAMED:
        parts.append("…")
    if card.languages:
        parts.append(_among(card))
    return ", ".join(parts)


def _among(card: ModelCard) -> str:
    text = QCoreApplication.translate("Languages", "from any of {0} languages to any other")
    return text.format(len(card.languages))


def first_direction(directions: tuple[Direction, ...], kept: tuple[str, str], spoken: str) -> Direction:
    """Return the direction to begin with: the ``kept`` one, else one from the language ``spoken`` ("en"), else any."""
    own = next((each for each in directions if each.source.code == spoken), None)
    return find(directions, kept) or own or directions[0]


def find(directions: tuple[Direction, ...], ends: tuple[str, str]) -> Direction | None:
    """Return the one of ``directions`` between two languages given as ``str(Language)``; a script may be missing."""
    first, last = (tag.partition("-")[0] for tag in ends)
    alike = [each for each in directions if each.source.code == first and each.target.code == last]
    exact = (each for each in alike if (str(each.source), str(each.target)) == ends)
    return next(exact, None) or next(iter(alike), None)


def spoken(interface: str) -> str:
    """Return the code of the user's language: Chinese where the interface is, else that of the desktop."""
    return "zh" if interface.startswith("zh") else QLocale.system().bcp47Name().partition("-")[0]


def direction_name(direction: Direction) -> str:
    """Return "Chinese → English" in the language of the interface."""
    return f"{name(direction.source)} → {name(direction.target)}"
