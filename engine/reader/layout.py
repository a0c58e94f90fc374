"""Lines as found → the text in the order in which people read it."""

from engine.reader.lines import Line


def rows(lines: list[Line]) -> list[list[Line]]:
    """Group lines that stand beside each other, rows from top to bottom, each from left to right."""
    found: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.centre[1]):
        for row in found:
            overlap = min(line.bottom, row[0].bottom) - max(line.top, row[0].top)
            if overlap > 0.5 * min(line.bottom - line.top, row[0].bottom - row[0].top):
                row.append(line)
                break
        else:
            found.append([line])
    return [sorted(row, key=lambda line: line.left) for row in found]
