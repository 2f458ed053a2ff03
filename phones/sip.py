"""SIP messages as a test phone needs them: parse, build, digest authentication (RFC 3261, RFC 2617)."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field

_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}
_AUTH_PARAM = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^",\s]+))')
_SDP_ADDRESS = re.compile(r"^c=IN IP4 (\S+)", re.MULTILINE)
_SDP_AUDIO = re.compile(r"^m=audio (\d+) ", re.MULTILINE)
_SDP_DIRECTION = re.compile(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", re.MULTILINE)


@dataclass(slots=True)
class SipMessage:
    """One request or response; ``headers`` keeps the order and every repetition."""

    start_line: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def is_request(self) -> bool:
        return not self.start_line.startswith("SIP/2.0")

    @property
    def method(self) -> str:
        """Method of a request, or the method that a response answers (from CSeq)."""
        return self.start_line.split(" ", 1)[0] if self.is_request else self.get("CSeq").split()[-1]

    @property
    def status(self) -> int:
        """Status code of a response."""
        return int(self.start_line.split(" ", 2)[1])

    @property
    def branch(self) -> str:
        return _parameter(self.get("Via"), "branch")

    @property
    def cseq(self) -> int:
        return int(self.get("CSeq").split()[0])

    def get(self, name: str) -> str:
        """First value of a header, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def encode(self) -> bytes:
        body = self.body.encode()
        lines = [self.start_line, *(f"{key}: {value}" for key, value in self.headers)]
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    @classmethod
    def parse(cls, data: bytes) -> SipMessage:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        start_line, *lines = head.split("\r\n")
        headers: list[tuple[str, str]] = []
        for line in lines:
            key, _, value = line.partition(":")
            name = key.strip()
            if name.lower() != "content-length":
                headers.append((_COMPACT.get(name.lower(), name), value.strip()))
        return cls(start_line, headers, body)


def _parameter(value: str, name: str) -> str:
    found = re.search(rf"[;,]\s*{name}=([^;,>\s]+)", value)
    return found.group(1) if found else ""


def tag_of(address: str) -> str:
    """Tag of a From or To header, empty before the dialog has one."""
    return _parameter(address, "tag")


def uri_of(address: str) -> str:
    """The bare ``sip:`` address inside a From, To or Contact header."""
    found = re.search(r"<([^>]+)>", address)
    return found.group(1) if found else address.split(";", 1)[0].strip()


def new_token() -> str:
    return secrets.token_hex(6)


def new_branch() -> str:
    return "z9hG4bK" + new_token()


def digest_answer(challenge: str, method: str, uri: str, user: str, password: str) -> str:
    """Value of the Authorization header that answers an MD5 challenge."""
    asked = {key.lower(): quoted or plain for key, quoted, plain in _AUTH_PARAM.findall(challenge)}
    realm, nonce = asked["realm"], asked["nonce"]
    ha1 = _md5(f"{user}:{realm}:{password}")
    ha2 = _md5(f"{method}:{uri}")
    answer = f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=MD5'
    if "qop" in asked:
        cnonce = new_token()
        answer += f', qop=auth, nc=00000001, cnonce="{cnonce}"'
        response = _md5(f"{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}")
    else:
        response = _md5(f"{ha1}:{nonce}:{ha2}")
    answer += f', response="{response}"'
    return answer + (f', opaque="{asked["opaque"]}"' if "opaque" in asked else "")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def sdp_body(address: str, port: int, version: int, direction: str = "sendrecv") -> str:
    """Session description offering G.711 mu-law and RFC 4733 digits at ``address:port``."""
    lines = [
        "v=0",
        f"o=phone 1 {version} IN IP4 {address}",
        "s=-",
        f"c=IN IP4 {address}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        f"a={direction}",
    ]
    return "\r\n".join(lines) + "\r\n"


def sdp_audio_address(body: str) -> tuple[str, int] | None:
    """Where the other side wants its audio, or None when the body says nothing of it."""
    address, port = _SDP_ADDRESS.search(body), _SDP_AUDIO.search(body)
    return (address.group(1), int(port.group(1))) if address and port else None


def sdp_direction(body: str) -> str:
    found = _SDP_DIRECTION.search(body)
    return found.group(1) if found else "sendrecv"
