"""Phone numbers as they are stored and compared everywhere: E.164."""

import phonenumbers

_OF_THE_REGION = phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY


def to_e164(raw: str, region: str) -> str | None:
    """`raw` in E.164 (`+39347...`), read in `region` (ISO 3166) where it shows no country; None when it is none.

    None is also a service number, or one without its area code. With its country it is enough that the number can
    exist (numbering plans grow). Without, the country's plan must know it, or a local number would become somebody
    else's.
    """
    try:
        number = phonenumbers.parse(raw, region.upper(), keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    if number.country_code_source == _OF_THE_REGION and not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
