"""``python -m s2s_gui``: opens the window, or runs the console command that is given."""

import sys

from s2s_gui.app import main

if __name__ == "__main__":
    sys.exit(main())
