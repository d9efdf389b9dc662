"""The story: a tag is pushed, overwritten and back, and an alert is sent; what is allowed stays allowed."""

from __future__ import annotations

from enforcer.demo.image import Image
from enforcer.demo.screen import Screen
from enforcer.demo.stage import LATEST, RELEASE, REPOSITORY, Stage
from enforcer.demo.watch import DemoFailed, Watch
from enforcer.judgement.record import Decision, Entry
from enforcer.judgement.violation import State
from enforcer.names import TagName

_WORD, _OTHER_WORD = "original", "something else"
_ORIGINAL, _OTHER = Image.saying(_WORD), Image.saying(_OTHER_WORD)


class Story:
    """Told once, on a stage that is ready. Every step waits for what it shows, and raises `DemoFailed` without it."""

    def __init__(self, stage: Stage, watch: Watch, screen: Screen) -> None:
        self._stage = stage
        self._watch = watch
        self._screen = screen
        self._ledger = stage.stores.ledger
        self._ci = stage.client("ci")
        self._laptop = stage.client("laptop")

    def tell(self) -> None:
        """From the first push to the proof."""
        self._push_original()
        self._overwrite()
        self._hear_alert()
        self._push_again()
        self._move_latest()
        self._prove()

    def _push_original(self) -> None:
        self._ci.push(REPOSITORY, RELEASE.tag, _ORIGINAL)
        self._screen.step("pushed", f'by ci: {RELEASE.reference} is {_ORIGINAL.digest.short}, which says "{_WORD}"')
        self._watch.until("recording the first push", self._is_kept)
        self._screen.step("recorded", f"{RELEASE.tag} must be that digest from now on; its manifest is kept")

    def _is_kept(self) -> bool:
        record = self._ledger.state(RELEASE).record
        is_recorded = record is not None and record.digest == _ORIGINAL.digest
        return is_recorded and self._ledger.keeps(RELEASE.registry, REPOSITORY, _ORIGINAL.digest)

    def _overwrite(self) -> None:
        status = self._laptop.push(REPOSITORY, RELEASE.tag, _OTHER)
        overwritten = self._screen.elapsed
        self._watch.until(f"putting {RELEASE.reference} back", lambda: self._serves(_ORIGINAL))
        back = self._screen.elapsed
        what = f'the same tag is {_OTHER.digest.short}, which says "{_OTHER_WORD}"; the registry answers {status}'
        self._screen.step("overwritten", f"by laptop: {what}", style="red", at=overwritten)
        after = f"{(back - overwritten) * 1000:.0f} ms after that answer"
        self._screen.step(
            "back", f"{RELEASE.reference} is {_ORIGINAL.digest.short} again, {after}", style="green", at=back
        )

    def _serves(self, image: Image) -> bool:
        return self._ci.manifest(REPOSITORY, RELEASE.tag) == image.manifest

    def _hear_alert(self) -> None:
        alert = self._watch.until("the alert", self._stage.webhook.take)
        if not alert.authentic:
            raise DemoFailed("the alert's signature is not that of its bytes")
        told = (alert.fields["tag"], alert.fields["outcome"], alert.fields["recorded_digest"])
        if told != (RELEASE.tag, State.OPEN, _ORIGINAL.digest):
            raise DemoFailed(f"the alert tells of something else: {alert.fields['text']}")
        self._screen.step("alert", alert.fields["text"], style="yellow")
        self._screen.aside("by webhook, HMAC-SHA256 signature verified; another comes when it was right for 10 seconds")

    def _push_again(self) -> None:
        entry = self._judged("retry", RELEASE, _ORIGINAL)
        if entry.decision is not Decision.UNCHANGED:
            raise DemoFailed(f"pushing the same bits again was judged {entry.decision}")
        self._screen.step("same again", f"by retry: {RELEASE.reference} pushed with the same bits is no violation")

    def _move_latest(self) -> None:
        for image in (_ORIGINAL, _OTHER):
            entry = self._judged(f"nightly-{image.digest[7:13]}", LATEST, image)
            if entry.decision.is_violation:
                raise DemoFailed(f"moving {LATEST.reference} was judged {entry.decision}")
        if self._ci.manifest(REPOSITORY, LATEST.tag) != _OTHER.manifest:
            raise DemoFailed(f"{LATEST.reference} did not move")
        moved = f"{LATEST.reference} from {_ORIGINAL.digest.short} to {_OTHER.digest.short}"
        self._screen.step("moved", f"{moved}: the policy leaves it free")

    def _judged(self, name: str, tag: TagName, image: Image) -> Entry:
        """Push as a new user agent, by which the event is known; returns how it was judged."""
        self._stage.client(name).push(REPOSITORY, tag.tag, image)

        def find() -> Entry | None:
            history = self._ledger.history(tag)
            return next((entry for entry in history if entry.event.user_agent == name), None)

        return self._watch.until(f"judging the push by {name}", find)

    def _prove(self) -> None:
        violations = list(self._stage.stores.violations.newest())
        if len(violations) != 1:
            raise DemoFailed(f"{len(violations)} violations were found, expected the one overwrite")
        content = self._ci.manifest(REPOSITORY, RELEASE.tag)
        word = self._ci.message(REPOSITORY, RELEASE.tag)
        if content != _ORIGINAL.manifest or word != _WORD:
            raise DemoFailed(f'{RELEASE.reference} says "{word}", not "{_WORD}"')
        proof = f'{len(content)} bytes, equal to those pushed first; its layer says "{word}"'
        self._screen.step("proof", f"GET /v2/{REPOSITORY}/manifests/{RELEASE.tag}: {proof}", style="green")
