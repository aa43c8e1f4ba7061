"""Secrets that an operator chooses: refused at start where they could not do what they are for."""

from __future__ import annotations

from pydantic import SecretStr

from domain import signing

MIN_LENGTH = 32


def check_length(key: SecretStr) -> None:
    if len(key.get_secret_value()) < MIN_LENGTH:
        raise ValueError(f"a key needs {MIN_LENGTH} characters or more")


def that_signs(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and not signing.is_secret(secret.get_secret_value()):
        raise ValueError("what begins with whsec_ must go on in base64")
    return secret
