"""Names that foreign files give to languages and models, in this program's terms."""

import re

import langcodes

from s2s_gui.description import Direction, Language

# What langcodes does not know: codes of Argos, and the macro-language that everybody says for Mandarin.
OTHERS = {"zt": "zh-Hant", "pb": "pt-BR", "cmn": "zh", "no": "nb", "ns": "nso"}


def language(name: str) -> Language | None:
    """Return the language that "zho_Hans", "cmn", "pt_BR" or "eng" names, None if it is no language's code."""
    head, _, rest = name.strip().replace("_", "-").partition("-")
    known = OTHERS.get(head.lower(), head)
    try:
        found = langcodes.get(langcodes.standardize_tag(f"{known}-{rest}" if rest else known))
    except ValueError:  # LanguageTagError among them
        return None
    code = OTHERS.get(found.language or "", found.language or "")
    if not re.fullmatch("[a-z]{2,3}", code) or code == "und" or not found.is_valid():
        return None
    return Language(code, found.script or "", found.territory or "")


def directions_of(pair: str) -> tuple[Direction, ...]:
    """Return the direction that "enes", "en-es", "translate-en_es" or "opus-mt-en-zh" names at its end, or none."""
    parts = [part for part in re.split(r"[^A-Za-z]+", pair) if part]
    if parts and len(parts[-1]) == 4 and parts[-1].islower():
        parts[-1:] = [parts[-1][:2], parts[-1][2:]]
    if len(parts) < 2:
        return ()
    source, target = language(parts[-2]), language(parts[-1])
    return (Direction(source, target),) if source and target and source != target else ()


def card_id(name: str) -> str:
    """Return ``name`` as a model's id: letters, digits, dots, lines; at most 64 of them."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("._-")[:64].strip("._-") or "model"


def pair_of(name: str) -> tuple[Language, Language] | None:
    """Return the languages that a part of a file's name gives: "enes", "en-es", "opus-mt-en-es", "translate-en_es"."""
    match = re.fullmatch("(?:opus-mt-|translate-)?([a-z]{2,3})[-_]([a-z]{2,3})|([a-z]{2})([a-z]{2})", name)
    if match is None:
        return None
    source, target = (language(part) for part in match.groups() if part)
    return (source, target) if source and target and source != target else None


def tag_of(piece: str) -> Language | None:
    """Return the language that a target's tag names: ">>spa<<" (OPUS-MT) or "<2en>" (Johnson et al. 2017)."""
    match = re.fullmatch("\u2581?(?:>>(.+)<<|<2(.+)>)", piece)
    return language(match[1] or match[2]) if match else None


def is_tag(piece: str) -> bool:
    """Say whether a piece has the form of a target's tag, whatever language it names."""
    return re.fullmatch("\u2581?(>>.+<<|<2[a-z]{2,3}([-_][A-Za-z]+)*>)", piece) is not None
