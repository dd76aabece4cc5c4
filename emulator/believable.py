"""Mail as people and programs write it, for a world to start from: made by faker, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from emulator import providers

if TYPE_CHECKING:
    from faker import Faker

_DAYS: Final = 60
_REPLIED: Final = 0.3  # of the questions
_READ: Final = 0.7

Mail = dict[str, Any]


def believable(seed: str, *, messages: int = 500, mailboxes: int = 5, people: int = 20) -> dict[str, Any]:
    """Return a plan (see `starting`) with this much mail of the last two months, over mailboxes of all providers.

    ImportError says what to install where faker is missing.
    """
    fake = _faker(seed)
    names = providers.names()
    boxes = [{"provider": names[n % len(names)], "name": f"{fake.unique.user_name()}"} for n in range(mailboxes)]
    addresses = [f"{box['name']}@{_domain(box['provider'])}" for box in boxes]
    writers = [f"{fake.unique.user_name()}@{fake.safe_domain_name()}" for _ in range(people)]
    mail: list[Mail] = []
    while len(mail) < messages:
        mail += _conversation(fake, len(mail), fake.random_element(writers), fake.random_element(addresses))
    return {"mailboxes": boxes, "mail": mail[:messages]}


def _faker(seed: str) -> Faker:
    try:
        from faker import Faker
    except ImportError:
        raise ImportError("believable mail is made by faker: pip install 'inbox-emulator[seed]'") from None
    fake = Faker()
    fake.seed_instance(seed)
    return fake


def _domain(provider: str) -> str:
    """Return the domain of the mailboxes that a provider gives."""
    from emulator.harness import Emulator

    with Emulator() as emulator:
        return emulator.account(provider).mailbox("probe").address.partition("@")[2]


def _conversation(fake: Faker, n: int, person: str, address: str) -> list[Mail]:
    """Return a mail, and sometimes what is answered to it."""
    kinds: list[Callable[[Faker], Mail]] = [_question, _question, _code, _news, _invoice]
    kind = fake.random_element(kinds)
    minutes = fake.random_int(60, _DAYS * 24 * 60)
    mail = {"id": f"m{n}", "from": person, "to": address, "ago": f"{minutes * 60}s", **kind(fake)}
    mail |= {"read": fake.random.random() < _READ, "starred": fake.random.random() < 1 - _READ / 0.75}
    if kind is not _question or fake.random.random() > _REPLIED:
        return [mail]
    answer = {
        "from": address,
        "to": person,
        "ago": f"{fake.random_int(1, minutes) * 60}s",
        "subject": f"Re: {mail['subject']}",
        "text": f"{fake.paragraph()}\n\n{fake.first_name()}\n",
        "reply_to": mail["id"],
    }
    return [mail, answer]


def _question(fake: Faker) -> Mail:
    text = f"Hi,\n\n{fake.paragraph(5)}\n\n{fake.sentence().rstrip('.')}?\n\n{fake.name()}\n"
    return {"subject": fake.sentence(5).rstrip("."), "text": text}


def _code(fake: Faker) -> Mail:
    company, code = fake.company(), fake.numerify("######")
    return {"subject": f"Your {company} code", "text": f"Your verification code is {code}. It expires in 10 minutes.\n"}


def _news(fake: Faker) -> Mail:
    title, text = fake.catch_phrase(), fake.paragraph(8)
    link = f"https://{fake.safe_domain_name()}/news/{fake.slug()}"
    html = f'<h1>{title}</h1><p>{text}</p><p><a href="{link}">Read on</a></p>'
    return {"subject": title, "text": f"{title}\n\n{text}\n\n{link}\n", "html": html}


def _invoice(fake: Faker) -> Mail:
    number, lines = fake.numerify("2026-####"), [f"{fake.bs()},{fake.random_int(10, 900)}.00" for _ in range(3)]
    file = {"filename": f"invoice-{number}.csv", "content_type": "text/csv", "text": "\n".join(["item,price", *lines])}
    return {"subject": f"Invoice {number} of {fake.company()}", "text": "See the file.\n", "attachments": [file]}
