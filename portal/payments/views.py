"""All pages of paying; reading them in is what puts them on the blueprint."""

from portal.payments import credit_pages, pay_pages, result_pages, several_pages
from portal.payments.pages import payments

__all__ = ["credit_pages", "pay_pages", "payments", "result_pages", "several_pages"]
