"""What can be read of the books of a register: the sums of a business day. Money is in minor units of the store's currency."""

from tillkeeper.contract.base import View


class TenderBook(View, frozen=True):
    """`taken_minor` came from guests (change already off), `returned_minor` went back with voided checks, `refunded_minor` on
    closed ones. All positive."""

    tender: str
    taken_minor: int
    returned_minor: int = 0
    refunded_minor: int = 0


class TaxBook(View, frozen=True):
    code: str
    title: str
    net_minor: int
    tax_minor: int


class BooksView(View, frozen=True):
    """One business day of this register. Sums are over closed checks; refunds are apart and positive. `only_here`: events of
    this register that HQ does not hold yet, so its books may be behind these."""

    business_day: str
    currency: str
    checks_opened: int
    checks_closed: int
    checks_voided: int
    checks_open: int
    gross_minor: int
    net_minor: int
    tax_minor: int
    discount_minor: int
    rounding_minor: int
    refund_minor: int
    refund_tax_minor: int
    no_sales: int
    only_here: int
    taxes: tuple[TaxBook, ...] = ()
    tenders: tuple[TenderBook, ...] = ()
