"""The session: the text comes back, also when the process is killed while it writes."""

import os
import signal
import subprocess
import sys

from s2s_gui.storage import session
from s2s_gui.storage.session import Session

WRITE_FOR_EVER = """
from s2s_gui.storage import session
number = 0
while True:
    number += 1
    session.write(session.Session(text=f"{number} " + "text " * 50_000 + f"{number}"))
    if number == 3:
        print("ready", flush=True)
"""


def test_what_is_written_comes_back() -> None:
    kept = Session(
        text="今天\n\n hello\t\u00a0", translation="x", source="zh-Hans", target="en", model="/m", splitter=(3, 4)
    )
    session.write(kept)
    assert session.read() == kept


def test_a_broken_session_is_set_aside_and_the_program_starts() -> None:
    session.path().parent.mkdir(parents=True)
    session.path().write_text("{broken")
    assert session.read() == Session()
    assert [each.read_text() for each in session.path().parent.iterdir()] == ["{broken"]


def test_a_kill_in_the_middle_of_writing_leaves_a_whole_file() -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER], stdout=subprocess.PIPE, env=dict(os.environ))
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    first, *_, last = session.read().text.split()
    assert first == last
    assert int(first) >= 3
