"""The errors a user can meet, each one plain sentence: what is wrong, with what, and what to do.

Deep code raises them with the facts; the console, the worker and the window show ``str(error)``. Anything else that
is raised is a fault of the program.

    TranslatorError
    |-- ModelError        a model file that cannot be used
    |-- ExportError       a model that a format cannot hold
    |-- RecipeError       a training recipe or its corpora that cannot be used
    |-- RequestError      a request that the loaded model cannot serve
    `-- MissingExtra      a feature whose optional packages are not installed
"""


class TranslatorError(Exception):
    """A failure that the user can understand and act on; ``str`` is the whole message."""


class ModelError(TranslatorError):
    """A model folder that cannot be opened; ``faults`` lists everything that is wrong with it, one sentence each."""

    def __init__(self, where: str, faults: list[str]) -> None:
        self.where = where
        self.faults = tuple(faults)
        listed = faults[0] if len(faults) == 1 else "".join(f"\n  - {fault}" for fault in faults)
        super().__init__(f"The model {where} cannot be opened: {listed}")


class ExportError(TranslatorError):
    """A model that cannot be written in a format; ``faults`` lists everything that it cannot hold."""

    def __init__(self, name: str, form: str, faults: tuple[str, ...]) -> None:
        self.faults = faults
        listed = faults[0] if len(faults) == 1 else "".join(f"\n  - {fault}" for fault in faults)
        super().__init__(f"The model {name} cannot be written as {form}: {listed}")


class RecipeError(TranslatorError):
    """A recipe or corpus that training cannot use."""


class RequestError(TranslatorError):
    """A request that does not fit the loaded model, such as a direction it does not have."""


class MissingExtra(TranslatorError):
    """A feature whose optional packages are absent; the message says what to install."""
