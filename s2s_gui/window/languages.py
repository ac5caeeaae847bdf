"""The names of languages in the language of the interface; Qt only knows them in English and in their own."""

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, QLocale

from s2s_gui.description import Direction, Language, ModelCard

NAMES = {
    "ar": QT_TRANSLATE_NOOP("Languages", "Arabic"),
    "az": QT_TRANSLATE_NOOP("Languages", "Azerbaijani"),
    "be": QT_TRANSLATE_NOOP("Languages", "Belarusian"),
    "bg": QT_TRANSLATE_NOOP("Languages", "Bulgarian"),
    "bn": QT_TRANSLATE_NOOP("Languages", "Bengali"),
    "bs": QT_TRANSLATE_NOOP("Languages", "Bosnian"),
    "ca": QT_TRANSLATE_NOOP("Languages", "Catalan"),
    "cs": QT_TRANSLATE_NOOP("Languages", "Czech"),
    "da": QT_TRANSLATE_NOOP("Languages", "Danish"),
    "de": QT_TRANSLATE_NOOP("Languages", "German"),
    "el": QT_TRANSLATE_NOOP("Languages", "Greek"),
    "en": QT_TRANSLATE_NOOP("Languages", "English"),
    "es": QT_TRANSLATE_NOOP("Languages", "Spanish"),
    "et": QT_TRANSLATE_NOOP("Languages", "Estonian"),
    "fa": QT_TRANSLATE_NOOP("Languages", "Persian"),
    "fi": QT_TRANSLATE_NOOP("Languages", "Finnish"),
    "fr": QT_TRANSLATE_NOOP("Languages", "French"),
    "gu": QT_TRANSLATE_NOOP("Languages", "Gujarati"),
    "he": QT_TRANSLATE_NOOP("Languages", "Hebrew"),
    "hi": QT_TRANSLATE_NOOP("Languages", "Hindi"),
    "hr": QT_TRANSLATE_NOOP("Languages", "Croatian"),
    "hu": QT_TRANSLATE_NOOP("Languages", "Hungarian"),
    "id": QT_TRANSLATE_NOOP("Languages", "Indonesian"),
    "is": QT_TRANSLATE_NOOP("Languages", "Icelandic"),
    "it": QT_TRANSLATE_NOOP("Languages", "Italian"),
    "ja": QT_TRANSLATE_NOOP("Languages", "Japanese"),
    "kn": QT_TRANSLATE_NOOP("Languages", "Kannada"),
    "ko": QT_TRANSLATE_NOOP("Languages", "Korean"),
    "lt": QT_TRANSLATE_NOOP("Languages", "Lithuanian"),
    "lv": QT_TRANSLATE_NOOP("Languages", "Latvian"),
    "ml": QT_TRANSLATE_NOOP("Languages", "Malayalam"),
    "ms": QT_TRANSLATE_NOOP("Languages", "Malay"),
    "mt": QT_TRANSLATE_NOOP("Languages", "Maltese"),
    "nb": QT_TRANSLATE_NOOP("Languages", "Norwegian Bokmål"),
    "nl": QT_TRANSLATE_NOOP("Languages", "Dutch"),
    "nn": QT_TRANSLATE_NOOP("Languages", "Norwegian Nynorsk"),
    "no": QT_TRANSLATE_NOOP("Languages", "Norwegian"),
    "pl": QT_TRANSLATE_NOOP("Languages", "Polish"),
    "pt": QT_TRANSLATE_NOOP("Languages", "Portuguese"),
    "ro": QT_TRANSLATE_NOOP("Languages", "Romanian"),
    "ru": QT_TRANSLATE_NOOP("Languages", "Russian"),
    "sk": QT_TRANSLATE_NOOP("Languages", "Slovak"),
    "sl": QT_TRANSLATE_NOOP("Languages", "Slovenian"),
    "sq": QT_TRANSLATE_NOOP("Languages", "Albanian"),
    "sr": QT_TRANSLATE_NOOP("Languages", "Serbian"),
    "sv": QT_TRANSLATE_NOOP("Languages", "Swedish"),
    "ta": QT_TRANSLATE_NOOP("Languages", "Tamil"),
    "te": QT_TRANSLATE_NOOP("Languages", "Telugu"),
    "th": QT_TRANSLATE_NOOP("Languages", "Thai"),
    "tr": QT_TRANSLATE_NOOP("Languages", "Turkish"),
    "uk": QT_TRANSLATE_NOOP("Languages", "Ukrainian"),
    "vi": QT_TRANSLATE_NOOP("Languages", "Vietnamese"),
    "zh": QT_TRANSLATE_NOOP("Languages", "Chinese"),
}
MOST_NAMED = 4
# Qt would name the variety of one country: American English, español de España.
OWN_NAMES = {"en": "English", "es": "español"}
SCRIPTS = {
    ("zh", "Hant"): QT_TRANSLATE_NOOP("Languages", "Traditional Chinese"),
    ("und", ""): QT_TRANSLATE_NOOP("Languages", "an unknown language"),
}


def name(language: Language) -> str:
    """Return the name of ``language`` for people: ours, else Qt's English one, which any font can show."""
    known = SCRIPTS.get((language.code, language.script)) or NAMES.get(language.code)
    if known is not None:
        return QCoreApplication.translate("Languages", str(known))
    code = QLocale.codeToLanguage(language.code)
    if code is QLocale.Language.AnyLanguage:
        return str(language)
    plain = QLocale.languageToString(code)
    details = [QLocale.scriptToString(QLocale.codeToScript(language.script))] if language.script else []
    details += [language.region] if language.region else []
    return f"{plain} ({', '.join(details)})" if details else plain


def autonym(language: Language) -> str:
    """Return how the language calls itself."""
    return _own_name(language) or name(language)


def _own_name(language: Language) -> str:
    if str(language) in OWN_NAMES:
        return OWN_NAMES[str(language)]
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
        lines.append(", ".join(sorted((name(tongue.language) for tongue in card.languages), key=str.casefold)))
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
