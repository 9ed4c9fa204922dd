"""What every HTML page of ours has around it."""

from html import escape

PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def document(lang: str, title: str, style: str, body: str) -> str:
    """A whole document: `title` is plain text, `body` is HTML, `style` is CSS."""
    return PAGE.format(lang=lang, title=escape(title), style=style, body=body)
