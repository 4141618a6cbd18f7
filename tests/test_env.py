"""Settings come from the environment, and an error names the variable."""

from pathlib import Path

import pytest

from rlmlab.env import BadEnvironment, default_data_dir, read_environment


def test_defaults_listen_on_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RLMLAB_DATA_DIR")
    env = read_environment()
    assert (env.host, env.port, env.data_dir) == ("127.0.0.1", 8000, default_data_dir())


def test_data_of_root_and_of_others_lie_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/rlmlab")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ada")
    assert default_data_dir() == Path("/home/ada/.local/share/rlmlab")


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLMLAB_ALLOWED_HOSTS", "lab.example, other.example")
    assert read_environment().allowed_hosts == ("lab.example", "other.example")


def test_the_usual_names_of_the_servers_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ada@db/lab")
    monkeypatch.setenv("REDIS_URL", "redis://broker")
    env = read_environment()
    assert (env.database_url, env.redis_url) == ("postgresql://ada@db/lab", "redis://broker")


def test_an_empty_variable_is_one_that_nobody_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RLMLAB_DATA_DIR", "RLMLAB_PORT", "DATABASE_URL"):
        monkeypatch.setenv(name, "")
    env = read_environment()
    assert (env.data_dir, env.port, env.database_url) == (default_data_dir(), 8000, None)


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLMLAB_PORT", "70000")
    monkeypatch.setenv("RLMLAB_WORKER_RUNS", "many")
    monkeypatch.setenv("REDIS_URL", "broker:6379")
    with pytest.raises(BadEnvironment) as caught:
        read_environment()
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["RLMLAB_PORT", "REDIS_URL", "RLMLAB_WORKER_RUNS"]
    assert "70000" in lines[0]


@pytest.mark.parametrize("url", ["amqp://lab:hush@rabbit//", "amqps://rabbit:5671/lab", "redis://broker/0"])
def test_broker_may_be_rabbitmq_or_redis(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("RLMLAB_BROKER_URL", url)
    env = read_environment()
    assert env.broker_url == url
    assert url not in repr(env)


def test_wrong_broker_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLMLAB_BROKER_URL", "kafka://lab:hush@broker")
    with pytest.raises(BadEnvironment, match="RLMLAB_BROKER_URL") as caught:
        read_environment()
    assert "hush" not in str(caught.value)


KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def test_encryption_keys_are_kept_in_order_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLMLAB_ENCRYPTION_KEYS", f"{KEY}, {KEY}")
    env = read_environment()
    assert env.encryption_keys == (KEY, KEY)
    assert KEY not in repr(env)


@pytest.mark.parametrize("wrong", ["hunter2", KEY[:-4], "kéy", KEY.replace("M", "é")])
def test_a_wrong_encryption_key_is_told_without_its_text(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("RLMLAB_ENCRYPTION_KEYS", f"{KEY},{wrong}")
    with pytest.raises(BadEnvironment) as caught:
        read_environment()
    told = str(caught.value)
    assert told.startswith("RLMLAB_ENCRYPTION_KEYS: ")
    assert told.endswith("key 2 is not a Fernet key: 32 bytes in URL-safe base64")
    assert wrong not in told
