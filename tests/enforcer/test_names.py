from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.errors import InvalidName
from enforcer.names import REASON_LENGTH, Digest, Namespace, RegistryName, Repository, Tag, TagName, read_reason

HEX = "0123456789abcdef" * 4
TEXTS = st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9._/:@-]{0,140}\n?", fullmatch=True)


@pytest.mark.parametrize("text", ["main", "a", "0", "hub.docker.io", "a_b-c", "a" * 63])
def test_registry_name(text):
    """A registry's name is short and fits URLs and keys."""
    assert RegistryName(text) == text


@pytest.mark.parametrize("text", ["", "Main", "-a", ".a", "a/b", "a b", "a:b", "a{b}", "a" * 64, "main\n", "ä"])
def test_no_registry_name(text):
    """What would break a URL or a key is refused."""
    with pytest.raises(InvalidName, match="is no registry name"):
        RegistryName(text)


@pytest.mark.parametrize("text", ["_", "library", "a.b", "a_b", "a__b", "a---b", "a" * 255])
def test_namespace(text):
    """A namespace is the first component of a repository, or `_`."""
    assert Namespace(text) == text


@pytest.mark.parametrize("text", ["", "__", "a/b", "A", "a___b", "a..b", "-a", "a-", "a" * 256])
def test_no_namespace(text):
    """A path, upper case and separators that do not join anything are no namespace."""
    with pytest.raises(InvalidName, match="is no namespace"):
        Namespace(text)


@pytest.mark.parametrize(
    ("text", "namespace", "path"),
    [
        ("app", "_", "app"),
        ("team/app", "team", "app"),
        ("team/app/web-1.0__x", "team", "app/web-1.0__x"),
        ("a/" + "b" * 253, "a", "b" * 253),
    ],
)
def test_repository(text, namespace, path):
    """The namespace is the first component, policies compare the rest; alone, a component is the path."""
    repository = Repository(text)

    assert (repository, repository.namespace, repository.path) == (text, namespace, path)


@pytest.mark.parametrize(
    "text",
    ["", "/", "a/", "/a", "a//b", "a/B", "a/_b", "a/b_", "_", "a/b.", "a/b:c", "a/../b", "a/b\n", "a/" + "b" * 254],
)
def test_no_repository(text):
    """What a registry would not take as a repository is refused here too."""
    with pytest.raises(InvalidName, match="is no repository"):
        Repository(text)


@pytest.mark.parametrize("text", ["1", "_", "1.0.0-rc.1", "LATEST", "a" * 128, "1..--__"])
def test_tag(text):
    """A tag may have upper case, and separators in any order after the first character."""
    assert Tag(text) == text


@pytest.mark.parametrize("text", ["", ".1", "-1", "a" * 129, "a/b", "a b", "1.0\n", "a:b", "é", "1\x00"])
def test_no_tag(text):
    """What a registry would not take as a tag is refused here too."""
    with pytest.raises(InvalidName, match="is no tag"):
        Tag(text)


@pytest.mark.parametrize("end", ["", ".sig", ".att", ".sbom"])
def test_signature_tags(end):
    """Cosign's tags and the referrers' fallback tag are known by their form."""
    assert Tag(f"sha256-{HEX}{end}").is_signature


@pytest.mark.parametrize(
    "text", ["1.0", f"sha256-{HEX[1:]}", f"sha256-{HEX}.other", f"sha256-{HEX}.sig.sig", f"x-sha256-{HEX}", f"a{HEX}"]
)
def test_no_signature_tags(text):
    """What only looks like a signature tag is a tag like any other."""
    assert not Tag(text).is_signature


@pytest.mark.parametrize("text", [f"sha256:{HEX}", f"sha512:{HEX}{HEX}"])
def test_digest(text):
    """Both algorithms of the specification are read."""
    assert Digest(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEX,
        f"sha256:{HEX[1:]}",
        f"sha256:{HEX}0",
        f"sha256:{HEX.upper()}",
        f"sha512:{HEX}",
        f"md5:{HEX[:32]}",
        "sha256:",
        f"sha256:{HEX}\n",
        f" sha256:{HEX}",
        f"sha256-{HEX}",
    ],
)
def test_no_digest(text):
    """Another algorithm, length or case is refused."""
    with pytest.raises(InvalidName, match="is no digest"):
        Digest(text)


def test_digest_of_content():
    """A digest is the hash of the bytes, and tells them from others."""
    content = b"a manifest"
    sha512 = Digest("sha512:" + hashlib.sha512(content).hexdigest())

    assert Digest.of(content) == "sha256:" + hashlib.sha256(content).hexdigest()
    assert [digest.matches(content) for digest in (Digest.of(content), sha512)] == [True, True]
    assert [digest.matches(b"another") for digest in (Digest.of(content), sha512)] == [False, False]


def test_short_digest():
    """A person needs the algorithm and twelve digits."""
    assert Digest(f"sha512:{HEX}{HEX}").short == "sha512:0123456789ab"


def test_tag_name_as_text():
    """A tag of a registry is written as registry/repository:tag, and read again."""
    name = TagName(RegistryName("main"), Repository("team/app/web"), Tag("1.0"))

    assert (str(name), name.reference) == ("main/team/app/web:1.0", "team/app/web:1.0")
    assert TagName.parse("main/team/app/web:1.0") == name


@pytest.mark.parametrize(
    "text", ["", "main", "main/app", "app:1.0", "main/:1.0", "main/app:", "/app:1.0", "main/app:a:b"]
)
def test_no_tag_name(text):
    """A part that is missing or wrong is refused."""
    with pytest.raises(InvalidName):
        TagName.parse(text)


def test_error_does_not_repeat_everything():
    """Anybody may send a name: the error shows neither control characters nor more than a line of it."""
    with pytest.raises(InvalidName) as caught:
        Tag("\x1b[31m" + "x" * 10_000)

    assert len(str(caught.value)) < 250
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("kind", [RegistryName, Namespace, Repository, Tag, Digest, TagName.parse])
@given(text=TEXTS)
def test_junk_is_refused_in_words(kind, text):
    """Any text is a name, unchanged, or an `InvalidName`; a line break is never part of a name."""
    try:
        name = str(kind(text))
    except InvalidName:
        return
    assert name == text
    assert text.isascii()
    assert text.isprintable()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rebuild", "rebuild"),
        ("  because\nof a\tbug ", "because of a bug"),
        ("修复漏洞 ü", "修复漏洞 ü"),
        ("red \x1b[31mtext\x00", "red \ufffd[31mtext\ufffd"),
        ("\u202eevil", "\ufffdevil"),
        ("x" * REASON_LENGTH, "x" * REASON_LENGTH),
    ],
)
def test_one_plain_line(text, reason):
    """A reason in any script is kept on one line; what could disturb a terminal or a log is replaced."""
    assert read_reason(text) == reason


@pytest.mark.parametrize(
    ("text", "told"), [("", "needed"), (" \n\u00a0", "needed"), ("x" * (REASON_LENGTH + 1), "not 1025")]
)
def test_what_is_none(text, told):
    """Nothing, and a whole story, are refused."""
    with pytest.raises(InvalidName, match=told):
        read_reason(text)


@given(st.text(min_size=1, max_size=50).filter(lambda text: not text.isspace()))
def test_whatever_somebody_writes(text):
    """What is accepted can be printed, is not empty, and is the same when it is read again."""
    reason = read_reason(text)
    assert reason
    assert reason.isprintable()
    assert read_reason(reason) == reason
