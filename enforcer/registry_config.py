"""What a registry must be told so that it sends its notifications here."""

from __future__ import annotations

from enforcer.settings import Settings

_DISTRIBUTION = """\
notifications:
  events:
    includereferences: true
  endpoints:
    - name: tag-enforcer
      url: {url}/notifications/{name}
      headers:
        Authorization: [Bearer {token}]
      timeout: 2s
      threshold: 5
      backoff: 1s
      ignore:
        mediatypes: [application/octet-stream]  # blobs; releases before 3.1 ignore no action without a media type
        actions: [pull]
"""


def notification_block(settings: Settings, name: str) -> str:
    """The part of a Distribution registry's config.yml that names us as an endpoint, token included."""
    token = settings.registries[name].notification_token.get_secret_value()  # type: ignore[index]
    return _DISTRIBUTION.format(url=settings.public_url, name=name, token=token)
