"""The tables that bench/rivals prints and puts into docs/performance.md."""

BEGIN, END = "<!-- rivals: begin -->", "<!-- rivals: end -->"
ERROR_LENGTH = 120
LOSS = 1.05  # ours / theirs above this is marked


def latency_text(ms):
    digits = 0 if ms >= 100 else 1 if ms >= 10 else 2 if ms >= 1 else 3 if ms >= 0.01 else 5
    return f"{ms:.{digits}f}"


def engine_text(side):
    if "error" in side:
        return "fails"
    return f"{latency_text(side['latency_ms'])} ms, {side['added_bytes'] / 1e6:.0f} MB"


def cell(row, name):
    side = row["sides"].get(name)
    if side is None:
        return ""
    ratios = row["ratios"].get(name)
    if ratios is None:
        return engine_text(side)
    marks = [f"**{value:.2f}x**" if value > LOSS else f"{value:.2f}x" for value in (ratios["latency_ratio"], ratios["memory_ratio"])]
    return f"{engine_text(side)} ({marks[0]}, {marks[1]})"


def table(rows):
    """Rows of one kind of model. Columns: who took part in any of them."""
    names = [name for row in rows for name in row["sides"] if name != "Pochade"]
    names = list(dict.fromkeys(names))
    lines = ["| model | threads | Pochade | " + " | ".join(names) + " |", "|---|---|---|" + "---|" * len(names)]
    for row in rows:
        cells = [engine_text(row["sides"]["Pochade"])] + [cell(row, name) for name in names]
        lines.append(f"| {row['model']} | {row['threads']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def report(outcome, command):
    text = ""
    for kind in ("float", "quantized"):
        rows = [row for row in outcome["rows"] if row["kind"] == kind]
        if rows:
            text += f"### {kind.capitalize()} models\n\n{table(rows)}\n\n"
    versions = ", ".join(f"{name} {version}" for name, version in outcome["versions"].items())
    text += f"""In brackets ours / theirs, latency then memory; **bold** above {LOSS}. Latency: median of {outcome['pairs']} processes of each engine, one after
the other in turn. Where either is below 0.1 ms, the ratio is that of what remains without the time of an identity model. Memory:
highest resident size minus that before the model is loaded. {versions}.
{outcome['cpu']}, {outcome['date']}, `{command}`.
"""
    for name in outcome["absent"]:
        text += f"\n{name} was absent."
    failures = dict.fromkeys((side, row["model"], result["error"]) for row in outcome["rows"] for side, result in row["sides"].items()
                             if "error" in result)
    for side, model, error in failures:
        text += f"\n{side} fails on {model}: {error[:ERROR_LENGTH]}"
    return text.rstrip() + "\n"


def write_document(document, text):
    old = document.read_text() if document.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
    if BEGIN not in old or END not in old:
        old = old.rstrip() + f"\n\n## Beside other engines\n\n{BEGIN}\n{END}\n"
    head, rest = old.split(BEGIN, 1)
    new = head + BEGIN + "\n" + text + END + rest.split(END, 1)[1]
    document.parent.mkdir(exist_ok=True)
    temporary = document.with_suffix(".tmp")
    temporary.write_text(new)
    temporary.replace(document)
