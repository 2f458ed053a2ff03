"""The README tells the settings that there are."""

from onecall.settings import PROJECT, table


def test_the_readmes_table_of_settings_is_the_one_that_the_settings_print() -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    told = text.partition("<!-- settings -->\n")[2].partition("<!-- /settings -->")[0]
    assert told.strip() == table().strip()
