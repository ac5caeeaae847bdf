"""Write an installed model in another program's format."""

from pathlib import Path

from s2s_gui.errors import ModelError
from s2s_gui.formats import bergamot, ctranslate2_export, hf_marian_export, marian, native
from s2s_gui.formats.written import whole_folder
from s2s_gui.manage.opening import described


def export(model: Path, form: str, folder: Path) -> Path:
    """Write the model at ``model`` to ``folder``, which must not exist; return it.

    Raises ``ModelError`` naming what the format cannot hold.
    """
    with described(model) as found:
        description = found.description
        if description is None or found.faults:
            raise ModelError(str(model), list(found.faults))
        if form == "ctranslate2":
            ctranslate2_export.write(description, folder)
        elif form == "hf-marian":
            hf_marian_export.write(description, folder)
        else:
            with whole_folder(folder) as aside:
                if form == "native":
                    native.write_description(description, aside / "model")
                    (aside / "model").replace(aside)
                elif form == "marian-npz":
                    marian.write(description, aside)
                else:
                    bergamot.write(description, aside, {})
    return folder
