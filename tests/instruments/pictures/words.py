"""Made-up words and random figures for test pictures."""

from random import Random

from tests.instruments.pictures.case import Language

SHOPS: dict[Language, list[str]] = {
    "en": ["Blue Heron Books", "Maple Street Bakery", "Harbour Lights", "The Copper Kettle", "Northside Hardware",
           "Willow & Finch", "Orchard Dental Care", "Red Lantern Tea", "Old Mill Cycles", "Juniper Florist"],
    "zh": ["川味小馆", "老街面馆", "青禾书店", "海棠花坊", "晨光文具", "福满楼酒家", "云朵咖啡", "竹里茶舍",
           "同心大药房", "麦田烘焙"],
}  # fmt: skip
SLOGANS: dict[Language, list[str]] = {
    "en": ["Fresh every morning", "Open to everyone", "Since 1962", "Quality you can taste", "Repairs and advice"],
    "zh": ["用心做好每一碗", "欢迎光临", "始于一九六二年", "新鲜每一天", "品质值得信赖"],
}
GOODS: dict[Language, list[str]] = {
    "en": ["Apples", "Whole milk", "Brown bread", "Green tea", "Olive oil", "Oat biscuits", "Butter", "Tomatoes",
           "Sparkling water", "Ground coffee", "Honey", "Rice noodles", "Chicken soup", "Lemon cake"],
    "zh": ["苹果", "鲜牛奶", "全麦面包", "绿茶", "橄榄油", "燕麦饼干", "酸辣土豆丝", "西红柿", "矿泉水", "咖啡豆",
           "蜂蜜", "牛肉面", "宫保鸡丁", "柠檬蛋糕"],
}  # fmt: skip
PEOPLE: dict[Language, list[str]] = {
    "en": ["Laura Bennett", "Daniel Okafor", "Mei Castillo", "Peter Novak", "Sofia Lindqvist", "Henry Walsh"],
    "zh": ["王秀英", "李建国", "陈思远", "赵雪梅", "刘志强", "周雨桐"],
}
JOBS: dict[Language, list[str]] = {
    "en": ["Project Manager", "Head of Sales", "Software Engineer", "Architect", "Chief Editor"],
    "zh": ["项目经理", "销售总监", "软件工程师", "建筑设计师", "主编"],
}
COMPANIES: dict[Language, list[str]] = {
    "en": ["Larkfield Systems", "Tidewater Logistics", "Summit Paper Company", "Corvus Instruments"],
    "zh": ["远山科技有限公司", "江海物流有限公司", "新苗教育集团", "恒星仪器厂"],
}
PLACES: dict[Language, list[str]] = {
    "en": ["Ashford", "Brighton", "Kingsbury", "Dunmore", "Elmstead", "Fairview", "Granville", "Hartley"],
    "zh": ["杭州", "苏州", "成都", "西安", "青岛", "长沙", "昆明", "厦门"],
}
STREETS: dict[Language, list[str]] = {
    "en": ["Station Road", "Mill Lane", "Victoria Street", "Park Avenue", "Bridge Street"],
    "zh": ["人民路", "中山东路", "解放大道", "文化街", "滨江路"],
}
EVENTS: dict[Language, list[str]] = {
    "en": ["Summer Jazz Night", "Village Book Fair", "Open Air Cinema", "Ceramics Workshop", "Winter Food Market"],
    "zh": ["夏夜音乐会", "春季读书节", "露天电影周", "陶艺体验课", "冬季美食市集"],
}
# Running text. `{0}` and so on are filled with the word that the question asks for.
FACTS: dict[Language, list[tuple[str, str, list[str]]]] = {
    "en": [
        ("The old lighthouse was painted {0} after the storm, because the council had no other paint in stock.",
         "What colour was the lighthouse painted?", ["white", "yellow", "orange", "green"]),
        ("Visitors who arrive before noon may leave their bicycles at the {0}, where a guard looks after them.",
         "Where may visitors leave their bicycles?", ["north gate", "boat house", "old stable", "ticket office"]),
        ("The first bridge over the river was built by {0}, who had learned the trade in the mountains.",
         "Who built the first bridge over the river?", ["Thomas Ward", "Anna Reed", "Jacob Stone", "Emily Clarke"]),
        ("In a dry year the lake loses about {0} of its water, and the ferry then stops at the outer pier.",
         "How much of its water does the lake lose in a dry year?", ["a third", "a quarter", "a fifth", "one half"]),
        ("The museum keeps a collection of {0} that was given by a retired captain in his last will.",
         "What collection does the museum keep?", ["sea shells", "clay pipes", "ship models", "paper kites"]),
        ("Every spring the school sends its pupils to the {0} to count the birds that return from the south.",
         "Where does the school send its pupils every spring?",
         ["salt marsh", "pine forest", "stone quarry", "long beach"]),
    ],
    "zh": [
        ("风暴过后，老灯塔被重新刷成了{0}，因为仓库里已经没有别的油漆可用。", "灯塔被刷成了什么颜色？",
         ["白色", "黄色", "橙色", "绿色"]),
        ("中午以前到达的游客可以把自行车停放在{0}，那里有专人看管，不收任何费用。", "游客可以把自行车停放在哪里？",
         ["北门广场", "旧船坞", "老马厩", "售票处"]),
        ("河上的第一座桥是由{0}主持修建的，他年轻时曾在山里学过这门手艺。", "河上的第一座桥是谁主持修建的？",
         ["汪大年", "吴石生", "郑文川", "孙桂兰"]),
        ("干旱的年份里，湖水大约会减少{0}，渡船只好停靠在外侧的码头。", "干旱的年份湖水会减少多少？",
         ["三分之一", "四分之一", "五分之一", "一半"]),
        ("博物馆收藏了一批{0}，它们是一位退休船长在遗嘱中捐赠的。", "博物馆收藏了什么？",
         ["贝壳标本", "陶土烟斗", "轮船模型", "纸风筝"]),
        ("每年春天，学校都会带学生去{0}，数一数从南方飞回来的候鸟。", "学校每年春天带学生去哪里？",
         ["盐沼湿地", "松树林", "采石场", "长沙滩"]),
    ],
}  # fmt: skip
VERTICAL = [
    ["春风吹绿江南岸", "细雨润湿柳枝头", "燕子归来寻旧巢", "行人驻足看桃花"],
    ["勤学苦练", "天道酬勤", "厚德载物", "自强不息"],
    ["本店每日清晨开门", "供应豆浆油条", "和新鲜的小笼包", "晚上八点打烊"],
    ["山高月小", "水落石出", "清风徐来", "水波不兴", "白露横江"],
]


def money(rng: Random, least: int = 2, most: int = 90) -> str:
    """An amount with two decimals."""
    return f"{rng.randint(least, most)}.{rng.choice(['00', '50', '80', '95', '25'])}"


def date(rng: Random, language: Language) -> str:
    """A date as people write it."""
    year, month, day = rng.randint(2018, 2026), rng.randint(1, 12), rng.randint(1, 28)
    if language == "zh":
        return rng.choice([f"{year}年{month}月{day}日", f"{year}-{month:02}-{day:02}"])
    return rng.choice([f"{day:02}/{month:02}/{year}", f"{year}-{month:02}-{day:02}"])


def time(rng: Random) -> str:
    """A time of the day."""
    return f"{rng.randint(8, 21):02}:{rng.choice([0, 5, 15, 20, 30, 40, 45]):02}"


def phone(rng: Random, language: Language) -> str:
    """A telephone number."""
    if language == "zh":
        return f"0{rng.randint(20, 29)}-{rng.randint(6000, 8999)}{rng.randint(1000, 9999)}"
    return f"{rng.randint(201, 989)}-555-{rng.randint(1000, 9999)}"


def address(rng: Random, language: Language) -> str:
    """A street address."""
    number = rng.randint(2, 288)
    street, place = rng.choice(STREETS[language]), rng.choice(PLACES[language])
    return f"{place}市{street}{number}号" if language == "zh" else f"{number} {street}, {place}"


def code(rng: Random) -> str:
    """A number as on an order or a ticket. Without letters that look like digits."""
    return f"{rng.choice('ACEFHKMR')}{rng.choice('ACEFHKMR')}-{rng.randint(10000, 99999)}"


def facts(rng: Random, language: Language, count: int) -> list[tuple[str, str, str]]:
    """Sentences, each with a question and its answer."""
    chosen = rng.sample(FACTS[language], count)
    filled = [(sentence, question, rng.choice(words)) for sentence, question, words in chosen]
    return [(sentence.format(word), question, word) for sentence, question, word in filled]
