"""The bot token: read from a file that changes under us, and never shown."""

from __future__ import annotations

import copy
import os
import pickle
import traceback
from pathlib import Path

import pytest

from gateway.errors import ConfigInvalid
from gateway.telegram.token import BotToken, TokenSource, from_file, from_value


@pytest.fixture
def file(tmp_path: Path, token: str) -> Path:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text(token + "\n")
    return path


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def source(file: Path, problems: list[str]) -> TokenSource:
    return from_file(file, problems.append)


def replace(path: Path, content: str) -> None:
    new = path.with_suffix(".new")
    new.touch(0o600)
    new.write_text(content)
    new.replace(path)


def test_the_line_end_of_the_file_is_no_part_of_the_token(source: TokenSource, token: str) -> None:
    assert source.read().reveal() == token
    assert source.read().bot_id == 123456789


def test_a_file_rewritten_in_place_is_followed(source: TokenSource, file: Path, new_token: str) -> None:
    before = source.read()
    file.write_text(new_token)
    assert source.read().reveal() == new_token
    assert source.read().version == before.version + 1


def test_two_rewrites_of_the_same_length_in_one_moment_are_both_seen(
    source: TokenSource, file: Path, token: str, new_token: str
) -> None:
    for content in (new_token.ljust(len(token)), token, new_token.ljust(len(token)), token) * 20:
        file.write_text(content)
        assert source.read().reveal() == content.strip()


def test_a_file_replaced_by_a_rename_is_followed(source: TokenSource, file: Path, new_token: str) -> None:
    replace(file, new_token)
    assert source.read().reveal() == new_token


def test_a_swapped_symbolic_link_is_followed(tmp_path: Path, token: str, new_token: str) -> None:
    for name, content in (("first", token), ("second", new_token)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "token").touch(0o440)
        (tmp_path / name / "token").write_text(content)
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "token").symlink_to("..data/token")
    source = from_file(tmp_path / "token")
    assert source.read().reveal() == token
    (tmp_path / "..data_tmp").symlink_to("second")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    assert source.read().reveal() == new_token


def test_the_same_token_written_again_is_the_same_version(source: TokenSource, file: Path, token: str) -> None:
    version = source.read().version
    replace(file, token)
    assert source.read().version == version


@pytest.mark.parametrize("content", ["", "\n", "not a token", "123456789:short", "0123:" + "a" * 35, "1:" + "a" * 79])
def test_a_file_broken_later_leaves_the_last_good_token_and_is_reported_once(
    source: TokenSource, file: Path, token: str, content: str, problems: list[str]
) -> None:
    replace(file, content)
    assert [source.read().reveal() for _ in range(3)] == [token] * 3
    assert len(problems) == 1
    assert str(file) in problems[0]
    assert content.strip() not in problems[0] or not content.strip()


def test_a_missing_file_leaves_the_last_good_token_until_it_is_back(
    source: TokenSource, file: Path, token: str, new_token: str, problems: list[str]
) -> None:
    file.unlink()
    assert source.read().reveal() == token
    assert len(problems) == 1
    replace(file, new_token)
    assert source.read().reveal() == new_token


def test_a_problem_that_comes_back_is_reported_again(
    source: TokenSource, file: Path, token: str, problems: list[str]
) -> None:
    for content in ("", token, ""):
        replace(file, content)
        source.read()
    assert len(problems) == 2


def test_a_token_of_another_bot_is_not_taken_over(
    source: TokenSource, file: Path, token: str, problems: list[str]
) -> None:
    replace(file, "987654321:" + "a" * 35)
    assert source.read().reveal() == token
    assert "another bot" in problems[0]


def test_a_file_opened_to_everyone_later_is_reported(source: TokenSource, file: Path, problems: list[str]) -> None:
    file.chmod(0o644)
    source.read()
    assert "everyone" in problems[0]


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_file_for_its_owner_and_group_is_taken(file: Path, mode: int, token: str) -> None:
    file.chmod(mode)
    assert from_file(file).read().reveal() == token


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o601, 0o602, 0o660])
def test_a_file_that_others_can_reach_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(ConfigInvalid, match="chmod"):
        from_file(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="can't be opened: No such file"):
        from_file(tmp_path / "token")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="regular file"):
        from_file(tmp_path)


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigInvalid, match="regular file"):
        from_file(tmp_path / "pipe")


def test_an_empty_file_is_refused_in_one_line(file: Path) -> None:
    file.write_text("\n")
    with pytest.raises(ConfigInvalid, match="is empty") as refused:
        from_file(file)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("junk", ["bot{}", "{} {}", "{}\n{}", "{}é", "{}" + "a" * 80])
def test_a_malformed_token_is_not_shown_by_the_error_that_refuses_it(file: Path, token: str, junk: str) -> None:
    file.write_text(junk.replace("{}", token))
    with pytest.raises(ConfigInvalid) as refused:
        from_file(file)
    shown = traceback.TracebackException.from_exception(_without_the_test(refused.value), capture_locals=True)
    assert "canary" not in "".join(shown.format())


def test_a_malformed_value_is_not_shown_by_the_error_that_refuses_it(token: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        from_value(f"{token} and more")
    shown = traceback.TracebackException.from_exception(_without_the_test(refused.value), capture_locals=True)
    assert "canary" not in "".join(shown.format())


def _without_the_test(error: BaseException) -> BaseException:
    """Drop the frame of the test, which holds the token itself."""
    assert error.__traceback__ is not None
    return error.with_traceback(error.__traceback__.tb_next)


def test_nothing_shows_a_token(token: str) -> None:
    held = from_value(token).read()
    for shown in (repr(held), str(held), f"{held}", f"{held!r:>40}", f"{[held]}"):
        assert "canary" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(held)
    with pytest.raises(TypeError):
        copy.deepcopy(held)


def test_a_text_is_freed_of_the_token_and_of_its_secret_part(token: str) -> None:
    held = BotToken(token)
    assert held.redacted(f"/bot{token}/x") == "/bot123456789:****/x"
    assert held.redacted(token.partition(":")[2]) == "****"
