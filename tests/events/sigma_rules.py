"""Says what Sigma rules match: pySigma reads and checks the rules, its SQLite backend turns them into queries, and
SQLite runs these over the events.

    sigma_rules.py check <sigma folder>             what pySigma's validators find, and the rules as JSON
    sigma_rules.py match <sigma folder> < runs      which events each rule matches
    sigma_rules.py convert <sigma folder> <target>  the query of each rule for splunk, esql, eql or lucene

Prints JSON. The runs are a JSON list of `{"rule": name, "events": [event, ...]}`; the answer has for each a list of
the numbers of the events that matched, from 0 on (of a correlation: those that an alert counts).
"""

import json
import sqlite3
import sys
from pathlib import Path

from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.validation import SigmaValidator
from sigma.validators.core import validators

TIME = "@timestamp"
# These fetch lists from the network.
ONLINE = {"attacktag", "d3_fendtag"}


class Rules:
    """The rules of a folder, by the name of their file. The last document of a file is the rule, those before it
    are its parts."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.texts = {
            path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.joinpath("rules").glob("*.yml"))
        }

    def pipeline(self) -> ProcessingPipeline:
        """The pipelines, added up in the order of their priorities."""
        files = self.folder.joinpath("pipelines").glob("*.yml")
        pipelines = [ProcessingPipeline.from_yaml(path.read_text(encoding="utf-8")) for path in files]
        return sum(sorted(pipelines, key=lambda pipeline: pipeline.priority))

    def query(self, backend, name: str) -> str:
        return backend.convert(SigmaCollection.from_yaml(self.texts[name]))[-1]


def check(rules: Rules):
    """What the validators find, and the rules as they were read."""
    chosen = [validator for name, validator in validators.items() if name not in ONLINE]
    collection = SigmaCollection.load_ruleset([rules.folder.joinpath("rules")])
    issues = SigmaValidator(chosen).validate_rules(rule for rule in collection.rules)
    read = {name: SigmaCollection.from_yaml(text).rules[-1].to_dict() for name, text in rules.texts.items()}
    return {"rules": read, "issues": [str(issue) for issue in issues]}


def flat(event: dict, prefix: str = ""):
    """`{"user": {"id": "1"}}` as `user.id`. A list is no single value, so that a rule on one matches nothing."""
    for key, value in event.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        elif value is not None and not isinstance(value, list):
            yield prefix + key, value


def matched(query: str, rows: list[dict]) -> list[int]:
    """The numbers of the events that a query finds."""
    # Every name that it asks an event for, all of which the backend quotes for their dots. The columns have no
    # type, so that numbers stay numbers.
    fields = sorted({name for name in query.split("`")[1::2] if "." in name or name == TIME})
    columns = ", ".join(f"`{field}` COLLATE NOCASE" for field in fields)
    slots = ", ".join("?" * len(fields))
    with sqlite3.connect(":memory:") as database:
        database.row_factory = sqlite3.Row
        database.execute(f"CREATE TABLE logs (number INTEGER, {columns})")
        for number, row in enumerate(rows):
            values = [row.get(field) for field in fields]
            database.execute(f"INSERT INTO logs VALUES (?, {slots})", [number, *values])
        found = set()
        for result in database.execute(query):
            if "event_ids" in result.keys():
                # "table:number"
                found.update(int(name.split(":")[1]) for name in json.loads(result["event_ids"]))
            else:
                found.add(result["number"])
        return sorted(found)


def match(rules: Rules, runs: list[dict]) -> list[list[int]]:
    queries = {}
    verdicts = []
    for run in runs:
        name = run["rule"]
        if name not in queries:
            backend = sqliteBackend(rules.pipeline(), timestamp_field=TIME, event_id_field="number")
            queries[name] = rules.query(backend, name)
        verdicts.append(matched(queries[name], [dict(flat(event)) for event in run["events"]]))
    return verdicts


def convert(rules: Rules, target: str) -> dict[str, dict]:
    """The query of each rule, or why there is none."""
    if target == "splunk":
        from sigma.backends.splunk import SplunkBackend as Backend
    elif target == "esql":
        from sigma.backends.elasticsearch import ESQLBackend as Backend
    elif target == "eql":
        from sigma.backends.elasticsearch import EqlBackend as Backend
    elif target == "lucene":
        from sigma.backends.elasticsearch import LuceneBackend as Backend
    else:
        raise SystemExit(f"{target} is none of splunk, esql, eql, lucene")
    answers = {}
    for name in rules.texts:
        try:
            answers[name] = {"query": rules.query(Backend(rules.pipeline()), name)}
        except (SigmaError, NotImplementedError) as error:
            answers[name] = {"refused": str(error)}
    return answers


def main():
    command, folder, *rest = sys.argv[1:]
    rules = Rules(Path(folder))
    answer = {
        "check": lambda: check(rules),
        "match": lambda: match(rules, json.load(sys.stdin)),
        "convert": lambda: convert(rules, *rest),
    }[command]()
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
