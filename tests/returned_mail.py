"""Mails that come back, in the shapes of the servers that send most of them; the mail in them is one of ours."""

from __future__ import annotations

import textwrap
from email.message import EmailMessage


def _lines(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def _copy(sent: EmailMessage, *, headers_only: bool = False) -> str:
    whole = sent.as_string()
    return whole.partition("\n\n")[0] + "\n" if headers_only else whole


def postfix(
    sent: EmailMessage,
    *,
    to: str = "robin@example.com",
    status: str = "5.1.1",
    action: str = "failed",
    diagnostic: str = "smtp; 550 5.1.1 <robin@example.com>: Recipient address rejected: User unknown",
    original: str | None = None,
    extra: str = "",
) -> bytes:
    """Give what Postfix sends, with a copy of the headers alone, as `bounce_size_limit` makes it."""
    first = _lines(f"""
        Return-Path: <>
        Received: by mail.portal.example (Postfix)
        \tid 4F2M7K1; Mon,  4 May 2026 09:01:07 +0000 (UTC)
        Date: Mon,  4 May 2026 09:01:07 +0000 (UTC)
        From: MAILER-DAEMON@mail.portal.example (Mail Delivery System)
        Subject: Undelivered Mail Returned to Sender
        To: no-reply@portal.example
        Auto-Submitted: auto-replied
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status;
        \tboundary="4F2M7K0.1777885267/mail.portal.example"
        Content-Transfer-Encoding: 8bit
        Message-Id: <20260504090107.4F2M7K1@mail.portal.example>

        This is a MIME-encapsulated message.

        --4F2M7K0.1777885267/mail.portal.example
        Content-Description: Notification
        Content-Type: text/plain; charset=utf-8
        Content-Transfer-Encoding: 8bit

        This is the mail system at host mail.portal.example.

        I'm sorry to have to inform you that your message could not
        be delivered to one or more recipients. It's attached below.

        <{to}>: host mx.example.com[192.0.2.7] said: {diagnostic}
            (in reply to RCPT TO command)

        --4F2M7K0.1777885267/mail.portal.example
        Content-Description: Delivery report
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mail.portal.example
        X-Postfix-Queue-ID: 4F2M7K0
        X-Postfix-Sender: rfc822; no-reply@portal.example
        Arrival-Date: Mon,  4 May 2026 09:01:05 +0000 (UTC)

        Final-Recipient: rfc822; {to}
        Original-Recipient: rfc822;{original or to}
        Action: {action}
        Status: {status}
        Remote-MTA: dns; mx.example.com
        Diagnostic-Code: {diagnostic}
        """)
    last = _lines("""

        --4F2M7K0.1777885267/mail.portal.example
        Content-Description: Undelivered Message Headers
        Content-Type: text/rfc822-headers
        Content-Transfer-Encoding: 8bit

        """)
    end = "\n--4F2M7K0.1777885267/mail.portal.example--\n"
    return (first + extra + last + _copy(sent, headers_only=True) + end).encode()


def gmail(
    sent: EmailMessage,
    *,
    to: str = "robin@example.com",
    status: str = "5.1.1",
    action: str = "failed",
) -> bytes:
    """Give what Gmail sends: words with a picture beside them, its answer on several lines, and the whole mail."""
    return (
        _lines(f"""
        Return-Path: <>
        Received: by 2002:a05:6512:b8f with SMTP id b15ls000000lfv.0; Mon, 04 May 2026 02:01:08 -0700 (PDT)
        From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
        To: no-reply@portal.example
        Auto-Submitted: auto-replied
        Subject: Delivery Status Notification (Failure)
        References: {sent["Message-ID"]}
        In-Reply-To: {sent["Message-ID"]}
        X-Failed-Recipients: {to}
        MIME-Version: 1.0
        Content-Type: multipart/report; boundary="000000000000a1b2c3"; report-type=delivery-status
        Message-ID: <6637f2a4.050a0220.1234.5678.GMR@mx.google.com>
        Date: Mon, 04 May 2026 02:01:08 -0700 (PDT)

        --000000000000a1b2c3
        Content-Type: multipart/related; boundary="000000000000d4e5f6"

        --000000000000d4e5f6
        Content-Type: multipart/alternative; boundary="000000000000071829"

        --000000000000071829
        Content-Type: text/plain; charset="UTF-8"

        ** Address not found **

        Your message wasn't delivered to {to} because the address couldn't be found, or is unable to receive mail.

        --000000000000071829
        Content-Type: text/html; charset="UTF-8"

        <html><body><b>Address not found</b></body></html>

        --000000000000071829--
        --000000000000d4e5f6
        Content-Type: image/png; name="icon.png"
        Content-Disposition: attachment; filename="icon.png"
        Content-Transfer-Encoding: base64
        Content-ID: <icon.png>

        iVBORw0KGgo=
        --000000000000d4e5f6--
        --000000000000a1b2c3
        Content-Type: message/delivery-status

        Reporting-MTA: dns; googlemail.com
        Arrival-Date: Mon, 04 May 2026 02:01:07 -0700 (PDT)
        X-Original-Message-ID: {sent["Message-ID"]}

        Final-Recipient: rfc822; {to}
        Action: {action}
        Status: {status}
        Remote-MTA: dns; gmail-smtp-in.l.google.com. (192.0.2.27, the server for the domain example.com.)
        Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try
         550-5.1.1 double-checking the recipient's email address for typos or
         550 5.1.1 unnecessary spaces. - gsmtp
        Last-Attempt-Date: Mon, 04 May 2026 02:01:08 -0700 (PDT)

        --000000000000a1b2c3
        Content-Type: message/rfc822

        """)
        + _copy(sent)
        + "\n--000000000000a1b2c3--\n"
    ).encode()


def exchange(
    sent: EmailMessage,
    *,
    to: str = "Robin@example.com",
    status: str = "5.1.10",
    action: str = "failed",
    diagnostic: str = "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
) -> bytes:
    """Give what Exchange sends: HTML first, header names in its own case, CRLF, and the whole mail."""
    text = (
        _lines(f"""
        From: <postmaster@example.com>
        To: <no-reply@portal.example>
        Date: Mon, 4 May 2026 09:01:09 +0000
        Content-Type: multipart/report; report-type=delivery-status;
        \tboundary="3a7f5c1e-6f0e-4a55-9a4b-0d7e1f2a3b4c"
        X-MS-Exchange-Message-Is-Ndr:
        Content-Language: en-US
        Message-ID: <0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0@AM0PR01MB0001.eurprd01.prod.exchangelabs.com>
        In-Reply-To: {sent["Message-ID"]}
        References: {sent["Message-ID"]}
        Subject: Undeliverable: {sent["Subject"]}
        Auto-Submitted: auto-replied
        MIME-Version: 1.0

        --3a7f5c1e-6f0e-4a55-9a4b-0d7e1f2a3b4c
        Content-Type: multipart/alternative; differences=Content-Type;
        \tboundary="b71c0d2e-0f3a-4d5b-8c6e-7f8091a2b3c4"

        --b71c0d2e-0f3a-4d5b-8c6e-7f8091a2b3c4
        Content-Type: text/plain; charset="us-ascii"
        Content-Transfer-Encoding: quoted-printable

        Your message to {to} couldn't be delivered.

        --b71c0d2e-0f3a-4d5b-8c6e-7f8091a2b3c4
        Content-Type: text/html; charset="us-ascii"
        Content-Transfer-Encoding: quoted-printable

        <html><body><h1>Your message couldn't be delivered</h1></body></html>

        --b71c0d2e-0f3a-4d5b-8c6e-7f8091a2b3c4--
        --3a7f5c1e-6f0e-4a55-9a4b-0d7e1f2a3b4c
        Content-Type: message/delivery-status

        Reporting-MTA: dns;AM0PR01MB0001.eurprd01.prod.exchangelabs.com
        Received-From-MTA: dns;mail.portal.example
        Arrival-Date: Mon, 4 May 2026 09:01:08 +0000

        Final-recipient: RFC822;{to}
        Action: {action}
        Status: {status}
        Diagnostic-code: {diagnostic}
        X-Display-Name: {to}

        --3a7f5c1e-6f0e-4a55-9a4b-0d7e1f2a3b4c
        Content-Type: message/rfc822

        """)
        + _copy(sent)
        + "\n--3a7f5c1e-6f0e-4a55-9a4b-0d7e1f2a3b4c--\n"
    )
    return text.replace("\n", "\r\n").encode()


SHAPES = {"postfix": postfix, "gmail": gmail, "exchange": exchange}
