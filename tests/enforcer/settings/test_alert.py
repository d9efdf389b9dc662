from __future__ import annotations

import pytest


def test_without_alerts_nobody_is_told(folder):
    """The table can be left out."""
    alerts = folder.load().alerts
    assert (alerts.urls, alerts.webhook_url, alerts.webhook_secret) == ((), None, None)


def test_every_key_of_the_alerts_is_read(folder):
    """Several channels and the signed webhook go side by side."""
    alerts = folder.load(
        """
        [alerts]
        urls = ["slack://a/b/c", "mailto://d@e"]
        webhook_url = "https://hooks.example/x?room=1"
        webhook_secret = "s"
        """
    ).alerts
    assert [url.get_secret_value() for url in alerts.urls] == ["slack://a/b/c", "mailto://d@e"]
    assert alerts.webhook_url == "https://hooks.example/x?room=1"
    assert alerts.webhook_secret.get_secret_value() == "s"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('urls = ["json://x", "hidden"]', "urls[1]: should be an Apprise URL, like slack://..."),
        ('urls = ["slack://"]', "urls[0]: should be an Apprise URL, like slack://..."),
        ('urls = "slack://hidden"', "urls: should be a list, got a string"),
        ("urls = [1]", "urls[0]: should be a string, got an integer"),
        (
            'webhook_url = "https://hooks.example"',
            "webhook_secret: is missing: what goes to webhook_url is signed with it; give it, or webhook_secret_file",
        ),
        (
            'webhook_url = "mailto:ops@example"\nwebhook_secret = "s"',
            "webhook_url: should be an address like https://host:port, with http or https",
        ),
    ],
)
def test_a_wrong_channel_is_refused(lines, problem, folder):
    """Its URL holds tokens, so the line never repeats it."""
    assert folder.problems(f"[alerts]\n{lines}\n") == (f"alerts.{problem}",)
