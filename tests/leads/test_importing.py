"""Importing files of leads: hostile bytes, columns by their names, each row once, and nothing of it news."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leads import erasing, holding, intake
from leads.batch import Batch
from leads.importing import standing, values
from leads.importing.decoding import BadFile, examine
from leads.importing.mapping import inert, map_columns
from leads.importing.reading import MAX_LINE, Table, open_table
from leads.importing.reporting import defused
from leads.importing.rows import Reader, Row
from leads.importing.run import Import, begin
from leads.models import (
    Account,
    AttributeChange,
    AwaitingAssessment,
    HolderChange,
    Identity,
    Job,
    Lead,
    Organization,
    Outcome,
    Receipt,
    RefusedItem,
    Role,
    Stage,
    StageChange,
    Team,
    TeamMembership,
    User,
)
from leads.sources import create_source
from leads.wire.refusals import Refusal
from scoring.assessment import assess
from scoring.models import Episode, Qualification
from sla.demo.company import define
from sla.models import Clock
from tests.desk import person
from tests.leads.sending import call, send


def written(tmp_path: Path, content: str | bytes, name: str = "leads.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table_of(tmp_path: Path, content: str | bytes) -> Table:
    return open_table(written(tmp_path, content))


def cells_of(tmp_path: Path, content: str | bytes) -> list[tuple[str, ...]]:
    return [record.cells for record in table_of(tmp_path, content).records() if record.refusal is None]


def refusals_of(tmp_path: Path, content: str | bytes) -> list[tuple[int, str]]:
    records = table_of(tmp_path, content).records()
    return [(record.line, record.refusal.code) for record in records if record.refusal]


def taken(
    tmp_path: Path,
    content: str | bytes,
    *,
    now: datetime,
    overrides: Iterable[str] = (),
    batch: int = 500,
    **how: Any,
) -> Import:
    """Import a file whole."""
    table = table_of(tmp_path, content)
    run = begin(
        table, map_columns(table.header, overrides), tell=lambda entry, record: None, now=now, batch=batch, **how
    )
    while run.step(now=now):
        pass
    run.end(Job.State.DONE, now=now)
    return run


def picture() -> dict[str, Any]:
    """Everything an import may write, but its jobs."""
    models = (Lead, Account, Identity, AttributeChange, Receipt, RefusedItem, StageChange, HolderChange, Outcome)
    rows: dict[str, Any] = {model.__name__: list(model.objects.order_by("pk").values()) for model in models}
    return rows | {"marks": list(AwaitingAssessment.objects.order_by("pk").values())}


class TestDecoding:
    TEXT = 'email,name\njörg@zürich.example,"Jörg “Joe” Müller"\n'

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
    def test_reads_what_spreadsheets_write(self, tmp_path: Path, encoding: str) -> None:
        assert cells_of(tmp_path, self.TEXT.encode(encoding)) == [("jörg@zürich.example", "Jörg “Joe” Müller")]

    def test_keeps_to_utf_8_where_one_line_is_broken_and_refuses_that_line(self, tmp_path: Path) -> None:
        content = self.TEXT.encode() + b"a@b.example,M\xfcller\nc@d.example,Zo\xc3\xab\n"
        assert refusals_of(tmp_path, content) == [(3, "not_text")]
        assert [cells[1] for cells in cells_of(tmp_path, content)] == ["Jörg “Joe” Müller", "Zoë"]

    def test_refuses_half_a_character_of_utf_16_alone(self, tmp_path: Path) -> None:
        content = "email,name\na@b.example,x\ud800\nc@d.example,y\n".encode("utf-16-le", "surrogatepass")
        assert refusals_of(tmp_path, b"\xff\xfe" + content) == [(2, "not_text")]
        assert cells_of(tmp_path, b"\xff\xfe" + content) == [("c@d.example", "y")]

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "is empty"),
            (b"\xef\xbb\xbf \r\n", "is empty"),
            (b"PK\x03\x04" + bytes(100), "Excel workbook"),
            (b"%PDF-1.7 ...", "a PDF"),
            (bytes(range(256)) * 4, "binary data"),
            (b"\x1f\x8b\x08", "gzip"),
        ],
    )
    def test_says_what_a_file_is_instead(self, tmp_path: Path, content: bytes, sentence: str) -> None:
        with pytest.raises(BadFile, match=sentence):
            open_table(written(tmp_path, content))

    def test_says_what_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(BadFile, match="is a directory"):
            examine(tmp_path)
        with pytest.raises(BadFile, match="There is no file"):
            examine(tmp_path / "nothing.csv")
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(BadFile, match="not a regular file"):
            examine(tmp_path / "pipe")

    def test_takes_an_encoding_on_trust_and_no_word_for_one(self, tmp_path: Path) -> None:
        path = written(tmp_path, "email,name\na@b.example,Łukasz\n".encode("cp1250"))
        assert [r.cells[1] for r in open_table(path, encoding="cp1250").records()] == ["Łukasz"]
        with pytest.raises(BadFile, match="is no encoding"):
            examine(path, encoding="klingon")


class TestReading:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_finds_the_delimiter(self, tmp_path: Path, delimiter: str) -> None:
        rows = [["email", "name", "note"], ["a@b.example", "Doe, Jane; Dr.", "x\ty|z"], ["c@d.example", "", ""]]
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter).writerows(rows)
        assert cells_of(tmp_path, out.getvalue()) == [tuple(row) for row in rows[1:]]

    def test_reads_the_line_that_names_the_delimiter(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, "sep=;\nemail;a,b\nx@y.example;1\n")
        assert (table.delimiter, table.header) == (";", ("email", "a,b"))
        assert [(r.line, r.cells) for r in table.records()] == [(3, ("x@y.example", "1"))]

    def test_reads_a_single_column(self, tmp_path: Path) -> None:
        assert cells_of(tmp_path, "email\na@b.example\r\n\r\nc@d.example\r") == [("a@b.example",), ("c@d.example",)]

    def test_keeps_line_breaks_within_quotes_and_counts_lines(self, tmp_path: Path) -> None:
        table = table_of(tmp_path, 'email,note\na@b.example,"one\r\ntwo ""quoted"", three\n"\nc@d.example,x\n')
        assert [(r.line, r.cells[1]) for r in table.records()] == [(2, 'one\r\ntwo "quoted", three\n'), (5, "x")]

    def test_loses_no_neighbor_to_a_quote_that_is_never_closed(self, tmp_path: Path) -> None:
        content = 'email,note\na@b.example,"oops\nc@d.example,x\ne@f.example,y\n'
        assert refusals_of(tmp_path, content) == [(2, "open_quote")]
        assert [cells[0] for cells in cells_of(tmp_path, content)] == ["c@d.example", "e@f.example"]

    def test_loses_no_neighbor_to_a_quote_that_a_later_row_closes(self, tmp_path: Path) -> None:
        content = 'email,note\na@b.example,"oops\nc@d.example,x\ne@f.example,"fine"\ng@h.example,z\n'
        assert refusals_of(tmp_path, content) == [(2, "open_quote")]
        assert [cells[0] for cells in cells_of(tmp_path, content)] == ["c@d.example", "e@f.example", "g@h.example"]

    def test_reads_sloppy_quotes_as_they_were_meant(self, tmp_path: Path) -> None:
        assert cells_of(tmp_path, 'email,company\na@b.example,"Acme" Inc\nc@d.example,5" pipes"\n') == [
            ("a@b.example", "Acme Inc"),
            ("c@d.example", '5" pipes"'),
        ]

    def test_fills_short_rows_and_refuses_long_ones(self, tmp_path: Path) -> None:
        content = "email,name,city\na@b.example,A\nc@d.example,C,Rome,,\ne@f.example,E,Oslo,spill\n,,\n\n"
        assert cells_of(tmp_path, content) == [("a@b.example", "A", ""), ("c@d.example", "C", "Rome")]
        assert refusals_of(tmp_path, content) == [(4, "too_many_cells")]

    def test_refuses_nul_and_huge_cells_alone(self, tmp_path: Path) -> None:
        huge = "x" * 200_000
        content = (
            f"email,name\na@b.example,\0\nc@d.example,{huge}\ne@f.example,E\n"
            + "y" * (MAX_LINE + 5)
            + "\ng@h.example,G\n"
        )
        assert refusals_of(tmp_path, content) == [(2, "nul_character"), (3, "cell_too_large"), (5, "line_too_long")]
        assert [cells[0] for cells in cells_of(tmp_path, content)] == ["e@f.example", "g@h.example"]

    def test_refuses_a_header_that_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(BadFile, match="columns"):
            table_of(tmp_path, "x" + "," * 2_000 + "\n")
        with pytest.raises(BadFile, match="no header"):
            table_of(tmp_path, "x" * (MAX_LINE + 5))


class TestMapping:
    @pytest.mark.parametrize(
        ("column", "field"),
        [
            ("E-mail", "email"),
            ("Email Address", "email"),
            ("user_id", "user_id"),
            ("First Name", "first_name"),
            ("firstName", "first_name"),
            ("Company name", "company"),
            ("Number of Employees", "employees"),
            ("Job Title", "title"),
            ("Lifecycle Stage", "stage"),
            ("Contact owner", "owner"),
            ("Company owner", "account_owner"),
            ("Unsubscribed from all email", "email_opt_out"),
            ("Opt-out", "email_opt_out"),
            ("Opt-in", "email_permission"),
            ("Do Not Call", "phone_opt_out"),
            ("Create Date", "created"),
            ("Close Won/Lost", "outcome"),
            ("Close Date", "outcome_date"),
            ("Deal Amount", "amount"),
            ("Ｅｍａｉｌ", "email"),
        ],
    )
    def test_knows_columns_by_the_names_people_use(self, column: str, field: str) -> None:
        assert map_columns(["Email", "x", column]).fields.get(field) is not None

    def test_does_as_it_is_told(self) -> None:
        mapping = map_columns(
            ["Work mail", "Email", "Stage", "Secret"], ["Work mail=email", "stage=trait", "Secret=ignore"]
        )
        assert (mapping.fields, mapping.traits) == ({"email": 0}, {1: "Email (file)", 2: "Stage"})

    def test_gives_every_further_column_a_trait_of_its_own(self) -> None:
        mapping = map_columns(["Email", "Plan", "", "Plan", "Mail"])
        assert (mapping.fields, mapping.traits) == ({"email": 0}, {1: "Plan", 3: "Plan (2)", 4: "Mail"})

    @pytest.mark.parametrize(
        ("header", "overrides", "sentence"),
        [
            (["Name", "Plan"], [], "No column holds an e-mail or a user id.*Map the column that holds it.*Name, Plan"),
            (["jane@acme.example", "Jane"], [], "Add a header line"),
            (["Email"], ["Nope=title"], 'no column "Nope"'),
            (["Email", "A"], ["A=shoe size"], "is no field"),
            (["Email", "A"], ["A"], 'Write it as "Column=field"'),
            (["Email", "A", "B"], ["A=title", "B=title"], "Two columns"),
        ],
    )
    def test_names_the_way_out(self, header: list[str], overrides: list[str], sentence: str) -> None:
        with pytest.raises(BadFile, match=sentence):
            map_columns(header, overrides)


class TestValues:
    @pytest.mark.parametrize(
        ("text", "day_first", "expected"),
        [
            ("2026-03-01", None, "2026-03-01T05:00+00:00"),
            ("2026-03-01T09:30:15.5Z", None, "2026-03-01T09:30:15.500000+00:00"),
            ("2026-03-01 09:30 +0200", None, "2026-03-01T07:30+00:00"),
            ("31.05.2024", None, "2024-05-31T04:00+00:00"),
            ("5/31/2024 9:05 PM", None, "2024-06-01T01:05+00:00"),
            ("4/5/2024", True, "2024-05-04T04:00+00:00"),
            ("4/5/2024", False, "2024-04-05T04:00+00:00"),
            ("5/5/2024", None, "2024-05-05T04:00+00:00"),
        ],
    )
    def test_reads_dates(self, text: str, day_first: bool | None, expected: str) -> None:
        found = values.moment(text, column="Date", zone=ZoneInfo("America/New_York"), day_first=day_first)
        assert found == datetime.fromisoformat(expected)

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("4/5/2024", "ambiguous_date"),
            ("tomorrow", "bad_date"),
            ("2024-13-01", "bad_date"),
            ("31/02/2024", "bad_date"),
            ("0001-01-01", "bad_date"),
            ("9999-12-31 23:59 -2359", "bad_date"),
            ("1/2/24", "bad_date"),
            ("2024-01-01 25:00", "bad_date"),
            ("9" * 5000, "bad_date"),
        ],
    )
    def test_refuses_what_is_no_date(self, text: str, code: str) -> None:
        with pytest.raises(Refusal) as refusal:
            values.moment(text, column="Date", zone=UTC, day_first=None)
        assert refusal.value.code == code

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1200", ("1200", "")),
            ("1,200", ("1200", "")),
            ("1.200", ("1200", "")),
            ("0.125", ("0.125", "")),
            ("12.5", ("12.5", "")),
            ("$1,234,567.89", ("1234567.89", "USD")),
            ("1.234,56 €", ("1234.56", "EUR")),
            ("EUR 1 200,50", ("1200.50", "EUR")),
            ("1'200.50 CHF", ("1200.50", "CHF")),
        ],
    )
    def test_reads_amounts(self, text: str, expected: tuple[str, str]) -> None:
        assert values.amount(text, column="Amount") == (Decimal(expected[0]), expected[1])

    @pytest.mark.parametrize("text", ["-5", "(500)", "=1+1", "lots", "1,2,3", "NaN", "1e9", "1.2.3,4,5", "٣"])
    def test_refuses_what_is_no_amount(self, text: str) -> None:
        with pytest.raises(Refusal):
            values.amount(text, column="Amount")

    @pytest.mark.parametrize(
        ("text", "stage"),
        [
            ("lead", "LEAD"),
            ("Marketing Qualified Lead", "MQL"),
            ("salesqualifiedlead", "SQL"),
            ("Customer", "CUSTOMER"),
        ],
    )
    def test_reads_stages(self, text: str, stage: str) -> None:
        assert values.stage(text, column="Stage") == stage

    @pytest.mark.parametrize(
        ("read", "text"), [(values.stage, "Evangelist"), (values.deal, "Proposal"), (values.yes_or_no, "perhaps")]
    )
    def test_refuses_words_it_does_not_know(self, read: Any, text: str) -> None:
        with pytest.raises(Refusal):
            read(text, column="Column")


class TestRows:
    def row(self, now: datetime, **cells: str) -> Row:
        header = tuple(cells)
        text = "\x1f".join(cells.values())
        from leads.importing.reading import Record

        record = Record(2, tuple(cells.values()), text)
        return Reader(header, map_columns(header), UTC, None).read(record, now=now)

    def test_stores_formulas_as_text(self, now: datetime) -> None:
        formula = '=HYPERLINK("http://evil.example","x")'
        row = self.row(now, email="a@b.example", first_name=formula, note="'+1+cmd|' /C calc'!A0")
        assert row.traits["firstName"] == formula
        assert row.traits["note"] == "+1+cmd|' /C calc'!A0"

    @pytest.mark.parametrize(
        ("cells", "code"),
        [
            ({"email": "", "user_id": "null"}, "no_key"),
            ({"email": "not an address", "user_id": "7"}, "bad_email"),
            ({"email": "a@b.example", "owner": "Jane Doe"}, "bad_owner"),
            ({"email": "a@b.example", "created": "2999-01-01"}, "bad_date"),
            ({"email": "a@b.example", "outcome": "won", "close date": "2999-01-01"}, "bad_date"),
            ({"email": "a@b.example", "outcome": "lost", "won": "yes"}, "contradiction"),
            ({"email": "a@b.example", "amount": "5", "currency": "bitcoin"}, "bad_currency"),
            ({"email": "a@b.example", "amount": "1" + "0" * 12}, "bad_amount"),
        ],
    )
    def test_refuses_with_a_reason(self, cells: dict[str, str], code: str, now: datetime) -> None:
        with pytest.raises(Refusal) as refusal:
            self.row(now, **cells)
        assert refusal.value.code == code

    def test_keeps_a_range_of_employees_as_it_is_written(self, now: datetime) -> None:
        assert self.row(now, email="a@b.example", employees="51-200").traits["employees"] == "51-200"
        assert self.row(now, email="a@b.example", employees="1,200").traits["company"] == {"employees": 1200}


@pytest.mark.django_db
class TestTake:
    def test_makes_the_lead_and_its_company(self, tmp_path: Path, now: datetime) -> None:
        run = taken(
            tmp_path,
            "Email,First name,Last name,Job title,Company,Employees,Country,Plan\n"
            "Jane@Acme.example,Jane,Doe,Director of Research,Acme,120,Germany,pro\n",
            now=now,
        )
        assert (run.sum.created, run.sum.updated, run.refused) == (1, 0, 0)
        lead = Lead.objects.get()
        assert (lead.email, lead.name, lead.seniority, lead.country) == (
            "jane@acme.example", "Jane Doe", "director", "Germany",
        )  # fmt: skip
        assert (lead.traits, lead.source, lead.stage) == ({"Plan": "pro"}, "leads.csv", Stage.SUBSCRIBER)
        assert lead.account is not None
        assert (lead.account.name, lead.account.domain, lead.account.employees) == ("Acme", "acme.example", 120)
        assert set(AttributeChange.objects.values_list("origin", flat=True)) == {"import"}
        assert AwaitingAssessment.objects.filter(lead=lead).exists()

    def test_updates_by_address_or_user_id_and_empty_cells_say_nothing(self, tmp_path: Path, now: datetime) -> None:
        server = create_source("Backend", kind="server")[0]
        send(
            server,
            call("identify", userId="7", traits={"email": "a@x.example", "title": "CEO", "phone": "+49 301234"}),
            now=now,
        )
        run = taken(tmp_path, "user id,email,title,phone\n7,,CTO,\n,A@X.example,,+1 555 0100\n", now=now)
        lead = Lead.objects.get()
        assert (run.sum.created, run.sum.updated) == (0, 2)
        assert (lead.title, lead.phone, lead.email, lead.source) == ("CTO", "+1 555 0100", "a@x.example", "")

    def test_refuses_a_row_whose_ids_name_two_leads(self, tmp_path: Path, now: datetime) -> None:
        taken(tmp_path, "user id,email\n7,\n,a@x.example\n", now=now)
        run = taken(tmp_path, "user id,email\n7,a@x.example\n8,b@x.example\n", now=now)
        assert [(one.index, one.code) for one in run.sum.refused] == [(2, "two_leads")]
        assert Lead.objects.live().count() == 3

    def test_does_not_bring_back_the_erased(self, tmp_path: Path, now: datetime) -> None:
        taken(tmp_path, "email\na@x.example\n", now=now)
        erasing.erase(Lead.objects.get().pk, now=now, by=None)
        run = taken(tmp_path, "email,name\na@x.example,Ann\n", now=now)
        assert [(one.code, one.body) for one in run.sum.refused] == [("erased", b"")]
        assert not Lead.objects.live().exists()

    def test_closes_channels_and_never_opens_one_that_was_closed(self, tmp_path: Path, now: datetime) -> None:
        head = "email,unsubscribed,opt-in,do not call\n"
        content = head + "a@x.example,yes,,x\nb@x.example,no,yes,\nb@x.example,1,,\nb@x.example,,yes,\n"
        taken(tmp_path, content, now=now)
        taken(tmp_path, "email,opt-in\na@x.example,yes\nc@x.example,granted\n", now=now)
        rows = Lead.objects.order_by("email").values_list("email_permission", "phone_permission")
        assert list(rows) == [("refused", "refused"), ("refused", "unknown"), ("granted", "unknown")]

    def test_takes_the_date_since_when_they_are_known_if_it_is_earlier(self, tmp_path: Path, now: datetime) -> None:
        Organization.objects.filter(pk=1).update(time_zone="Europe/Berlin")
        taken(tmp_path, "email,created date\na@x.example,2025-01-02\na@x.example,2025-06-01\n", now=now)
        assert Lead.objects.get().created_at == datetime(2025, 1, 1, 23, tzinfo=UTC)

    def test_keeps_the_first_touch(self, tmp_path: Path, now: datetime) -> None:
        taken(tmp_path, "email,lead source,campaign\na@x.example,webinar,Spring\n", now=now)
        taken(tmp_path, "email,lead source,campaign\na@x.example,ads,Autumn\n", now=now)
        lead = Lead.objects.get()
        assert (lead.source, lead.campaign) == ("webinar", "Spring")

    def test_refuses_the_failing_row_alone(
        self, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = standing.settle

        def trip(rows: Any, **how: Any) -> None:
            kept(rows, **how)
            if any(row.email == "b@x.example" for _, row in rows):
                raise ValueError("boom")

        monkeypatch.setattr(standing, "settle", trip)
        run = taken(tmp_path, "email,stage\na@x.example,lead\nb@x.example,lead\nc@x.example,lead\n", now=now)
        assert [(one.index, one.code) for one in run.sum.refused] == [(3, "not_stored")]
        assert sorted(Lead.objects.values_list("email", flat=True)) == ["a@x.example", "c@x.example"]
        assert RefusedItem.objects.get().body == b"b@x.example,lead\n"

    def test_stops_where_the_database_is_away_and_goes_on_later(
        self, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = "email\na@x.example\nb@x.example\n"
        with monkeypatch.context() as patch:
            patch.setattr(Batch, "write", lambda self, types: (_ for _ in ()).throw(OperationalError("gone")))
            with pytest.raises(OperationalError):
                taken(tmp_path, content, now=now)
        assert intake.is_away(OperationalError("gone"))
        assert not RefusedItem.objects.exists()
        assert taken(tmp_path, content, now=now).sum.created == 2

    def test_changes_nothing_the_second_time(self, tmp_path: Path, now: datetime) -> None:
        User.objects.create_user("ana@us.example", full_name="Ana")
        content = (
            "email,name,stage,owner,company owner,created date,close won/lost,close date,amount,unsubscribed,plan\n"
            "a@x.example,Ann,customer,ana@us.example,ana@us.example,2025-01-02,won,2025-05-01,100,no,pro\n"
            "b@x.example,Bob,opportunity,ana@us.example,,2025-01-02,lost,,50,yes,\n"
            "c@x.example,Cy,sql,,,,open,2999-01-01,,,\n"
            "broken,Dee,lead,,,,,,,,\n"
        )
        first = taken(tmp_path, content, now=now)
        assert (first.sum.created, first.refused) == (3, 1)
        before = picture()
        second = taken(tmp_path, content, now=now + timedelta(days=1))
        assert (second.sum.created, second.sum.updated, second.sum.duplicates, second.refused) == (0, 0, 3, 1)
        assert picture() == before

    def test_takes_only_what_changed_of_an_edited_file(self, tmp_path: Path, now: datetime) -> None:
        head = "email,title,stage,close won/lost,close date,amount\n"
        taken(tmp_path, head + "a@x.example,CEO,opportunity,lost,2025-05-01,50\nb@x.example,,,won,,7\n", now=now)
        moves = StageChange.objects.count()
        taken(
            tmp_path,
            head + "a@x.example,CTO,opportunity,lost,2025-05-01,50\nb@x.example,,,won,,7\n",
            now=now + timedelta(days=1),
        )
        assert Outcome.objects.count() == 2
        assert StageChange.objects.count() == moves
        assert Lead.objects.get(email="a@x.example").title == "CTO"

    def test_reads_a_file_anew_when_it_is_mapped_differently(self, tmp_path: Path, now: datetime) -> None:
        content = "email,function\na@x.example,CEO\n"
        taken(tmp_path, content, now=now)
        assert taken(tmp_path, content, now=now, overrides=["function=title"]).sum.updated == 1
        assert Lead.objects.get().seniority == "c_level"

    def test_asks_a_bounded_number_of_questions_per_batch(self, tmp_path: Path, now: datetime) -> None:
        rows = [f"p{n}@c{n % 900}.example,P{n},Director,Company {n % 900},{n % 400},v{n},nurture" for n in range(2_500)]
        table = table_of(tmp_path, "email,first name,title,company,employees,plan,stage\n" + "\n".join(rows))
        run = begin(table, map_columns(table.header), tell=lambda entry, record: None, now=now)
        counts = []
        for _ in range(5):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert run.step(now=now)
            counts.append(len(queries))
        assert not run.step(now=now)
        assert (run.sum.created, run.refused, Lead.objects.count()) == (2_500, 0, 2_500)
        assert StageChange.objects.filter(to_stage=Stage.NURTURE).count() == 2_500
        assert max(counts) <= 45, counts

    def test_writes_nothing_in_a_rehearsal(self, tmp_path: Path, now: datetime) -> None:
        taken(tmp_path, "email\na@x.example\n", now=now)
        before = picture() | {"jobs": Job.objects.count()}
        content = "email,owner\na@x.example,\nb@x.example,\nnope,\nc@x.example,who@us.example\n"
        run = taken(tmp_path, content, now=now, rehearsal=True)
        assert (run.sum.created, run.sum.updated, run.refused) == (1, 1, 2)
        assert picture() | {"jobs": Job.objects.count()} == before


@pytest.mark.django_db
class TestStanding:
    @pytest.mark.parametrize(
        ("said", "stage"),
        [
            ("Subscriber", Stage.SUBSCRIBER),
            ("lead", Stage.LEAD),
            ("MQL", Stage.LEAD),
            ("Sales accepted", Stage.LEAD),
            ("Sales Qualified Lead", Stage.SQL),
            ("opportunity", Stage.OPPORTUNITY),
            ("customer", Stage.CUSTOMER),
            ("Nurturing", Stage.NURTURE),
            ("Unqualified", Stage.DISQUALIFIED),
        ],
    )
    def test_sets_every_stage_but_mql_and_sal(self, tmp_path: Path, now: datetime, said: str, stage: Stage) -> None:
        taken(tmp_path, f"email,lifecycle stage\na@x.example,{said}\n", now=now)
        lead = Lead.objects.get()
        assert lead.stage == stage
        assert set(StageChange.objects.values_list("cause", flat=True)) <= {"import"}

    def test_records_what_became_of_deals(self, tmp_path: Path, now: datetime) -> None:
        taken(
            tmp_path,
            "email,stage,close won/lost,amount,currency,close date\n"
            'a@x.example,,Closed Won,"1,200.50",eur,2026-01-15\n'
            "b@x.example,opportunity,Closed Lost,300,,2026-03-01\n"
            "c@x.example,,open,,,2999-12-31\n"
            "d@x.example,,,75,,2026-02-01\n",
            now=now,
        )
        found = {
            one.lead.email[0]: (one.kind, one.amount, one.currency, one.at, one.via, one.lead.stage)
            for one in Outcome.objects.select_related("lead")
        }
        assert found == {
            "a": ("won", Decimal("1200.50"), "EUR", datetime(2026, 1, 15, tzinfo=UTC), "import", "CUSTOMER"),
            "b": ("lost", Decimal("300.00"), "USD", datetime(2026, 3, 1, tzinfo=UTC), "import", "NURTURE"),
            "c": ("opened", None, "", now, "import", "OPPORTUNITY"),
            "d": ("amount", Decimal("75.00"), "USD", datetime(2026, 2, 1, tzinfo=UTC), "import", "SUBSCRIBER"),
        }
        assert Lead.objects.get(email="b@x.example").rest_until == datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=90)

    def test_gives_leads_and_companies_their_owners(self, tmp_path: Path, now: datetime) -> None:
        ana = User.objects.create_user("ana@us.example", full_name="Ana")
        team = Team.objects.create(name="West")
        TeamMembership.objects.create(team=team, user=ana)
        User.objects.create_user("gone@us.example", full_name="Gone", is_active=False)
        run = taken(
            tmp_path,
            "email,owner,account owner\na@x.example,Ana@us.example,ana@us.example\n"
            "b@x.example,gone@us.example,\nc@x.example,,nobody@us.example\n",
            now=now,
        )
        lead = Lead.objects.get()
        assert (lead.holder, lead.holder_team) == (ana, team)
        assert lead.account is not None
        assert lead.account.owner == ana
        assert [(one.index, one.code) for one in run.sum.refused] == [(3, "unknown_owner"), (4, "unknown_owner")]

    def test_leaves_an_open_matter_to_sales(self, tmp_path: Path, now: datetime) -> None:
        taken(tmp_path, "email\na@x.example\n", now=now)
        rep = User.objects.create_user("ben@us.example", full_name="Ben")
        User.objects.create_user("ana@us.example", full_name="Ana")
        lead = Lead.objects.get()
        holding.hold(lead, user=rep, team=None, now=now)
        Lead.objects.filter(pk=lead.pk).update(stage=Stage.SAL)
        taken(tmp_path, "email,stage,owner\na@x.example,subscriber,ana@us.example\n", now=now)
        lead.refresh_from_db()
        assert (lead.stage, lead.holder) == (Stage.SAL, rep)


@pytest.mark.django_db
class TestNoNews:
    """History is not news: what a file says qualifies standing, and no clock starts."""

    def published(self, now: datetime) -> None:
        define(now=now - timedelta(days=10), by=User.objects.create_user("mo@us.example", full_name="Mo"))

    def act(self, now: datetime, **traits: Any) -> None:
        names = ("Started Free Trial", "Downloaded Case Study", "Attended Webinar")
        who = call("identify", userId="7", traits={"email": "a@x.example", **traits})
        done = [call("track", userId="7", event=name, timestamp=now.isoformat()) for name in names]
        source = create_source("Backend", kind="server")[0]
        send(source, who, *done, now=now)

    def waits(self) -> bool:
        assert not Episode.objects.exists()
        assert not Clock.objects.exists()
        return Qualification.objects.filter(waiting=True, kind="standing").exists()

    def test_what_a_file_tells_of_a_lead_that_acted_waits(self, tmp_path: Path, now: datetime) -> None:
        self.published(now)
        self.act(now - timedelta(hours=2))
        assess(now=now - timedelta(hours=1))
        assert not self.waits()
        taken(tmp_path, "email,title\na@x.example,Director of Sales\n", now=now)
        assess(now=now + timedelta(minutes=1))
        assert self.waits()

    def test_what_a_file_tells_of_a_company_waits(self, tmp_path: Path, now: datetime) -> None:
        self.published(now)
        self.act(now - timedelta(hours=2))
        assess(now=now - timedelta(hours=1))
        taken(tmp_path, "email,employees\nboss@x.example,100\n", now=now)
        assess(now=now + timedelta(minutes=1))
        assert self.waits()

    def test_a_stage_that_a_file_puts_back_waits(self, tmp_path: Path, now: datetime) -> None:
        self.published(now)
        taken(tmp_path, "email,user id,stage\na@x.example,7,disqualified\n", now=now - timedelta(days=1))
        self.act(now - timedelta(hours=2), title="Director of Sales")
        assess(now=now - timedelta(hours=1))
        assert not self.waits()
        taken(tmp_path, "email,stage\na@x.example,lead\n", now=now)
        assess(now=now + timedelta(minutes=1))
        assert self.waits()

    def test_what_the_lead_does_afterwards_is_news(self, tmp_path: Path, now: datetime) -> None:
        self.published(now)
        taken(tmp_path, "email,user id,title\na@x.example,7,Director of Sales\n", now=now - timedelta(days=1))
        self.act(now)
        assess(now=now + timedelta(minutes=1))
        assert Episode.objects.count() == 1

    def test_an_open_deal_in_a_file_ends_the_matter(self, tmp_path: Path, now: datetime) -> None:
        self.published(now)
        self.act(now, title="Director of Sales")
        assess(now=now + timedelta(minutes=1))
        assert Episode.objects.filter(closed_at=None).exists()
        taken(tmp_path, "email,won\na@x.example,yes\n", now=now + timedelta(minutes=2))
        assert list(Episode.objects.values_list("closed_as", flat=True)) == ["bought"]


@pytest.mark.django_db
class TestCommand:
    def command(self, path: Path, *options: str, out: io.StringIO | None = None) -> str:
        out = out or io.StringIO()
        call_command("import_leads", str(path), *options, stdout=out, stderr=out)
        return out.getvalue()

    def test_tells_how_far_it_is_and_what_was_refused(self, tmp_path: Path) -> None:
        path = written(tmp_path, "email,stage\na@x.example,lead\nbroken,lead\nc@x.example,Evangelist\n")
        said = self.command(path)
        assert "100%  3 of 3 rows" in said
        assert 'line 3: "email" holds no e-mail address.' in said
        assert 'line 4: "stage" is no stage Baton knows' in said
        assert "Made 1 new leads" in said
        job = Job.objects.get()
        assert (job.kind, job.state, job.total, job.done, job.refused) == ("import", "done", 3, 3, 2)
        assert [one["line"] for one in job.report["refusals"]] == [3, 4]
        assert sorted(RefusedItem.objects.values_list("index", "code")) == [(3, "bad_email"), (4, "unknown_stage")]

    def test_writes_a_report_that_can_be_corrected_and_imported(self, tmp_path: Path) -> None:
        path = written(tmp_path, "email,name,phone\nbroken,\"=1+cmd|' /C calc'!A0\",+49 30 123456\n")
        report = tmp_path / "refused.csv"
        self.command(path, "--report", str(report))
        with report.open(encoding="utf-8-sig", newline="") as stream:
            head, row = list(csv.reader(stream))
        assert head == ["Refused line", "Reason", "email", "name", "phone"]
        assert row[0] == "2"
        assert row[3:] == ["'=1+cmd|' /C calc'!A0", "'+49 30 123456"]
        corrected = written(tmp_path, report.read_bytes().replace(b"broken", b"a@x.example"), "again.csv")
        self.command(corrected)
        lead = Lead.objects.get()
        assert (lead.phone, lead.traits) == ("+49 30 123456", {})
        assert lead.name == "=1+cmd|' /C calc'!A0"

    def test_counts_each_row_once_and_what_is_cut(self, tmp_path: Path) -> None:
        long, header = "W" * 121, "email,first name\n"
        path = written(tmp_path, f"{header}a@x.example,{long}\na@x.example,Ann\nb@x.example,Bo\nbroken,Di\n")
        for options in (["--dry-run"], []):
            said = self.command(path, *options)
            assert "2 new leads" in said
            assert "1 further rows of the same new people, 0 rows were imported before, 1 refused." in said
            assert "1 cells of first_name were longer than 120 characters and cut there." in said
        assert self.command(path).count("3 rows were imported before, 1 refused.") == 1

    def test_counts_every_kind_of_cell_that_is_cut(self, tmp_path: Path) -> None:
        header = "email,first name,title,company,city,hobby\n"
        row = f"a@x.example,{'F' * 300},{'T' * 201},{'C' * 300},{'Y' * 201},{'H' * 2001}\n"
        path = written(
            tmp_path, f"{header}{row}b@x.example,{'F' * 120},{'T' * 200},{'C' * 200},{'Y' * 200},{'H' * 2000}\n"
        )
        for options in (["--dry-run"], []):
            said = self.command(path, *options)
            for name, length in (("first_name", 120), ("title", 200), ("company", 200), ("city", 200), ("hobby", 2000)):
                assert f"1 cells of {name} were longer than {length} characters and cut there." in said
        lead = Lead.objects.get(email="a@x.example")
        assert (len(lead.first_name), len(lead.title), len(lead.traits["hobby"])) == (120, 200, 2000)

    @pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", " =1", "\t=1", "\r=1"])
    def test_defuses_formulas(self, cell: str) -> None:
        assert defused(cell) == f"'{cell}"
        assert inert(defused(cell)) == inert(cell) == cell.strip()
        assert defused("plain") == "plain"

    @pytest.mark.parametrize(
        ("content", "options", "sentence"),
        [
            ("", [], "is empty"),
            ("name,plan\nJane,pro\n", [], "No column holds an e-mail"),
            ("email\n", [], "no rows"),
            ("email\na@x.example\n", ["--map", "x=y"], "no column"),
            ("email\na@x.example\n", ["--delimiter", "ab"], "one character"),
        ],
    )
    def test_ends_with_a_sentence_for_a_bad_file(
        self, tmp_path: Path, content: str, options: list[str], sentence: str
    ) -> None:
        with pytest.raises(CommandError, match=sentence) as error:
            self.command(written(tmp_path, content), *options)
        assert error.value.returncode == 1
        assert not Job.objects.exists()

    def test_does_not_overwrite_the_file_with_its_report(self, tmp_path: Path) -> None:
        path = written(tmp_path, "email\na@x.example\n")
        with pytest.raises(CommandError, match="overwrite"):
            self.command(path, "--report", str(path))
        assert path.read_text() == "email\na@x.example\n"

    def test_writes_nothing_when_run_dry(self, tmp_path: Path) -> None:
        said = self.command(written(tmp_path, "email\na@x.example\nbroken\n"), "--dry-run")
        assert "Would make 1 new leads" in said
        assert "nothing was written" in said
        assert not Lead.objects.exists()
        assert not Job.objects.exists()
        assert not RefusedItem.objects.exists()

    def test_ends_after_the_present_batch_on_ctrl_c_and_goes_on_the_next_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("leads.management.commands.import_leads.BATCH", 2)
        path = written(tmp_path, "email\n" + "".join(f"p{n}@x.example\n" for n in range(5)))

        class Impatient(io.StringIO):
            def write(self, text: str) -> int:
                if "2 of 5 rows" in text:
                    os.kill(os.getpid(), signal.SIGINT)
                return super().write(text)

        out = Impatient()
        with pytest.raises(CommandError, match="Stopped after 2 of 5 rows; what was taken in stays") as error:
            self.command(path, out=out)
        assert error.value.returncode == 130
        assert "Finishing the present batch" in out.getvalue()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        job = Job.objects.get()
        assert (job.state, job.done, Lead.objects.count()) == ("cancelled", 2, 2)
        said = self.command(path)
        assert "Made 3 new leads" in said
        assert "2 rows were imported before" in said
        assert Lead.objects.count() == 5

    def test_ends_when_somebody_cancels_the_job(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("leads.management.commands.import_leads.BATCH", 2)
        path = written(tmp_path, "email\n" + "".join(f"p{n}@x.example\n" for n in range(5)))

        class Cancelling(io.StringIO):
            def write(self, text: str) -> int:
                if "2 of 5 rows" in text:
                    Job.objects.update(cancel_requested_at=datetime(2026, 1, 1, tzinfo=UTC))
                return super().write(text)

        with pytest.raises(CommandError, match="Stopped after 2 of 5"):
            self.command(path, out=Cancelling())
        assert Job.objects.get().state == "cancelled"


@pytest.mark.django_db
class TestInTheBrowser:
    """What a marketer sees of an import, and takes away to correct."""

    @pytest.fixture
    def client(self, client: Client) -> Client:
        client.force_login(person(Role.MARKETING, "Theo Marsh"))
        return client

    def imported(self, client: Client, content: str, name: str = "leads.csv") -> str:
        upload = client.post("/import/", {"file": SimpleUploadedFile(name, content.encode())})["Location"]
        return client.post(upload, {"do": "import"})["Location"]

    def test_refused_rows_are_a_file_to_correct_and_import_again(self, client: Client) -> None:
        report = self.imported(client, 'email;name;note\nbroken;"Zoë; Quill";=1+1\na@x.example;Ann;\nworse;Bo;\n')
        page = client.get(report).content.decode()
        file = client.get(re.search(r'href="([^"]+refused\.csv)"', page)[1])  # type: ignore[index]
        assert file["Content-Type"] == "text/csv; charset=utf-8"
        text = file.content.decode("utf-8-sig")
        assert file.content.startswith(b"\xef\xbb\xbf")
        head, first, second = csv.reader(io.StringIO(text))
        assert head == ["Refused line", "Reason", "email", "name", "note"]
        assert (first[0], first[2:]) == ("2", ["broken", "Zoë; Quill", "'=1+1"])
        assert second == ["4", '"email" holds no e-mail address.', "worse", "Bo", ""]
        again = self.imported(client, text.replace("broken", "zoe@x.example").replace("worse", "bo@x.example"))
        assert "<strong>2</strong> new leads" in client.get(again).content.decode()
        assert Lead.objects.get(email="zoe@x.example").traits == {"note": "=1+1"}

    def test_tells_the_rows_of_one_file_from_those_of_another(self, client: Client) -> None:
        self.imported(client, "email,name\nbroken,Ann\n", "one.csv")
        report = self.imported(client, "email,name\nworse,Bo\n", "two.csv")
        assert client.get(f"{report}refused.csv").content.decode("utf-8-sig").count("\n") == 2

    def test_there_is_none_where_nothing_was_refused(self, client: Client) -> None:
        report = self.imported(client, "email\na@x.example\n")
        assert "refused.csv" not in client.get(report).content.decode()
        assert client.get(f"{report}refused.csv").status_code == 404

    def test_speaks_of_what_stands_on_the_page(self, client: Client) -> None:
        content = "email,created,stage\na@x.example,4/5/2024,Evangelist\nb@x.example,4/5/2024,lead\n"
        upload = client.post("/import/", {"file": SimpleUploadedFile("leads.csv", content.encode())})["Location"]
        page = client.get(upload).content.decode()
        assert "Say whether the day or the month stands first." in page
        assert "--" not in re.sub(r"<!--.*?-->", "", page)

    def test_leads_from_a_file_without_names_of_columns_to_another(self, client: Client) -> None:
        upload = client.post(
            "/import/", {"file": SimpleUploadedFile("leads.csv", b"a@x.example,Ann\nb@x.example,Bo\n")}
        )
        answer = client.get(upload["Location"])
        page = answer.content.decode()
        assert (answer.status_code, "Add a header line" in page) == (422, True)
        assert "Choose another file" in page
        assert "What each column means" not in page
        assert "Look again" not in page

    def test_asks_which_column_says_who_it_is_where_none_is_known_by_its_name(self, client: Client) -> None:
        upload = client.post("/import/", {"file": SimpleUploadedFile("leads.csv", b"Contact,Plan\na@x.example,pro\n")})
        answer = client.get(upload["Location"])
        page = answer.content.decode()
        assert (answer.status_code, "No column holds an e-mail" in page) == (422, True)
        assert re.findall(r'name="column" value="(\w+)"', page) == ["Contact", "Plan"]
        said = {"column": ["Contact", "Plan"], "field": ["email", "trait"], "do": "import"}
        assert (
            "<strong>1</strong> new lead"
            in client.get(client.post(upload["Location"], said)["Location"]).content.decode()
        )
        assert Lead.objects.get().email == "a@x.example"
