"""Streets and shops: signs, posters, menus, upright writing, labels."""

from random import Random

from tests.instruments.pictures import words
from tests.instruments.pictures.case import Language, Sheet
from tests.instruments.pictures.fonts import Family

_LATIN: list[Family] = ["cjk", "sans", "sans-bold", "serif", "serif-bold"]
_BOARDS = [
    ("#a3201d", "white"),
    ("#12408a", "#ffe9a8"),
    ("#f4ead2", "#51301a"),
    ("#1f5c3a", "white"),
    ("#ffffff", "#b01020"),
]


def letters(rng: Random, language: Language) -> Family:
    """A family of letters for the language."""
    return rng.choice(_LATIN) if language == "en" else "cjk"


def sign(rng: Random, language: Language) -> Sheet:
    """A shop's sign: its name large, smaller text below."""
    ground, ink = rng.choice(_BOARDS)
    sheet = Sheet(1100, 420, ground, ink, letters(rng, language))
    name, number = rng.choice(words.SHOPS[language]), words.phone(rng, language)
    opens, closes = words.time(rng), words.time(rng)
    sheet.draw.rectangle((14, 14, 1085, 405), outline=ink, width=rng.choice([0, 3, 6]))
    sheet.write((550, 140), name, rng.randint(90, 115), anchor="mm", bold=rng.choice([0, 2, 3]))
    sheet.write((550, 255), rng.choice(words.SLOGANS[language]), 44, anchor="mm")
    if language == "zh":
        sheet.write((550, 345), f"营业时间：{opens}-{closes}　电话：{number}", 32, anchor="mm")
        sheet.ask("图中店铺名称是什么?", name)
        sheet.ask("几点营业?", opens)
        sheet.ask("联系电话是多少?", number)
    else:
        sheet.write((550, 345), f"Open {opens} to {closes}   Call {number}", 34, anchor="mm")
        sheet.ask("What is the name of the shop?", name)
        sheet.ask("What are the opening hours?", opens)
        sheet.ask("What is the phone number?", number)
    return sheet


def poster(rng: Random, language: Language) -> Sheet:
    """An event: what, when, where, how much."""
    ground, ink = rng.choice(_BOARDS)
    sheet = Sheet(800, 1100, ground, ink, letters(rng, language))
    event, day, hour = rng.choice(words.EVENTS[language]), words.date(rng, language), words.time(rng)
    place, price = words.address(rng, language), words.money(rng)
    sheet.draw.ellipse((-200, -300, 500, 200), outline=ink, width=5)
    size = 76 if language == "en" else 100
    sheet.write((400, 330), event, size, anchor="mm", bold=2)
    sheet.write((400, 450), rng.choice(words.SLOGANS[language]), 40, anchor="mm")
    sheet.draw.line((150, 540, 650, 540), fill=ink, width=3)
    if language == "zh":
        rows = [f"时间：{day} {hour}", f"地点：{place}", f"票价：{price}元", "儿童免费入场"]
        sheet.ask("这是什么活动?", event)
        sheet.ask("活动什么时候举行?", day)
        sheet.ask("活动地点在哪里?", place)
        sheet.ask("票价多少钱?", price)
    else:
        rows = [f"Date: {day} at {hour}", f"Venue: {place}", f"Tickets: ${price}", "Children enter free of charge"]
        sheet.ask("What is the name of the event?", event)
        sheet.ask("When does it take place?", day)
        sheet.ask("What is the address?", place)
        sheet.ask("How much is a ticket?", price)
    for number, row in enumerate(rows):
        sheet.write((400, 640 + 90 * number), row, 38, anchor="mm")
    return sheet


def menu(rng: Random, language: Language) -> Sheet:
    """Dishes and prices, joined by dots or far apart."""
    sheet = Sheet(900, 1000, rng.choice(["#fffaf0", "#20242a"]), family=letters(rng, language))
    sheet.ink = "#f0e6d0" if sheet.ground == "#20242a" else "#3a2a1a"
    sheet.write((450, 90), rng.choice(words.SHOPS[language]), 60, anchor="mm", bold=1)
    sheet.write((450, 165), "MENU" if language == "en" else "今日菜单", 34, anchor="mm")
    goods = rng.sample(words.GOODS[language], 9)
    prices = [words.money(rng) for _ in goods]
    leaders = rng.random() < 0.5
    for number, (good, price) in enumerate(zip(goods, prices, strict=True)):
        y = 270 + 78 * number
        shown = f"${price}" if language == "en" else f"{price}元"
        width = sheet.write((90, y), good, 36)
        left = 810 - sheet.write((810, y), shown, 36, anchor="rm", same_row=True)
        if leaders:
            for x in range(int(90 + width) + 20, int(left) - 12, 14):
                sheet.draw.ellipse((x, y + 9, x + 3, y + 12), fill=sheet.ink)
    chosen = rng.randrange(len(goods))
    price_of = f"How much is the {goods[chosen].lower()}?" if language == "en" else f"{goods[chosen]}多少钱?"
    sheet.ask(price_of, prices[chosen])
    return sheet


def upright(rng: Random, language: Language) -> Sheet:
    """Chinese in columns from the right to the left, on a board or a scroll."""
    columns = rng.choice(words.VERTICAL)
    size = rng.randint(48, 72)
    pitch = size * rng.choice([1.7, 2.2])
    tallest = max(map(len, columns))
    ground, ink = rng.choice([("#f7f0dc", "#1a1a1a"), ("#8c1c13", "#ffe08a"), ("white", "black")])
    sheet = Sheet(int(pitch * len(columns)) + 120, int(size * 1.18 * tallest) + 140, ground, ink)
    for number, column in enumerate(columns):
        x = sheet.width - 60 - pitch * (number + 0.5)
        for place, letter in enumerate(column):
            at = (x, 70 + size * (0.55 + 1.18 * place))
            sheet.write(at, letter, size, anchor="mm", same_row=place > 0)
    sheet.ask("第一列写的是什么?" if language == "zh" else "What is written in the first column?", columns[0])
    return sheet


def label(rng: Random, language: Language) -> Sheet:
    """The label of a product: a name, key and value in each row, a paragraph of advice."""
    sheet = Sheet(760, 900, rng.choice(["white", "#eef3e6", "#fdf1d8"]), "#202020", letters(rng, language))
    good, weight, lot = rng.choice(words.GOODS[language]), rng.choice([120, 250, 330, 500]), words.code(rng)
    until = words.date(rng, language)
    sheet.write((60, 90), good, 64, bold=1)
    if language == "zh":
        rows = [
            ("净含量", f"{weight}克"),
            ("生产批号", lot),
            ("保质期至", until),
            ("产地", rng.choice(words.PLACES["zh"])),
        ]
        advice = "请置于阴凉干燥处保存，避免阳光直射。开封后请冷藏，并在三天内食用完毕。"
        sheet.ask("净含量是多少?", f"{weight}克")
        sheet.ask("生产批号是什么?", lot)
        sheet.ask("保质期到什么时候?", until)
    else:
        rows = [("Net weight", f"{weight} g"), ("Lot number", lot), ("Best before", until),
                ("Origin", rng.choice(words.PLACES["en"]))]  # fmt: skip
        advice = (
            "Store in a cool and dry place away from sunlight. Refrigerate after opening and consume within three days."
        )
        sheet.ask("What is the net weight?", f"{weight} g")
        sheet.ask("What is the lot number?", lot)
        sheet.ask("What is the best before date?", until)
    for number, (key, value) in enumerate(rows):
        sheet.write((60, 220 + 70 * number), f"{key}: {value}" if language == "en" else f"{key}：{value}", 34)
    sheet.paragraph((60, 560), advice, 28, 640)
    return sheet
