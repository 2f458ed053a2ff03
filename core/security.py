"""Security primitives: password hashes (Argon2id), random tokens and their stored form."""

import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """Argon2id hash of a password, with its parameters, ready to store. Takes tens of milliseconds: use a thread."""
    return _hasher.hash(password)


def check_password(stored: str, password: str) -> bool:
    """Whether the password is the one hashed; a damaged hash is simply wrong."""
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def new_token(size: int = 32) -> str:
    """A random secret of `size` bytes, safe in URLs, cookies and SIP passwords."""
    return secrets.token_urlsafe(size)


def token_digest(token: str) -> str:
    """What is stored of a token: whoever reads the table cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
