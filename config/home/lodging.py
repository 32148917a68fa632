"""Who runs PostgreSQL at home, and where its files lie.

PostgreSQL refuses to run as root. Under root it lives in a user namespace (its files stay where they are, and root's),
or, where the machine allows none, as `nobody` under /var/tmp with a link from the home directory.
"""

import contextlib
import hashlib
import os
import pwd
import shutil
import tempfile
from pathlib import Path

from config.home.binaries import Binaries
from config.home.children import Child, HomeError, complete
from config.home.keeper import someone_ordinary

AWAY = Path("/var/tmp")  # noqa: S108


def can_run(identity: str, binaries: Binaries, place: Path) -> bool:
    """Whether somebody of this identity can write in a place and run these programs."""
    question = 'test -w "$1" && test -x "$1" && exec "$2" --version'
    command = ["/bin/sh", "-c", question, "sh", str(place), binaries["postgres"]]
    return complete(Child("probe", command, directory=Path("/"), identity=identity, log=Path(os.devnull))) == 0


def short_name(home: Path) -> str:
    """A name for this home that is short, its own, and the same each time."""
    return f"baton-{hashlib.sha256(f'{home.resolve()}:{os.geteuid()}'.encode()).hexdigest()[:10]}"


def own_directory(path: Path, uid: int, gid: int) -> Path:
    """A directory that only `uid` can enter. Where somebody else was there first, another name is taken."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700, parents=True)
    if path.is_symlink() or path.stat().st_uid not in (uid, os.geteuid()):
        path = Path(tempfile.mkdtemp(prefix="baton-"))
    path.chmod(0o700)
    if path.stat().st_uid != uid:
        os.chown(path, uid, gid)
    return path


def settle(home: Path, binaries: Binaries) -> tuple[str, Path, Binaries]:
    """Decide who runs the server and where its files lie: (identity, base directory, programs)."""
    home.mkdir(parents=True, exist_ok=True)
    cluster = home / "postgres"
    place = cluster if cluster.exists() else home
    if os.geteuid():
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            # initdb asks for the name of who runs it; a namespace lends one to a user who has none.
            if can_run("namespace", binaries, place):
                return "namespace", home, binaries
            if place is home:
                raise HomeError(
                    "PostgreSQL wants to know the name of the user it runs for; this one has none in /etc/passwd, and "
                    "this machine allows no user namespace to lend one. Run as another user, or set DATABASE_URL."
                ) from None
        return "plain", home, binaries
    if can_run("namespace", binaries, place):
        return "namespace", home, binaries
    return drop_root(home, binaries)


def drop_root(home: Path, binaries: Binaries) -> tuple[str, Path, Binaries]:
    """Root without namespaces: the files go to an ordinary user in a place that user can reach."""
    cluster = home / "postgres"
    if cluster.exists() and cluster.stat().st_uid:
        owner, away = cluster.stat(), cluster.resolve().parent
        uid, gid = owner.st_uid, owner.st_gid
    else:
        user = someone_ordinary()
        if user is None:
            raise HomeError("PostgreSQL refuses to run as root, and this machine has no other user. Set DATABASE_URL.")
        uid, gid = user.pw_uid, user.pw_gid
        away = own_directory(AWAY / short_name(home), uid, gid)
        link_away(cluster, away / "postgres")
    identity = f"{uid}:{gid}"
    if not can_run(identity, binaries, away):
        binaries = copy_binaries(binaries, AWAY / f"{short_name(binaries.directory)}-{binaries.major}")
    if not can_run(identity, binaries, away):
        raise HomeError(
            "PostgreSQL refuses to run as root, and here root can neither open a user namespace nor drop to another "
            "user. Run this as an ordinary user, or set DATABASE_URL."
        )
    return identity, away, binaries


def link_away(cluster: Path, target: Path) -> None:
    """Leave a link where the data would have been; data root once made there in a namespace is carried along."""
    if cluster.is_symlink():
        cluster.unlink()
    elif cluster.exists():
        shutil.move(cluster, target)
        owner = target.parent.stat()
        for path in (target, *target.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    cluster.symlink_to(target)


def copy_binaries(binaries: Binaries, target: Path) -> Binaries:
    """Copy the programs with their libraries to where an ordinary user can reach them."""
    root = binaries.directory.parent
    libraries = root.parent.with_suffix(".libs")
    target = own_directory(target, os.geteuid(), os.getegid())
    copy = target / root.parent.name / root.name
    if not (target / "whole").exists():
        shutil.copytree(root, copy, symlinks=True, dirs_exist_ok=True)
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name, symlinks=True, dirs_exist_ok=True)
        (target / "whole").touch()
    for directory in (target, copy.parent):
        directory.chmod(0o755)
    return Binaries(copy / "bin", binaries.major)


def forget(home: Path) -> None:
    """Remove the cluster of a home, wherever it lies, and the directory of its socket."""
    cluster = home / "postgres"
    if cluster.is_symlink() and cluster.resolve().parent.name == short_name(home):
        shutil.rmtree(cluster.resolve().parent, ignore_errors=True)
        cluster.unlink()
    shutil.rmtree(Path("/tmp") / short_name(home), ignore_errors=True)  # noqa: S108
