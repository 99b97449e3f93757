"""An order in each script that docs/printing-text.md promises something about."""

from typing import NamedTuple


class Order(NamedTuple):
    """`name` and `extra` (a modifier) with `price`, as a menu in that language has them."""

    script: str
    name: str
    extra: str
    price: str


ORDERS = (
    Order("Western European", "Crème brûlée à l’œuf, piñata", "ohne Soße, für später", "€ 12,50"),
    Order("Central European", "Żurek z gęsią, kotlet łódzki", "čevapčići, bez cibule, főtt", "49,90 zł"),
    Order("Romanian", "Șnițel țărănesc", "fără pâine", "35 lei"),
    Order("Cyrillic", "Борщ со сметаной", "без чеснока, ёж", "450 ₽"),
    Order("Ukrainian, Serbian", "Їжа з ґудзиком", "ћевапи, љута паприка", "120 ₴"),
    Order("Greek", "Τζατζίκι ΣΑΓΑΝΑΚΙ", "χωρίς κρεμμύδι", "7,80 €"),
    Order("Turkish", "İskender, ağaç şiş", "ışıkta az pişmiş", "₺ 240"),
    Order("Vietnamese", "Phở bò tái ĐẶC BIỆT", "không hành, thêm ớt", "95.000 ₫"),
    Order("Vietnamese, decomposed", "Pho\u031b\u0309 bo\u0300", "ma\u0323\u0302n o\u031b\u0301t", "95.000 ₫"),
    Order("Japanese", "サーモン握り", "わさび抜き、醤油", "¥580"),
    Order("Chinese", "宫保鸡丁", "不要辣，加米饭", "¥38"),
    Order("Arabic", "شيش طاووق", "بدون بصل (كبير)", "12.50"),
    Order("Arabic with Latin and digits", "بيتزا XL مع 2 لتر Cola", "لا سلطة", "18.00"),
    Order("Hebrew", "חומוס עם פיתה", "בלי בצל (גדול)", "₪ 32.00"),
    Order("Hebrew with Latin and digits", "קולה Zero 1.5 ליטר", "2 קרח", "₪ 9.90"),
)
