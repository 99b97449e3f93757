"""What a country makes likely: its currency (ISO 4217), its language, whether prices on a menu contain the tax. Defaults that a
person confirms; a tax rate is never among them. Pure."""

_EURO = "AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK AD MC SM VA ME XK"
_CURRENCIES = {
    **dict.fromkeys(_EURO.split(), "EUR"),
    "US": "USD", "PR": "USD", "EC": "USD", "SV": "USD", "PA": "USD", "CA": "CAD", "MX": "MXN", "GB": "GBP", "CH": "CHF",
    "LI": "CHF", "NO": "NOK", "SE": "SEK", "DK": "DKK", "IS": "ISK", "PL": "PLN", "CZ": "CZK", "HU": "HUF", "RO": "RON",
    "BG": "EUR", "TR": "TRY", "UA": "UAH", "JP": "JPY", "KR": "KRW", "CN": "CNY", "TW": "TWD", "HK": "HKD", "SG": "SGD",
    "MY": "MYR", "TH": "THB", "ID": "IDR", "PH": "PHP", "VN": "VND", "IN": "INR", "AU": "AUD", "NZ": "NZD", "ZA": "ZAR",
    "BR": "BRL", "AR": "ARS", "CL": "CLP", "CO": "COP", "PE": "PEN", "UY": "UYU", "AE": "AED", "SA": "SAR", "KW": "KWD",
    "IL": "ILS", "EG": "EGP", "MA": "MAD", "KE": "KES", "NG": "NGN", "RU": "RUB",
}  # fmt: skip
"""As far as one currency is what a till there counts in."""
_LANGUAGES = {
    "DE": "de", "AT": "de", "CH": "de-CH", "LI": "de-CH", "US": "en-US", "GB": "en-GB", "IE": "en-GB", "ES": "es",
    "MX": "es-MX",
    "FR": "fr", "MC": "fr", "IT": "it", "SM": "it", "JP": "ja", "PL": "pl", "PT": "pt", "BR": "pt", "RU": "ru", "TR": "tr",
    "GR": "el", "CY": "el", "CN": "zh", "TW": "zh",
}  # fmt: skip
_ADDED = frozenset({"US", "CA", "PR"})
"""The tax comes on top of what the menu says."""
_NAMES = {
    "de": "MwSt.",
    "en-US": "Sales tax",
    "es": "IVA",
    "it": "IVA",
    "pt": "IVA",
    "fr": "TVA",
    "pl": "VAT",
    "tr": "KDV",
    "ja": "消費税",
}


def currency_of(country: str) -> str:
    return _CURRENCIES.get(country, "")


def language_of(country: str) -> str:
    return _LANGUAGES.get(country, "en")


def tax_included(country: str) -> bool:
    return country not in _ADDED


def tax_name(language: str, country: str) -> str:
    """As receipts call it."""
    return _NAMES.get(language) or _NAMES.get(language.partition("-")[0]) or ("Sales tax" if country in _ADDED else "VAT")
