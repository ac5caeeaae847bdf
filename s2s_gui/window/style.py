"""How the program looks: the light and the dark palette, the fonts, and icons tinted from the palette.

Everything uses palette roles; the only colours of our own are in ``Shades``, once for light and once for dark.
"""

from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QImage, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication, QStyleFactory

from s2s_gui import paths
from s2s_gui.storage.settings import Theme

PANE_SCALE = 1.15
ICON_PIXELS = 20
CHINESE_FONTS = ("Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC")


@dataclass(frozen=True, slots=True)
class Shades:
    """The colours of one theme; contrast with ``base`` is at least 4.5 for text and 3 for lines that mean something."""

    window: str
    base: str
    raised: str
    text: str
    tentative: str
    stale: str
    line: str
    accent: str
    on_accent: str
    warning: str


LIGHT = Shades(
    window="#f3f3f1",
    base="#ffffff",
    raised="#fafaf9",
    text="#1d1f21",
    tentative="#5a646d",
    stale="#737578",
    line="#d6d6d2",
    accent="#2a6a8c",
    on_accent="#ffffff",
    warning="#fdf3d8",
)
DARK = Shades(
    window="#232527",
    base="#1b1d1f",
    raised="#303336",
    text="#e6e7e8",
    tentative="#a9b3bb",
    stale="#8d9195",
    line="#3c4043",
    accent="#6cb2d6",
    on_accent="#10181d",
    warning="#453b1d",
)


def shades_for(theme: Theme) -> Shades:
    """Return the colours of ``theme``; "system" follows the desktop and is light where it says nothing."""
    if theme == "system":
        return DARK if QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark else LIGHT
    return DARK if theme == "dark" else LIGHT


def shades_of(palette: QPalette) -> Shades:
    """Return the colours that ``palette`` was made of."""
    return DARK if palette.color(QPalette.ColorRole.Window) == QColor(DARK.window) else LIGHT


def palette_of(shades: Shades) -> QPalette:
    """Return the whole palette, disabled and placeholder colours included."""
    role = QPalette.ColorRole
    palette = QPalette()
    for roles, colour in (
        ((role.Window,), shades.window),
        ((role.Base,), shades.base),
        ((role.AlternateBase, role.Button, role.Light, role.ToolTipBase), shades.raised),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.BrightText), shades.text),
        ((role.Mid, role.Midlight), shades.line),
        ((role.Dark,), shades.stale),
        ((role.Shadow,), shades.line),
        ((role.Highlight, role.Accent, role.Link, role.LinkVisited), shades.accent),
        ((role.HighlightedText,), shades.on_accent),
        ((role.PlaceholderText,), shades.stale),
    ):
        for each in roles:
            palette.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText):
        faint = QColor(shades.text)
        faint.setAlphaF(0.45)
        palette.setColor(QPalette.ColorGroup.Disabled, each, faint)
    return palette


def apply_theme(application: QApplication, theme: Theme) -> Shades:
    """Give the whole program the colours of ``theme`` and return them."""
    if application.style().name() != "fusion":
        application.setStyle(QStyleFactory.create("Fusion"))
    shades = shades_for(theme)
    application.setPalette(palette_of(shades))
    return shades


def text_colours(shades: Shades) -> tuple[QColor, QColor, QColor]:
    """Return the colours of settled, tentative and older text."""
    return QColor(shades.text), QColor(shades.tentative), QColor(shades.stale)


def interface_font(application: QApplication) -> QFont:
    """Return the system's font, with Simplified Chinese glyph forms preferred where it has no Han glyphs."""
    font = QFont(application.font())
    font.setFamilies([*font.families(), *CHINESE_FONTS])
    return font


def pane_font(text_size: int) -> QFont:
    """Return the font of the text panes at ``text_size`` percent."""
    font = QFont(QGuiApplication.font())
    font.setPointSizeF(max(5.0, font.pointSizeF() * PANE_SCALE * text_size / 100))
    return font


def icon(name: str, shades: Shades) -> QIcon:
    """Return the icon ``name`` in the colour of text, and fainter for a disabled button."""
    made = QIcon()
    faint = QColor(shades.text)
    faint.setAlphaF(0.4)
    for mode, colour in ((QIcon.Mode.Normal, QColor(shades.text)), (QIcon.Mode.Disabled, faint)):
        for scale in (1, 2, 3):
            made.addPixmap(_tinted(name, colour, scale), mode)
    return made


@cache
def _drawn(name: str, scale: int) -> QImage:
    """Return an icon as it was drawn, without colour; most are shown in two colours, and in more than one place."""
    content = (paths.shipped("resources") / "icons" / f"{name}.svg").read_bytes()
    image = QImage.fromData(content.replace(b'width="20" height="20"', _size(scale)))
    return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


def _tinted(name: str, colour: QColor, scale: int) -> QPixmap:
    image = QImage(_drawn(name, scale))
    painter = QPainter(image)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(QRectF(image.rect()), colour)
    painter.end()
    pixmap = QPixmap.fromImage(image)
    pixmap.setDevicePixelRatio(scale)
    return pixmap


def _size(scale: int) -> bytes:
    pixels = ICON_PIXELS * scale
    return f'width="{pixels}" height="{pixels}"'.encode()


def icon_size() -> QSize:
    """Return the size at which icons are drawn."""
    return QSize(ICON_PIXELS, ICON_PIXELS)
