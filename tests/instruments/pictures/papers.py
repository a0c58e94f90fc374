"""Papers: receipts, tables, timetables, pages, columns, cards, forms, tickets."""

from random import Random

from tests.instruments.pictures import words
from tests.instruments.pictures.case import Language, Sheet
from tests.instruments.pictures.streets import letters


def till_receipt(rng: Random, language: Language) -> Sheet:
    """A shop's receipt: the prices at the right edge."""
    sheet = Sheet(620, 1060, rng.choice(["white", "#fbfaf5", "#e9e7e0"]), "#222", letters(rng, language))
    name, day, hour = rng.choice(words.SHOPS[language]), words.date(rng, language), words.time(rng)
    goods, place = rng.sample(words.GOODS[language], rng.randint(4, 7)), words.address(rng, language)
    prices = [words.money(rng) for _ in goods]
    total = f"{sum(map(float, prices)):.2f}"
    sheet.write((310, 70), name, 44, anchor="mm", bold=1)
    sheet.write((310, 130), place, 26, anchor="mm")
    sheet.write((40, 190), f"{day} {hour}", 26)
    sign = "$" if language == "en" else "¥"
    names = ("Subtotal", "TOTAL", "Thank you") if language == "en" else ("小计", "合计", "谢谢惠顾")
    rows = [*zip(goods, prices, strict=True), (names[0], total), (names[1], total)]
    for number, (what, price) in enumerate(rows):
        y = 260 + 66 * number
        large = 34 if number == len(rows) - 1 else 27
        sheet.write((40, y), what, large)
        sheet.write((580, y), f"{sign}{price}", large, anchor="rm", same_row=True)
    sheet.write((310, 260 + 66 * len(rows) + 40), names[2], 28, anchor="mm")
    chosen = rng.randrange(len(goods))
    if language == "en":
        sheet.ask("What is the total?", total)
        sheet.ask("Which store issued this receipt?", name)
        sheet.ask("When was this bought?", day)
        sheet.ask(f"How much did the {goods[chosen].lower()} cost?", prices[chosen])
    else:
        sheet.ask("一共多少钱?", total)
        sheet.ask("这是哪家店的小票?", name)
        sheet.ask("是哪一天买的?", day)
        sheet.ask(f"{goods[chosen]}的价格是多少?", prices[chosen])
    return sheet


def table(rng: Random, language: Language) -> Sheet:
    """A table, with rules or without."""
    head = ["Item", "Stock", "Price", "Shelf"] if language == "en" else ["品名", "库存", "单价", "货架"]
    goods = rng.sample(words.GOODS[language], 8)
    cells = [
        [good, str(rng.randint(11, 480)), words.money(rng), f"{rng.choice('ABCDEF')}{rng.randint(10, 99)}"]
        for good in goods
    ]
    sheet = Sheet(1000, 130 + 62 * 9 + 40, "white", "#111", letters(rng, language))
    edges = [40, 370, 560, 760, 960]
    sheet.write((500, 60), "Warehouse list" if language == "en" else "仓库清单", 40, anchor="mm", bold=1)
    ruled, striped = rng.random() < 0.6, rng.random() < 0.4
    for number, row in enumerate([head, *cells]):
        top = 120 + 62 * number
        if striped and number % 2:
            sheet.draw.rectangle((40, top, 960, top + 62), fill="#e4ebf5")
        for place, cell in enumerate(row):
            sheet.write((edges[place] + 16, top + 31), cell, 28, bold=int(number == 0), same_row=place > 0)
            if ruled:
                sheet.draw.rectangle((edges[place], top, edges[place + 1], top + 62), outline="#666", width=2)
    good, stock, price, shelf = cells[rng.randrange(len(cells))]
    if language == "en":
        sheet.ask(f"What is the stock of {good.lower()}?", stock)
        sheet.ask(f"On which shelf is {good.lower()}?", shelf)
        sheet.ask("What is the title of the table?", "Warehouse list")
    else:
        sheet.ask(f"{good}的库存是多少?", stock)
        sheet.ask(f"{good}在哪个货架?", shelf)
        sheet.ask(f"{good}的单价是多少?", price)
    return sheet


def timetable(rng: Random, language: Language) -> Sheet:
    """Departures: train, destination, time, platform."""
    dark = rng.random() < 0.5
    sheet = Sheet(1000, 760, "#101820" if dark else "white", "#ffd34e" if dark else "#123", letters(rng, language))
    head = ["Time", "Destination", "Train", "Platform"] if language == "en" else ["时间", "目的地", "车次", "站台"]
    towns = rng.sample(words.PLACES[language], 7)
    hours = sorted(words.time(rng) for _ in towns)
    platforms = [str(rng.randint(1, 19)) for _ in towns]
    trains = [f"{rng.choice('GKT')}{rng.randint(100, 999)}" for _ in towns]
    sheet.write((500, 60), "DEPARTURES" if language == "en" else "出发", 48, anchor="mm", bold=1)
    rows = [head, *([*row] for row in zip(hours, towns, trains, platforms, strict=True))]
    for number, row in enumerate(rows):
        for place, (x, cell) in enumerate(zip((60, 260, 560, 790), row, strict=True)):
            sheet.write((x, 150 + 78 * number), cell, 34, same_row=place > 0)
    chosen = rng.randrange(len(towns))
    if language == "en":
        sheet.ask(f"When does the train to {towns[chosen]} leave?", hours[chosen])
        sheet.ask(f"Which train goes to {towns[chosen]}?", trains[chosen])
    else:
        sheet.ask(f"去{towns[chosen]}的火车几点开?", hours[chosen])
        sheet.ask(f"到{towns[chosen]}是哪个车次?", trains[chosen])
    return sheet


def page(rng: Random, language: Language) -> Sheet:
    """A page of running text below a heading."""
    sheet = Sheet(1000, 1100, "white", "#111", letters(rng, language))
    title = "A Short History of the Harbour" if language == "en" else "海港小史"
    sheet.write((80, 100), title, 46, bold=1)
    y = 200.0
    for sentence, question, answer in words.facts(rng, language, 4):
        y = sheet.paragraph((80, y), sentence, 30, 840) + 30
        sheet.ask(question, answer)
    sheet.ask("What is the title?" if language == "en" else "标题是什么?", title)
    sheet.write((500, 1050), str(rng.randint(11, 98)), 26, anchor="mm")
    return sheet


def columns(rng: Random, language: Language) -> Sheet:
    """A page in two columns below a heading that runs over both."""
    sheet = Sheet(1240, 1000, "white", "#111", letters(rng, language))
    title = "News from the Coast" if language == "en" else "海岸新闻"
    sheet.write((620, 90), title, 54, anchor="mm", bold=1)
    facts = words.facts(rng, language, 6)
    for place, x in enumerate((70, 650)):
        y = 190.0
        for sentence, _, _ in facts[3 * place : 3 * place + 3]:
            y = sheet.paragraph((x, y), sentence, 28, 510) + 20
    _, question, answer = rng.choice(facts)
    sheet.ask(question, answer)
    sheet.ask("What is the headline?" if language == "en" else "标题是什么?", title)
    return sheet


def card(rng: Random, language: Language) -> Sheet:
    """A business card."""
    sheet = Sheet(1000, 580, rng.choice(["white", "#f3efe6", "#1c2733"]), family=letters(rng, language))
    sheet.ink = "#f5f5f5" if sheet.ground == "#1c2733" else "#1a1a1a"
    name, job, firm = (rng.choice(pool[language]) for pool in (words.PEOPLE, words.JOBS, words.COMPANIES))
    number, place = words.phone(rng, language), words.address(rng, language)
    mail = (
        f"{rng.choice(['info', 'office', 'hello', 'desk'])}@{rng.choice(['larkfield', 'tidewater', 'corvus'])}.example"
    )
    sheet.write((80, 110), firm, 40)
    sheet.write((80, 235), name, 58, bold=1)
    sheet.write((80, 315), job, 32)
    sheet.write((80, 415), f"Tel {number}" if language == "en" else f"电话 {number}", 30)
    sheet.write((80, 465), mail, 30)
    sheet.write((80, 515), place, 30)
    if language == "en":
        asked = [
            "Whose business card is this?",
            "What is the e-mail address?",
            "What is the phone number?",
            "Where is the office?",
        ]
    else:
        asked = ["这是谁的名片?", "邮箱是什么?", "电话号码是多少?", "公司地址在哪里?"]
    for question, answer in zip(asked, (name, mail, number, place), strict=True):
        sheet.ask(question, answer)
    return sheet


def form(rng: Random, language: Language) -> Sheet:
    """A form that is filled in: keys at the left, values in boxes."""
    sheet = Sheet(900, 820, "white", "#222", letters(rng, language))
    name, day, lot = rng.choice(words.PEOPLE[language]), words.date(rng, language), words.code(rng)
    place, number = words.address(rng, language), words.phone(rng, language)
    if language == "en":
        title = "Application Form"
        rows = [
            ("Full name", name),
            ("Date of birth", day),
            ("Address", place),
            ("Telephone", number),
            ("Reference", lot),
        ]
        asked = [
            "Who is the applicant?",
            "What is the date of birth?",
            "What is the address?",
            "What is the reference?",
        ]
    else:
        title = "申请表"
        rows = [("姓名", name), ("出生日期", day), ("住址", place), ("联系电话", number), ("编号", lot)]
        asked = ["申请人姓名是什么?", "出生日期是哪天?", "住址在哪里?", "编号是多少?"]
    sheet.write((450, 80), title, 44, anchor="mm", bold=1)
    for row, (key, value) in enumerate(rows):
        y = 210 + 115 * row
        sheet.draw.rectangle((280, y - 38, 850, y + 38), outline="#999", width=2)
        sheet.write((50, y), key, 30, ink="#555")
        sheet.write((300, y), value, 32, same_row=True)
    for question, answer in zip(asked, (name, day, place, lot), strict=True):
        sheet.ask(question, answer)
    return sheet


def ticket(rng: Random, language: Language) -> Sheet:
    """A ticket: the label of each value is above it."""
    sheet = Sheet(1200, 520, rng.choice(["#e8f1fb", "#fff3d6", "white"]), "#14213d", letters(rng, language))
    start, end = rng.sample(words.PLACES[language], 2)
    day, hour, seat, lot = (
        words.date(rng, "en"),
        words.time(rng),
        f"{rng.randint(2, 38)}{rng.choice('ABCDEF')}",
        words.code(rng),
    )
    if language == "en":
        title, name = "BOARDING PASS", rng.choice(words.PEOPLE["en"])
        keys = [["Passenger", "From", "To"], ["Date", "Departure", "Seat", "Booking"]]
        asked = ["Who is the passenger?", "What is the seat?", "What is the booking number?", "What is the date?"]
    else:
        title, name = "登机牌", rng.choice(words.PEOPLE["zh"])
        keys = [["旅客姓名", "出发地", "目的地"], ["日期", "起飞时间", "座位号", "订单号"]]
        asked = ["旅客是谁?", "座位号是多少?", "订单号是什么?", "日期是哪天?"]
    sheet.write((60, 70), title, 44, bold=1)
    for block, (names, values) in enumerate(zip(keys, [[name, start, end], [day, hour, seat, lot]], strict=True)):
        y, pitch = 170 + 170 * block, 1100 / len(names)
        for place, key in enumerate(names):
            sheet.write((60 + pitch * place, y), key, 24, ink="#456", same_row=place > 0)
        for place, value in enumerate(values):
            sheet.write((60 + pitch * place, y + 60), value, 38, same_row=place > 0)
    for question, answer in zip(asked, (name, seat, lot, day), strict=True):
        sheet.ask(question, answer)
    return sheet
