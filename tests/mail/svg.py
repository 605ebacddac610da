"""Turns what `tmux capture-pane -e -p` prints into an SVG picture.

    tmux capture-pane -e -p | python3 tests/mail/svg.py > docs/mail.svg

In: lines with SGR sequences. Out: cells as rectangles and texts on a grid; frames are drawn as lines, so that they
join in any font.
"""

import re
import sys
import unicodedata
from xml.sax.saxutils import escape

WIDTH, HEIGHT, FONT = 8.4, 18, 14
BACK, FORE = "#1b1f27", "#d7dae0"
COLORS = [
    "#1b1f27", "#e06c75", "#8cc570", "#e5c07b", "#61afef", "#c678dd", "#4fb8c4", "#d7dae0",
    "#5c6370", "#ef7a84", "#a5d98b", "#f0d197", "#82c3f7", "#d792ea", "#6fd0db", "#ffffff",
]
# Which sides of a cell a line goes to: left, right, up, down.
FRAMES = {"─": "lr", "│": "ud", "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu"}


def indexed(number):
    """A colour of the 256."""
    if number < 16:
        return COLORS[number]
    if number < 232:
        number -= 16
        return "#%02x%02x%02x" % tuple(0 if n == 0 else 55 + 40 * n for n in (number // 36, number // 6 % 6, number % 6))
    return "#%02x%02x%02x" % ((8 + 10 * (number - 232),) * 3)


def apply(style, codes):
    """The style after an SGR sequence."""
    codes = [int(code or 0) for code in codes.split(";")]
    while codes:
        code = codes.pop(0)
        if code == 0:
            style = {}
        elif code in (1, 2, 7):
            style = {**style, {1: "bold", 2: "dim", 7: "inverse"}[code]: True}
        elif code == 22:
            style = {key: value for key, value in style.items() if key not in ("bold", "dim")}
        elif code == 27:
            style = {key: value for key, value in style.items() if key != "inverse"}
        elif code in (38, 48):
            name = "fore" if code == 38 else "back"
            if codes.pop(0) == 5:
                style = {**style, name: indexed(codes.pop(0))}
            else:
                style = {**style, name: "#%02x%02x%02x" % (codes.pop(0), codes.pop(0), codes.pop(0))}
        elif code in (39, 49):
            style = {key: value for key, value in style.items() if key != ("fore" if code == 39 else "back")}
        else:
            for start, name, first in ((30, "fore", 0), (40, "back", 0), (90, "fore", 8), (100, "back", 8)):
                if start <= code < start + 8:
                    style = {**style, name: COLORS[first + code - start]}
    return style


def cells(lines):
    """Of each line its cells: column, character, columns, style. A style lasts into the next line."""
    style, parsed = {}, []
    for line in lines:
        row, column = [], 0
        for match in re.finditer(r"\x1b\[([\d;]*)m|\x1b[()].|[\x0e\x0f]|(.)", line):
            codes, character = match.groups()
            if codes is not None:
                style = apply(style, codes)
            elif character is not None:
                wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
                row.append((column, character, wide, style))
                column += wide
        parsed.append(row)
    return parsed


def frame(sides, x, y, color):
    """The lines of a character that frames are made of."""
    middle = (x + WIDTH / 2, y + HEIGHT / 2)
    ends = {"l": (x, middle[1]), "r": (x + WIDTH, middle[1]), "u": (middle[0], y), "d": (middle[0], y + HEIGHT)}
    (ax, ay), (bx, by) = (ends[side] for side in sides)
    path = f"M{ax:.1f} {ay:.1f}Q{middle[0]:.1f} {middle[1]:.1f} {bx:.1f} {by:.1f}"
    return f'<path d="{path}" stroke="{color}" fill="none"/>'


def runs(row):
    """Cells side by side with the same style, as one text."""
    run = None
    for column, character, wide, style in row:
        is_drawn = character in FRAMES or character in "█░"
        if run and (is_drawn or run[3] != style or run[4]):
            yield run
            run = None
        if run:
            run = (run[0], run[1] + character, run[2] + wide, style, False)
        else:
            run = (column, character, wide, style, is_drawn)
    if run:
        yield run


def draw(lines):
    rows = cells(lines)
    columns = max((column + wide for row in rows for column, _, wide, _ in row), default=0)
    width, height = columns * WIDTH + 16, len(rows) * HEIGHT + 16
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" '
        f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{FONT}">'
    )
    yield f'<rect width="100%" height="100%" rx="6" fill="{BACK}"/>'
    for number, row in enumerate(rows):
        y = 8 + number * HEIGHT
        for column, text, wide, style, is_drawn in runs(row):
            x = 8 + column * WIDTH
            fore, back = style.get("fore", FORE), style.get("back")
            if style.get("inverse"):
                fore, back = back or BACK, fore
            if back:
                yield f'<rect x="{x:.1f}" y="{y}" width="{wide * WIDTH + 0.3:.1f}" height="{HEIGHT}" fill="{back}"/>'
            if style.get("dim") and "fore" not in style:
                fore = COLORS[8] if is_drawn else "#8b919c"
            if text in FRAMES:
                yield frame(FRAMES[text], x, y, fore)
            elif text in "█░":
                opacity = 1 if text == "█" else 0.3
                yield f'<rect x="{x:.1f}" y="{y + 3}" width="{WIDTH:.1f}" height="{HEIGHT - 6}" fill="{fore}" opacity="{opacity}"/>'
            elif text.strip():
                start = len(text) - len(text.lstrip())
                shown = text.strip()
                columns = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in shown)
                weight = ' font-weight="bold"' if style.get("bold") else ""
                yield (
                    f'<text x="{x + start * WIDTH:.1f}" y="{y + 13.5}" textLength="{columns * WIDTH:.1f}" '
                    f'lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="{fore}"{weight}>{escape(shown)}</text>'
                )
    yield "</svg>"


if __name__ == "__main__":
    print("\n".join(draw(sys.stdin.read().rstrip("\n").split("\n"))))
