"""Fixtures of the end-to-end tests: a real Asterisk, real SIP phones, the whole product (see harness/README.md)."""

from tests.e2e.harness.fixtures import asterisk, asterisk_of_session, make_asterisk, phones
from tests.e2e.product_fixtures import chromium, product, product_folder

__all__ = ["asterisk", "asterisk_of_session", "chromium", "make_asterisk", "phones", "product", "product_folder"]
