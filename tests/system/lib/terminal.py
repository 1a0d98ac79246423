# SPDX-License-Identifier: MIT
"""What a program shows on a terminal."""
import os
import pty
import subprocess

from lib.case import SLOW, Skip


def on_terminal(argv, which=(2,), seconds=20):
    """Exit code, and what is shown on the terminal that standard output (1),
    standard error (2), or both are; what is not is thrown away."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        raise Skip('no terminal can be had: %s' % error) from error
    streams = [theirs if n in which else subprocess.DEVNULL for n in (1, 2)]
    with subprocess.Popen(argv, stdout=streams[0], stderr=streams[1]) as child:
        os.close(theirs)
        shown = b''
        try:
            while got := os.read(ours, 4096):
                shown += got
        except OSError:  # the terminal is gone
            pass
        os.close(ours)
        return child.wait(seconds * SLOW), shown
