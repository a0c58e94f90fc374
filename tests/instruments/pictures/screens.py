"""Screens: settings, a message, a chat, a log, a slide."""

from random import Random

from tests.instruments.pictures import words
from tests.instruments.pictures.case import Language, Sheet
from tests.instruments.pictures.fonts import font

_LIGHT, _DARK = ("#f5f6f8", "#1b1f24"), ("#16181d", "#d9dde3")


def _screen(rng: Random, width: int, height: int, language: Language) -> Sheet:
    ground, ink = rng.choice([_LIGHT, _DARK])
    return Sheet(width, height, ground, ink, rng.choice(["cjk", "sans"]) if language == "en" else "cjk")


def settings(rng: Random, language: Language) -> Sheet:
    """A telephone's page of settings."""
    sheet = _screen(rng, 720, 1180, language)
    version, space = f"{rng.randint(2, 15)}.{rng.randint(0, 9)}.{rng.randint(1, 30)}", f"{rng.randint(12, 240)} GB"
    device, hour = rng.choice(["Orion 7", "Pebble X2", "Nova 12"]), words.time(rng)
    sheet.write((40, 40), hour, 24)
    if language == "en":
        sheet.write((40, 130), "About this phone", 44, bold=1)
        rows = [("Device name", device), ("System version", version), ("Storage", space), ("Language", "English"),
                ("Battery health", f"{rng.randint(80, 100)}%")]  # fmt: skip
        asked = ["What is the system version?", "What is the device name?", "How much storage is there?"]
    else:
        sheet.write((40, 130), "关于本机", 44, bold=1)
        rows = [
            ("设备名称", device),
            ("系统版本", version),
            ("存储空间", space),
            ("语言", "简体中文"),
            ("电池健康", f"{rng.randint(80, 100)}%"),
        ]
        asked = ["系统版本是多少?", "设备名称是什么?", "存储空间有多大?"]
    for number, (key, value) in enumerate(rows):
        y = 270 + 120 * number
        sheet.draw.line((40, y + 60, 680, y + 60), fill="#8886", width=2)
        sheet.write((40, y), key, 32)
        sheet.write((680, y), value, 32, anchor="rm", ink="#8a8f98", same_row=True)
    for question, answer in zip(asked, (version, device, space), strict=True):
        sheet.ask(question, answer)
    return sheet


def message(rng: Random, language: Language) -> Sheet:
    """A program's error message with two buttons."""
    sheet = _screen(rng, 900, 460, language)
    code = f"0x{rng.randint(0x80070002, 0x800FFFF9):08X}"
    file = f"report_{rng.randint(2019, 2026)}_{rng.randint(1, 12):02}.xlsx"
    sheet.draw.rectangle((0, 0, 900, 70), fill="#2b5fb3")
    if language == "en":
        sheet.write((30, 35), "File Manager", 28, ink="white")
        sheet.write((60, 150), f"Cannot open {file}", 34, bold=1)
        sheet.write((60, 220), "The file is used by another program.", 28)
        sheet.write((60, 275), f"Error code: {code}", 28)
        buttons = ("Retry", "Cancel")
        sheet.ask("What is the error code?", code)
        sheet.ask("Which file cannot be opened?", file)
    else:
        sheet.write((30, 35), "文件管理器", 28, ink="white")
        sheet.write((60, 150), f"无法打开 {file}", 34, bold=1)
        sheet.write((60, 220), "该文件正在被另一个程序使用。", 28)
        sheet.write((60, 275), f"错误代码：{code}", 28)
        buttons = ("重试", "取消")
        sheet.ask("错误代码是什么?", code)
        sheet.ask("哪个文件无法打开?", file)
    for number, text in enumerate(buttons):
        x = 480 + 200 * number
        sheet.draw.rounded_rectangle((x, 350, x + 180, 420), 8, fill="#c9d3e2")
        sheet.write((x + 90, 385), text, 28, anchor="mm", ink="#111", same_row=number > 0)
    return sheet


def chat(rng: Random, language: Language) -> Sheet:
    """Two people's messages in bubbles, left and right."""
    sheet = _screen(rng, 760, 1000, language)
    hour, place, number = words.time(rng), words.address(rng, language), words.phone(rng, language)
    friend = rng.choice(words.PEOPLE[language])
    sheet.write((380, 60), friend, 36, anchor="mm", bold=1)
    if language == "en":
        said = ["Are you coming tonight?", f"Yes, I will be there at {hour}", "Great, where do we meet?", place,
                "Call me if you are late", f"My number is {number}"]  # fmt: skip
        sheet.ask("At what time will he be there?", hour)
        sheet.ask("What is the address?", place)
        sheet.ask("What is the phone number?", number)
    else:
        said = [
            "你今晚来吗？",
            f"来的，我{hour}到",
            "太好了，在哪里见面？",
            place,
            "晚了就给我打电话",
            f"我的电话是{number}",
        ]
        sheet.ask("他几点到?", hour)
        sheet.ask("见面的地址是哪里?", place)
        sheet.ask("电话号码是多少?", number)
    for turn, text in enumerate(said):
        y, mine = 170 + 130 * turn, turn % 2 == 1
        width = max(120.0, 40 + _width(sheet, text, 30))
        x = 720 - width if mine else 40
        sheet.draw.rounded_rectangle((x, y - 40, x + width, y + 40), 20, fill="#8fdc7c" if mine else "#ffffff")
        sheet.write((x + 20, y), text, 30, ink="#111")
    return sheet


def log(rng: Random, language: Language) -> Sheet:
    """A terminal: lines in small letters on black."""
    sheet = Sheet(1180, 640, "#0c0c0c", rng.choice(["#d0d0d0", "#7ee081"]))
    host, failed = rng.choice(["db-primary", "web-02", "cache-east"]), rng.choice(["backup", "mail", "search"])
    used, day = rng.randint(71, 99), words.date(rng, "zh" if language == "zh" else "en")
    if language == "en":
        rows = [f"$ status --host {host}", f"Last login: {day}", f"disk usage: {used}%", "network: connected",
                f"service {failed}: failed to start", "service clock: running", "service printer: running",
                f"uptime: {rng.randint(3, 90)} days"]  # fmt: skip
        sheet.ask("What is the disk usage?", f"{used}%")
        sheet.ask("Which service failed to start?", failed)
        sheet.ask("When was the last login?", day)
    else:
        rows = [f"$ status --host {host}", f"上次登录：{day}", f"磁盘使用率：{used}%", "网络：已连接",
                f"服务 {failed} 启动失败", "服务 clock 正在运行", "服务 printer 正在运行",
                f"已运行 {rng.randint(3, 90)} 天"]  # fmt: skip
        sheet.ask("磁盘使用率是多少?", f"{used}%")
        sheet.ask("哪个服务启动失败?", failed)
        sheet.ask("上次登录是什么时候?", day)
    for number, row in enumerate(rows):
        sheet.write((30, 50 + 72 * number), row, 26)
    return sheet


def slide(rng: Random, language: Language) -> Sheet:
    """A talk's slide: a title and points."""
    sheet = _screen(rng, 1280, 720, language)
    growth, team, day = rng.randint(3, 48), rng.randint(12, 95), words.date(rng, language)
    if language == "en":
        title = rng.choice(["Results of the Third Quarter", "Plan for the New Office", "Where We Stand"])
        rows = [f"Revenue grew by {growth}% over last year", f"The team now has {team} people",
                f"The next review is on {day}", "Costs stayed below the budget"]  # fmt: skip
        sheet.ask("What is the title of the slide?", title)
        sheet.ask("By how much did revenue grow?", f"{growth}%")
        sheet.ask("When is the next review?", day)
    else:
        title = rng.choice(["第三季度业绩报告", "新办公室搬迁计划", "我们的现状与目标"])
        rows = [f"营业收入同比增长{growth}%", f"团队目前共有{team}人", f"下次评审日期：{day}", "各项成本均低于预算"]
        sheet.ask("这页幻灯片的标题是什么?", title)
        sheet.ask("营业收入增长了多少?", f"{growth}%")
        sheet.ask("下次评审是哪天?", day)
    sheet.write((90, 110), title, 58, bold=1)
    for number, row in enumerate(rows):
        y = 260 + 105 * number
        sheet.draw.ellipse((94, y - 6, 106, y + 6), fill=sheet.ink)
        sheet.write((140, y), row, 38)
    return sheet


def _width(sheet: Sheet, text: str, size: int) -> float:
    return font(size, sheet.family).getlength(text)
