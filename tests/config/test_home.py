"""The supervisor and the servers at home, with real processes and real kills."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.home import demo, lodging, postgres, testing, valkey
from config.home.children import Child, HomeError, Running
from config.home.keeper import descendants
from config.home.servers import hold
from config.home.supervisor import Supervisor
from tests.config.conftest import CHECKOUT, House, eventually, marked

ADDRESSES = {"DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "PORT", "STATIC_ROOT"}

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")


@linux
class TestTheSupervisor:
    def test_ends_every_family_on_ctrl_c(self, house: House) -> None:
        house.open(house.family("web"), house.family("worker"))
        eventually(lambda: len(house.members()) == 6)
        house.process.send_signal(signal.SIGINT)
        assert house.process.wait(timeout=60) == 0
        assert not house.members()
        assert not house.keepers()

    def test_leaves_nothing_behind_when_it_is_killed(self, house: House) -> None:
        house.open(house.family("web"), house.family("worker", grace=60.0))
        eventually(lambda: len(house.members()) == 6)
        house.process.kill()
        eventually(lambda: not house.members() and not house.keepers())

    def test_brings_back_a_child_that_dies_and_ends_the_family_it_left(self, house: House) -> None:
        house.open(house.family("web"))
        former = eventually(lambda: len(house.members()) == 3 and house.members())
        os.kill(min(former), signal.SIGKILL)
        house.hear("web was ended by SIGKILL; starting it again.")
        present = eventually(lambda: len(house.members() - former) == 3 and house.members())
        assert not present & former

    def test_leaves_the_other_children_alone_when_one_dies(self, house: House) -> None:
        house.open(house.family("web"), house.family("clock"))
        clock = eventually(lambda: len(house.members("clock")) == 3 and house.members("clock"))
        os.kill(min(eventually(lambda: len(house.members("web")) == 3 and house.members("web"))), signal.SIGKILL)
        house.hear("starting it again")
        assert house.members("clock") == clock

    def test_heals_when_a_keeper_is_killed(self, house: House) -> None:
        house.open(house.family("web"))
        former = eventually(lambda: len(house.members()) == 3 and house.members())
        os.kill(house.keepers().pop(), signal.SIGKILL)
        house.hear("starting it again")
        present = eventually(lambda: len(house.members() - former) == 3 and house.members() - former)
        assert len(house.keepers()) == 1
        eventually(lambda: house.members() == present)

    def test_waits_longer_each_time_a_child_dies_young(self, house: House) -> None:
        house.open({"name": "worker", "command": [sys.executable, "-c", f"# {house.mark}"]})
        house.hear("worker ended with status 0; starting it again in 1.0 s.")
        assert house.said.count("worker ended with status 0; starting it again.") == 2

    def test_stops_the_foundations_last(self, house: House, tmp_path: Path) -> None:
        told = tmp_path / "told"
        tell = f"""
import pathlib, signal, sys, time
def end(*_):
    with open({str(told)!r}, "a") as file: file.write(sys.argv[1] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, end)
pathlib.Path({str(tmp_path)!r}, sys.argv[1]).touch()
time.sleep(300)
"""
        child = {"command": [sys.executable, "-c", tell, "postgres", house.mark]}
        other = {"command": [sys.executable, "-c", tell, "web", house.mark]}
        house.open({"name": "postgres", "foundation": True, **child}, {"name": "web", **other})
        eventually(lambda: (tmp_path / "postgres").exists() and (tmp_path / "web").exists())
        house.process.terminate()
        assert house.process.wait(timeout=60) == 0
        assert told.read_text().split() == ["web", "postgres"]

    def test_says_why_a_child_did_not_start(self, tmp_path: Path) -> None:
        supervisor = Supervisor(print)
        command = [sys.executable, "-c", "import sys; sys.exit('no such luck')"]
        with pytest.raises(HomeError, match=r"(?s)web ended with status 1 at once.*no such luck"):
            supervisor.start(Child("web", command, log=tmp_path / "web.log"), ready=lambda: False)

    def test_says_why_a_program_that_is_not_there_did_not_start(self, tmp_path: Path) -> None:
        supervisor = Supervisor(print)
        with pytest.raises(HomeError, match=r"(?s)status 127.*/nowhere/web could not be started"):
            supervisor.start(Child("web", ["/nowhere/web"], log=tmp_path / "web.log"), ready=lambda: False)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor(print)
    yield supervisor
    supervisor.stop()


def start(supervisor: Supervisor, home: Path, *, durable: bool = False) -> postgres.Postgres:
    server = postgres.prepare(home, durable=durable)
    supervisor.start(server.child, server.ready)
    return server


@pytest.mark.database
class TestPostgres:
    def test_listens_on_a_socket_that_only_its_owner_can_open(self, supervisor: Supervisor, home: Path) -> None:
        server = start(supervisor, home)
        with psycopg.connect(server.url("postgres")) as connection:
            shown = [connection.execute(f"SHOW {name}").fetchone() for name in ("listen_addresses", "timezone")]
            lowered = connection.execute("SELECT lower('ÄÉ'), current_setting('server_encoding')").fetchone()
        assert shown == [("",), ("UTC",)]
        assert lowered == ("äé", "UTF8")
        assert server.sockets.stat().st_mode & 0o777 == 0o700

    def test_makes_a_database_once(self, supervisor: Supervisor, home: Path) -> None:
        server = start(supervisor, home)
        server.ensure_database("baton")
        server.ensure_database("baton")
        psycopg.connect(server.url("baton")).close()

    def test_lives_under_a_path_too_long_for_a_socket(self, supervisor: Supervisor, tmp_path: Path) -> None:
        home = tmp_path / ("a" * 110)
        start(supervisor, home)
        supervisor.stop()
        lodging.forget(home)

    def test_takes_back_a_directory_that_was_opened_to_others(self, supervisor: Supervisor, home: Path) -> None:
        server = postgres.prepare(home, durable=False)
        server.data.chmod(0o755)
        again = postgres.prepare(home, durable=False)
        supervisor.start(again.child, again.ready)

    @pytest.mark.parametrize("whose", ["a zombie", "a stranger"])
    def test_starts_over_the_locks_of_a_process_that_is_no_server(
        self, whose: str, supervisor: Supervisor, home: Path
    ) -> None:
        server = postgres.prepare(home, durable=False)
        with subprocess.Popen([sys.executable, "-c", ""]) as process:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            pid = process.pid if whose == "a zombie" else os.getpid()
            (server.data / "postmaster.pid").write_text(f"{pid}\n{server.data}\n0\n5432\n{server.sockets}\n\n")
            (server.sockets / f"{postgres.SOCKET}.lock").write_text(f"{pid}\n{server.data}\n0\n5432\n")
            (server.sockets / postgres.SOCKET).touch()
            supervisor.start(server.child, server.ready)

    @linux
    def test_ends_the_server_an_earlier_life_left_running(self, supervisor: Supervisor, home: Path) -> None:
        server = postgres.prepare(home, durable=False)
        earlier = Running(server.child, ())
        eventually(server.ready)
        supervisor.start(server.child, server.ready)
        while earlier.hear():
            pass
        assert earlier.bury() == 0
        assert server.ready()

    def test_comes_back_with_its_data_when_it_is_killed(self, supervisor: Supervisor, home: Path) -> None:
        server = start(supervisor, home, durable=True)
        with psycopg.connect(server.url("postgres")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1")
        os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        wait = f"""
import psycopg, time
while True:
    try:
        with psycopg.connect({server.url("postgres")!r}) as connection:
            connection.execute("INSERT INTO kept VALUES (2)")
            break
    except psycopg.OperationalError:
        time.sleep(0.05)
"""
        eventually(lambda: not server.ready())
        assert supervisor.run(Child("wait", [sys.executable, "-c", wait])) == 0

    def test_names_the_way_out_of_data_of_another_version(self, home: Path) -> None:
        (home / "postgres").mkdir()
        (home / "postgres" / "PG_VERSION").write_text("9\n")
        with pytest.raises(HomeError, match="made by PostgreSQL 9.*BATON_PG_BIN.*make clean-demo"):
            postgres.prepare(home, durable=False)

    def test_uses_what_baton_pg_bin_names_or_nothing(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BATON_PG_BIN", str(home))
        with pytest.raises(HomeError, match="BATON_PG_BIN"):
            postgres.prepare(home, durable=False)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
    def test_runs_as_nobody_where_root_may_open_no_namespace(
        self, supervisor: Supervisor, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        possible = lodging.can_run
        monkeypatch.setattr(lodging, "can_run", lambda who, *rest: who != "namespace" and possible(who, *rest))
        server = start(supervisor, home)
        assert server.data.stat().st_uid != 0
        assert (home / "postgres").is_symlink()
        supervisor.stop()
        lodging.forget(home)
        assert not server.data.exists()


class TestValkey:
    def test_answers_whoever_knows_the_password_and_keeps_nothing(self, supervisor: Supervisor, home: Path) -> None:
        server = valkey.start(supervisor, home)
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as stranger:
            stranger.sendall(b"PING\r\n")
            assert stranger.recv(64).startswith(b"-NOAUTH")
        assert server.ready()
        supervisor.stop()
        assert [file.name for file in server.directory.iterdir()] == ["valkey.conf"]


class TestTheDemo:
    def test_names_the_way_out_of_a_busy_port(self) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            with pytest.raises(HomeError, match=f"Port {port} .* make demo PORT={port + 1}"):
                demo.check_port(port)

    def test_runs_once_in_a_directory(self, home: Path) -> None:
        taken = demo.take_home(home)
        with pytest.raises(HomeError, match=f"already runs in this directory .process {os.getpid()}."):
            demo.take_home(home)
        os.close(taken)
        os.close(demo.take_home(home))

    def test_keeps_its_secret(self, home: Path) -> None:
        secret = demo.secret_key(home)
        assert len(secret) > 50
        assert demo.secret_key(home) == secret
        assert (home / "secret_key").stat().st_mode & 0o777 == 0o600

    def test_shows_no_password_of_a_mail_server(self) -> None:
        assert demo.mail_place("smtp+tls://baton:secret@mail.example.com:587") == "smtp+tls://mail.example.com"
        assert demo.mail_place("mailsink:///srv/mail") == "/srv/mail"


class TestTheTestRun:
    def test_leaves_out_the_browser_where_there_is_none(self) -> None:
        assert testing.pytest_command(["-m", "slow"], with_browser=False)[-1] == "(slow) and not browser"
        assert testing.pytest_command(["-n0"], with_browser=False)[-2:] == ["-m", "not browser"]
        assert testing.pytest_command(["-n0"], with_browser=True)[-1] == "-n0"

    def test_compiles_once_for_all_its_processes(self) -> None:
        asked = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/nowhere"}
        told = subprocess.run(
            [sys.executable, "-c", "import sys; print(sys.dont_write_bytecode, sys.pycache_prefix)"],
            env=os.environ | asked | testing.bytecode(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert told == ["False", str(CHECKOUT / "var" / "pycache")]

    def test_sweeps_up_after_runs_that_were_killed(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(testing.tempfile, "gettempdir", lambda: str(home))
        killed, running = home / f"{testing.PREFIX}killed", home / f"{testing.PREFIX}running"
        killed.mkdir()
        running.mkdir()
        taken = hold(running / "lock")
        testing.sweep()
        assert taken is not None
        assert not killed.exists()
        assert running.exists()
        os.close(taken)


@linux
@pytest.mark.slow
@pytest.mark.timeout(900)
class TestTheWholeDemo:
    def test_serves_survives_kills_and_keeps_its_data(self, home: Path) -> None:
        port = valkey.free_port()
        first = Demo(home, port)
        try:
            known = first.wait_until_up()
            assert {user["role"] for user in known["users"]} >= {"rep", "manager"}
            assert (home / "demo.json").stat().st_mode & 0o777 == 0o600
            for name in ("valkey", "postgres", "web", "worker", "clock"):
                os.kill(first.child(name), signal.SIGKILL)
                first.hear(f"{name} was ended by SIGKILL; starting it again.")
            eventually(lambda: demo.answers(known["url"]) and len(first.children()) == 5, within=240)
        finally:
            first.process.kill()
            first.process.wait()
        eventually(lambda: not marked(str(home)) and not marked(f"127.0.0.1:{port}"))
        (home / "demo.json").unlink()

        second = Demo(home, port)
        try:
            again = second.wait_until_up()
        finally:
            second.process.send_signal(signal.SIGINT)
            assert second.process.wait(timeout=60) == 0
        assert again["users"] == known["users"]
        assert again["write_key"] == known["write_key"]
        assert again["api_key"] != known["api_key"]
        assert "Living" not in second.said()
        assert not marked(str(home))
        assert not (home / "demo.json").exists()


class Demo:
    """A demo in a process of its own, with a home and a port of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.log = home / "said"
        environment = {name: value for name, value in os.environ.items() if name not in ADDRESSES}
        environment["STATIC_ROOT"] = str(home / "static")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.home.demo", "--home", str(home), "--port", str(port)],
                cwd=CHECKOUT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def said(self) -> str:
        return self.log.read_text()

    def hear(self, words: str) -> None:
        eventually(lambda: words in self.said())

    def wait_until_up(self) -> dict[str, Any]:
        def up() -> bool:
            assert self.process.poll() is None, self.said()
            return (self.home / "demo.json").exists()

        eventually(up, within=240)
        known: dict[str, Any] = json.loads((self.home / "demo.json").read_text())
        return known

    def children(self) -> dict[str, int]:
        """What its keepers keep: {program: pid}."""
        programs = {"valkey-server": "valkey", "bin/postgres": "postgres", "gunicorn": "web", "celery": "worker"}
        programs["runclock"] = "clock"
        found = {}
        for keeper in descendants(self.process.pid):
            for child in descendants(keeper):
                try:
                    command = Path(f"/proc/{child}/cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue  # it ended between the two looks: PostgreSQL's servants come and go
                if "keeper.py" not in command:
                    found |= {
                        name: child for program, name in programs.items() if program in command and name not in found
                    }
        return found

    def child(self, name: str) -> int:
        return int(eventually(lambda: self.children().get(name)))
