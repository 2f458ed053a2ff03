"""The first administrator: made once, and let in again after a lost password."""

import sqlite3
from pathlib import Path

import pytest

from core.security import check_password
from onecall.cli import main


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONECALL_STATE", str(tmp_path))
    return tmp_path / "onecall.db"


def _printed_password(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.split()[-1]


def _user(database: Path) -> tuple[str, str, str, int]:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT name, password_hash, roles, disabled FROM user_account").fetchall()
    ((name, password_hash, roles, disabled),) = rows
    return name, password_hash, roles, disabled


def test_an_empty_installation_gets_an_administrator_who_can_sign_in_with_the_printed_password(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["administrator", "Chiara", "--name", "Chiara Rossi"]) == 0

    name, password_hash, roles, disabled = _user(database)
    assert (name, roles, disabled) == ("Chiara Rossi", '["administrator"]', 0)
    assert check_password(password_hash, _printed_password(capsys))


def test_a_known_login_gets_a_new_password_and_access_again_and_keeps_its_name_and_roles(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["administrator", "chiara", "--name", "Chiara Rossi"])
    lost = _printed_password(capsys)
    with sqlite3.connect(database) as connection:
        connection.execute("""UPDATE user_account SET disabled = 1, roles = '["supervisor"]'""")
        connection.execute(
            "INSERT INTO user_session (id, token_hash, user_id, csrf, created, expires, last_seen, address) "
            "SELECT 's', 't', id, 'c', '2026-01-01', '2099-01-01', '2026-01-01', 'a' FROM user_account"
        )

    assert main(["administrator", "chiara"]) == 0

    name, password_hash, roles, disabled = _user(database)
    assert (name, roles, disabled) == ("Chiara Rossi", '["supervisor", "administrator"]', 0)
    assert check_password(password_hash, _printed_password(capsys))
    assert not check_password(password_hash, lost)
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM user_session").fetchone() == (0,)


def test_a_login_that_nobody_could_type_is_refused_with_the_remedy(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["administrator", "chiara rossi"]) == 2
    assert "Use 2 to 80 letters" in capsys.readouterr().err
    assert not database.exists()
