"""All about models in the window, joined: the list, the page over the panes, adding, and what is done with one."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from s2s_gui.messages import Imported, ModelReady, Result
from s2s_gui.storage import library
from s2s_gui.storage.library import Installed
from s2s_gui.storage.session import Session
from s2s_gui.window.actions import Actions
from s2s_gui.window.chores import Chores
from s2s_gui.window.file_jobs import FileJobs
from s2s_gui.window.importing import Importing
from s2s_gui.window.live import LiveTranslation
from s2s_gui.window.memory import Memory
from s2s_gui.window.model_desk import ModelDesk
from s2s_gui.window.shelf import Shelf
from s2s_gui.window.workspace import Workspace

if TYPE_CHECKING:
    from s2s_gui.window.get_models_page import GetModelsPage
    from s2s_gui.window.models_page import ModelsPage
    from s2s_gui.window.watching import Watching

# A speed measured on fewer tokens than this says more about the beginning than about the model.
FEWEST_TOKENS = 20


class Models(QObject):
    """Owns the parts; ``text_arrived`` carries the path of a text among the files that came.

    The pages are made when they are first wanted: most starts need none, and the window should be there soon.
    """

    text_arrived = Signal(str)

    def __init__(
        self,
        live: LiveTranslation,
        workspace: Workspace,
        chores: Chores,
        memory: Memory,
        files: FileJobs,
        list_models: Callable[[], list[Installed]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._live = live
        self._workspace = workspace
        self._chores = chores
        self._memory = memory
        self.shelf = Shelf(live, workspace.bar, chores, list_models, self)
        self.importing = Importing(files, parent)
        self.desk = ModelDesk(files, chores, workspace.strip, self._on_changed, self)
        self._connect()

    @cached_property
    def page(self) -> "ModelsPage":
        """The page that lists the models."""
        from s2s_gui.window.models_page import ModelsPage

        page = ModelsPage(self._workspace)
        self._workspace.add_page(page)
        page.use_wanted.connect(self._on_use)
        page.verify_wanted.connect(self.desk.verify)
        page.rename_wanted.connect(self.desk.rename)
        page.remove_wanted.connect(self.desk.remove)
        page.open_folder_wanted.connect(self.desk.open_folder)
        page.import_file_wanted.connect(self.importing.ask_file)
        page.import_folder_wanted.connect(self.importing.ask_folder)
        page.get_models_wanted.connect(self.show_get_page)
        page.close_wanted.connect(self._workspace.show_panes)
        return page

    @cached_property
    def get_page(self) -> "GetModelsPage":
        """The page that says where models can be had."""
        from s2s_gui.window.get_models_page import GetModelsPage

        page = GetModelsPage(self._workspace)
        self._workspace.add_page(page)
        page.close_wanted.connect(self.show_page)
        return page

    @cached_property
    def watching(self) -> "Watching":
        """The watch over a folder, which the page of models to get can ask for."""
        from s2s_gui.window.watching import Watching

        return Watching(self.get_page, self.importing, self._chores, self._workspace.strip, self)

    def _connect(self) -> None:
        strip = self._workspace.strip
        self._workspace.bar.model_chosen.connect(self.shelf.use)
        self._workspace.files_dropped.connect(self.importing.take)
        self.shelf.listed.connect(self._show)
        self.shelf.offered.connect(self._name_panes)
        self.shelf.not_listed.connect(self._on_not_listed)
        self.importing.text_arrived.connect(self.text_arrived)
        self.importing.imported.connect(self._on_imported)
        self.importing.message.connect(strip.show_message)
        self._live.model_ready.connect(self._on_ready)
        self._live.finished.connect(self._on_finished)

    def connect_actions(self, actions: Actions) -> None:
        """Let the commands of the menu do what they say."""
        for name, function in (
            ("import_file", self.importing.ask_file),
            ("import_folder", self.importing.ask_folder),
            ("models", self.show_page),
            ("get_models", self.show_get_page),
        ):
            actions.connect_to(name, function)

    def begin(self, session: Session, spoken: str) -> None:
        """List the models and load one; what was removed before this start goes for good."""
        self._chores.run(library.empty_bin, lambda _: None, self._on_not_listed)
        self._memory.begin()
        self.shelf.begin(session, spoken)

    @Slot()
    def show_page(self) -> None:
        """Show the page of models, or the panes again where it is shown."""
        if self.page.isVisible():
            self._workspace.show_panes()
        else:
            self._show_entries()
            self.page.select(self._live.folder)
            self._workspace.show_page(self.page, self.page.list)

    @Slot()
    def show_get_page(self) -> None:
        """Show where models can be had, for the languages in use."""
        self.watching.watch  # noqa: B018  made with the page that asks for it
        self.get_page.show_direction(self._live.direction)
        self._workspace.show_page(self.get_page, self.get_page.source_box)

    @Slot()
    def _show(self) -> None:
        """Bring the page up to date where there is one."""
        if "page" in self.__dict__:
            self._show_entries()

    def _show_entries(self) -> None:
        self.page.show_entries(self.shelf.entries, self._memory.usage.models, self._live.folder)

    @Slot(str)
    def _on_use(self, key: str) -> None:
        self._workspace.show_panes()
        self.shelf.use(key)

    @Slot(object, bool)
    def _on_imported(self, update: Imported, is_wanted: bool) -> None:
        if update.was_there:
            name = update.card.name
            self._workspace.strip.show_message(lambda: self.tr("{0} is already here.").format(name))
        if is_wanted:
            self.shelf.refresh(lambda: self._on_use(update.folder))
        else:
            self.shelf.refresh()

    @Slot(object)
    def _on_ready(self, ready: ModelReady) -> None:
        self._memory.note_use(ready.folder)
        self._show()

    @Slot(object)
    def _on_finished(self, result: Result) -> None:
        if result.tokens >= FEWEST_TOKENS and result.seconds > 0:
            self._memory.note_use(self._live.folder, result.tokens / result.seconds)

    def _on_changed(self) -> None:
        self.shelf.refresh(self._replace_missing)

    def _replace_missing(self) -> None:
        """Go on with another model if the one in use was removed."""
        live = self._live
        usable = {entry.key for entry in self.shelf.usable()}
        if live.folder not in usable and live.loading_folder not in usable and live.direction is not None:
            found = self.shelf.choose("", (str(live.direction.source), str(live.direction.target)))
            if found is not None:
                self.shelf.use(found.key)

    @Slot()
    def _name_panes(self) -> None:
        self._workspace.name_panes(self._live.direction)

    @Slot(object)
    def _on_not_listed(self, error: Exception) -> None:
        self._workspace.strip.show_message(lambda: self.tr("The models could not be listed: {0}").format(error))
