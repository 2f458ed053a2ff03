"""Sign-in, who am I, and the browser phone."""

from pydantic import Field, SecretStr

from api.schemas.common import Given, Instant, Language, Line, Role, Told


class SignIn(Given):
    """Login and password of a user."""

    login: Line
    password: SecretStr = Field(min_length=1, max_length=1024)


class Me(Told):
    """Who is signed in. `csrf` goes into the header `X-CSRF` of every changing request of this session."""

    user_id: str
    login: str
    name: str
    roles: list[Role]
    agent_id: str | None
    language: Language
    csrf: str
    expires: Instant


class MyPreferences(Given):
    """What users may change of themselves."""

    language: Language


class PasswordChange(Given):
    """A new password; all other sessions of the user end."""

    current: SecretStr = Field(min_length=1, max_length=1024)
    new: SecretStr = Field(min_length=10, max_length=1024)


class PhoneCredentials(Told):
    """What the browser phone registers with: SIP address and secret, and where the secure websocket is."""

    uri: str
    password: str
    ws_url: str
    display_name: str
