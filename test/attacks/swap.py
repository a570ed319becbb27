#!/usr/bin/env python3
"""Exchanges two names in a loop until it is ended, as a process in a sandbox can where it may write: swap.py ONE OTHER

Each exchange is one renameat2(RENAME_EXCHANGE): at no moment is either name missing. A name that is missing for now (it is being made, or
was just removed) is waited for. Prints "ready" once it runs.
"""
import ctypes
import os
import sys

AT_FDCWD = -100
RENAME_EXCHANGE = 2

libc = ctypes.CDLL(None, use_errno=True)
one, other = (os.fsencode(path) for path in sys.argv[1:3])
parent = os.getppid()
sys.stdout.write("ready\n")
sys.stdout.flush()
rounds = 0
while True:
    libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)
    rounds += 1
    # Whoever started it is gone: nobody will end it.
    if rounds % 4096 == 0 and os.getppid() != parent:
        break
