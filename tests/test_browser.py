"""The pages in a real browser: what people do there, and that it works without reloading."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from emulator import Account, Emulator
from emulator.mail.filing import file_mail
from emulator.mail.parse import Mail
from emulator.mail.records import MAILBOXES
from tests.browser import Visitor, chromium, is_live, needs_chromium, visiting
from tests.scene import lively

pytestmark = needs_chromium

PAGES = ["/", "/ui/outside", "/ui/journal", "/ui/webhooks", "/ui/clock", "/ui/faults", "/ui/coverage"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def visitor(browser: Browser, emulator_server: Emulator) -> Iterator[Visitor]:
    with visiting(browser, emulator_server) as somebody:
        yield somebody
        assert somebody.complaints == []
        assert somebody.asked_elsewhere == []


def _told(page: Page, words: str) -> None:
    expect(page.locator("#told")).to_contain_text(words)


def test_mail_is_sent_seen_without_reload_and_its_code_read(visitor: Visitor, inkbox_server: Account) -> None:
    inkbox_server.mailbox("support")
    page = visitor.open("/")
    page.evaluate("window.same = true")
    page.get_by_text("Send a mail from outside").click()
    page.get_by_label("To", exact=True).fill("support@inkboxmail.com")
    page.get_by_label("Subject").fill("Your code")
    page.get_by_label("Text").fill("Your verification code is 481516.")
    page.get_by_role("button", name="Send", exact=True).click()
    _told(page, "The mail is sent.")
    expect(page.get_by_role("link", name="support@inkboxmail.com")).to_contain_text("1 unread")
    assert page.evaluate("window.same") is True
    page.get_by_role("link", name="support@inkboxmail.com").click()
    page.get_by_role("link", name="Your code").click()
    expect(page.locator("#found-code")).to_have_text("481516")


def test_mail_that_a_program_sends_appears_at_once(visitor: Visitor, inkbox_server: Account) -> None:
    box = inkbox_server.mailbox("support")
    page = visitor.open(f"/ui/mailbox?id={box.id}")
    expect(page.get_by_text("No mail yet.")).to_be_visible()
    for subject in ("First", "Second"):
        visitor.emulator.receive(box.address, subject)
        expect(page.get_by_role("link", name=subject)).to_be_visible()
    expect(page.get_by_text("2 mails, 2 unread")).to_be_visible()


def test_a_mailbox_is_made_and_a_wrong_one_explained(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.get_by_text("Make a mailbox").click()
    page.locator("form [name=provider]").select_option("postern")
    page.get_by_label("Name before the @").fill("scout")
    page.get_by_role("button", name="Make it").click()
    _told(page, "The mailbox scout@")
    expect(page.locator(".mailboxes").get_by_role("link", name="scout@")).to_be_visible()
    page.get_by_label("Name before the @").fill("scout")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("#told.failed")).to_be_visible()
    visitor.complaints.clear()  # the browser notes every answer that is an error


def test_html_is_shown_without_what_is_elsewhere(visitor: Visitor, inkbox_server: Account) -> None:
    html = "<h1>Welcome</h1><img src='http://tracker.hostile.test/x.gif'><a href='https://acme.test/'>Go</a>"
    mail = visitor.emulator.receive(inkbox_server.mailbox("support").address, "Hello", html=html)[0]
    page = visitor.open(f"/ui/mail?id={mail.message_id}")
    frame = page.frame_locator("iframe.preview")
    expect(frame.get_by_role("heading", name="Welcome")).to_be_visible()
    expect(page.get_by_text("1 image is elsewhere and not loaded.")).to_be_visible()
    expect(frame.get_by_role("link", name="Go")).to_have_attribute("rel", "noopener noreferrer nofollow")


def test_a_webhook_is_sent_again(visitor: Visitor) -> None:
    lively(visitor.emulator)
    page = visitor.open("/ui/webhooks")
    assert len(visitor.emulator.webhooks) == 2
    page.locator("[data-row]").first.click()
    expect(page.get_by_text("Is anybody there?").or_(page.get_by_text("Shall we meet?"))).to_be_visible()
    page.get_by_role("button", name="Resend").click()
    _told(page, "Posted once more")
    page.get_by_role("link", name="Webhooks").first.click()
    expect(page.get_by_text("postern, again")).to_be_visible()
    assert len(visitor.emulator.webhooks) == 3


def test_the_clock_is_moved_by_a_click_and_what_is_due_is_done(visitor: Visitor) -> None:
    lively(visitor.emulator)
    page = visitor.open("/ui/clock")
    expect(page.get_by_text("mail.step")).to_be_visible()
    page.get_by_role("button", name="+ 1 day").click()
    _told(page, "things done.")
    expect(page.locator("#live-time")).to_contain_text("2026-01-02 12:10:00")
    expect(page.get_by_text("Nothing is planned.")).to_be_visible()
    assert visitor.emulator.world.now().day == 2
    page.get_by_label("Move on by").fill("soon")
    page.get_by_role("button", name="Move on", exact=True).click()
    _told(page, "not a duration: 'soon'")
    visitor.complaints.clear()


def test_a_fault_is_added_seen_to_hit_and_removed(visitor: Visitor, inkbox_server: Account) -> None:
    page = visitor.open("/ui/faults")
    expect(page.locator("[name=fate]")).to_be_hidden()
    page.locator("form [name=provider]").select_option("inkbox")
    page.get_by_label("Operation", exact=True).fill("whoami")
    page.get_by_label("Status", exact=True).fill("429")
    page.get_by_role("button", name="Add", exact=True).click()
    _told(page, "fault-1 is on.")
    row = page.get_by_role("row", name="fault-1")
    expect(row).to_contain_text("status 429")
    assert inkbox_server.request("GET", "/api/whoami").status_code == 429
    expect(row.get_by_role("cell").nth(3)).to_have_text("1")
    page.get_by_role("button", name="Remove fault-1").click()
    expect(page.get_by_text("There are no fault rules")).to_be_visible()
    page.get_by_label("Effect").select_option("mail")
    expect(page.locator("[name=fate]")).to_be_visible()
    expect(page.get_by_label("Operation", exact=True)).to_be_visible()
    page.get_by_label("Effect").select_option("smtp")
    page.locator("[name=reply]").fill("451 4.3.0 Later")
    page.get_by_role("button", name="Add", exact=True).click()
    _told(page, "smtp")
    visitor.complaints.clear()


def test_a_scenario_is_started(visitor: Visitor) -> None:
    page = visitor.open("/ui/faults")
    page.get_by_role("button", name="Start inkbox:rate-limited").click()
    _told(page, "inkbox:rate-limited is on.")
    expect(page.get_by_role("row", name="fault-1")).to_contain_text("inkbox:rate-limited")


def test_a_reset_is_asked_about_and_done(visitor: Visitor, inkbox_server: Account) -> None:
    inkbox_server.mailbox("support")
    page = visitor.open("/ui/clock")
    page.get_by_role("button", name="Reset the world").click()
    _told(page, "The world is back at its start.")
    assert visitor.dialogs == ["Put the world back to its start?"]
    page.get_by_role("link", name="Mailboxes").click()
    expect(page.get_by_text("support@")).to_have_count(0)


def test_the_journal_goes_on_while_it_is_looked_at(visitor: Visitor, inkbox_server: Account) -> None:
    page = visitor.open("/ui/journal")
    inkbox_server.request("GET", "/api/v1/mail/mailboxs")
    row = page.get_by_role("link", name="/api/v1/mail/mailboxs")
    expect(row).to_contain_text("404")
    row.click()
    expect(page.locator(".note")).to_contain_text("the nearest is /api/v1/mail/mailboxes")
    expect(page.locator("#as-curl")).to_contain_text("$INKBOX_API_KEY")


def test_the_keyboard_does_what_the_mouse_does(visitor: Visitor, inkbox_server: Account) -> None:
    for name in ("ann", "bob"):
        inkbox_server.mailbox(name)
    page = visitor.open("/?provider=inkbox")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("[data-row]:focus")).to_contain_text("bob@")
    visitor.emulator.receive("bob@inkboxmail.com", "Hi")
    expect(page.locator("[data-row]:focus")).to_contain_text("1 unread")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="bob@inkboxmail.com")).to_be_visible()
    is_live(page)
    page.keyboard.press("/")
    page.keyboard.type("3")
    expect(page.get_by_role("searchbox")).to_have_value("3")
    page.get_by_role("heading").first.click()
    page.keyboard.press("3")
    expect(page.get_by_role("heading", name="Journal")).to_be_visible()
    is_live(page)
    page.keyboard.press("?")
    page.get_by_label("Keys are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(page.get_by_role("heading", name="Journal")).to_be_visible()


def test_the_theme_follows_the_system_until_one_is_chosen(visitor: Visitor) -> None:
    page = visitor.open("/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    page.get_by_role("button", name="Theme: auto").click()
    page = visitor.open("/ui/journal")
    expect(page.get_by_role("button", name="Theme: light")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_shows_every_page_without_scrolling_sideways(
    browser: Browser, emulator_server: Emulator, path: str
) -> None:
    lively(emulator_server)
    with visiting(browser, emulator_server, width=360) as somebody:
        page = somebody.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_words_without_end_are_broken(browser: Browser, emulator_server: Emulator, inkbox_server: Account) -> None:
    box, long = inkbox_server.mailbox("a" * 40), "x" * 400
    [mail] = emulator_server.receive(box.address, long, long, attachments={long: b"1"}, sender=f"{'b' * 60}@c.test")
    emulator_server.fault("respond", provider="sendmux", status=503, message=long)
    inkbox_server.request("GET", f"/{long}")
    number = emulator_server.journal("http")[-1]["n"]
    paths = ["/", "/ui/faults", "/ui/journal", f"/ui/mailbox?id={box.id}", f"/ui/entry?n={number}"]
    paths += [f"/ui/mail?id={mail.message_id}&view={view}" for view in ("text", "headers", "source", "files", "thread")]
    with visiting(browser, emulator_server, width=360) as somebody:
        for path in paths:
            assert somebody.open(path).evaluate("document.documentElement.scrollWidth") <= 360, path


def test_another_world_is_chosen_from_a_list(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.evaluate("""fetch("/_emulator/worlds", {method: "POST", body: '{"name": "second", "clock": "2030-01-01"}'})""")
    expect(page.locator("#live-time")).to_contain_text("2026")
    page = visitor.open("/ui/clock")
    page.get_by_label("World").select_option("second")
    expect(page.locator("#live-time")).to_contain_text("2030-01-01")
    page.get_by_role("link", name="Clock").first.click()
    page.get_by_role("button", name="+ 1 hour").click()
    expect(page.locator("#live-time")).to_contain_text("2030-01-01 01:00:00")
    assert visitor.emulator.world.now().year == 2026


def test_a_page_says_when_the_emulator_has_gone(visitor: Visitor) -> None:
    page = visitor.open("/")
    visitor.emulator.close()
    expect(page.locator("#connection")).to_contain_text("not connected")
    visitor.complaints.clear()


def test_a_mailbox_of_ten_thousand_stays_live(visitor: Visitor, inkbox_server: Account) -> None:
    box = inkbox_server.mailbox("support")
    world = visitor.emulator.world
    with world.step():
        mailbox = world.store.get(MAILBOXES, box.id)
        assert mailbox is not None
        for n in range(10_000):
            mail = Mail(b"Subject: Report %d\r\n\r\nDone.\r\n" % n)
            file_mail(world, mailbox, mail, "inbound", "received", "a@outside.test", [box.address])
    page = visitor.open(f"/ui/mailbox?id={box.id}")
    expect(page.get_by_text("10000 mails, 10000 unread")).to_be_visible()
    visitor.emulator.receive(box.address, "The newest")
    expect(page.get_by_role("link", name="The newest")).to_be_visible()
    page.get_by_role("searchbox").fill("4711")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="Report 4711")).to_be_visible()
