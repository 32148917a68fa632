"""A keeper stands between the supervisor and one child, and ends the child's whole family when the supervisor is gone.

Run by path (`python -I -S keeper.py '{json}'`), standard library only, so that it starts in milliseconds and needs
nothing of Baton. Standard input is the read end of a pipe whose other end only the supervisor holds: end-of-file there,
for whatever reason, `kill -9` included, means stop. On Linux the keeper is also the reaper of its child's orphans
(PostgreSQL's backends leave the process group), and the child gets a parent-death signal in case the keeper itself is
killed. The keeper reports the child's process id on a second pipe; end-of-file there tells the supervisor that it is
over.
"""

import contextlib
import ctypes
import json
import os
import pwd
import select
import signal
import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

LINUX = sys.platform.startswith("linux")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
CLONE_NEWUSER = 0x10000000
COULD_NOT_START = 127


def prctl(option: int, value: int) -> None:
    """Set a Linux process attribute; elsewhere nothing happens."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def someone_ordinary() -> pwd.struct_passwd | None:
    """A user of this machine other than root: `nobody` where there is one."""
    ordinary = [user for user in pwd.getpwall() if user.pw_uid != 0]
    return next((user for user in ordinary if user.pw_name == "nobody"), ordinary[0] if ordinary else None)


def enter_user_namespace(inside: pwd.struct_passwd) -> None:
    """Go on as `inside` in a user namespace of our own: files stay ours, root's powers are left behind."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "This machine allows no user namespaces.")
    with contextlib.suppress(FileNotFoundError):
        Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{inside.pw_uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{inside.pw_gid} {gid} 1")


def become(identity: str) -> None:
    """Take on the identity a child runs under: `plain`, `namespace` (see above) or `uid:gid` (drop root for good)."""
    if identity == "namespace":
        user = someone_ordinary()
        if user is None:
            raise OSError("This machine knows no user but root.")
        enter_user_namespace(user)
    elif identity != "plain":
        uid, gid = map(int, identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def run_child(order: dict[str, Any], keeper: int) -> None:
    """Become the child; returns only by failing."""
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    become(order["identity"])
    prctl(PR_SET_PDEATHSIG, order["stop_signal"])
    if os.getppid() != keeper:
        os._exit(COULD_NOT_START)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.chdir(order["directory"])
    os.execvpe(order["command"][0], order["command"], order["environment"])  # noqa: S606


def descendants(ancestor: int, without: Collection[int] = ()) -> list[int]:
    """Every living process below `ancestor`, leaving out some and what is below them.

    Linux only; elsewhere none are found, and the process group has to do.
    """
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            # The command name stands in parentheses and may hold anything; the state and the parent follow it.
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state not in "ZX":
                children.setdefault(int(parent), []).append(int(stat.parent.name))
    found = [pid for pid in children.get(ancestor, []) if pid not in without]
    for pid in found:
        found += children.get(pid, [])
    return found


def strike(child: int, number: int, *, family: bool) -> None:
    """Send a signal to the child, or to it and everything it has started."""
    if not family:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child, number)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, number)
    for pid in descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def reap(child: int) -> tuple[int | None, bool]:
    """Collect the dead: the child's exit status if it is among them, and whether anyone is left."""
    status = None
    while True:
        try:
            pid, raw = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status, False
        if pid == 0:
            return status, True
        if pid == child:
            status = os.waitstatus_to_exitcode(raw)


def end_family(child: int, patience: float) -> None:
    """End whatever is left of the child's family: politely first, then for certain."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGQUIT, 0.5), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + seconds
        strike(child, number, family=True)
        while time.monotonic() < deadline:
            if not reap(child)[1] and not group_lives(child):
                return
            time.sleep(0.02)


def group_lives(group: int) -> bool:
    """Whether a process of this group exists; where there is no reaper of orphans, this is all we can ask."""
    if LINUX:
        return False
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def patience(order: dict[str, Any], asked: float) -> float:
    """Seconds the child still has to end by itself, having been asked to at `asked`.

    With the supervisor killed, the servers a child stands on are leaving too: no point in long good-byes. Its pipe
    closes a moment before it is gone, so this is asked again and again.
    """
    alone = os.getppid() != order["supervisor"]
    return asked + float(order["grace_alone"] if alone else order["grace"]) - time.monotonic()


def keep(child: int, order: dict[str, Any], woken: int) -> int:
    """Wait for the child to end or for the supervisor to say stop (end-of-file); the child's exit status."""
    asked: float | None = None
    watched = [0, woken]
    while True:
        wait = None if asked is None else min(0.2, max(0.0, patience(order, asked)))
        readable, _, _ = select.select(watched, [], [], wait)
        if woken in readable:
            os.read(woken, 512)
        status, _ = reap(child)
        if status is not None:
            end_family(child, 0.0 if asked is None else 0.5)
            return status
        if 0 in readable and not os.read(0, 512):
            watched = [woken]
            asked = time.monotonic()
            strike(child, order["stop_signal"], family=False)
        elif asked is not None and patience(order, asked) <= 0:
            end_family(child, 0.0)
            return -signal.SIGKILL


def main() -> None:
    order: dict[str, Any] = json.loads(sys.argv[1])
    order["environment"] = dict(os.environ)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    for inherited in order["inherited"]:
        os.set_inheritable(inherited, False)
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            run_child(order, keeper)
        except BaseException as failure:
            sys.stderr.write(f"{order['command'][0]} could not be started: {failure}\n")
            sys.stderr.flush()
        os._exit(COULD_NOT_START)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)
    os.write(order["report"], f"{child}\n".encode())
    status = keep(child, order, woken)
    os._exit(128 - status if status < 0 else status)


if __name__ == "__main__":
    main()
