from __future__ import annotations

import pytest


def test_an_account_may_only_look_unless_it_is_an_admin(folder):
    """Forgetting the role gives away little."""
    account = folder.load('[accounts.ops]\npassword = "p"\n').accounts["ops"]
    assert (account.role, account.projects) == ("viewer", ())


def test_every_key_of_an_account_is_read(folder):
    """All ways to authenticate can be open to one account."""
    account = folder.load(
        """
        [accounts.ops]
        role = "admin"
        password = "p"
        token = "t"
        projects = ["0123456789abcdef"]
        access_key = "AK"
        secret_key = "SK"
        """
    ).accounts["ops"]
    assert (account.role, account.projects, account.access_key) == ("admin", ("0123456789abcdef",), "AK")
    secrets = (account.password, account.token, account.secret_key)
    assert [secret.get_secret_value() for secret in secrets] == ["p", "t", "SK"]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('role = "admin"', ": nobody can use the account: give it a password, a token or an access_key"),
        ('role = "root"\ntoken = "t"', ".role: should be 'admin' or 'viewer', got 'root'"),
        ('access_key = "AK"', ".secret_key: is missing: the access_key has none"),
        ('secret_key = "SK"', ".secret_key: needs an access_key beside it"),
        ('token = ""', ".token: is empty"),
        ('token = "t"\nprojects = [""]', ".projects[0]: is empty"),
        ('tokens = "t"\npassword = "p"', ".tokens: unknown key (did you mean token?)"),
    ],
)
def test_a_wrong_account_is_refused(lines, problem, folder):
    """Each line names the account and the key."""
    assert folder.problems(f"[accounts.ops]\n{lines}\n") == (f"accounts.ops{problem}",)


def test_the_name_of_an_account_can_be_a_user_name(folder):
    """HTTP Basic ends the user name at the first colon."""
    (problem,) = folder.problems('[accounts."a:b"]\npassword = "p"\n')
    assert problem.startswith('accounts."a:b": is no account name')


@pytest.mark.parametrize(
    ("first", "second", "key"),
    [
        ('token = "same"', 'token = "same"', "token"),
        ('access_key = "same"\nsecret_key = "1"', 'access_key = "same"\nsecret_key = "2"', "access_key"),
    ],
)
def test_two_accounts_are_told_apart_by_what_they_send(first, second, key, folder):
    """Else the role would be that of whichever was found first."""
    assert folder.problems(f"[accounts.ops]\n{first}\n[accounts.dev]\n{second}\n") == (
        f"accounts: ops and dev have the same {key}; each needs its own",
    )


def test_two_accounts_may_have_the_same_password(folder):
    """Their names tell them apart."""
    assert len(folder.load('[accounts.a]\npassword = "p"\n[accounts.b]\npassword = "p"\n').accounts) == 2
