"""Do dashboard, rules and the autoscaler's rule ask for what pgweir really has?

    metrics.py EXPOSITION PROMTOOL FOLDER

EXPOSITION is what a running pgweir answers to GET /metrics; FOLDER is empty and ours. Prints
TAP.
"""

import json
import pathlib
import re
import subprocess
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
CONTRIB = HERE.parents[1] / "contrib"
OURS = re.compile(r"(?<![\w:])((?:pgweir|pgbouncer|process)_\w+)(?:\{([^}]*)\})?")
RECORDED = re.compile(r"(?<![\w:])(pgweir:[\w:]+)")
# given by Prometheus, not by us
FROM_OUTSIDE = {"job", "instance", "namespace", "pod", "le"}

exposition, promtool, folder = map(pathlib.Path, sys.argv[1:])
count = 0
failed = False


def check(what, complaints):
	global count, failed
	count += 1
	complaints = sorted(set(complaints))
	for line in complaints:
		print("# %s" % line)
	print("%sok %d - %s" % ("not " if complaints else "", count, what))
	failed = failed or bool(complaints)


def exported():
	"""Labels of each metric; None where no sample shows them."""
	found = {}
	for line in exposition.read_text().splitlines():
		if line.startswith("# TYPE "):
			name, kind = line.split()[2:4]
			ends = ["_bucket", "_sum", "_count"] if kind == "histogram" else ["", "_total"]
			for end in ends:
				found.setdefault(name + end, None)
		elif line and line[0] != "#":
			name, labels = re.match(r"(\w+)(?:\{(.*)\})? ", line).groups()
			found[name] = (found.get(name) or set()) | set(
				re.findall(r'(\w+)="(?:[^"\\]|\\.)*"', labels or ""))
	return found


def complaints_of(where, expression, known, recorded):
	for name, selector in OURS.findall(expression):
		if name not in known:
			yield "%s: pgweir has no %s" % (where, name)
			continue
		labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
		if known[name] is not None and labels - known[name] - FROM_OUTSIDE:
			yield "%s: %s has no label %s" % (
				where, name, ", ".join(labels - known[name] - FROM_OUTSIDE))
	for name in RECORDED.findall(expression):
		if name not in recorded:
			yield "%s: no rule records %s" % (where, name)


def panels(board):
	for panel in board["panels"]:
		yield panel
		yield from panel.get("panels", [])


def layout(board):
	"""What Grafana would show oddly, and not say."""
	ids = [panel["id"] for panel in panels(board)]
	if len(ids) != len(set(ids)):
		yield "two panels have one id"
	taken = set()
	for panel in board["panels"]:
		at = panel["gridPos"]
		if at["x"] + at["w"] > 24:
			yield "%s is wider than the page" % panel["title"]
		cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
			for y in range(at["y"], at["y"] + at["h"])}
		if cells & taken:
			yield "%s lies over another panel" % panel["title"]
		taken |= cells
		if panel["type"] != "row" and not panel.get("targets"):
			yield "%s asks nothing" % panel["title"]
		for target in panel.get("targets", []):
			if target["datasource"]["uid"] != "${datasource}":
				yield "%s: a data source of its own" % panel["title"]
			used = set(re.findall(r"\$(?!__)(\w+)", target["expr"]))
			missing = used - {one["name"] for one in board["templating"]["list"]}
			if missing:
				yield "%s: no variable %s" % (panel["title"], ", ".join(missing))


def promtool_says(*words):
	done = subprocess.run([promtool, *map(str, words)], capture_output=True, text=True)
	if done.returncode:
		yield from [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]


def asked(board):
	"""(panel, expression) with variables filled in."""
	for panel in panels(board):
		for target in panel.get("targets", []):
			yield panel["title"], re.sub(r"\$\w+", ".*",
				target["expr"].replace("$__rate_interval", "5m"))


board = json.loads((CONTRIB / "grafana/pgweir.json").read_text())
rules_file = CONTRIB / "prometheus/pgweir.rules.yml"
rules = [rule for group in yaml.safe_load(rules_file.read_text())["groups"] for rule in group["rules"]]
adapter = yaml.safe_load((CONTRIB / "kubernetes/components/autoscaling/adapter.yaml").read_text())
recorded = {rule["record"] for rule in rules if "record" in rule}
alerts = {rule["alert"] for rule in rules if "alert" in rule}
scaling = [rule["metricsQuery"].replace("<<.LabelMatchers>>", 'pod="a"').replace("<<.GroupBy>>", "pod")
	for rule in adapter["rules"]["custom"]]
known = exported()

check("a running pgweir has metrics of its own", [] if
	{"pgweir_build_info", "pgweir_pool_wait_seconds_bucket"} <= known.keys() else known.keys())
check("the dashboard asks for what there is", [one for title, expression in asked(board)
	for one in complaints_of(title, expression, known, recorded)] +
	[one for variable in board["templating"]["list"]
		for one in complaints_of(variable["name"], variable.get("definition", ""), known, recorded)])
check("its panels are in order", layout(board))
(folder / "board.yml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": [
	{"record": "panel", "labels": {"n": str(n), "title": title}, "expr": expression}
	for n, (title, expression) in enumerate([*asked(board), *(("scaling", one) for one in scaling)])]}]}))
check("promtool understands what it and the autoscaler ask", promtool_says("check", "rules", folder / "board.yml"))

check("the rules ask for what there is", [one for rule in rules for one in
	complaints_of(rule.get("alert") or rule["record"], rule["expr"], known, recorded)])
check("promtool check rules", promtool_says("check", "rules", rules_file))
# the text of an alert is not what is tried out
bare = yaml.safe_load(rules_file.read_text())
for group in bare["groups"]:
	for rule in group["rules"]:
		rule.pop("annotations", None)
(folder / "rules.yml").write_text(yaml.safe_dump(bare))
tests = (HERE / "rules_test.yml").read_text()
(folder / "test.yml").write_text(tests.replace("RULES", "rules.yml"))
check("promtool test rules", promtool_says("test", "rules", folder / "test.yml"))
cases = [case for test in yaml.safe_load(tests)["tests"] for case in test.get("alert_rule_test", [])]
fires = {case["alertname"] for case in cases if case.get("exp_alerts")}
rests = {case["alertname"] for case in cases if not case.get("exp_alerts")}
check("each alert is seen to fire and to rest", ["%s is not" % name for name in
	alerts ^ fires | alerts ^ rests])
check("each alert says how bad and what to do", [rule["alert"] for rule in rules if "alert" in rule
	and not (rule["labels"].get("severity") and {"summary", "description"} <= rule["annotations"].keys())])
check("the autoscaler's rule asks for what there is", [one for rule in adapter["rules"]["custom"]
	for one in complaints_of("adapter.yaml", rule["seriesQuery"] + " " + rule["metricsQuery"],
		known, recorded)])
print("1..%d" % count)
sys.exit(failed)
